/* nbd_socket: a local socket on which NBD is spoken, on the loop. */
#ifndef FARSPAN_NBD_SOCKET_H
#define FARSPAN_NBD_SOCKET_H

#include <stdbool.h>

#include "core/base/bytes.h"
#include "core/run/loop.h"

/* What stands behind it; all in the loop's thread. */
struct nbd_socket_owner {
    /* Whether more is taken now. */
    bool (*wants)(void *ctx);
    /* Takes bytes. Errors end the connection. */
    enum err (*input)(void *ctx, struct bytes b);
    /* What is to be sent, borrowed; so much of it has been. */
    struct bytes (*output)(void *ctx);
    void (*sent)(void *ctx, size_t n);
    /* Something has come: look after it, then nbd_socket_go_on. */
    void (*heard)(void *ctx);
    /* The connection is over; nothing comes any more. ERR_END: the other side has ended it. */
    void (*over)(void *ctx, enum err e);
    void *ctx; /* borrowed */
};

/* In its owner's storage. */
struct nbd_socket {
    struct nbd_socket_owner owner;
    int fd; /* owned; -1: none */
    struct loop_io *io;
    bool over;
};

/* Takes a connected socket. ERR_MEMORY: it is closed. */
enum err nbd_socket_init(struct nbd_socket *s, struct loop *l, int fd,
                         const struct nbd_socket_owner *owner) MUST_USE;

/* Closes it; fine when it never was. */
void nbd_socket_release(struct nbd_socket *s);

/* Sends what there is to be sent, and waits for what is wanted. */
void nbd_socket_go_on(struct nbd_socket *s);

#endif
