/* ecn: whether marks of congestion (RFC 3168) get through this path, and what they say. */
#ifndef FARSPAN_ECN_H
#define FARSPAN_ECN_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ECN_NONE = 0, /* the codepoints of RFC 3168 */
    ECN_ECT1 = 1,
    ECN_ECT0 = 2,
    ECN_CE = 3
};

enum {
    ECN_TRIES = 3,  /* so many marked trial packets are lost before marks count as harmful */
    ECN_MISSED = 3, /* so many marked packets in a row are missed before they are tried again */
    ECN_RETRY_US = 200000
};

enum ecn_state {
    ECN_TESTING, /* only trial packets are marked */
    ECN_ON,
    ECN_OFF /* marks are dropped, cleared or changed on this path */
};

/* Validation of one path as RFC 9000, 13.4.2, wants it, with one difference: what is marked first
 * is a packet of which nothing depends, not the first data. */
struct ecn {
    enum ecn_state state;
    bool unchecked;   /* a simulation's switch: on, whatever becomes of it */
    bool in_flight;   /* a trial ... */
    uint64_t number;  /* ... in the packet of this number */
    unsigned tries;   /* trials lost */
    bool passed;      /* a trial was acknowledged; the next report tells how it arrived */
    uint64_t next_us; /* when the next trial may leave */
    uint64_t marked;  /* packets that left with ECT(0), on all paths */
    uint64_t first;   /* packets with lower numbers left on another path */
    uint64_t acked;   /* marked packets of this path that were acknowledged */
    uint64_t before;  /* marks that the other had seen when this path began */
    uint64_t ect0, ce;
    uint64_t heard; /* one past the newest marked packet that was acknowledged */
    unsigned missed;
};

/* Prepares the caller's storage for a path that nothing is known of. */
void ecn_init(struct ecn *e, uint64_t now_us);

/* Another path, from packet `next` on. */
void ecn_restart(struct ecn *e, uint64_t now_us, uint64_t next);

/* Whether a trial should leave now. */
bool ecn_wanted(const struct ecn *e, uint64_t now_us);

/* The trial that was wanted has left, marked, in packet `number`. */
void ecn_tried(struct ecn *e, uint64_t number);

/* Any other packet has left marked. */
void ecn_sent(struct ecn *e);

/* What became of a trial. */
void ecn_trial_fate(struct ecn *e, uint64_t now_us, uint64_t number, bool acked);

/* What became of another marked packet; losses after the acknowledgements that showed them. */
void ecn_fate(struct ecn *e, uint64_t now_us, uint64_t number, bool acked);

/* The other has received so many packets with ECT(0) and CE in all, as an ACK says that
 * acknowledges a packet above all before it, after the fate of what it acknowledges was told. Gives
 * how many CE marks are new and credible. */
uint64_t ecn_report(struct ecn *e, uint64_t ect0, uint64_t ce);

/* When ecn_wanted becomes true without anything else happening; UINT64_MAX: never. */
uint64_t ecn_deadline_us(const struct ecn *e);

#endif
