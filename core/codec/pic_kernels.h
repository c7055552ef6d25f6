/* pic_kernels: the inner loops over a picture's pixels: plain C, and AVX2 where it is there. */
#ifndef FARSPAN_PIC_KERNELS_H
#define FARSPAN_PIC_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The set of kernels; every member is never NULL. Rows are `*_stride` pixels apart; width and
 * height are 1..TILE_SIDE_PX. All pointers are borrowed. */
struct pic_kernels {
    const char *name; /* "c", "avx2" */
    /* Whether any pixel of `px` (masked with `mask`) differs from `tile` (not masked). */
    bool (*differ)(const uint32_t *tile, size_t tile_stride, const uint32_t *px, size_t px_stride,
                   uint32_t width, uint32_t height, uint32_t mask);
    /* Copies `px`, masked, to `tile`. */
    void (*copy)(uint32_t *tile, size_t tile_stride, const uint32_t *px, size_t px_stride,
                 uint32_t width, uint32_t height, uint32_t mask);
    /* Writes `count` pixels as bytes R, G, B to `to`, which has room for 3 * count + 8. */
    void (*pack_rgb)(uint8_t *to, const uint32_t *px, size_t count);
};

/* The plain C kernels, which define the result. */
extern const struct pic_kernels pic_kernels_c;

/* The kernels for this processor (see cpu_avx2). */
const struct pic_kernels *pic_kernels_best(void);

#endif
