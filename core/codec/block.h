/* block: some tiles of a picture as bytes that decode alone, given a reference both ends have. */
#ifndef FARSPAN_BLOCK_H
#define FARSPAN_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/codec/pic.h"

enum {
    BLOCK_MAX_TILES = 64,
    BLOCK_MAX_BYTES = 192 * 1024,     /* coded; a worst-case raw tile fits many times */
    BLOCK_HISTORY_BYTES = 256 * 1024, /* the most that a history keeps */
};

/* What earlier blocks said, as a dictionary for later ones: immutable, shared by reference on the
 * loop thread. Both ends derive the same history from the same parent and the same payloads. */
struct block_history;

/* Gives a new history: the bytes of `parent` (NULL: none) followed by `count` borrowed payloads,
 * cut at the front to BLOCK_HISTORY_BYTES. Payloads added one by one or several at once, in the
 * same order, give equal histories. NULL without memory. */
struct block_history *block_history_new(const struct block_history *parent,
                                        const struct bytes *payloads, size_t count);

/* Adds a reference and gives `h` (may be NULL) back. */
struct block_history *block_history_ref(struct block_history *h);

/* Takes one reference away; NULL is fine. */
void block_history_unref(struct block_history *h);

/* What an encoder or decoder knows: a picture whose tiles the other end surely has, and a history.
 */
struct block_reference {
    const struct pic *pic;         /* borrowed; NULL: black of the same size */
    struct block_history *history; /* borrowed; NULL: none */
};

/* One motion vector found between the reference and the new picture: new(x, y) = ref(x+dx, y+dy).
 */
struct block_vector {
    int16_t dx, dy;
};

/* Working space for one thread that encodes or decodes: zstd contexts and scratch. */
struct block_coder;

/* Gives a coder, or NULL without memory. */
struct block_coder *block_coder_new(void);

/* Takes and frees it; NULL is fine. */
void block_coder_free(struct block_coder *c);

/* Finds the vectors that explain most of the tiles marked in `changed` (pic_tiles entries): votes
 * by 16x16 blocks. Writes at most `max`, best first, and gives their number. */
size_t block_find_vectors(const struct pic *now, const struct pic *ref, const uint8_t *changed,
                          struct block_vector *out, size_t max);

/* Encodes `count` (1..BLOCK_MAX_TILES) tiles of `now`, given by rising index, against `ref`, with
 * the vectors as candidates; each tile by its cheapest coder (same, solid, copied, palette,
 * predicted, raw), the whole through zstd. Appends the coded bytes to `coded` and the uncompressed
 * payload (what a history takes) to `payload` (NULL: not wanted). A worker thread may run it: it
 * changes no reference count. ERR_MEMORY, ERR_LIMIT when it would exceed BLOCK_MAX_BYTES (then
 * encode fewer tiles). */
enum err block_encode(struct block_coder *c, const struct pic *now,
                      const struct block_reference *ref, const uint32_t *tiles, size_t count,
                      const struct block_vector *vectors, size_t vector_count, struct buf *coded,
                      struct buf *payload) MUST_USE;

/* One decoded tile; `tile` NULL means black. */
struct block_tile {
    uint32_t index;
    struct tile *tile; /* one reference, the caller's */
};

/* Decodes `coded` for a picture shaped like `shape` (borrowed; its pool gives the tiles; its size
 * and alpha count, not its content). Writes *count <= BLOCK_MAX_TILES tiles to `out` with one
 * reference each, and appends the payload to `payload`. ERR_MALFORMED for anything that is not
 * exactly a block, ERR_MEMORY; then nothing is given. */
enum err block_decode(struct block_coder *c, const struct pic *shape,
                      const struct block_reference *ref, struct bytes coded,
                      struct block_tile out[BLOCK_MAX_TILES], size_t *count,
                      struct buf *payload) MUST_USE;

#endif
