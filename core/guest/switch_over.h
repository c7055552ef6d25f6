/* switch_over: when a guest is to stand, so that the rest of it goes over within a time. */
#ifndef FARSPAN_SWITCH_OVER_H
#define FARSPAN_SWITCH_OVER_H

#include <stdbool.h>
#include <stdint.h>

enum { SWITCH_SLOTS = 8 };

/* QEMU decides by the rate at which its socket took bytes lately: which says nothing of a link
 * where pages cost as much as they differ. So it is kept from deciding (a downtime limit of 1 ms)
 * until what remains, at what such pages cost lately, goes over in time, and through both hosts, as
 * fast as they were lately; and then until it does not become less any more. In its owner's
 * storage, zeroed but for max_us. */
struct switch_over {
    uint64_t max_us; /* the guest may stand for the rest of its memory */

    uint64_t rounds, round_us;        /* QEMU's rounds so far, and when the last began */
    uint64_t round_raw, round_packed; /* how much had been sent then, before and after coding */
    uint64_t last_ratio;              /* of the round before, in 1/65536 */
    bool seen;
    uint64_t slot_us, slot_raw;
    uint64_t raw_rate[SWITCH_SLOTS]; /* what was sent lately, before coding, in bytes a second */
    unsigned slots;
    uint64_t first_us, last_us;     /* it would have been in time since then, and until then */
    uint64_t least_us, least_at_us; /* the least that it was meanwhile, and when */
    uint64_t expected_us;           /* for what remains, as of the last look */
};

/* What is seen of a migration at one moment. */
struct switch_view {
    uint64_t now_us;
    uint64_t remaining_bytes; /* known to QEMU: not sent since written */
    uint64_t dirty_bps;       /* memory written, bits a second */
    uint64_t rounds;
    uint64_t raw_bytes, packed_bytes; /* sent so far, before and after coding */
    uint64_t rate_bps;                /* of the path; 0: not known yet */
    uint64_t queued_bytes;            /* in front of it */
    uint64_t behind_bytes;            /* sent, before coding, and not taken at the other end */
};

/* Whether the guest is to stand now. */
bool switch_over_look(struct switch_over *s, const struct switch_view *v);

#endif
