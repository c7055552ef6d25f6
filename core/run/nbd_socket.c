#include "core/run/nbd_socket.h"

#include "core/os/stream_socket.h"

enum { READ_BYTES = 256 * 1024, READS = 8 };

static void end(struct nbd_socket *s, enum err e)
{
    if (s->over || s->fd < 0)
        return;
    s->over = true;
    loop_io_want(s->io, 0);
    s->owner.over(s->owner.ctx, e);
}

static enum err read_some(struct nbd_socket *s)
{
    uint8_t space[READ_BYTES];
    enum err e = OK;
    size_t n;

    for (int i = 0; !e && i < READS && s->owner.wants(s->owner.ctx); i++) {
        e = stream_socket_receive(s->fd, space, sizeof space, &n);
        if (!e)
            e = s->owner.input(s->owner.ctx, bytes_of(space, n));
    }
    return e == ERR_AGAIN ? OK : e;
}

void nbd_socket_go_on(struct nbd_socket *s)
{
    size_t n = 0;

    if (s->over || s->fd < 0)
        return;
    struct bytes out = s->owner.output(s->owner.ctx);
    if (out.n && stream_socket_send(s->fd, out, &n)) {
        end(s, ERR_UNREACHABLE);
        return;
    }
    s->owner.sent(s->owner.ctx, n);
    loop_io_want(s->io,
                 (s->owner.wants(s->owner.ctx) ? LOOP_READ : 0u) | (n < out.n ? LOOP_WRITE : 0u));
}

static void on_ready(void *ctx, unsigned events)
{
    struct nbd_socket *s = ctx;
    enum err e = events & LOOP_READ ? read_some(s) : OK;

    /* What came before the end counts; its owner may close it then. */
    if (events & LOOP_READ)
        s->owner.heard(s->owner.ctx);
    if (e)
        end(s, e);
    else
        nbd_socket_go_on(s);
}

enum err nbd_socket_init(struct nbd_socket *s, struct loop *l, int fd,
                         const struct nbd_socket_owner *owner)
{
    *s = (struct nbd_socket){.owner = *owner, .fd = fd};
    if (loop_io_new(l, fd, on_ready, s, &s->io) == OK) {
        nbd_socket_go_on(s);
        return OK;
    }
    stream_socket_close(fd);
    s->fd = -1;
    return ERR_MEMORY;
}

void nbd_socket_release(struct nbd_socket *s)
{
    if (!s->io)
        return;
    loop_io_free(s->io);
    stream_socket_close(s->fd);
    *s = (struct nbd_socket){.fd = -1};
}
