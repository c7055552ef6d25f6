/* channel_socket: a channel's end and the local socket whose bytes it carries, on the loop. */
#ifndef FARSPAN_CHANNEL_SOCKET_H
#define FARSPAN_CHANNEL_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/guest/channel_end.h"
#include "core/run/byte_filter.h"
#include "core/run/loop.h"

enum { CHANNEL_SOCKET_SIFT_BYTES = 8 };

/* In its owner's storage. */
struct channel_socket {
    struct channel_end *end; /* owned */
    int fd;                  /* owned; -1: not there yet */
    struct loop_io *io;
    bool readable;                /* there may be something to read */
    bool blocked;                 /* the socket is full */
    bool read_ended, write_ended; /* by the neighbour; told to it */
    bool broken;                  /* the neighbour has left in the middle */
    void (*kick)(void *ctx);      /* something is to be sent on the session */
    void *ctx;                    /* borrowed, as is what kick does */

    /* What the neighbour has written, before it goes: leaves in its place what does, up to
     * CHANNEL_SOCKET_SIFT_BYTES more, and gives how much. NULL: all of it. */
    size_t (*sift)(void *ctx, uint8_t *p, size_t n);
    /* How many bytes of the neighbour's may be read now. NULL: any. */
    size_t (*allow)(void *ctx);
    bool keeps_end; /* that the neighbour writes no more is not passed on */
    /* What the neighbour's bytes go through, and the channel's. Functions NULL: nothing. */
    struct byte_filter out, in;
    size_t held;    /* read, and none of what came of it given */
    bool end_due;   /* the channel's end, behind what is in the filter */
    enum err fault; /* of a filter */
};

/* Takes a channel's end; the socket may come later. */
void channel_socket_init(struct channel_socket *s, struct channel_end *end, void (*kick)(void *ctx),
                         void *ctx);

/* Takes a connected socket. ERR_MEMORY: it is closed. */
enum err channel_socket_connect(struct channel_socket *s, struct loop *l, int fd) MUST_USE;

/* Closes both. */
void channel_socket_release(struct channel_socket *s);

/* Gives the channel what the neighbour has written, as much as the path takes now. */
void channel_socket_fill(struct channel_socket *s, uint64_t now_us);

/* Gives the neighbour what has come. */
void channel_socket_deliver(struct channel_socket *s);

/* Whether nothing more can go either way. */
bool channel_socket_over(const struct channel_socket *s);

#endif
