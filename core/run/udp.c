#include "core/run/udp.h"

#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/os/dgram.h"
#include "core/run/inlet.h"
#include "core/run/lanes.h"

enum {
    IN_BATCHES = 4,       /* receive calls a turn before others get theirs */
    OUT_ROUNDS = 1,       /* batches a turn: what comes meanwhile waits for no more than that */
    LAST_ROUNDS = 4,      /* times that in a flush */
    FULL_PAUSE_US = 1000, /* how long a full device is left alone */
};

struct udp {
    struct dgram socket;
    struct loop *loop; /* borrowed */
    struct loop_io *io;
    struct loop_task kick;
    struct loop_timer pause;
    struct udp_owner owner;
    struct inlet *inlet; /* owned: what has come and is not given yet */
    struct udp_counters count;
    struct lanes *lanes; /* owned: what waits for the kernel */
    bool blocked;        /* until the socket is writable or the pause is over */
    bool full, dead;     /* the first of these; for good */
};

/* ---- in ---- */

static void on_in(void *ctx, const struct udp_in *in, size_t count)
{
    struct udp *u = ctx;

    for (size_t i = 0; i < count; i++)
        u->count.in_bytes += in[i].data.n;
    u->count.in_datagrams += count;
    /* Not the turn's time: what came while the turn was long would seem to have been quicker. */
    u->owner.in(u->owner.ctx, loop_refresh_us(u->loop), in, count);
}

/* What the socket is watched for. */
static void watch(struct udp *u)
{
    if (u->dead)
        loop_io_want(u->io, 0);
    else
        loop_io_want(u->io, (inlet_open(u->inlet) ? LOOP_READ : 0u) | (u->full ? LOOP_WRITE : 0u));
}

static void broken(struct udp *u)
{
    u->dead = u->blocked = true;
    watch(u);
    if (u->owner.broken)
        u->owner.broken(u->owner.ctx);
}

static void on_opened(void *ctx)
{
    struct udp *u = ctx;

    inlet_give(u->inlet);
    watch(u);
    udp_kick(u);
}

static void receive(struct udp *u)
{
    enum err e = OK;
    size_t n;

    for (int i = 0; i < IN_BATCHES && !e && inlet_open(u->inlet); i++) {
        e = inlet_receive(u->inlet, &u->socket, &n);
        inlet_give(u->inlet);
        /* Fewer than asked for: the queue was empty, the call that says so can be saved. */
        if (n < DGRAM_BATCH && u->socket.recvmmsg)
            break;
    }
    if (e == ERR_SYSTEM) {
        broken(u);
    } else {
        watch(u);
        udp_kick(u);
    }
}

/* ---- out ---- */

/* Pulls datagrams into bursts; false when the owner has no more for now. */
static bool pull(struct udp *u)
{
    struct udp_out o;
    uint8_t *space;
    size_t room;

    while ((space = lanes_space(u->lanes, LIMIT_DATAGRAM_BYTES, &room))) {
        o = (struct udp_out){0};
        if (!u->owner.next(u->owner.ctx, loop_now_us(u->loop), space, room, &o))
            return false;
        u->count.out_datagrams++;
        u->count.out_bytes += o.n;
        lanes_add(u->lanes, &o);
    }
    return true;
}

/* Hands what is ready to the kernel; false when it takes no more for now. */
static bool push(struct udp *u)
{
    enum err e = lanes_send(u->lanes, &u->socket);

    u->blocked = e != OK;
    u->full = e == ERR_AGAIN;
    if (u->socket.no_way.family != ADDR_NONE) {
        struct addr to = u->socket.no_way;
        u->socket.no_way.family = ADDR_NONE;
        if (u->owner.refused)
            u->owner.refused(u->owner.ctx, &to);
    }
    if (e == ERR_AGAIN)
        watch(u);
    else if (e == ERR_BUSY)
        loop_timer_set(&u->pause, loop_now_us(u->loop) + FULL_PAUSE_US);
    else if (e)
        broken(u);
    return !e;
}

static void send_all(struct udp *u, int rounds)
{
    bool more = true;

    if (u->blocked || !u->owner.next || !push(u))
        return;
    for (int i = 0; i < rounds && more; i++) {
        more = pull(u);
        lanes_close(u->lanes);
        if (!push(u))
            return;
    }
    /* Where all is with the workers, they will say when there is place again. */
    if (more && lanes_open(u->lanes))
        udp_kick(u);
}

static void on_kick(void *ctx)
{
    send_all(ctx, OUT_ROUNDS);
}

static void on_ready(void *ctx)
{
    udp_kick(ctx);
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
        u->full = u->blocked = false;
        watch(u);
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
    struct inlet_owner owner = {.in = on_in,
                                .ready = on_opened,
                                .opening = u->owner.opening,
                                .ctx = u,
                                .opening_ctx = u->owner.ctx};
    enum err e = inlet_new(u->loop, &owner, &u->inlet);
    if (!e)
        e = lanes_new(u->loop, on_ready, u, &u->lanes);
    if (!e)
        e = loop_io_new(u->loop, u->socket.fd, on_io, u, &u->io);
    if (!e)
        watch(u);
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
    lanes_free(u->lanes);
    inlet_free(u->inlet);
    loop_io_free(u->io);
    loop_task_release(&u->kick);
    loop_timer_release(&u->pause);
    dgram_close(&u->socket);
    heap_free(u);
}

void udp_kick(struct udp *u)
{
    loop_task_defer(&u->kick);
}

void udp_flush(struct udp *u)
{
    lanes_settle(u->lanes);
    send_all(u, LAST_ROUNDS);
    lanes_settle(u->lanes);
    if (!u->blocked && !push(u))
        return;
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
