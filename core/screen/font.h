/* font: our own stroke font, drawn smooth at any size into coverage cells. */
#ifndef FARSPAN_FONT_H
#define FARSPAN_FONT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"

enum { FONT_MIN_PX = 8, FONT_MAX_PX = 96 };

/* How one character is drawn, in a cell of 16 x 32 units (y down; capitals stand on 23 and reach up
 * to 5, small letters to 11): strokes separated by ';', each a list of points "x,y"; a point after
 * '~' is the control point of a quadratic curve to the next one. */
struct font_stroke {
    uint32_t code;
    const char *path; /* "" draws nothing; NULL: as `base`, with the path `mark` added */
    uint32_t base;
    const char *mark; /* a path that needs room above a capital, or '_' and one that does not */
};

/* Every character that there is, by rising code. */
extern const struct font_stroke font_table[];
extern const size_t font_table_count;

/* One size and weight, ready to draw. */
struct font {
    uint32_t width_px, height_px; /* of a cell; width is half the height */
    uint8_t *cover;               /* a cell a table entry, then one for what is missing */
    uint8_t *left, *advance;      /* first inked column, and columns to the next character, when
                                     set by ink and not by cell */
};

/* Gives the font at `height_px` (FONT_MIN_PX..FONT_MAX_PX, even), strokes `weight_64` 64ths of a
 * pixel wide at 16 px. NULL without memory. */
struct font *font_new(uint32_t height_px, uint32_t weight_64);

/* Takes `f` and frees it; NULL is fine. */
void font_free(struct font *f);

/* The place of `code` in the cells of every font; font_table_count (an empty box) for what the font
 * does not have. */
size_t font_index(uint32_t code);

/* The coverage of cell `index` (0..255 a pixel, rows of width_px), borrowed from the font. */
static inline const uint8_t *font_cell(const struct font *f, size_t index)
{
    return f->cover + index * f->width_px * f->height_px;
}

#endif
