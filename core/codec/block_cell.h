/* block_cell: the 16x16 cells that tiles are made of: geometry, comparing, copying. */
#ifndef FARSPAN_BLOCK_CELL_H
#define FARSPAN_BLOCK_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/codec/pic.h"

enum { CELL_SIDE_PX = 16, CELLS_ACROSS = TILE_SIDE_PX / CELL_SIDE_PX, TILE_CELLS = 16 };

/* The black tile that stands for NULL ones. */
extern const struct tile block_cell_black;

/* Tile `index` of `p`, borrowed; the black tile when there is none or `p` is NULL. */
static inline const struct tile *block_cell_tile(const struct pic *p, uint32_t index)
{
    return p && p->tile[index] ? p->tile[index] : &block_cell_black;
}

/* The part of cell `cell` (0..15, row by row) that is visible in a tile whose visible part is
 * `tile`; x and y are relative to the tile. False when nothing of it is visible. */
bool block_cell_rect(struct rect tile, uint32_t cell, struct rect *out);

/* Whether the pixels `r` of tile `t` (relative to it) equal those of `ref` (NULL: black of any
 * size) that begin at (x, y); false when any of these lies outside of `ref`. */
bool block_cell_equal(const struct tile *t, struct rect r, const struct pic *ref, int64_t x,
                      int64_t y);

/* The pixels of `ref` (NULL: black) from (x, y) on, in rows of 64, where all 16x16 are in one tile;
 * else NULL. (x, y) is inside. Borrowed. */
const uint32_t *block_cell_inside(const struct pic *ref, int64_t x, int64_t y);

/* Copies pixels of `ref` (NULL: black of any size) that begin at (x, y) to the part `r` of tile
 * `t`; false, and nothing is copied, when any of these lies outside of `ref`. */
bool block_cell_copy(struct tile *t, struct rect r, const struct pic *ref, int64_t x, int64_t y);

/* Numbers the cells of `count` tiles (their indices, rising, in a picture of `columns` tiles a row;
 * cell i belongs to tile i / TILE_CELLS) line by line across tiles that stand in one row, so that
 * lines of text stay together. Writes count * TILE_CELLS numbers. */
void block_cell_order(const uint32_t *tiles, size_t count, uint32_t columns, uint16_t *order);

#endif
