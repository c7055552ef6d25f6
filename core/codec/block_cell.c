#include "core/codec/block_cell.h"

#include <string.h>

#include "core/base/num.h"

const struct tile block_cell_black;

bool block_cell_rect(struct rect tile, uint32_t cell, struct rect *out)
{
    uint32_t x = cell % CELLS_ACROSS * CELL_SIDE_PX, y = cell / CELLS_ACROSS * CELL_SIDE_PX;

    if (x >= tile.width || y >= tile.height)
        return false;
    *out = (struct rect){x, y, (uint32_t)num_min(CELL_SIDE_PX, tile.width - x),
                         (uint32_t)num_min(CELL_SIDE_PX, tile.height - y)};
    return true;
}

/* Whether a rectangle of the size of `r` at (x, y) lies inside of `ref`. */
static bool inside(struct rect r, const struct pic *ref, int64_t x, int64_t y)
{
    return !ref || (x >= 0 && y >= 0 && x + r.width <= ref->width && y + r.height <= ref->height);
}

/* The pixels of `ref` from (x, y) to the right inside one tile. */
static const uint32_t *pixels_at(const struct pic *ref, uint32_t x, uint32_t y)
{
    uint32_t index = y / TILE_SIDE_PX * ref->columns + x / TILE_SIDE_PX;

    return block_cell_tile(ref, index)->px + y % TILE_SIDE_PX * TILE_SIDE_PX + x % TILE_SIDE_PX;
}

const uint32_t *block_cell_inside(const struct pic *ref, int64_t x, int64_t y)
{
    if (!ref)
        return block_cell_black.px;
    if (x % TILE_SIDE_PX > TILE_SIDE_PX - CELL_SIDE_PX ||
        y % TILE_SIDE_PX > TILE_SIDE_PX - CELL_SIDE_PX)
        return NULL;
    return pixels_at(ref, (uint32_t)x, (uint32_t)y);
}

bool block_cell_equal(const struct tile *t, struct rect r, const struct pic *ref, int64_t x,
                      int64_t y)
{
    if (!inside(r, ref, x, y))
        return false;
    uint32_t sx = ref ? (uint32_t)x : 0, sy = ref ? (uint32_t)y : 0;
    uint32_t first = (uint32_t)num_min(r.width, TILE_SIDE_PX - sx % TILE_SIDE_PX);
    for (uint32_t i = 0; i < r.height; i++) {
        const uint32_t *row = t->px + (r.y + i) * TILE_SIDE_PX + r.x;
        const uint32_t *from = ref ? pixels_at(ref, sx, sy + i) : block_cell_black.px;

        if (row[0] != from[0] || memcmp(row, from, first * sizeof *row))
            return false;
        if (first < r.width && memcmp(row + first, pixels_at(ref, sx + first, sy + i),
                                      (r.width - first) * sizeof *row))
            return false;
    }
    return true;
}

bool block_cell_copy(struct tile *t, struct rect r, const struct pic *ref, int64_t x, int64_t y)
{
    if (!inside(r, ref, x, y))
        return false;
    uint32_t sx = ref ? (uint32_t)x : 0, sy = ref ? (uint32_t)y : 0;
    uint32_t first = (uint32_t)num_min(r.width, TILE_SIDE_PX - sx % TILE_SIDE_PX);
    for (uint32_t i = 0; i < r.height; i++) {
        uint32_t *row = t->px + (r.y + i) * TILE_SIDE_PX + r.x;
        const uint32_t *from = ref ? pixels_at(ref, sx, sy + i) : block_cell_black.px;

        memcpy(row, from, first * sizeof *row);
        if (first < r.width)
            memcpy(row + first, pixels_at(ref, sx + first, sy + i),
                   (r.width - first) * sizeof *row);
    }
    return true;
}

void block_cell_order(const uint32_t *tiles, size_t count, uint32_t columns, uint16_t *order)
{
    size_t end;

    for (size_t first = 0; first < count; first = end) {
        for (end = first; end < count && tiles[end] / columns == tiles[first] / columns;)
            end++;
        for (uint32_t row = 0; row < CELLS_ACROSS; row++)
            for (size_t t = first; t < end; t++)
                for (uint32_t x = 0; x < CELLS_ACROSS; x++)
                    *order++ = (uint16_t)(t * TILE_CELLS + row * CELLS_ACROSS + x);
    }
}
