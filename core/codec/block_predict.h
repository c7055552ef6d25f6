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

/* Where the sections of a block are read from. */
struct predict_sections {
    const uint8_t *at[PREDICT_SECTIONS], *end[PREDICT_SECTIONS]; /* borrowed */
    unsigned detail;
};

/* Fills the part `r` of tile `t`, of which everything above and to the left is final, from the
 * sections. ERR_MALFORMED when one of them is too short. */
enum err block_predict_fill(struct predict_sections *s, struct tile *t, struct rect r,
                            bool alpha) MUST_USE;

/* The coding cost of the part `r` of tile `t` in the units of block_encode.c, estimated. */
uint32_t block_predict_cost(const struct tile *t, struct rect r, bool alpha);

#endif
