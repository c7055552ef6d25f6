/* reach: the ways from a caller to a listener on the loop: a UDP socket, TCP where it must be. */
#ifndef FARSPAN_REACH_H
#define FARSPAN_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/peer/peer.h"
#include "core/run/loop.h"
#include "core/run/udp.h"

struct reach;

/* What its owner does; all in the loop's thread. */
struct reach_owner {
    /* The session has taken datagrams in: it may have events. */
    void (*heard)(void *ctx, uint64_t now_us);
    /* The session has nothing to send now: last chance to queue something; true when it did. */
    bool (*fill)(void *ctx, uint64_t now_us);
    /* ... and nothing more came: the session may have events, and its deadline has changed. */
    void (*sent)(void *ctx, uint64_t now_us);
    /* Nothing is heard or said any more (logged). */
    void (*broken)(void *ctx);
    void *ctx; /* borrowed */
};

/* Opens what is needed to reach `count` addresses (at least one; best first; borrowed, as is the
 * session, which must outlive it), with `tcp_only` over TCP alone. ERR_SYSTEM (logged), ERR_MEMORY.
 */
enum err reach_new(struct loop *l, struct peer *p, const struct addr *list, size_t count,
                   bool tcp_only, const struct reach_owner *owner, struct reach **out) MUST_USE;

/* Takes it and closes all; not within its own callbacks. NULL is fine. */
void reach_free(struct reach *r);

/* The session may have something to send: it is asked at the end of this turn. */
void reach_kick(struct reach *r);

/* Asks the session at once: for the last words before an end. Not within callbacks. */
void reach_flush(struct reach *r);

#endif
