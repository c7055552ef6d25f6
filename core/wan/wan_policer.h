/* wan_policer: a token bucket that drops what is beyond a rate, without a queue. */
#ifndef FARSPAN_WAN_POLICER_H
#define FARSPAN_WAN_POLICER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wan_policer {
    uint64_t rate_bps; /* 0: passes everything */
    uint64_t bucket;   /* its size, in millionths of a bit ... */
    uint64_t tokens;   /* ... and what is in it */
    uint64_t from_us;  /* as of this time */
};

/* Sets rate and bucket from `now_us` on. A zeroed struct's bucket begins full; later what is in it
 * stays, as far as it fits. */
void wan_policer_set(struct wan_policer *p, uint64_t now_us, uint64_t rate_bps,
                     uint64_t bucket_bytes);

/* Whether `n` bytes may pass at `now_us`; then their tokens are gone. */
bool wan_policer_passes(struct wan_policer *p, uint64_t now_us, size_t n);

#endif
