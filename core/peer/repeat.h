/* repeat: small urgent packets are sent a second time where losses make that pay. */
#ifndef FARSPAN_REPEAT_H
#define FARSPAN_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/peer/recovery.h"

/* Bounds: what waits for its second time, and how much of one message may be sent so. */
enum { REPEAT_WAITING = 8, REPEAT_MESSAGE_BYTES = 6000 };

/* Packets whose content is sent again a few milliseconds later unless it has been acknowledged by
 * then. A loss is otherwise noticed after a round trip, and of an update of one to five packets
 * there is often nothing behind it that would tell. The repeat is spaced, because losses come in
 * rows, and bounded by a share of the path. */
struct repeat {
    struct {
        uint64_t number, due_us;
    } waiting[REPEAT_WAITING]; /* a ring, due in this order */
    unsigned first, count;
    uint64_t credit_bytes, credit_us;
};

/* Notes that packet `number` has left now with `bytes` bytes, of which the most urgent are small
 * and urgent; `again`: some of them had been lost before. Whether it pays follows from what `r`
 * knows of the path. A burst longer than the ring keeps its last packets. */
void repeat_note(struct repeat *q, const struct recovery *r, uint64_t now_us, uint64_t number,
                 uint16_t bytes, bool again);

/* When repeat_run has something to do; UINT64_MAX: never. */
uint64_t repeat_deadline_us(const struct repeat *q);

/* Queues the content of what is due again, as recovery_again does; errors of its callbacks. */
enum err repeat_run(struct repeat *q, struct recovery *r, uint64_t now_us) MUST_USE;

#endif
