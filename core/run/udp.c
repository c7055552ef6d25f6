#include "core/run/udp.h"

#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/os/dgram.h"
#include "core/run/batch.h"

enum {
    IN_BATCHES = 4,       /* receive calls a turn before others get theirs */
    OUT_ROUNDS = 4,       /* times that a turn */
    IN_LIST = 64,         /* datagrams a call of in() */
    FULL_PAUSE_US = 1000, /* how long a full device is left alone */
};

struct udp {
    struct dgram socket;
    struct loop *loop; /* borrowed */
    struct loop_io *io;
    struct loop_task kick;
    struct loop_timer pause;
    struct udp_owner owner;
    struct dgram_space *space; /* owned */
    struct udp_counters count;
    struct batch batch; /* waits for the kernel */
    bool blocked;       /* until the socket is writable or the pause is over */
};

/* ---- in ---- */

static void give(struct udp *u, const struct dgram_burst *b)
{
    struct udp_in list[IN_LIST];
    size_t n = 0, at = 0;
    uint64_t now_us = loop_now_us(u->loop);

    do {
        size_t bytes = num_min(b->each, b->n - at);
        list[n++] = (struct udp_in){b->peer, b->local, b->ecn, bytes_of(b->p + at, bytes)};
        at += bytes;
        u->count.in_datagrams++;
        u->count.in_bytes += bytes;
        if (n == IN_LIST || at == b->n) {
            u->owner.in(u->owner.ctx, now_us, list, n);
            n = 0;
        }
    } while (at < b->n);
}

static void broken(struct udp *u)
{
    loop_io_want(u->io, 0);
    u->blocked = true;
    if (u->owner.broken)
        u->owner.broken(u->owner.ctx);
}

static void receive(struct udp *u)
{
    struct dgram_burst bursts[DGRAM_BATCH];
    enum err e = OK;
    size_t n;

    for (int i = 0; i < IN_BATCHES && !e; i++) {
        e = dgram_receive(&u->socket, u->space, bursts, &n);
        for (size_t b = 0; b < n; b++)
            give(u, &bursts[b]);
        /* Fewer than asked for: the queue was empty, the call that says so can be saved. */
        if (n < DGRAM_BATCH && u->socket.recvmmsg)
            break;
    }
    if (e == ERR_SYSTEM)
        broken(u);
    else
        udp_kick(u);
}

/* ---- out ---- */

/* Pulls datagrams into bursts; false when the owner has no more for now. */
static bool pull(struct udp *u)
{
    struct udp_out o;
    uint8_t *space;
    size_t room;

    while ((space = batch_space(&u->batch, LIMIT_DATAGRAM_BYTES, &room))) {
        o = (struct udp_out){0};
        if (!u->owner.next(u->owner.ctx, loop_now_us(u->loop), space, room, &o))
            return false;
        u->count.out_datagrams++;
        u->count.out_bytes += o.n;
        batch_add(&u->batch, 0, &o.peer, &o.local, o.ecn, o.n);
    }
    return true;
}

/* Hands what was pulled to the kernel; false when it takes no more for now. */
static bool push(struct udp *u)
{
    enum err e = batch_send(&u->batch, &u->socket);

    u->blocked = e != OK;
    if (e == ERR_AGAIN)
        loop_io_want(u->io, LOOP_READ | LOOP_WRITE);
    else if (e == ERR_BUSY)
        loop_timer_set(&u->pause, loop_now_us(u->loop) + FULL_PAUSE_US);
    else if (e)
        broken(u);
    return !e;
}

static void send_all(struct udp *u, int rounds)
{
    bool more = true;

    if (u->blocked || !u->owner.next)
        return;
    if (!batch_empty(&u->batch) && !push(u))
        return;
    for (int i = 0; i < rounds && more; i++) {
        more = pull(u);
        if (!batch_empty(&u->batch) && !push(u))
            return;
    }
    if (more)
        udp_kick(u);
}

static void on_kick(void *ctx)
{
    send_all(ctx, OUT_ROUNDS);
}

static void on_pause(void *ctx)
{
    struct udp *u = ctx;

    u->blocked = false;
    udp_kick(u);
}

static void on_io(void *ctx, unsigned events)
{
    struct udp *u = ctx;

    if (events & LOOP_WRITE) {
        loop_io_want(u->io, LOOP_READ);
        u->blocked = false;
        udp_kick(u);
    }
    if (events & LOOP_READ)
        receive(u);
}

/* ---- life ---- */

static enum err start(struct udp *u)
{
    loop_task_init(&u->kick, u->loop, on_kick, u);
    loop_timer_init(&u->pause, u->loop, on_pause, u);
    u->space = dgram_space_new();
    if (!u->space)
        return ERR_MEMORY;
    enum err e = loop_io_new(u->loop, u->socket.fd, on_io, u, &u->io);
    if (!e)
        loop_io_want(u->io, LOOP_READ);
    return e;
}

static enum err make(struct loop *l, const struct udp_owner *owner, struct udp **out)
{
    struct udp *u = heap_alloc(sizeof *u);

    *out = u;
    if (!u)
        return ERR_MEMORY;
    u->loop = l;
    u->owner = *owner;
    u->socket.fd = -1;
    return OK;
}

enum err udp_new(struct loop *l, const struct addr *bind_to, const struct udp_owner *owner,
                 struct udp **out)
{
    enum err e = make(l, owner, out);

    if (!e)
        e = dgram_open(&(*out)->socket, bind_to);
    if (!e)
        e = start(*out);
    if (e) {
        udp_free(*out);
        *out = NULL;
    }
    return e;
}

enum err udp_adopt(struct loop *l, int fd, const struct udp_owner *owner, struct udp **out)
{
    enum err e = make(l, owner, out);

    if (e) {
        struct dgram lost = {.fd = fd};
        dgram_close(&lost);
        return e;
    }
    e = dgram_adopt(&(*out)->socket, fd);
    if (!e)
        e = start(*out);
    if (e) {
        udp_free(*out);
        *out = NULL;
    }
    return e;
}

void udp_free(struct udp *u)
{
    if (!u)
        return;
    loop_io_free(u->io);
    loop_task_release(&u->kick);
    loop_timer_release(&u->pause);
    dgram_close(&u->socket);
    dgram_space_free(u->space);
    heap_free(u);
}

void udp_kick(struct udp *u)
{
    loop_task_defer(&u->kick);
}

void udp_flush(struct udp *u)
{
    send_all(u, OUT_ROUNDS);
}

bool udp_sieve(struct udp *u, const struct dgram_sieve *s)
{
    return dgram_sieve_set(&u->socket, s) == OK;
}

const struct addr *udp_local(const struct udp *u)
{
    return &u->socket.local;
}

struct udp_counters udp_count(const struct udp *u)
{
    struct udp_counters c = u->count;

    c.refused = u->socket.refused;
    c.truncated = u->socket.truncated;
    c.overflow = u->socket.overflow;
    c.calls = u->socket.calls;
    return c;
}
