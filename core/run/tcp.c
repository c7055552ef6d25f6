#include "core/run/tcp.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/os/stream_socket.h"
#include "core/os/tcp_socket.h"
#include "core/wire/chain.h"

enum {
    OUT_BYTES = 8 * 1024,     /* gathered for one write; waits when the socket is full */
    IN_BYTES = 64 * 1024,     /* one read */
    IN_READS = 4,             /* reads a turn of one connection before others get theirs */
    IN_LIST = 64,             /* packets a call of in() */
    ACCEPTS = 16,             /* connections taken a turn */
    PAUSE_US = 100000,        /* how long the door stays shut when there are no descriptors */
    SWEEP_US = 1000000,       /* how often strangers are looked at ... */
    SWEEP_IDLE_US = 10000000, /* ... and the others */
};

_Static_assert((int)OUT_BYTES >= 2 * (int)CHAIN_LINK_BYTES, "a packet fits behind a rest");

struct connection {
    struct tcp *tcp;
    struct addr peer;
    int fd; /* owned */
    struct loop_io *io;
    uint64_t used_us; /* when a session was last seen on it; at first when it was taken */
    bool opening, full;
    bool used;  /* a session lives on it */
    bool ended; /* to be freed when no callback of its own is running */
    bool quiet; /* its owner has closed it and need not be told */
    struct chain chain;
    size_t waiting; /* bytes of out */
    uint8_t out[OUT_BYTES];
};

struct tcp {
    struct loop *loop; /* borrowed */
    struct tcp_owner owner;
    struct connection *list[LIMIT_TCP_CONNECTIONS]; /* owned */
    size_t count;
    size_t last; /* where the last search ended: the next is mostly for the same */
    int door;    /* the listening socket, owned; -1: none */
    struct loop_io *door_io;
    struct loop_timer sweep, pause;
    struct loop_task reap;
    struct tcp_counters counters;
    uint8_t space[IN_BYTES];
};

/* ---- one connection ---- */

static struct connection *find(struct tcp *t, const struct addr *peer)
{
    for (size_t i = 0; i < t->count; i++) {
        size_t at = (t->last + i) % t->count;
        if (!t->list[at]->ended && addr_equal(&t->list[at]->peer, peer)) {
            t->last = at;
            return t->list[at];
        }
    }
    return NULL;
}

static void destroy(struct connection *c)
{
    loop_io_free(c->io);
    stream_socket_close(c->fd);
    heap_free(c);
}

static void end(struct connection *c)
{
    if (c->ended)
        return;
    c->ended = true;
    loop_io_want(c->io, 0);
    loop_task_defer(&c->tcp->reap);
}

static void take_out(struct tcp *t, size_t i)
{
    struct connection *c = t->list[i];
    struct addr peer = c->peer;
    bool quiet = c->quiet;

    t->list[i] = t->list[--t->count];
    t->last = 0;
    destroy(c);
    if (!quiet && t->owner.gone)
        t->owner.gone(t->owner.ctx, &peer);
}

static void on_reap(void *ctx)
{
    struct tcp *t = ctx;

    for (size_t i = 0; i < t->count;) {
        if (t->list[i]->ended)
            take_out(t, i);
        else
            i++;
    }
}

static void set_full(struct connection *c, bool full)
{
    if (c->full == full)
        return;
    c->full = full;
    loop_io_want(c->io, full ? LOOP_READ | LOOP_WRITE : LOOP_READ);
    if (c->tcp->owner.full)
        c->tcp->owner.full(c->tcp->owner.ctx, &c->peer, full);
}

/* Hands what waits to the kernel. */
static void push(struct connection *c)
{
    size_t n;

    if (c->ended || c->waiting == 0)
        return;
    if (stream_socket_send(c->fd, bytes_of(c->out, c->waiting), &n)) {
        end(c);
        return;
    }
    c->waiting -= n;
    if (n && c->waiting)
        memmove(c->out, c->out + n, c->waiting);
    set_full(c, c->waiting > 0);
}

static void give(struct connection *c, const struct udp_in *list, size_t count)
{
    struct tcp *t = c->tcp;

    t->counters.in_packets += count;
    if (count)
        t->owner.in(t->owner.ctx, loop_now_us(t->loop), list, count);
}

/* Gives the packets in what was read; false when it makes no sense. */
static bool take(struct connection *c, struct bytes in)
{
    struct udp_in list[IN_LIST];
    struct bytes packet;
    size_t n = 0;
    enum err e;

    while ((e = chain_next(&c->chain, &in, &packet)) == OK) {
        list[n++] = (struct udp_in){.peer = c->peer, .data = packet};
        /* The one that was put together from two reads is overwritten by the next such. */
        bool lent = packet.p > c->chain.part && packet.p < c->chain.part + sizeof c->chain.part;
        if (n == IN_LIST || lent) {
            give(c, list, n);
            n = 0;
        }
    }
    give(c, list, n);
    return e == ERR_AGAIN;
}

static void receive(struct connection *c)
{
    struct tcp *t = c->tcp;
    enum err e = OK;
    size_t n;

    for (int i = 0; i < IN_READS && !c->ended; i++) {
        e = stream_socket_receive(c->fd, t->space, sizeof t->space, &n);
        if (e)
            break;
        if (!take(c, bytes_of(t->space, n))) {
            t->counters.malformed++;
            end(c);
        }
        if (n < sizeof t->space)
            break;
    }
    if (e && e != ERR_AGAIN)
        end(c);
}

static void on_opened(struct connection *c)
{
    c->opening = false;
    if (stream_socket_connected(c->fd)) {
        end(c);
        return;
    }
    loop_io_want(c->io, LOOP_READ);
    if (c->tcp->owner.opened)
        c->tcp->owner.opened(c->tcp->owner.ctx, &c->peer);
}

static void on_io(void *ctx, unsigned events)
{
    struct connection *c = ctx;

    if (c->opening) {
        on_opened(c);
        return;
    }
    if (events & LOOP_WRITE)
        push(c);
    if (events & LOOP_READ && !c->ended)
        receive(c);
}

/* Takes `fd`, also on failure. */
static enum err add(struct tcp *t, int fd, const struct addr *peer, bool opening)
{
    struct connection *c = t->count < LIMIT_TCP_CONNECTIONS ? heap_alloc(sizeof *c) : NULL;

    if (!c) {
        stream_socket_close(fd);
        return t->count < LIMIT_TCP_CONNECTIONS ? ERR_MEMORY : ERR_LIMIT;
    }
    c->tcp = t;
    c->fd = fd;
    c->peer = *peer;
    c->opening = opening;
    c->used_us = loop_now_us(t->loop);
    enum err e = loop_io_new(t->loop, fd, on_io, c, &c->io);
    if (e) {
        destroy(c);
        return e;
    }
    loop_io_want(c->io, opening ? LOOP_WRITE : LOOP_READ);
    t->list[t->count++] = c;
    return OK;
}

/* ---- those that come ---- */

/* Whether both are of one host: an IPv6 host has its whole /64. */
static bool same_host(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == ADDR_IP6 ? 8 : 4) == 0;
}

/* Makes room for one more from `from`: who crowds the door pushes out the oldest of his own, a
 * crowd of hosts the oldest of all that have no session. False: everybody here has one. */
static bool make_room(struct tcp *t, const struct addr *from)
{
    size_t oldest = SIZE_MAX, oldest_own = SIZE_MAX, own = 0;

    for (size_t i = 0; i < t->count; i++) {
        const struct connection *c = t->list[i];
        if (c->used)
            continue;
        if (oldest == SIZE_MAX || c->used_us < t->list[oldest]->used_us)
            oldest = i;
        if (!same_host(&c->peer, from))
            continue;
        own++;
        if (oldest_own == SIZE_MAX || c->used_us < t->list[oldest_own]->used_us)
            oldest_own = i;
    }
    if (own < LIMIT_TCP_STRANGERS && t->count < LIMIT_TCP_CONNECTIONS)
        return true;
    t->counters.crowded++;
    if (own >= LIMIT_TCP_STRANGERS)
        oldest = oldest_own;
    if (oldest == SIZE_MAX)
        return false;
    take_out(t, oldest);
    return true;
}

static void sweep_within(struct tcp *t, uint64_t us)
{
    uint64_t at = loop_now_us(t->loop) + us;

    if (t->owner.used)
        loop_timer_set(&t->sweep, num_min(t->sweep.deadline_us, at));
}

static void on_sweep(void *ctx)
{
    struct tcp *t = ctx;
    uint64_t now_us = loop_now_us(t->loop);
    size_t strangers = 0;

    for (size_t i = 0; i < t->count; i++) {
        struct connection *c = t->list[i];
        c->used = t->owner.used(t->owner.ctx, &c->peer);
        if (c->used)
            c->used_us = now_us;
        else if (now_us - c->used_us >= TCP_STRANGER_US)
            end(c);
        strangers += !c->used;
    }
    if (t->count)
        sweep_within(t, strangers ? SWEEP_US : SWEEP_IDLE_US);
}

static void on_door(void *ctx, unsigned events)
{
    struct tcp *t = ctx;
    struct addr from;
    enum err e = OK;
    int fd;

    (void)events;
    for (int i = 0; i < ACCEPTS && !e; i++) {
        e = tcp_socket_accept(t->door, &fd, &from);
        if (e)
            break;
        if (make_room(t, &from))
            e = add(t, fd, &from, false);
        else
            stream_socket_close(fd);
    }
    if (t->count)
        sweep_within(t, SWEEP_US);
    if (e == OK || e == ERR_AGAIN)
        return;
    loop_io_want(t->door_io, 0);
    if (e != ERR_SYSTEM)
        loop_timer_set(&t->pause, loop_now_us(t->loop) + PAUSE_US);
}

static void on_pause(void *ctx)
{
    struct tcp *t = ctx;

    loop_io_want(t->door_io, LOOP_READ);
}

static enum err watch_door(struct tcp *t, int fd)
{
    enum err e = loop_io_new(t->loop, fd, on_door, t, &t->door_io);

    if (e)
        return e;
    t->door = fd;
    loop_io_want(t->door_io, LOOP_READ);
    return OK;
}

enum err tcp_listen(struct tcp *t, const struct addr *at)
{
    int fd;

    CHECK(t->door < 0);
    enum err e = tcp_socket_listen(at, &fd);
    if (e)
        return e;
    e = watch_door(t, fd);
    if (e)
        stream_socket_close(fd);
    return e;
}

enum err tcp_adopt(struct tcp *t, int fd)
{
    CHECK(t->door < 0);
    enum err e = tcp_socket_adopt(fd);
    return e ? e : watch_door(t, fd);
}

/* ---- what the owner does ---- */

enum err tcp_connect(struct tcp *t, const struct addr *to)
{
    int fd;
    enum err e = tcp_socket_connect(to, &fd);

    return e ? e : add(t, fd, to, true);
}

void tcp_send(struct tcp *t, const struct addr *to, struct bytes packet)
{
    struct connection *c = find(t, to);

    if (!c || c->opening || sizeof c->out - c->waiting < CHAIN_HEAD_BYTES + packet.n) {
        t->counters.refused++;
        return;
    }
    struct wr w = wr_of(c->out + c->waiting, sizeof c->out - c->waiting);
    chain_put(&w, packet);
    c->waiting += w.n;
    t->counters.out_packets++;
    /* Before the next one is made it must be known whether there is room for it. */
    if (!c->full && sizeof c->out - c->waiting < CHAIN_LINK_BYTES)
        push(c);
}

void tcp_flush(struct tcp *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (!t->list[i]->full)
            push(t->list[i]);
}

void tcp_close(struct tcp *t, const struct addr *to)
{
    struct connection *c = find(t, to);

    if (!c)
        return;
    c->quiet = true;
    end(c);
}

size_t tcp_count(const struct tcp *t)
{
    return t->count;
}

struct tcp_counters tcp_counters(const struct tcp *t)
{
    return t->counters;
}

enum err tcp_new(struct loop *l, const struct tcp_owner *owner, struct tcp **out)
{
    struct tcp *t = heap_alloc(sizeof *t);

    *out = t;
    if (!t)
        return ERR_MEMORY;
    t->loop = l;
    t->owner = *owner;
    t->door = -1;
    loop_timer_init(&t->sweep, l, on_sweep, t);
    loop_timer_init(&t->pause, l, on_pause, t);
    loop_task_init(&t->reap, l, on_reap, t);
    return OK;
}

void tcp_free(struct tcp *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++)
        destroy(t->list[i]);
    loop_io_free(t->door_io);
    stream_socket_close(t->door);
    loop_timer_release(&t->sweep);
    loop_timer_release(&t->pause);
    loop_task_release(&t->reap);
    heap_free(t);
}
