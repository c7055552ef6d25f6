/* wan_codel: CoDel, the queue that drops by how long it makes wait (RFC 8289). */
#ifndef FARSPAN_WAN_CODEL_H
#define FARSPAN_WAN_CODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { WAN_CODEL_INTERVAL_US = 100000, WAN_CODEL_LEAST_BYTES = 1514 };

/* All zero, with a target: a queue that has not been long yet. */
struct wan_codel {
    uint64_t target_us;  /* what a datagram may wait without an end; 0: nothing is ever struck */
    uint64_t above_us;   /* strike when the wait is still above the target then; 0: it is not */
    uint64_t next_us;    /* the next strike, while striking; else the one that was not made */
    uint64_t count;      /* strikes in this spell ... */
    uint64_t last_count; /* ... and at the beginning of it */
    bool striking;
};

/* Whether the datagram at the head of the queue, which has waited `waited_us` when it would begin
 * to be sent at `now_us`, is dropped (or marked) instead. The queue holds `queue_bytes` with it.
 * To be asked once for each datagram that comes to the head. */
bool wan_codel_strikes(struct wan_codel *c, uint64_t now_us, uint64_t waited_us,
                       uint64_t queue_bytes);

#endif
