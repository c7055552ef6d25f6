/* disk_far: a disk that another host's QEMU mirrors, written to our QEMU's. */
#ifndef FARSPAN_DISK_FAR_H
#define FARSPAN_DISK_FAR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/guest/channel_end.h"
#include "core/nbd/nbd_client.h"
#include "core/store/content_store.h"

/* Our QEMU is an NBD server of the disk. Records of the channel become its requests, several at a
 * time but for those that touch the same bytes. */
struct disk_far;

/* Gives one for the export `name` of that size. ERR_MEMORY, ERR_LIMIT. */
enum err disk_far_new(const char *name, uint64_t size_bytes, struct disk_far **out) MUST_USE;

/* Blocks that come are kept in `store` (borrowed), and found there when they are only named. */
void disk_far_know(struct disk_far *d, struct content_store *store);

/* Takes it; NULL is fine. */
void disk_far_free(struct disk_far *d);

/* Takes bytes that QEMU has said. ERR_MEMORY, ERR_LIMIT. */
enum err disk_far_input(struct disk_far *d, struct bytes b) MUST_USE;

/* Hears QEMU's greeting, and answers it: before there is a channel, since QEMU (9.1 and later) ends
 * a connection that says nothing for 10 s. OK: it has been agreed how to go on; ERR_AGAIN: not yet;
 * ERR_UNSUPPORTED (another size, or it cannot be written to), and what nbd_client_next gives. */
enum err disk_far_greet(struct disk_far *d) MUST_USE;

/* Hears QEMU's answers, and takes from the channel what can go on. ERR_END: the barrier has been
 * reached, and all is durable; the source has been told (again and again from then on). ERR_AGAIN:
 * not yet. ERR_SYSTEM: QEMU could not write (disk_far_error), which the source has been told as
 * well. ERR_VERIFY: what was named is not what the source meant, or cannot be read. ERR_MALFORMED
 * and what channel_end_peek and nbd_client_next give. */
enum err disk_far_go_on(struct disk_far *d, struct channel_end *c, uint64_t now_us) MUST_USE;

/* Why QEMU could not write: an NBD error; 0: it could. */
enum nbd_error disk_far_error(const struct disk_far *d);

/* What is to be sent to QEMU, borrowed until the next call. */
struct bytes disk_far_output(const struct disk_far *d);

/* So many bytes of it have been sent. */
void disk_far_sent(struct disk_far *d, size_t n);

#endif
