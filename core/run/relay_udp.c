#include "core/run/relay_udp.h"

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/os/dgram.h"
#include "core/run/batch.h"

enum {
    RECEIVE_CALLS = 4, /* a turn and socket */
    HASH = 1024,       /* a power of two */
    RETRY_US = 1000,   /* how long a socket that takes no more is left alone */
    SWEEP_US = 10 * 1000000,
    REOPEN_US = 100000, /* no new client so soon after a socket could not be made */
    NONE = 0xffff,
};

struct client {
    struct relay_udp *relay;
    struct dgram socket; /* to the server; fd -1: the place is free */
    struct loop_io *io;
    struct addr peer;  /* the client's address */
    struct addr local; /* and the one it sends to: answers leave from there */
    uint64_t seen_us;  /* when something last passed, either way */
    uint32_t life;     /* how often this place was given out: what is in flight may outlive it */
    uint16_t next;     /* in its hash chain */
};

/* One direction: what comes out of the link waits in the batch for its sockets. */
struct flow {
    struct wan_link *link; /* borrowed */
    struct batch batch;
    uint64_t retry_us; /* not before, after a socket was full; 0: now */
    struct relay_losses losses;
};

struct relay_udp {
    struct loop *loop;
    struct dgram front; /* towards the clients */
    struct loop_io *io;
    struct loop_timer due, sweep;
    struct dgram_space *space;
    struct addr server;
    uint64_t pumped_us, reopen_us;
    uint16_t chain[HASH];
    size_t clients;
    struct client client[RELAY_UDP_CLIENTS];
    struct flow up, down;
};

/* ---- clients ---- */

static uint16_t *chain_of(struct relay_udp *r, const struct addr *a)
{
    const uint8_t *p = (const uint8_t *)a;
    uint32_t h = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < sizeof *a; i++)
        h = (h ^ p[i]) * 16777619u;
    return &r->chain[(h ^ h >> 16) % HASH];
}

static void on_upstream(void *ctx, unsigned events);

/* Opens a socket to the server with a port of its own. */
static enum err open_upstream(struct relay_udp *r, struct client *c, struct dgram *d,
                              struct loop_io **io)
{
    struct addr any = {.family = r->server.family};
    enum err e = dgram_open(d, &any);

    if (e)
        return e;
    e = loop_io_new(r->loop, d->fd, on_upstream, c, io);
    if (e) {
        dgram_close(d);
        return e;
    }
    loop_io_want(*io, LOOP_READ);
    return OK;
}

/* Closes a client's socket and keeps what it has counted. */
static void close_upstream(struct relay_udp *r, struct client *c)
{
    r->up.losses.refused += c->socket.refused;
    r->down.losses.overflow += c->socket.overflow;
    loop_io_free(c->io);
    c->io = NULL;
    dgram_close(&c->socket);
}

static void forget(struct relay_udp *r, struct client *c)
{
    uint16_t *at = chain_of(r, &c->peer), me = (uint16_t)(c - r->client);

    while (*at != me)
        at = &r->client[*at].next;
    *at = c->next;
    close_upstream(r, c);
    r->clients--;
}

/* A free place, or that of the most silent client; NULL when all are busy. */
static struct client *find_place(struct relay_udp *r, uint64_t now_us)
{
    struct client *best = NULL;

    for (size_t i = 0; i < RELAY_UDP_CLIENTS; i++) {
        struct client *c = &r->client[i];
        if (c->socket.fd < 0)
            return c;
        if (!best || c->seen_us < best->seen_us)
            best = c;
    }
    if (num_sub0(now_us, best->seen_us) < RELAY_UDP_RECLAIM_S * 1000000ull)
        return NULL;
    forget(r, best);
    return best;
}

static struct client *find_client(struct relay_udp *r, const struct dgram_burst *b, uint64_t now_us)
{
    uint16_t *chain = chain_of(r, &b->peer);
    char text[ADDR_CHARS];

    for (uint16_t i = *chain; i != NONE; i = r->client[i].next)
        if (addr_equal(&r->client[i].peer, &b->peer))
            return &r->client[i];
    struct client *c = find_place(r, now_us);
    if (!c || now_us < r->reopen_us)
        return NULL;
    if (open_upstream(r, c, &c->socket, &c->io) != OK) {
        r->reopen_us = now_us + REOPEN_US;
        return NULL;
    }
    c->relay = r;
    c->peer = b->peer;
    c->life++;
    c->next = *chain;
    *chain = (uint16_t)(c - r->client);
    r->clients++;
    log_debug("relay: client %s, %zu in all", addr_print(&c->peer, text), r->clients);
    return c;
}

/* Gives every client a new socket, as a NAT that has forgotten all its mappings would. */
static void rebind(struct relay_udp *r)
{
    for (size_t i = 0; i < RELAY_UDP_CLIENTS; i++) {
        struct client *c = &r->client[i];
        struct dgram fresh;
        struct loop_io *io;
        if (c->socket.fd < 0 || open_upstream(r, c, &fresh, &io) != OK)
            continue;
        close_upstream(r, c);
        c->socket = fresh;
        c->io = io;
    }
    log_info("relay: %zu clients have a new address", r->clients);
}

static void on_sweep(void *ctx)
{
    struct relay_udp *r = ctx;
    uint64_t now_us = loop_now_us(r->loop);

    for (size_t i = 0; i < RELAY_UDP_CLIENTS; i++) {
        struct client *c = &r->client[i];
        if (c->socket.fd >= 0 && num_sub0(now_us, c->seen_us) >= RELAY_UDP_IDLE_S * 1000000ull)
            forget(r, c);
    }
    loop_timer_set(&r->sweep, now_us + SWEEP_US);
}

/* ---- out ---- */

/* The client that a datagram in flight belongs to, or NULL when it is gone. */
static struct client *client_of(struct relay_udp *r, uint64_t user)
{
    struct client *c = &r->client[user & 0xffff];

    return c->socket.fd >= 0 && c->life == user >> 32 ? c : NULL;
}

/* Moves what is due from the link to the batch; false when there is no more. */
static bool pull(struct relay_udp *r, struct flow *f, uint64_t now_us)
{
    bool up = f == &r->up;
    struct addr any = {0};
    struct wan_datagram d;
    uint8_t *space;
    size_t room;

    while ((space = batch_space(&f->batch, DGRAM_MAX_BYTES, &room))) {
        if (!wan_link_next(f->link, now_us, &d))
            return false;
        struct client *c = client_of(r, d.user);
        if (!c) {
            f->losses.no_place++;
            continue;
        }
        memcpy(space, d.bytes.p, d.bytes.n);
        batch_add(&f->batch, up ? (uint32_t)(c - r->client) : 0, up ? &r->server : &c->peer,
                  up ? &any : &c->local, d.ecn, d.bytes.n);
    }
    return true;
}

/* Hands the batch to its sockets; false when one is full. */
static bool push(struct relay_udp *r, struct flow *f, uint64_t now_us)
{
    while (!batch_empty(&f->batch)) {
        struct dgram *d = &r->front;
        if (f == &r->up)
            d = &r->client[f->batch.tag[f->batch.first]].socket;
        enum err e = d->fd >= 0 ? batch_send(&f->batch, d) : ERR_SYSTEM;
        if (e == ERR_AGAIN || e == ERR_BUSY) {
            f->retry_us = now_us + RETRY_US;
            return false;
        }
        if (e)
            f->losses.no_place += batch_drop(&f->batch);
    }
    f->retry_us = 0;
    return true;
}

static void pump(struct relay_udp *r, struct flow *f, uint64_t now_us)
{
    bool more = true;

    if (f->retry_us > now_us)
        return;
    while (push(r, f, now_us) && more)
        more = pull(r, f, now_us);
}

/* When a flow has something to do next. */
static uint64_t next_us(const struct flow *f)
{
    uint64_t due_us = batch_empty(&f->batch) ? wan_link_deadline_us(f->link) : 0;

    return num_max(due_us, f->retry_us);
}

/* Sets the timer for what is due next, but no more often than the grain. */
static void plan(struct relay_udp *r)
{
    uint64_t at_us = num_min(next_us(&r->up), next_us(&r->down));

    if (at_us != LOOP_NEVER)
        at_us = num_max(at_us, r->pumped_us + RELAY_UDP_GRAIN_US);
    loop_timer_set(&r->due, at_us);
}

static void on_due(void *ctx)
{
    struct relay_udp *r = ctx;
    uint64_t now_us = loop_refresh_us(r->loop);
    struct wan_change change;

    while (wan_link_next_event(r->up.link, now_us, &change))
        if (change.kind == WAN_CHANGE_REBIND)
            rebind(r);
    while (wan_link_next_event(r->down.link, now_us, &change))
        ;
    pump(r, &r->up, now_us);
    pump(r, &r->down, now_us);
    r->pumped_us = now_us;
    plan(r);
}

/* ---- in ---- */

static void send_burst(struct relay_udp *r, struct flow *f, struct client *c,
                       const struct dgram_burst *b, uint64_t now_us)
{
    uint64_t user = (uint64_t)c->life << 32 | (uint64_t)(c - r->client);
    size_t at = 0;

    c->seen_us = now_us;
    do {
        size_t n = num_min(b->each, b->n - at);
        wan_link_send(f->link, now_us, bytes_of(b->p + at, n), user, b->ecn);
        at += n;
    } while (at < b->n);
}

/* Both directions count their times from the first datagram of either. */
static void start_links(struct relay_udp *r, uint64_t now_us)
{
    wan_link_start(r->up.link, now_us);
    wan_link_start(r->down.link, now_us);
}

/* Receives from one socket: the front one (from NULL) or a client's. */
static void receive(struct relay_udp *r, struct dgram *d, struct client *from)
{
    struct dgram_burst burst[DGRAM_BATCH];
    size_t n = DGRAM_BATCH;

    for (int i = 0; i < RECEIVE_CALLS && n == DGRAM_BATCH; i++) {
        if (dgram_receive(d, r->space, burst, &n) != OK)
            break;
        uint64_t now_us = loop_refresh_us(r->loop);
        for (size_t k = 0; k < n; k++) {
            struct client *c = from ? from : find_client(r, &burst[k], now_us);
            if (from && !addr_equal(&burst[k].peer, &r->server))
                continue; /* not from the server: nobody asked for it */
            if (!c) {
                r->up.losses.no_place++;
                continue;
            }
            if (!from) {
                c->local = burst[k].local;
                start_links(r, now_us);
            }
            send_burst(r, from ? &r->down : &r->up, c, &burst[k], now_us);
        }
    }
    plan(r);
}

static void on_upstream(void *ctx, unsigned events)
{
    struct client *c = ctx;

    (void)events;
    receive(c->relay, &c->socket, c);
}

static void on_front(void *ctx, unsigned events)
{
    struct relay_udp *r = ctx;

    (void)events;
    receive(r, &r->front, NULL);
}

/* ---- life ---- */

enum err relay_udp_new(struct loop *l, const struct addr *listen, const struct addr *server,
                       struct wan_link *up, struct wan_link *down, struct relay_udp **out)
{
    struct relay_udp *r = heap_alloc(sizeof *r);

    *out = NULL;
    if (!r)
        return ERR_MEMORY;
    r->loop = l;
    r->server = *server;
    r->up.link = up;
    r->down.link = down;
    memset(r->chain, 0xff, sizeof r->chain);
    for (size_t i = 0; i < RELAY_UDP_CLIENTS; i++)
        r->client[i].socket.fd = -1;
    loop_timer_init(&r->due, l, on_due, r);
    loop_timer_init(&r->sweep, l, on_sweep, r);
    loop_timer_set(&r->sweep, loop_now_us(l) + SWEEP_US);
    r->space = dgram_space_new();
    enum err e = dgram_open(&r->front, listen);
    if (!e && !r->space)
        e = ERR_MEMORY;
    if (!e)
        e = loop_io_new(l, r->front.fd, on_front, r, &r->io);
    if (e) {
        relay_udp_free(r);
        return e;
    }
    loop_io_want(r->io, LOOP_READ);
    *out = r;
    return OK;
}

void relay_udp_free(struct relay_udp *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < RELAY_UDP_CLIENTS; i++)
        if (r->client[i].socket.fd >= 0)
            forget(r, &r->client[i]);
    loop_io_free(r->io);
    loop_timer_release(&r->due);
    loop_timer_release(&r->sweep);
    dgram_close(&r->front);
    dgram_space_free(r->space);
    heap_free(r);
}

const struct addr *relay_udp_local(const struct relay_udp *r)
{
    return &r->front.local;
}

struct relay_losses relay_udp_count(const struct relay_udp *r, bool up)
{
    struct relay_losses n = up ? r->up.losses : r->down.losses;

    if (up)
        n.overflow += r->front.overflow;
    else
        n.refused += r->front.refused;
    for (size_t i = 0; i < RELAY_UDP_CLIENTS; i++) {
        const struct dgram *d = &r->client[i].socket;
        if (d->fd < 0)
            continue;
        if (up)
            n.refused += d->refused;
        else
            n.overflow += d->overflow;
    }
    return n;
}

size_t relay_udp_clients(const struct relay_udp *r)
{
    return r->clients;
}
