#include "core/run/resolve.h"

#include <ares.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/os/sockaddr.h"

enum {
    SOCKETS = 16,
    FIRST_TRY_MS = 1000,
    TRIES = 4,
    /* Once there are addresses of one family, the other's are waited for so long: a name server
     * that drops questions for IPv6 is common (RFC 8305, section 3), one that drops those for IPv4
     * is not, and then there may be nothing that works without it. */
    AFTER_IP4_US = 50000,
    AFTER_IP6_US = 1000000
};

/* A socket of c-ares that is being watched. */
struct watch {
    struct resolve *owner;
    ares_socket_t fd;
    struct loop_io *io; /* NULL: the place is free */
};

/* The addresses of one family, asked for on their own. */
struct question {
    struct resolve *owner;
    bool answered;
    int status; /* of c-ares, when answered */
    size_t count;
    struct addr list[RESOLVE_MAX];
};

struct resolve {
    struct loop *loop;
    ares_channel channel; /* NULL: nobody is asked */
    bool library, ended;
    struct loop_timer retry; /* what c-ares waits for */
    struct loop_timer limit;
    struct loop_timer enough; /* one family has answered */
    struct question ip6, ip4;
    struct loop_task report;
    struct watch watch[SOCKETS];
    struct addr list[RESOLVE_MAX];
    struct resolve_result result;
    uint16_t port;
    void (*done)(void *ctx, const struct resolve_result *result);
    void *ctx;
};

/* ---- the end ---- */

static void on_report(void *ctx)
{
    struct resolve *r = ctx;

    r->done(r->ctx, &r->result);
}

/* Ends the lookup; done() comes from the loop, so that nobody is called from within c-ares. */
static void end(struct resolve *r, enum err e, const char *why)
{
    if (r->ended)
        return;
    r->ended = true;
    r->result = (struct resolve_result){e, why, e ? 0 : r->result.count, r->list};
    loop_timer_set(&r->limit, LOOP_NEVER);
    loop_timer_set(&r->enough, LOOP_NEVER);
    loop_task_defer(&r->report);
}

static void add(struct resolve *r, struct addr a)
{
    a.port = r->port;
    if (a.family != ADDR_NONE && r->result.count < RESOLVE_MAX)
        r->list[r->result.count++] = a;
}

/* All that came: IPv6 first, and of a long list of one family no more than leaves the other half of
 * the places. */
static void gather(struct resolve *r)
{
    size_t half = RESOLVE_MAX / 2, n4 = r->ip4.count, n6 = r->ip6.count;

    n6 = num_min(n6, RESOLVE_MAX - num_min(n4, half));
    for (size_t i = 0; i < n6; i++)
        add(r, r->ip6.list[i]);
    for (size_t i = 0; i < n4; i++)
        add(r, r->ip4.list[i]);
}

static const char *words_for(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return "the host has no address";
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
        return "no name server answers";
    default:
        return ares_strerror(status);
    }
}

static void on_limit(void *ctx)
{
    struct resolve *r = ctx;

    gather(r);
    if (r->result.count)
        end(r, OK, NULL);
    else
        end(r, ERR_UNREACHABLE, "no name server has answered in time");
}

static void on_enough(void *ctx)
{
    struct resolve *r = ctx;

    gather(r);
    end(r, OK, NULL);
}

/* A family has answered: what is there may do, or has to. */
static void weigh(struct resolve *r)
{
    bool four = r->ip4.count, six = r->ip6.count;

    if (r->ip4.status == ARES_ENOMEM || r->ip6.status == ARES_ENOMEM) {
        end(r, ERR_MEMORY, "out of memory");
    } else if (r->ip4.answered && r->ip6.answered) {
        gather(r);
        if (r->result.count)
            end(r, OK, NULL);
        else
            end(r, ERR_UNREACHABLE, words_for(r->ip4.status));
    } else if (four || six) {
        loop_timer_set(&r->enough, loop_now_us(r->loop) + (four ? AFTER_IP4_US : AFTER_IP6_US));
    }
}

static void on_answer(void *ctx, int status, int timeouts, struct ares_addrinfo *info)
{
    struct question *q = ctx;
    struct resolve *r = q->owner;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        for (struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next) {
            struct addr a = sockaddr_get(n->ai_addr);
            if (a.family != ADDR_NONE && q->count < RESOLVE_MAX)
                q->list[q->count++] = a;
        }
    if (info)
        ares_freeaddrinfo(info);
    q->answered = true;
    q->status = status;
    if (!r->ended && status != ARES_EDESTRUCTION)
        weigh(r);
}

/* The hosts file answers at once, and alone where it has the name. */
static void on_filed(void *ctx, int status, int timeouts, struct ares_addrinfo *info)
{
    struct resolve *r = ctx;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        for (struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next)
            add(r, sockaddr_get(n->ai_addr));
    if (info)
        ares_freeaddrinfo(info);
    if (status == ARES_ENOMEM)
        end(r, ERR_MEMORY, "out of memory");
    else if (r->result.count)
        end(r, OK, NULL);
}

/* ---- c-ares on the loop ---- */

static void plan(struct resolve *r)
{
    struct timeval t;

    if (ares_timeout(r->channel, NULL, &t))
        loop_timer_set(&r->retry,
                       loop_now_us(r->loop) + (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec);
    else
        loop_timer_set(&r->retry, LOOP_NEVER);
}

static void on_retry(void *ctx)
{
    struct resolve *r = ctx;

    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    plan(r);
}

static void on_ready(void *ctx, unsigned events)
{
    struct watch *w = ctx;
    struct resolve *r = w->owner;
    ares_socket_t fd = w->fd; /* the watch may end within the call */

    ares_process_fd(r->channel, events & LOOP_READ ? fd : ARES_SOCKET_BAD,
                    events & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
    plan(r);
}

static void on_socket(void *ctx, ares_socket_t fd, int readable, int writable)
{
    struct resolve *r = ctx;
    struct watch *w = NULL;

    for (size_t i = 0; i < SOCKETS; i++)
        if (r->watch[i].io && r->watch[i].fd == fd)
            w = &r->watch[i];
    for (size_t i = 0; i < SOCKETS && !w; i++)
        if (!r->watch[i].io)
            w = &r->watch[i];
    if (!w || (!w->io && !readable && !writable))
        return; /* one socket too many: its answer is missed, and asked for again elsewhere */
    if (!w->io) {
        *w = (struct watch){.owner = r, .fd = fd};
        if (loop_io_new(r->loop, fd, on_ready, w, &w->io) != OK)
            return;
    }
    if (readable || writable) {
        loop_io_want(w->io, (readable ? LOOP_READ : 0u) | (writable ? LOOP_WRITE : 0u));
    } else {
        loop_io_free(w->io);
        w->io = NULL;
    }
}

/* A channel that looks in these places: "f" the hosts file, "b" DNS. Both of UDP and TCP are
 * c-ares' own sockets. */
static int open_channel(struct resolve *r, char *places, const char *servers)
{
    struct ares_options o = {.timeout = FIRST_TRY_MS,
                             .tries = TRIES,
                             .lookups = places,
                             .sock_state_cb = on_socket,
                             .sock_state_cb_data = r};
    int status = ares_init_options(&r->channel, &o,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
                                       ARES_OPT_LOOKUPS);

    if (status == ARES_SUCCESS && servers)
        status = ares_set_servers_ports_csv(r->channel, servers);
    return status;
}

static void close_channel(struct resolve *r)
{
    if (r->channel)
        ares_destroy(r->channel);
    r->channel = NULL;
}

static enum err ask(struct resolve *r, const char *host, const char *servers)
{
    struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = ARES_AI_ENVHOSTS};
    char filed[] = "f", named[] = "b";
    int status = ares_library_init_mem(ARES_LIB_INIT_ALL, heap_alloc, heap_free, heap_resize);

    r->library = status == ARES_SUCCESS;
    if (status == ARES_SUCCESS)
        status = open_channel(r, filed, NULL);
    if (status == ARES_SUCCESS) {
        ares_getaddrinfo(r->channel, host, NULL, &hints, on_filed, r);
        if (r->ended)
            return OK;
        close_channel(r);
        status = open_channel(r, named, servers);
    }
    if (status == ARES_ENOMEM)
        return ERR_MEMORY;
    if (status != ARES_SUCCESS) {
        log_error("cannot look up %.80s: %s", host, ares_strerror(status));
        return ERR_SYSTEM;
    }
    r->ip6.owner = r->ip4.owner = r;
    hints.ai_family = AF_INET6;
    ares_getaddrinfo(r->channel, host, NULL, &hints, on_answer, &r->ip6);
    hints.ai_family = AF_INET;
    ares_getaddrinfo(r->channel, host, NULL, &hints, on_answer, &r->ip4);
    plan(r);
    return OK;
}

/* ---- life ---- */

static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t n = strlen(host), k = sizeof name - 1;

    if (n && host[n - 1] == '.')
        n--;
    return n >= k && strncasecmp(host + n - k, name, k) == 0 && (n == k || host[n - k - 1] == '.');
}

/* What is known without asking; false when somebody must be asked. */
static bool is_known(struct resolve *r, const char *host)
{
    struct addr a;

    if (addr_parse_ip(host, &a) == OK) {
        add(r, a);
    } else if (is_localhost(host)) {
        add(r, (struct addr){.family = ADDR_IP4, .ip = {127, 0, 0, 1}});
        add(r, (struct addr){.family = ADDR_IP6, .ip = {[15] = 1}});
    }
    return r->result.count > 0;
}

enum err resolve_start(struct loop *l, const char *host, uint16_t port, uint64_t timeout_us,
                       const char *servers,
                       void (*done)(void *ctx, const struct resolve_result *result), void *ctx,
                       struct resolve **out)
{
    struct resolve *r = heap_alloc(sizeof *r);
    enum err e = OK;

    *out = NULL;
    if (!r)
        return ERR_MEMORY;
    r->loop = l;
    r->port = port;
    r->done = done;
    r->ctx = ctx;
    loop_timer_init(&r->retry, l, on_retry, r);
    loop_timer_init(&r->limit, l, on_limit, r);
    loop_timer_init(&r->enough, l, on_enough, r);
    loop_timer_set(&r->limit, loop_now_us(l) + timeout_us);
    loop_task_init(&r->report, l, on_report, r);
    if (is_known(r, host))
        end(r, OK, NULL);
    else
        e = ask(r, host, servers);
    if (e) {
        resolve_free(r);
        return e;
    }
    *out = r;
    return OK;
}

void resolve_free(struct resolve *r)
{
    if (!r)
        return;
    r->ended = true;
    close_channel(r);
    if (r->library)
        ares_library_cleanup();
    for (size_t i = 0; i < SOCKETS; i++)
        loop_io_free(r->watch[i].io);
    loop_timer_release(&r->retry);
    loop_timer_release(&r->limit);
    loop_timer_release(&r->enough);
    loop_task_release(&r->report);
    heap_free(r);
}

/* What resolve_wait waits for. */
struct waiting {
    struct loop *loop;
    bool ended;
    enum err e;
    struct addr *list;
    size_t *count;
    const char **why;
};

static void on_waited(void *ctx, const struct resolve_result *result)
{
    struct waiting *w = ctx;

    w->ended = true;
    w->e = result->e;
    *w->why = result->why;
    *w->count = result->count;
    memcpy(w->list, result->list, result->count * sizeof *w->list);
    loop_leave(w->loop);
}

enum err resolve_wait(struct loop *l, const char *host, uint16_t port, uint64_t timeout_us,
                      struct addr list[RESOLVE_MAX], size_t *count, const char **why, int *code)
{
    struct waiting w = {.loop = l, .list = list, .count = count, .why = why};
    struct resolve *r;

    *count = 0;
    *why = "cannot look up names";
    enum err e = resolve_start(l, host, port, timeout_us, NULL, on_waited, &w, &r);
    if (e)
        return e;
    *code = loop_run(l);
    resolve_free(r);
    return w.ended ? w.e : ERR_AGAIN;
}
