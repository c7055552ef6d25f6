#include "core/run/migrate_relay_far.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/crypt/role.h"
#include "core/os/unix_socket.h"
#include "core/run/channel_list.h"
#include "core/run/channel_names.h"
#include "core/run/host.h"
#include "core/run/stop.h"

enum { CONNECT_AGAIN_US = 20000, CALLERS = 64, STREAM_STEP = 2 };

/* Who has called. */
struct caller {
    struct peer *peer;    /* borrowed */
    uint64_t next_stream; /* the channel whose turn it is: in the order in which they were opened,
                           * which QEMU relies on, whichever's first words come first */
};

struct far {
    const struct run_migrate_relay_config *config;
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct host *host;
    struct channel_name name[LIMIT_CHANNEL_NAMES];
    size_t names;
    struct caller caller[CALLERS];
    size_t callers;
    struct channel_list channels;
    struct loop_timer again; /* sockets whose queue was full */
    enum err failure;
};

static void settle(struct far *f, enum err e)
{
    if (!e)
        return;
    if (!f->failure)
        f->failure = e;
    loop_stop(f->loop, 1);
}

static void kick(void *ctx)
{
    struct far *f = ctx;

    host_kick(f->host);
}

static const struct channel_name *name_of(const struct far *f, const char *name)
{
    for (size_t i = 0; i < f->names; i++)
        if (strcmp(f->name[i].name, name) == 0)
            return &f->name[i];
    return NULL;
}

static void refuse(struct channel_item *c, enum channel_code code, const char *why)
{
    log_info("channel %llu: %s is refused: %s", (unsigned long long)c->number,
             channel_end_name(c->socket.end), why);
    channel_end_answer(c->socket.end, code, why);
    c->socket.read_ended = c->socket.write_ended = true;
}

/* ERR_AGAIN: those who wait there already go first. */
static enum err open_socket(struct far *f, struct channel_item *c)
{
    const struct channel_name *to = name_of(f, channel_end_name(c->socket.end));
    int fd = -1;
    enum err e = to ? unix_socket_connect(to->path, &fd) : OK;

    if (!to)
        refuse(c, CHANNEL_UNKNOWN, "no socket of that name is offered here");
    else if (e == ERR_AGAIN)
        return e;
    else if (e == ERR_NOT_FOUND)
        refuse(c, CHANNEL_NOBODY, "nobody listens on that socket");
    else if (e || channel_socket_connect(&c->socket, f->loop, fd))
        refuse(c, CHANNEL_FAILED, "the socket cannot be connected to");
    else
        channel_end_answer(c->socket.end, CHANNEL_OPENED, "");
    return OK;
}

static enum err open_turn(struct far *f, struct caller *from)
{
    for (;; from->next_stream += STREAM_STEP) {
        struct channel_item *c = channel_list_find(&f->channels, from->peer, from->next_stream);
        if (!c || channel_end_stage(c->socket.end) == CHANNEL_ASKED)
            return OK;
        if (channel_end_stage(c->socket.end) == CHANNEL_NAMED && open_socket(f, c) == ERR_AGAIN)
            return ERR_AGAIN;
        c->held = false;
        settle(f, channel_list_wake(&f->channels, c));
    }
}

static void open_sockets(struct far *f)
{
    bool again = false;

    for (size_t i = 0; i < f->callers; i++)
        again |= open_turn(f, &f->caller[i]) == ERR_AGAIN;
    loop_timer_set(&f->again, again ? loop_now_us(f->loop) + CONNECT_AGAIN_US : LOOP_NEVER);
}

static void on_again(void *ctx)
{
    struct far *f = ctx;

    open_sockets(f);
    host_kick(f->host);
}

/* ---- sessions ---- */

static struct caller *caller_of(struct far *f, const struct peer *p)
{
    for (size_t i = 0; i < f->callers; i++)
        if (f->caller[i].peer == p)
            return &f->caller[i];
    return NULL;
}

static void take(struct far *f, struct peer *p, uint64_t stream)
{
    struct channel_item *c = channel_list_find(&f->channels, p, stream);
    const struct caller *from = caller_of(f, p);
    struct channel_end *end;
    enum err e = OK;

    if (!from || (!c && stream < from->next_stream))
        return; /* of a channel that is over */
    if (!c) {
        e = channel_end_take(p, stream, &end);
        if (!e)
            e = channel_list_add(&f->channels, p, end, &c);
        if (e) {
            peer_close(p, loop_now_us(f->loop), e,
                       e == ERR_LIMIT ? "too many channels at once" : err_text(e));
            return;
        }
        c->held = true;
    }
    settle(f, channel_list_wake(&f->channels, c));
    open_sockets(f);
}

static void welcome(struct far *f, struct peer *p, const struct peer_event *e)
{
    char at[ADDR_CHARS];

    if (f->callers == CALLERS) {
        peer_close(p, loop_now_us(f->loop), ERR_BUSY, "too many callers at once");
        return;
    }
    f->caller[f->callers++] = (struct caller){.peer = p};
    log_info("%s has come", addr_print(&e->path, at));
}

static void part(struct far *f, const struct peer *p, const struct peer_event *e)
{
    for (size_t i = 0; i < f->callers; i++)
        if (f->caller[i].peer == p)
            f->caller[i] = f->caller[--f->callers];
    log_info("a session has ended: %s", e->reason[0] ? e->reason : err_text(e->error));
    settle(f, channel_list_drop(&f->channels, p));
    if (f->config->once)
        loop_stop(f->loop, 0);
}

static void on_event(void *ctx, struct peer *p, const struct peer_event *e)
{
    struct far *f = ctx;
    struct channel_item *c;

    switch (e->kind) {
    case PEER_EVENT_CONNECTED:
        welcome(f, p, e);
        break;
    case PEER_EVENT_STREAM:
        take(f, p, e->id);
        break;
    case PEER_EVENT_WRITABLE:
        c = channel_list_find(&f->channels, p, e->id);
        if (c)
            settle(f, channel_list_wake(&f->channels, c));
        break;
    case PEER_EVENT_CLOSED:
        part(f, p, e);
        break;
    default:
        break;
    }
    host_kick(f->host);
}

static void on_fill(void *ctx, uint64_t now_us)
{
    struct far *f = ctx;

    channel_list_fill(&f->channels, now_us);
    settle(f, channel_list_sweep(&f->channels));
}

static void on_reread(void *ctx)
{
    struct far *f = ctx;

    host_reload(f->host);
}

/* ---- life ---- */

static enum err begin(struct far *f)
{
    const struct run_migrate_relay_config *c = f->config;
    struct host_owner owner = {.event = on_event, .fill = on_fill, .ctx = f};
    struct host_config hc = {
        .listen = c->listen,
        .advertise = c->advertise,
        .gate = {.authorized = c->authorized,
                 .invite_roles = c->invite ? ROLE_MIGRATE : 0,
                 .needed = ROLE_MIGRATE},
        .peer = channel_end_peer_config(),
    };
    enum err e = channel_names_parse(&c->socket, f->run, f->name, &f->names);

    hc.peer.idle_timeout_us = c->patience_us;
    if (!e)
        e = loop_new(&f->loop);
    if (!e)
        e = stop_new(f->loop, &(struct stop_owner){.reread = on_reread, .ctx = f}, NULL, &f->stop);
    if (e)
        return e;
    loop_timer_init(&f->again, f->loop, on_again, f);
    f->channels = (struct channel_list){.loop = f->loop, .run = f->run, .kick = kick, .ctx = f};
    e = host_new(f->loop, &hc, &owner, f->run, &f->host);
    return e ? e : host_say_listening(f->host);
}

enum err migrate_relay_far_run(const struct run_migrate_relay_config *config, struct run *run)
{
    struct far *f = heap_alloc(sizeof *f);

    if (!f)
        return ERR_MEMORY;
    f->config = config;
    f->run = run;
    enum err e = begin(f);
    if (!e) {
        if (loop_run(f->loop) && !f->failure)
            f->failure = ERR_SYSTEM; /* the socket: the reason is given */
        e = f->failure;
        channel_list_release(&f->channels);
        loop_timer_release(&f->again);
        host_close_all(f->host, OK, "the relay has ended");
        host_part(f->host, OK, "the relay has ended");
    }
    host_free(f->host);
    stop_free(f->stop);
    loop_free(f->loop);
    heap_free(f);
    return e;
}
