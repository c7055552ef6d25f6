/* tile: an immutable 64x64 piece of a picture, shared by reference. */
#ifndef FARSPAN_TILE_H
#define FARSPAN_TILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { TILE_SIDE_PX = 64, TILE_PIXELS = TILE_SIDE_PX * TILE_SIDE_PX };

/* The content of one tile. A pixel is 0xAARRGGBB; the top byte is 0 in pictures without alpha. In
 * tiles that the picture's right or lower edge cuts, the pixels outside are 0. Content never
 * changes once the tile is in a picture; reference counts belong to the loop thread. */
struct tile {
    _Alignas(64) uint32_t px[TILE_PIXELS]; /* rows of 64 */
    uint8_t digest[16];                    /* of the content; valid as digested says */
    uint32_t refs;
    uint16_t digested;      /* 0: no digest yet; else the visible size and alpha it was made for */
    struct tile *next_free; /* the pool's */
};

/* A free list of tiles with an upper bound; the caller's storage. What a burst needed and nothing
 * has needed since goes back to the heap. */
struct tile_pool {
    struct tile *free;
    size_t made, max; /* tiles that are allocated, and at most */
    size_t in_use;
    size_t least_free, returns; /* since the last look: the shortest list, tiles that came back */
};

/* Prepares a pool that makes at most `max` tiles; allocates nothing. */
void tile_pool_init(struct tile_pool *p, size_t max);

/* Frees the pool's tiles; all must have come back. */
void tile_pool_release(struct tile_pool *p);

/* Gives a tile with one reference and undefined pixels (the caller fills all), or NULL at the bound
 * or without memory. */
struct tile *tile_new(struct tile_pool *p);

/* Adds a reference and gives `t` back. */
struct tile *tile_ref(struct tile *t);

/* Takes one reference away; the last one returns the tile to the pool, which may free others that
 * it has not needed for long. NULL is fine. */
void tile_unref(struct tile_pool *p, struct tile *t);

#endif
