/* skipped: packet numbers that are never sent, to catch who acknowledges what has not come. */
#ifndef FARSPAN_SKIPPED_H
#define FARSPAN_SKIPPED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/rng.h"
#include "core/wire/frame.h"

enum {
    SKIPPED_GAP = 2000, /* at most so many numbers from one to the next, 1,000 in the mean */
    SKIPPED_KEPT = 128  /* the newest so many are known: more than there are in flight */
};

/* Which they are (RFC 9000, section 21.4: optimistic acknowledgement). */
struct skipped {
    struct rng rng;
    bool off;
    uint64_t at;                   /* the next one; 0: not drawn yet */
    uint64_t number[SKIPPED_KEPT]; /* number k of them in number[k % SKIPPED_KEPT], rising */
    uint64_t count;
};

/* Prepares the caller's storage; draws from a copy of `rng`. Off: none is ever skipped. */
void skipped_init(struct skipped *s, const struct rng *rng, bool off);

/* Whether packet `number`, the next one, is to be left out; it is remembered then. Asked for each
 * number in turn, those after one that was left out as well; never says so twice in a row, nor of
 * the first. */
bool skipped_take(struct skipped *s, uint64_t number);

/* Whether an ACK tells of one of those left out: no honest one does. */
bool skipped_told(const struct skipped *s, const struct frame *ack);

#endif
