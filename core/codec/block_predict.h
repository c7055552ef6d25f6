/* block_predict: cells as differences from a prediction, sorted by what is to be expected. */
#ifndef FARSPAN_BLOCK_PREDICT_H
#define FARSPAN_BLOCK_PREDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/codec/block.h"

enum {
    PREDICT_SECTIONS = 17,
    PREDICT_DETAILS = 3, /* 0: one section, 1: one a plane, 2: all */
    PREDICT_SAMPLES = BLOCK_MAX_TILES * TILE_PIXELS * 4,
};

/* The samples of a block's predicted cells in coding order: `residual` with the context of each
 * (0 .. PREDICT_SECTIONS - 1). */
struct predict_samples {
    size_t n;
    uint32_t of_context[PREDICT_SECTIONS]; /* how many there are of each */
    uint8_t residual[PREDICT_SAMPLES];
    uint8_t context[PREDICT_SAMPLES];
};

/* How many sections a detail (0 .. PREDICT_DETAILS - 1) has. */
unsigned block_predict_sections(unsigned detail);

/* Appends the samples of the part `r` (1..16 pixels a side) of tile `t` (borrowed; final pixels).
 */
void block_predict_add(struct predict_samples *s, const struct tile *t, struct rect r, bool alpha);

/* Sorts the samples into sections by the contexts that `detail` tells apart: section after section
 * in `out` (room for s->n), their sizes in `size`. */
void block_predict_sort(const struct predict_samples *s, unsigned detail, uint8_t *out,
                        uint32_t size[PREDICT_SECTIONS]);

/* Where the sections of a block are read from, and which one a measure leads to. */
struct predict_reader {
    const uint8_t *at[PREDICT_SECTIONS]; /* borrowed */
    uint8_t section_g[256], section_r[256], section_b[256], section_a;
};

/* Prepares the reader (the caller's storage) for a detail; `at` is left to the caller. */
void block_predict_start(struct predict_reader *r, unsigned detail);

/* Fills the part `r` of tile `t`, of which everything above and to the left is final, from the
 * sections. Takes exactly one residual a sample from some section and never looks at a section's
 * end: behind every section as many readable bytes must follow as the block has samples. */
void block_predict_fill(struct predict_reader *s, struct tile *t, struct rect r, bool alpha);

/* The cost of the part `r` of tile `t` in the units of block_encode.c, estimated; stops counting at
 * `enough`. */
uint32_t block_predict_cost(const struct tile *t, struct rect r, bool alpha, uint32_t enough);

#endif
