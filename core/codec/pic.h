/* pic: a picture as an array of shared tiles: copying one copies references. */
#ifndef FARSPAN_PIC_H
#define FARSPAN_PIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/codec/tile.h"

/* A rectangle in pixels. */
struct rect {
    uint32_t x, y, width, height;
};

/* Borrowed pixels in memory: rows of 32-bit little-endian 0x??RRGGBB, `stride_px` apart. */
struct pixels {
    const uint32_t *px;
    uint32_t width, height;
    size_t stride_px;
};

/* A picture. Tiles are numbered row by row; a NULL tile is all zero (black). Reference counted on
 * the loop thread; to be changed only while nobody else holds a reference. */
struct pic {
    uint32_t width, height, columns, rows;
    uint32_t refs;
    bool alpha; /* the top byte counts; else it is masked to 0 when pixels come in */
    struct tile_pool *pool;
    struct tile *tile[]; /* columns * rows */
};

/* Gives a black picture of width x height (1..LIMIT_PICTURE_SIDE_PX, area bounded by limits.h) with
 * one reference in *out. ERR_LIMIT, ERR_MEMORY. */
enum err pic_new(struct tile_pool *pool, uint32_t width, uint32_t height, bool alpha,
                 struct pic **out) MUST_USE;

/* Gives a picture with the same tiles and one reference, which may then be changed. ERR_MEMORY. */
enum err pic_copy(const struct pic *from, struct pic **out) MUST_USE;

/* Adds a reference and gives `p` back. */
struct pic *pic_ref(struct pic *p);

/* Takes one reference away; the last frees the picture and its tiles' references. NULL is fine. */
void pic_unref(struct pic *p);

/* The number of tiles. */
static inline uint32_t pic_tiles(const struct pic *p)
{
    return p->columns * p->rows;
}

/* The visible part of tile `index` in picture coordinates. */
struct rect pic_tile_rect(const struct pic *p, uint32_t index);

/* Puts `t` (takes the reference; NULL for black) in place `index`. */
void pic_set(struct pic *p, uint32_t index, struct tile *t);

/* Compares the pixels inside `area` (clipped) with the picture and replaces every tile that differs
 * by a new one; sets changed[index] = 1 for each (the array has pic_tiles entries; others stay as
 * they are) and adds their number to *count. `from` has the picture's size. ERR_MEMORY: some tiles
 * were replaced, all of them marked and counted. */
enum err pic_update(struct pic *p, const struct pixels *from, struct rect area, uint8_t *changed,
                    uint32_t *count) MUST_USE;

/* Copies the pixels of `area` (inside the picture) to `to`, rows `stride_px` apart. */
void pic_read(const struct pic *p, struct rect area, uint32_t *to, size_t stride_px);

/* The picture's 128-bit hash: a tree over width, height and the tiles' digests of 8-bit RGB without
 * padding (RGBA with alpha); docs/codec.md defines it. Digests of tiles that have none are made and
 * kept, so that only changed tiles cost time. */
void pic_hash(struct pic *p, uint8_t hash[16]);

/* Whether both have the same size and pixels. */
bool pic_equal(const struct pic *a, const struct pic *b);

#endif
