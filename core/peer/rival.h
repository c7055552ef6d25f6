/* rival: the window that a flow of TCP's CUBIC would have, for a place beside such flows. */
#ifndef FARSPAN_RIVAL_H
#define FARSPAN_RIVAL_H

#include <stdint.h>

/* CUBIC's congestion avoidance (RFC 9438, sections 4.2 to 4.7), in bytes; times in us. */
struct rival {
    uint64_t window_bytes;
    uint64_t before_loss_bytes; /* W_max: where it turns from slow to fast growth */
    uint64_t estimate_bytes;    /* W_est: what Reno would have */
    uint64_t epoch_us;          /* when the last loss was */
    uint64_t plateau_ms;        /* K: from then until W_max is there again */
};

/* A loss with `window_bytes` in flight: the first one. */
void rival_begin(struct rival *r, uint64_t now_us, uint64_t window_bytes);

/* A further loss; the caller counts those of one round trip as one. */
void rival_loss(struct rival *r, uint64_t now_us);

/* `acked_bytes` were acknowledged on a path whose round trip is `rtt_us`. */
void rival_ack(struct rival *r, uint64_t now_us, uint64_t acked_bytes, uint64_t rtt_us);

#endif
