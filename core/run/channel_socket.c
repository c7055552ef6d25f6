#include "core/run/channel_socket.h"

#include "core/base/num.h"
#include "core/codec/pack.h"
#include "core/os/stream_socket.h"

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

void channel_socket_fill(struct channel_socket *s, uint64_t now_us)
{
    uint8_t space[PACK_RAW_BYTES];
    size_t room, n;

    while (s->readable && (room = channel_end_room(s->end, now_us)) > 0) {
        room = num_min(room, sizeof space);
        if (s->sift)
            room -= num_min(room - 1, CHANNEL_SOCKET_SIFT_BYTES);
        enum err e = stream_socket_receive(s->fd, space, room, &n);
        if (e == OK) {
            if (s->sift)
                n = s->sift(s->ctx, space, n);
            channel_end_give(s->end, bytes_of(space, n));
            continue;
        }
        s->readable = false;
        if (e == ERR_END) {
            s->read_ended = true;
            if (!s->keeps_end)
                channel_end_finish(s->end);
        } else if (e != ERR_AGAIN) {
            leave(s);
        }
        want(s);
    }
}

void channel_socket_deliver(struct channel_socket *s)
{
    struct bytes b;
    enum err e = OK;
    bool any = false;

    while (s->io && !s->broken && !s->blocked && !s->write_ended &&
           (e = channel_end_peek(s->end, &b)) == OK) {
        size_t n = 0;
        if (stream_socket_send(s->fd, b, &n)) {
            leave(s);
            break;
        }
        channel_end_consume(s->end, n);
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
