/* barcode: a time painted as 8x8 cells of 8 pixels: one tile, so that it is never half new. */
#ifndef FARSPAN_BARCODE_H
#define FARSPAN_BARCODE_H

#include <stdbool.h>
#include <stdint.h>

enum { BARCODE_CELL_PX = 8, BARCODE_CELLS = 8, BARCODE_PX = 64 };

/* The 64 cells of a time in microseconds (below 2^48), bit i for cell i; 16 bits are a check. */
static inline uint64_t barcode_cells(uint64_t time_us)
{
    uint64_t t = time_us & 0xffffffffffffu;
    uint64_t check = (t ^ t >> 16 ^ t >> 32 ^ 0x5a3c) & 0xffff;

    return t | check << 48;
}

/* Reads the time back; false when the cells are none. */
static inline bool barcode_time(uint64_t cells, uint64_t *time_us)
{
    *time_us = cells & 0xffffffffffffu;
    return barcode_cells(*time_us) == cells;
}

#endif
