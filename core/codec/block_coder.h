/* block_coder: the working space of encoding and decoding blocks, and the zstd in it. */
#ifndef FARSPAN_BLOCK_CODER_H
#define FARSPAN_BLOCK_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/wr.h"
#include "core/codec/block.h"
#include "core/codec/block_cell.h"
#include "core/codec/block_colour.h"
#include "core/codec/block_predict.h"

/* The block format (docs/codec.md) and the most of everything in it. */
enum {
    BLOCK_FORMAT = 1,
    BLOCK_MAX_VECTORS = 32,
    BLOCK_ALL_CELLS = BLOCK_MAX_TILES * TILE_CELLS,
    BLOCK_CONTENT_BYTES = 16 + BLOCK_MAX_TILES * 4 + BLOCK_MAX_VECTORS * 4 + COLOUR_NEW * 4 +
                          BLOCK_MAX_TILES + BLOCK_ALL_CELLS * 6 + BLOCK_MAX_TILES * TILE_PIXELS * 2
};

/* What is done with a cell; COPIED + i: vector i. A tile whose cells are all alike has one such
 * byte, others have CELL_MIXED and one a visible cell. */
enum block_kind {
    CELL_SAME,        /* as in the reference */
    CELL_SOLID,       /* one colour */
    CELL_INDEXED,     /* colours by number, column by column */
    CELL_PREDICTED,   /* residuals */
    CELL_BOX_INDEXED, /* as below, inside a box; around it as in the reference or copied */
    CELL_BOX_PREDICTED,
    CELL_COPIED,
    CELL_MIXED = 0xff,
};

/* Whether cells of this kind have a box. */
static inline bool block_has_box(uint8_t kind)
{
    return kind == CELL_BOX_INDEXED || kind == CELL_BOX_PREDICTED;
}

/* The part of a cell that is coded. */
struct block_box {
    uint8_t base; /* 0: the reference at the same place, else vector base - 1 */
    uint8_t x, y; /* in the cell */
    uint8_t width, height;
};

enum {
    BLOCK_NEAR_BYTES = 64 * 1024, /* of the history, for blocks of few tiles */
    BLOCK_SEARCHES = 3,
    KNOWN_BITS = 19
};

struct block_coder {
    void *compress, *expand;                /* ZSTD_CCtx, ZSTD_DCtx */
    void *dictionary_space[BLOCK_SEARCHES]; /* owned; NULL: not needed so far */
    const void
        *dictionary[BLOCK_SEARCHES]; /* ZSTD_CDict of the history below, by search, or NULL */
    uint8_t key[16];                 /* the history that the dictionaries are of */
    uint8_t known_of[16];            /* the history that `known_before` is of */
    size_t known_reach;              /* and how much of it */
    struct block_colours colours;
    uint32_t fresh[COLOUR_NEW]; /* this block's new colours */
    uint32_t fresh_count;
    uint32_t tile[BLOCK_MAX_TILES];  /* the block's tiles; cell i belongs to tile i / TILE_CELLS */
    uint16_t order[BLOCK_ALL_CELLS]; /* see block_cell_order */
    uint8_t kind[BLOCK_ALL_CELLS];
    struct block_box box[BLOCK_ALL_CELLS];         /* of the cells that have one */
    uint64_t known_before[(1 << KNOWN_BITS) / 64]; /* see block_encode.c */
    uint64_t known[(1 << KNOWN_BITS) / 64];
    uint32_t index_count;
    uint16_t index[BLOCK_MAX_TILES * TILE_PIXELS];
    struct predict_samples samples;
    uint8_t sorted[2 * PREDICT_SAMPLES]; /* see block_decode.c why twice */
    uint8_t content[BLOCK_CONTENT_BYTES];
    uint8_t coded[BLOCK_MAX_BYTES];
};

/* Compresses `from` (borrowed) with the history (NULL: none), or with `near` its last
 * BLOCK_NEAR_BYTES, as dictionary and appends the frame to `to`. ERR_LIMIT when there is no room,
 * ERR_MEMORY. */
enum err block_coder_compress(struct block_coder *c, const struct block_history *h, bool near,
                              struct bytes from, struct wr *to) MUST_USE;

/* Compresses residuals (borrowed), without a dictionary; else as above. */
enum err block_coder_compress_residuals(struct block_coder *c, struct bytes from,
                                        struct wr *to) MUST_USE;

/* Expands one frame, made with this dictionary (borrowed), to exactly `n` bytes at `to`.
 * ERR_MALFORMED, ERR_MEMORY. */
enum err block_coder_expand(struct block_coder *c, struct bytes dictionary, struct bytes from,
                            uint8_t *to, size_t n) MUST_USE;

/* Empties the colour table and enters what the history knows. */
void block_coder_start_colours(struct block_coder *c, const struct block_history *h);

#endif
