/* wan_queue: the drop-tail queue in front of a link of a given rate, exact over time. */
#ifndef FARSPAN_WAN_QUEUE_H
#define FARSPAN_WAN_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/wan/wan_ring.h"

struct wan_queue {
    struct wan_slot *first, *last; /* borrowed from the ring */
    uint64_t rate_bps;             /* 0: unlimited */
    uint64_t limit_bytes;          /* with overhead */
    uint64_t bytes;                /* with overhead */
    uint32_t overhead_bytes;
    uint64_t from_us; /* service of the first one began */
    uint64_t credit;  /* work done for it before that, in millionths of a bit */
};

/* Sets rate and limit from `now_us` on; everything due to leave before must have been taken out.
 * What waits stays, whatever the new limit. */
void wan_queue_set(struct wan_queue *q, uint64_t now_us, uint64_t rate_bps, uint64_t limit_bytes);

/* Whether a datagram of `n` bytes fits; an empty queue takes any. */
bool wan_queue_fits(const struct wan_queue *q, size_t n);

/* Appends a slot at `now_us`. */
void wan_queue_push(struct wan_queue *q, uint64_t now_us, struct wan_slot *s);

/* When the first one leaves; UINT64_MAX when empty. */
uint64_t wan_queue_leaves_us(const struct wan_queue *q);

/* Takes the first one out, at the time wan_queue_leaves_us gave. */
struct wan_slot *wan_queue_pop(struct wan_queue *q);

/* Takes the first one (there is one) out without having been served. */
struct wan_slot *wan_queue_skip(struct wan_queue *q);

/* How long a datagram that enters now waits for the ones before it, at the present rate. */
uint64_t wan_queue_wait_us(const struct wan_queue *q);

#endif
