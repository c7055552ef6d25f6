/* wan_ring: datagrams in preallocated space, given back in nearly the order they came. */
#ifndef FARSPAN_WAN_RING_H
#define FARSPAN_WAN_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

enum { WAN_SLOT_MIN = 128 }; /* no slot is smaller: bounds how many there can be */

/* One datagram in flight, in the ring. */
struct wan_slot {
    struct wan_slot *next; /* in the list it stands in */
    uint64_t user;         /* the owner's */
    uint64_t sent_us;      /* when it entered the link */
    uint64_t due_us;       /* when it leaves the link, once that is known */
    uint64_t seq;          /* order of leaving the queue */
    uint32_t slot_bytes;   /* with header and padding */
    uint32_t n;            /* bytes of the datagram */
    uint8_t ecn;
    bool given_back;
    uint8_t data[];
};

struct wan_ring {
    uint8_t *space; /* owned */
    size_t room;    /* bytes, a multiple of 16 */
    size_t head;    /* offset of the next slot */
    size_t tail;    /* offset of the oldest slot */
    size_t used;    /* bytes between tail and head, gaps included */
};

/* Allocates the space, once. ERR_MEMORY. */
enum err wan_ring_init(struct wan_ring *r, size_t bytes) MUST_USE;

/* Frees the space. */
void wan_ring_release(struct wan_ring *r);

/* Gives a slot with a copy of `data` (borrowed), or NULL when the ring is full. The slot stays
 * where it is until given back. */
struct wan_slot *wan_ring_take(struct wan_ring *r, struct bytes data);

/* Takes a slot back, in any order; its space is used again once all older ones are back. */
void wan_ring_give(struct wan_ring *r, struct wan_slot *s);

/* The most slots that fit in `bytes` of ring. */
size_t wan_ring_slots(size_t bytes);

#endif
