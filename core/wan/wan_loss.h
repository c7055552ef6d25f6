/* wan_loss: which datagrams are lost: one by one, or in bursts with the same average. */
#ifndef FARSPAN_WAN_LOSS_H
#define FARSPAN_WAN_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/rng.h"

/* The two-state model of Gilbert (1960) and Elliott (1963) with certain loss in the bad state. */
struct wan_loss {
    uint64_t to_bad, to_good; /* probabilities of 2^64 */
    uint32_t loss, burst;
    bool bad;
};

/* Sets the average loss (millionths) and the mean number of losses in a row (0: independent); the
 * state is kept, so it can be called at any time. A zeroed struct loses nothing. */
void wan_loss_set(struct wan_loss *m, uint32_t loss, uint32_t burst);

/* Whether the next datagram is lost. */
bool wan_loss_next(struct wan_loss *m, struct rng *rng);

#endif
