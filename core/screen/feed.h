/* feed: what one viewer is sent: the newest tiles, coded against what it is known to have. */
#ifndef FARSPAN_FEED_H
#define FARSPAN_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/screen/capture.h"
#include "core/screen/without.h"
#include "core/wire/desk.h"

/* Counters since the feed began. */
struct feed_counters {
    uint64_t blocks, bytes, tiles, forsaken, gone, snapshots;
};

struct feed;

/* Makes a feed of a capture (borrowed, and must outlive it); `without`: bits of enum without. NULL
 * without memory. */
struct feed *feed_new(const struct capture *c, uint32_t without);

/* Takes it and frees it; NULL is fine. */
void feed_free(struct feed *f);

/* Whether there is anything to send that was not sent yet. */
bool feed_dirty(const struct feed *f);

/* Makes the next message: some dirty tiles of the newest capture, about `goal` coded bytes of them.
 * *message is borrowed until the next call and is to be sent on channel DESK_UPDATE with the tag
 * *id (> 0). ERR_AGAIN: nothing to send, or too much is on its way already; ERR_MEMORY. */
enum err feed_next(struct feed *f, uint64_t goal, struct bytes *message, uint64_t *id) MUST_USE;

/* Says under which id the transport sends the message `id`. */
void feed_posted(struct feed *f, uint64_t id, uint64_t transport_id);

/* The viewer has the message `id`. */
void feed_acked(struct feed *f, uint64_t id);

/* The message `id` will not arrive: its tiles are dirty again unless newer ones were sent. */
void feed_gone(struct feed *f, uint64_t id);

/* The next message, by transport id, of which everything is outdated by the newest capture, so that
 * sending it again when a part is lost would be a waste; false when there is none. */
bool feed_next_stale(struct feed *f, uint64_t *transport_id);

/* The next message, by transport id, that belongs to a picture of another epoch and is worth
 * nothing even if it arrives; false when there is none. */
bool feed_next_orphan(struct feed *f, uint64_t *transport_id);

/* Whether the viewer is known to have every tile of the newest capture. */
bool feed_complete(const struct feed *f);

/* Begins again: the viewer has nothing. */
void feed_restart(struct feed *f);

/* The epoch of the picture that is being sent; changes with the capture's and with feed_restart. */
uint32_t feed_epoch(const struct feed *f);

/* What was done so far. */
void feed_count(const struct feed *f, struct feed_counters *out);

#endif
