#include "core/run/channel_socket.h"

#include "core/base/num.h"
#include "core/codec/pack.h"
#include "core/os/stream_socket.h"

enum { HELD_BYTES = 1 << 20 };

void channel_socket_init(struct channel_socket *s, struct channel_end *end, void (*kick)(void *ctx),
                         void *ctx)
{
    *s = (struct channel_socket){.end = end, .fd = -1, .kick = kick, .ctx = ctx};
}

/* Read interest only while nothing is known to be there: what there is no room for must not keep
 * the loop awake. */
static void want(struct channel_socket *s)
{
    bool reads = !s->readable && !s->read_ended;

    if (s->io)
        loop_io_want(s->io, (reads ? LOOP_READ : 0u) | (s->blocked ? LOOP_WRITE : 0u));
}

static void on_ready(void *ctx, unsigned events)
{
    struct channel_socket *s = ctx;

    if (events & LOOP_READ)
        s->readable = true;
    if (events & LOOP_WRITE) {
        s->blocked = false;
        channel_socket_deliver(s);
    }
    want(s);
    s->kick(s->ctx);
}

enum err channel_socket_connect(struct channel_socket *s, struct loop *l, int fd)
{
    s->fd = fd;
    if (loop_io_new(l, fd, on_ready, s, &s->io)) {
        stream_socket_close(fd);
        s->fd = -1;
        return ERR_MEMORY;
    }
    want(s);
    return OK;
}

void channel_socket_release(struct channel_socket *s)
{
    loop_io_free(s->io);
    stream_socket_close(s->fd);
    channel_end_free(s->end);
    *s = (struct channel_socket){.fd = -1};
}

static void leave(struct channel_socket *s)
{
    s->broken = true;
    s->readable = s->blocked = false;
    s->read_ended = true;
    want(s);
}

static void fail(struct channel_socket *s, enum err e)
{
    s->fault = e;
    leave(s);
}

/* Gives the channel what has come out of the filter; whether it can go on. Little waits for more
 * (`wait`), unless it stands for much: small pieces cost much of what compression gives. */
static bool give_output(struct channel_socket *s, uint64_t now_us, bool wait)
{
    size_t room, least = wait && s->held < HELD_BYTES ? PACK_RAW_BYTES : 1;
    struct bytes b;

    if (!s->out.output)
        return true;
    while ((b = s->out.output(s->out.ctx)).n >= least) {
        room = channel_end_room(s->end, now_us);
        if (room == 0)
            return false;
        size_t n = num_min(num_min(b.n, room), PACK_RAW_BYTES);
        channel_end_give(s->end, bytes_of(b.p, n));
        s->out.taken(s->out.ctx, n);
        s->held = 0;
    }
    if (b.n == 0 && s->end_due)
        channel_end_finish(s->end);
    s->end_due &= b.n > 0;
    return true;
}

/* The neighbour has written this. */
static void take(struct channel_socket *s, uint8_t *p, size_t n)
{
    size_t used;

    if (s->sift)
        n = s->sift(s->ctx, p, n);
    if (!s->out.put) {
        channel_end_give(s->end, bytes_of(p, n));
        return;
    }
    enum err e = s->out.put(s->out.ctx, bytes_of(p, n), &used);
    s->held += n;
    if (e)
        fail(s, e);
}

/* The neighbour writes no more. */
static void take_end(struct channel_socket *s)
{
    s->read_ended = true;
    if (s->keeps_end)
        return;
    enum err e = s->out.end ? s->out.end(s->out.ctx) : OK;
    if (e)
        fail(s, e);
    else if (s->out.put)
        s->end_due = true;
    else
        channel_end_finish(s->end);
}

void channel_socket_fill(struct channel_socket *s, uint64_t now_us)
{
    uint8_t space[PACK_RAW_BYTES];
    size_t room, n;

    while (give_output(s, now_us, s->readable) && s->readable &&
           (room = channel_end_room(s->end, now_us)) > 0) {
        /* A filter makes less of it, as a rule: what comes out waits until it has room. */
        room = s->out.put ? sizeof space : num_min(room, sizeof space);
        if (s->allow)
            room = num_min(room, s->allow(s->ctx));
        if (room == 0) {
            /* What may be read more depends on what has gone. */
            give_output(s, now_us, false);
            break;
        }
        if (s->sift)
            room -= num_min(room - 1, CHANNEL_SOCKET_SIFT_BYTES);
        enum err e = stream_socket_receive(s->fd, space, room, &n);
        if (e == OK) {
            take(s, space, n);
            continue;
        }
        s->readable = false;
        if (e == ERR_END)
            take_end(s);
        else if (e != ERR_AGAIN)
            leave(s);
        want(s);
    }
}

/* The next bytes for the neighbour: errors of channel_end_peek, or of the filter. */
static enum err next_bytes(struct channel_socket *s, struct bytes *b)
{
    if (!s->in.put)
        return channel_end_peek(s->end, b);
    for (;;) {
        struct bytes coded = {0};
        size_t used = 0;
        *b = s->in.output(s->in.ctx);
        if (b->n)
            return OK;
        /* First what it has in itself. */
        enum err f = s->in.put(s->in.ctx, coded, &used);
        if (!f && s->in.output(s->in.ctx).n)
            continue;
        enum err e = f ? f : channel_end_peek(s->end, &coded);
        if (!f && e)
            return e;
        if (!e)
            e = s->in.put(s->in.ctx, coded, &used);
        channel_end_consume(s->end, f ? 0 : used);
        if (e) {
            fail(s, e);
            return ERR_AGAIN;
        }
    }
}

static void drop_bytes(struct channel_socket *s, size_t n)
{
    if (s->in.put)
        s->in.taken(s->in.ctx, n);
    else
        channel_end_consume(s->end, n);
}

void channel_socket_deliver(struct channel_socket *s)
{
    struct bytes b;
    enum err e = OK;
    bool any = false;

    while (s->io && !s->broken && !s->blocked && !s->write_ended && (e = next_bytes(s, &b)) == OK) {
        size_t n = 0;
        if (stream_socket_send(s->fd, b, &n)) {
            leave(s);
            break;
        }
        drop_bytes(s, n);
        any |= n > 0;
        s->blocked = n < b.n;
    }
    if (e == ERR_END && !s->write_ended) {
        s->write_ended = true;
        stream_socket_finish(s->fd);
    }
    want(s);
    if (any)
        s->kick(s->ctx);
}

bool channel_socket_over(const struct channel_socket *s)
{
    return s->broken || channel_end_stage(s->end) == CHANNEL_OVER ||
           (s->read_ended && s->write_ended && channel_end_finished(s->end));
}
