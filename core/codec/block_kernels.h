/* block_kernels: the inner loops of coding blocks: plain C, and AVX2 where it is there. */
#ifndef FARSPAN_BLOCK_KERNELS_H
#define FARSPAN_BLOCK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* The pixels that differ: columns left .. right - 1, rows top .. bottom - 1; all 0 when none. */
struct block_kernel_box {
    uint8_t left, top, right, bottom;
};

/* The set of kernels; every member is never NULL. All pointers are borrowed. */
struct block_kernels {
    const char *name; /* "c", "avx2" */
    /* Finds anchors in a row of a tile: places x < count whose pixels a0 .. a3 at x, x+3, x+7, x+13
     * of the row and b0 .. b3 at the same places five rows down are not all equal, and whose weak
     * hash (a0 + (a1 << 5) + (a2 << 11) + (a3 << 17) + ((b0 << 3) ^ (b1 << 8) ^ (b2 << 14) ^
     * (b3 << 20))) * 0x9e3779b1 is below `below`, modulo 2^32. The row has count + 13 (<= 64)
     * pixels. Writes x and the hash of each, by rising x, and gives their number; both arrays have
     * room for 64. */
    size_t (*find_anchors)(const uint32_t *row, size_t count, uint32_t below, uint8_t *at,
                           uint32_t *weak);
    /* Finds the smallest box around the pixels in which `a` and `b` differ; both have rows of 64
     * pixels, of which `width` x `height` (1..16) count. 16 pixels of each row must be readable. */
    void (*find_box)(const uint32_t *a, const uint32_t *b, uint32_t width, uint32_t height,
                     struct block_kernel_box *out);
};

/* The plain C kernels, which define the result. */
extern const struct block_kernels block_kernels_c;

/* The kernels for this processor (see cpu_avx2). */
const struct block_kernels *block_kernels_best(void);

#endif
