#include "core/run/migrate_relay_near.h"

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/stream_socket.h"
#include "core/os/unix_socket.h"
#include "core/run/call.h"
#include "core/run/channel_list.h"
#include "core/run/channel_names.h"
#include "core/run/stop.h"

enum { TAKE_AGAIN_US = 100000 };

struct near;

/* A socket that is listened on. */
struct door {
    struct near *near; /* borrowed */
    const struct channel_name *name;
    int fd;
    struct loop_io *io;
};

struct near {
    const struct run_migrate_relay_config *config;
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct call *call;
    struct channel_name name[LIMIT_CHANNEL_NAMES];
    struct door door[LIMIT_CHANNEL_NAMES];
    size_t names, doors;     /* given, open */
    struct loop_timer again; /* no descriptors for more connections */
    struct channel_list channels;
    struct peer *peer; /* borrowed, while there is a session */
    bool finished;
    enum err failure;
};

static void finish(struct near *n, enum err e)
{
    if (!n->finished)
        n->failure = e;
    n->finished = true;
    loop_stop(n->loop, 0);
}

static void settle(struct near *n, enum err e)
{
    if (e)
        finish(n, e);
}

static void kick(void *ctx)
{
    struct near *n = ctx;

    call_kick(n->call);
}

/* ---- the sockets ---- */

static void take(struct near *n, const struct channel_name *name, int fd)
{
    struct channel_end *end;
    struct channel_item *c;
    enum err e = channel_end_call(n->peer, name->name, &end);

    if (!e)
        e = channel_list_add(&n->channels, n->peer, end, &c);
    if (e) {
        log_warn("a connection to %s cannot be carried: %s", name->path, err_text(e));
        stream_socket_close(fd);
        return;
    }
    e = channel_socket_connect(&c->socket, n->loop, fd);
    if (e)
        c->socket.broken = true;
    call_kick(n->call);
}

static void on_door(void *ctx, unsigned events)
{
    struct door *d = ctx;
    int fd;
    enum err e = OK;

    (void)events;
    while (d->near->peer && (e = stream_socket_accept(d->fd, &fd, NULL)) == OK)
        take(d->near, d->name, fd);
    if (e == ERR_LIMIT) {
        loop_io_want(d->io, 0);
        loop_timer_set(&d->near->again, loop_now_us(d->near->loop) + TAKE_AGAIN_US);
    }
    if (e == ERR_SYSTEM)
        finish(d->near, reason_give(&d->near->run->reason, e, "cannot take connections to %s",
                                    d->name->path));
}

static void on_again(void *ctx)
{
    struct near *n = ctx;

    for (size_t i = 0; i < n->doors; i++)
        loop_io_want(n->door[i].io, LOOP_READ);
}

static enum err open_door(struct near *n, const struct channel_name *name)
{
    struct door *d = &n->door[n->doors];
    enum err e = unix_socket_listen(name->path, &d->fd);

    if (e)
        return reason_give(&n->run->reason, e == ERR_EXISTS ? ERR_USAGE : e,
                           e == ERR_EXISTS ? "%s is there already, and is no socket: give another "
                                             "path"
                           : e == ERR_BUSY ? "somebody listens on %s already: end that first, or "
                                             "give another path"
                                           : "cannot listen on %s",
                           name->path);
    d->near = n;
    d->name = name;
    n->doors++;
    e = loop_io_new(n->loop, d->fd, on_door, d, &d->io);
    if (!e)
        loop_io_want(d->io, LOOP_READ);
    return e;
}

static void close_doors(struct near *n)
{
    while (n->doors) {
        struct door *d = &n->door[--n->doors];
        loop_io_free(d->io);
        unix_socket_remove(d->name->path);
        stream_socket_close(d->fd);
    }
}

/* ---- the session ---- */

static void connected(struct near *n, struct peer *p, const struct peer_event *e)
{
    char at[ADDR_CHARS];
    enum err err = OK;

    n->peer = p;
    for (size_t i = 0; i < n->names && !err; i++)
        err = open_door(n, &n->name[i]);
    if (err) {
        finish(n, err);
        return;
    }
    log_info("connected to %s", addr_print(&e->path, at));
    for (size_t i = 0; i < n->names; i++)
        log_info("%s is open as %s", n->name[i].path, n->name[i].name);
    struct json *j = json_new();
    json_put_string(j, "event", "connected");
    json_put_string(j, "address", at);
    settle(n, run_event(n->run, j));
}

static void closed(struct near *n, const struct peer_event *e)
{
    settle(n, channel_list_drop(&n->channels, n->peer));
    n->peer = NULL;
    if (n->finished)
        return;
    if (e->error == OK)
        finish(n, OK);
    else
        finish(n, e->error == ERR_SYSTEM || e->error == ERR_MEMORY ? ERR_UNREACHABLE : e->error);
}

static void on_event(void *ctx, struct peer *p, const struct peer_event *e)
{
    struct near *n = ctx;
    struct channel_item *c;

    switch (e->kind) {
    case PEER_EVENT_CONNECTED:
        connected(n, p, e);
        break;
    case PEER_EVENT_STREAM:
    case PEER_EVENT_WRITABLE:
        c = channel_list_find(&n->channels, p, e->id);
        if (c)
            settle(n, channel_list_wake(&n->channels, c));
        else if (e->kind == PEER_EVENT_STREAM)
            peer_stream_reset(p, e->id, 1); /* it is not the far end who asks */
        break;
    case PEER_EVENT_CLOSED:
        closed(n, e);
        break;
    default:
        break;
    }
}

static void on_fill(void *ctx, uint64_t now_us)
{
    struct near *n = ctx;

    channel_list_fill(&n->channels, now_us);
    settle(n, channel_list_sweep(&n->channels));
}

/* ---- life ---- */

static enum err begin(struct near *n)
{
    const struct run_migrate_relay_config *c = n->config;
    struct call_config cc = {.target = c->target,
                             .accept_new = c->accept_new,
                             .tcp = c->tcp,
                             .peer = channel_end_peer_config()};
    struct call_owner owner = {.event = on_event, .fill = on_fill, .ctx = n};
    enum err e = channel_names_parse(&c->socket, n->run, n->name, &n->names);

    cc.peer.idle_timeout_us = c->patience_us;
    if (!e)
        e = loop_new(&n->loop);
    if (!e) {
        loop_timer_init(&n->again, n->loop, on_again, n);
        e = stop_new(n->loop, &(struct stop_owner){0}, n->run, &n->stop);
    }
    if (e)
        return e;
    n->channels = (struct channel_list){.loop = n->loop, .run = n->run, .kick = kick, .ctx = n};
    e = call_new(n->loop, &cc, &owner, n->run, &n->call);
    return e == ERR_AGAIN ? OK : e;
}

static enum err say_result(struct near *n)
{
    struct channel_totals t = channel_list_totals(&n->channels);
    struct json *j = json_new();

    json_put_string(j, "event", "result");
    json_put_int(j, "channels", (int64_t)t.channels);
    json_put_int(j, "sent_bytes", (int64_t)t.given_bytes);
    json_put_int(j, "packed_bytes", (int64_t)t.packed_bytes);
    json_put_int(j, "received_bytes", (int64_t)t.taken_bytes);
    run_say(n->run, "%llu channels, %llu bytes sent as %llu, %llu received",
            (unsigned long long)t.channels, (unsigned long long)t.given_bytes,
            (unsigned long long)t.packed_bytes, (unsigned long long)t.taken_bytes);
    return run_event(n->run, j);
}

static void end(struct near *n)
{
    if (n->loop) {
        close_doors(n);
        loop_timer_release(&n->again);
    }
    channel_list_release(&n->channels);
    if (n->call)
        call_part(n->call, OK, "the relay has ended");
    call_free(n->call);
    stop_free(n->stop);
    loop_free(n->loop);
}

enum err migrate_relay_near_run(const struct run_migrate_relay_config *config, struct run *run)
{
    struct near *n = heap_alloc(sizeof *n);

    if (!n)
        return ERR_MEMORY;
    n->config = config;
    n->run = run;
    enum err e = begin(n);
    if (!e && n->call) {
        loop_run(n->loop);
        e = n->failure;
        if (!e)
            e = say_result(n);
    }
    end(n);
    heap_free(n);
    return e;
}
