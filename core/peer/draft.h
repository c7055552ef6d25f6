/* draft: a packet being built, and what goes into it: the most urgent first. */
#ifndef FARSPAN_DRAFT_H
#define FARSPAN_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/wr.h"
#include "core/peer/session.h"

/* A packet being built. */
struct draft {
    struct wr w;                    /* plain text, behind the head */
    struct recovery_packet *record; /* what fate_tell will be told of it */
    uint64_t number;
    bool eliciting; /* the other acknowledges it */
    bool padded;    /* filled with zeros to the end of `w` */
    bool ranked;    /* has something of a class in it; record->rank says of which */
    bool again;     /* something in it was sent before */
};

/* Fills a draft that is empty with what is due, and with what waits for the window where `may_send`
 * says that there is room. Gives whether the packet counts for the pace: one that leaves without
 * room, because something in it is urgent, does not. */
bool draft_fill(struct peer *p, struct draft *d, uint64_t now_us, bool may_send);

/* Whether something waits for the window. */
bool draft_waits(const struct peer *p);

/* Whether something is due that does not wait for the window. Acknowledgements apart: they have
 * their time (p->ack_due_us). */
bool draft_urgent(const struct peer *p);

#endif
