/* mirror: the viewer's picture, put together from updates that arrive in any order. */
#ifndef FARSPAN_MIRROR_H
#define FARSPAN_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/codec/pic.h"
#include "core/screen/without.h"
#include "core/wire/desk.h"

/* What happened since the mirror was made. */
struct mirror_counters {
    uint64_t updates, tiles, stale_tiles, snapshots, failures;
    uint64_t given_up; /* updates that came after the server had given them up: not decoded */
};

/* What mirror_check found. */
enum mirror_match {
    MIRROR_EXACT, /* the hashes agree */
    MIRROR_MOVED, /* the picture here is newer already: nothing can be said */
    MIRROR_WRONG  /* they differ: ask for a new epoch */
};

struct mirror;

/* Makes an empty mirror; `without`: bits of enum without. NULL without memory. */
struct mirror *mirror_new(uint32_t without);

/* Takes it and frees it; NULL is fine. */
void mirror_free(struct mirror *m);

/* Takes an update in (what came on channel DESK_UPDATE). OK also for one of an old epoch, and for
 * one that the server has given up meanwhile, which are dropped. ERR_LIMIT: the server wants more
 * kept than docs/protocol.md allows, or a picture beyond limits.h: it breaks the protocol.
 * ERR_MALFORMED, ERR_NOT_FOUND (it refers to what is not here), ERR_MEMORY: ask for a new epoch
 * (DESK_REFRESH). Memory: three pictures, LIMIT_DESK_TILES tiles, LIMIT_DESK_SNAPSHOTS histories.
 */
enum err mirror_update(struct mirror *m, struct bytes message) MUST_USE;

/* The picture now, borrowed; NULL before the first update. It may be replaced by mirror_update. */
struct pic *mirror_picture(const struct mirror *m);

/* Which tiles differ since mirror_shown (pic_tiles entries, borrowed); NULL before the first
 * update. */
const uint8_t *mirror_changed(const struct mirror *m);

/* Whether anything differs since mirror_shown. */
bool mirror_has_changed(const struct mirror *m);

/* Forgets the marks of what has changed. */
void mirror_shown(struct mirror *m);

/* The newest capture that something came of; 0: none yet. */
uint32_t mirror_version(const struct mirror *m);

/* The epoch of the picture; 0: none yet. */
uint32_t mirror_epoch(const struct mirror *m);

/* When that newest capture was taken, by the server's clock. */
uint64_t mirror_captured_us(const struct mirror *m);

/* Compares the picture with what the server says of its own (DESK_EXACT); the hash of ours goes to
 * `hash`. */
enum mirror_match mirror_check(struct mirror *m, const struct desk_record *exact,
                               uint8_t hash[DESK_HASH_BYTES]);

/* What was done so far. */
void mirror_count(const struct mirror *m, struct mirror_counters *out);

#endif
