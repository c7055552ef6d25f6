/* far_pace: how much of a guest's memory may be on its way, by how fast the other host takes it. */
#ifndef FARSPAN_FAR_PACE_H
#define FARSPAN_FAR_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum { FAR_PACE_SLOTS = 3 };

/* Coded pages are small, and become much at the other end: what the path takes says little of how
 * soon QEMU there has taken it, and all that waits there is downtime in the end. So no more is read
 * from QEMU than is taken there in a round trip and a little more. In its owner's storage; zeroed
 * it is at the beginning. */
struct far_pace {
    uint64_t taken; /* bytes of the stream, as the other host has told */
    uint64_t slot_us, slot_taken;
    uint64_t rate[FAR_PACE_SLOTS]; /* bytes a second, of late */
    unsigned slots;
    bool free; /* all there is may be read: the guest stands, and waits for it */
};

/* The other host's QEMU has taken so much of the stream. */
void far_pace_taken(struct far_pace *f, uint64_t now_us, uint64_t bytes);

/* What it takes of late, in bytes a second; 0: not known yet. */
uint64_t far_pace_rate(const struct far_pace *f);

/* How many more bytes may be read, when so many have been. */
uint64_t far_pace_room(const struct far_pace *f, uint64_t read_bytes, uint64_t rtt_us);

#endif
