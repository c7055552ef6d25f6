/* pack: opaque bytes in chunks, each raw or compressed with all that came before it in mind. */
#ifndef FARSPAN_PACK_H
#define FARSPAN_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

enum {
    PACK_RAW_BYTES = 64 * 1024, /* the most in one chunk, before compression */
    PACK_HEAD_BYTES = 6,        /* kind and length, raw length */
    PACK_ROOM_BYTES = PACK_HEAD_BYTES + PACK_RAW_BYTES + PACK_RAW_BYTES / 128,
    PACK_LEVEL_MOST = 9,
    PACK_WINDOW_LOG = 21 /* what both ends remember: 2 MiB */
};

/* What a chunk's content is: the bytes themselves, the start of a frame of zstd without its magic
 * number, or the next part of that frame. A head is the kind in the lowest byte of four, above it
 * the length of the content; then the raw length less one, in two. */
enum pack_kind { PACK_RAW, PACK_FIRST, PACK_NEXT, PACK_KINDS };

/* The compressing end of one stream of chunks; unpack.h has the other. */
struct pack;

/* Gives a compressor. ERR_MEMORY. */
enum err pack_new(struct pack **out) MUST_USE;

/* Takes it; NULL is fine. */
void pack_free(struct pack *p);

/* Writes `raw` (1 .. PACK_RAW_BYTES) as one chunk, its head first, to `space` (at least
 * PACK_ROOM_BYTES), *n bytes in all. Level 0 copies, 1 .. PACK_LEVEL_MOST are zstd's, and what it
 * cannot make shorter becomes a few bytes longer. A change between two of those forgets what came
 * before. Pure but for `p`: any one thread at a time. ERR_MEMORY: this one is of no use any more.
 */
enum err pack_chunk(struct pack *p, int level, struct bytes raw, uint8_t *space,
                    size_t *n) MUST_USE;

#endif
