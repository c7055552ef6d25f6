/* canvas: drawing smooth shapes and text into pixels, clipped. */
#ifndef FARSPAN_CANVAS_H
#define FARSPAN_CANVAS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/screen/box.h"
#include "core/screen/font.h"

/* A point in 64ths of a pixel; (32, 32) is the middle of the first pixel. */
struct canvas_point {
    int32_t x, y;
};

/* What is drawn on: borrowed rows of 0x00RRGGBB, `stride_px` apart, and the box outside which
 * nothing is touched (inside the pixels). Coordinates of shapes may lie anywhere within +-32,000
 * pixels. Integers only: the same picture on every machine. */
struct canvas {
    uint32_t *px;
    size_t stride_px;
    struct box clip;
};

/* The colour `cover` / 255 of the way from `under` to `over`. */
uint32_t canvas_mix(uint32_t under, uint32_t over, uint32_t cover);

/* Fills `b` with one colour. */
void canvas_fill(struct canvas *c, struct box b, uint32_t colour);

/* Fills `b` with a run of colours from its upper to its lower edge. */
void canvas_fade(struct canvas *c, struct box b, uint32_t top, uint32_t bottom);

/* Fills `b` with rounded corners of `radius` pixels. */
void canvas_round(struct canvas *c, struct box b, int32_t radius, uint32_t colour);

/* As canvas_round, only the upper corners round and colours running from top to bottom. */
void canvas_cap(struct canvas *c, struct box b, int32_t radius, uint32_t top, uint32_t bottom);

/* A soft black shadow around `b`, `reach` pixels wide and `cover` / 255 dark at the edge. */
void canvas_shadow(struct canvas *c, struct box b, int32_t reach, uint32_t cover);

/* Copies borrowed pixels (rows `stride_px` apart, as large as `b`) to `b`. */
void canvas_copy(struct canvas *c, struct box b, const uint32_t *from, size_t stride_px);

/* A filled circle. */
void canvas_disc(struct canvas *c, struct canvas_point centre, int32_t radius_64, uint32_t colour,
                 uint32_t cover);

/* A straight stroke with round ends, `radius_64` to either side. */
void canvas_line(struct canvas *c, struct canvas_point a, struct canvas_point b, int32_t radius_64,
                 uint32_t colour);

/* Fills the convex polygon of `count` >= 3 points, clockwise on the screen. */
void canvas_convex(struct canvas *c, const struct canvas_point *p, size_t count, uint32_t colour);

/* Draws UTF-8 text with the cell's upper left corner at x, y, one cell a character; bytes that are
 * no UTF-8 are drawn as missing characters. Gives the x after it. */
int32_t canvas_text(struct canvas *c, const struct font *f, int32_t x, int32_t y, uint32_t colour,
                    struct bytes text);

/* As canvas_text, each character as wide as it is. */
int32_t canvas_label(struct canvas *c, const struct font *f, int32_t x, int32_t y, uint32_t colour,
                     struct bytes text);

/* The width of `text` as canvas_label draws it. */
int32_t canvas_label_width(const struct font *f, struct bytes text);

#endif
