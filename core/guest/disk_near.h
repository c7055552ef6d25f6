/* disk_near: a disk that QEMU mirrors to us, on its way to another host. */
#ifndef FARSPAN_DISK_NEAR_H
#define FARSPAN_DISK_NEAR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/guest/known_list.h"
#include "core/nbd/nbd_server.h"

/* QEMU is an NBD client of ours. What it writes is answered as soon as it is on its way: until the
 * guest is handed over, its own disk is what counts, and a barrier at the end proves that all has
 * arrived. What waits in front of the path is bounded by the channel (channel_end_room). */
struct disk_near;

struct disk_near_counters {
    uint64_t written_bytes, zeroed_bytes; /* by QEMU ... */
    uint64_t known_bytes;                 /* ... of the first, what the destination has already */
};

/* Gives one for a disk of that size. ERR_MEMORY. */
enum err disk_near_new(uint64_t size_bytes, struct disk_near **out) MUST_USE;

/* What is in `known` (borrowed) from now on is named, not sent. */
void disk_near_know(struct disk_near *d, const struct known_list *known);

/* Takes it; NULL is fine. */
void disk_near_free(struct disk_near *d);

/* Whether it takes more of what QEMU says. */
bool disk_near_wants(const struct disk_near *d);

/* Takes bytes that QEMU has said. ERR_MALFORMED, ERR_MEMORY, ERR_LIMIT; ERR_END: it is done. */
enum err disk_near_input(struct disk_near *d, struct bytes b) MUST_USE;

/* Gives the channel's end what is to go. Errors as disk_near_input. */
enum err disk_near_fill(struct disk_near *d, struct channel_end *c, uint64_t now_us) MUST_USE;

/* All that QEMU writes has been written: says so, behind it. */
void disk_near_finish(struct disk_near *d);

/* Hears what comes back on the channel. ERR_END: all is durable there; ERR_AGAIN: not yet;
 * ERR_SYSTEM: it could not be written there; ERR_MALFORMED, and what channel_end_peek gives. */
enum err disk_near_hear(struct disk_near *d, struct channel_end *c) MUST_USE;

/* Why it could not be written there; 0: it could, or nothing has come back. */
enum nbd_error disk_near_error(const struct disk_near *d);

/* What is to be sent to QEMU, borrowed until the next call. */
struct bytes disk_near_output(const struct disk_near *d);

/* So many bytes of it have been sent. */
void disk_near_sent(struct disk_near *d, size_t n);

/* What QEMU has written so far. */
struct disk_near_counters disk_near_counters(const struct disk_near *d);

#endif
