/* tcp: the pump between TCP connections and their owner: datagrams where UDP is blocked. */
#ifndef FARSPAN_TCP_H
#define FARSPAN_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/run/loop.h"
#include "core/run/udp.h"

/* Connections made and taken; each is known by the address at its other end (via ADDR_TCP). */
struct tcp;

/* What their owner does; all in the loop's thread. It may send within each of these. */
struct tcp_owner {
    /* Takes `count` packets (borrowed) of one connection that arrived at `now_us`. */
    void (*in)(void *ctx, uint64_t now_us, const struct udp_in *in, size_t count);
    /* A connection that was asked for is there. NULL: nobody wants to know, here and below. */
    void (*opened)(void *ctx, const struct addr *to);
    /* A connection could not be made, has ended, or what came over it made no sense. */
    void (*gone)(void *ctx, const struct addr *peer);
    /* A connection takes no more packets for now, or does so again. */
    void (*full)(void *ctx, const struct addr *peer, bool full);
    /* Whether a session lives on that connection. One without is closed after TCP_STRANGER_US, and
     * sooner where others want its place. NULL: all stay. */
    bool (*used)(void *ctx, const struct addr *peer);
    void *ctx; /* borrowed */
};

enum { TCP_STRANGER_US = 10000000 };

/* What has passed; all counts since the start. */
struct tcp_counters {
    uint64_t in_packets, out_packets;
    uint64_t refused;   /* packets to a connection that is gone, or full */
    uint64_t malformed; /* connections that were closed for what came over them */
    uint64_t crowded;   /* connections closed, or not taken, for want of room */
};

/* Gives a pump without connections; the owner's functions are copied. ERR_MEMORY. */
enum err tcp_new(struct loop *l, const struct tcp_owner *owner, struct tcp **out) MUST_USE;

/* Takes it and closes all connections; not within its own callbacks. NULL is fine. */
void tcp_free(struct tcp *t);

/* Takes connections at the borrowed address from now on, once. ERR_BUSY, ERR_SYSTEM (both logged as
 * warnings), ERR_MEMORY. */
enum err tcp_listen(struct tcp *t, const struct addr *at) MUST_USE;

/* As tcp_listen, at an inherited listening socket, which it takes unless it fails. ERR_USAGE: it is
 * none. */
enum err tcp_adopt(struct tcp *t, int fd) MUST_USE;

/* Asks for a connection to `to`: `opened` or `gone` follows. ERR_UNREACHABLE when there cannot be
 * one now, ERR_LIMIT, ERR_SYSTEM (logged), ERR_MEMORY: nothing follows. */
enum err tcp_connect(struct tcp *t, const struct addr *to) MUST_USE;

/* Queues a packet (copied) for the connection to `to`; tcp_flush sends it. Where there is none, or
 * it is full, the packet is dropped and counted, as a network would. */
void tcp_send(struct tcp *t, const struct addr *to, struct bytes packet);

/* Hands what was queued to the kernel. */
void tcp_flush(struct tcp *t);

/* Closes the connection to `to`, if there is one; `gone` does not follow. */
void tcp_close(struct tcp *t, const struct addr *to);

/* How many connections there are. */
size_t tcp_count(const struct tcp *t);

/* The counts so far. */
struct tcp_counters tcp_counters(const struct tcp *t);

#endif
