#include <string.h>

#include "core/base/rng.h"
#include "core/codec/block_kernels.h"
#include "tests/unit/test.h"

enum { SIDE = 64 };

static uint32_t a[SIDE * SIDE], b[SIDE * SIDE];

static void anchors_agree_with_plain_c(void)
{
    const struct block_kernels *k = block_kernels_best();
    uint8_t at[2][SIDE];
    uint32_t weak[2][SIDE];
    struct rng g;

    rng_seed(&g, 2);
    for (int round = 0; round < 3000; round++) {
        size_t count = 1 + rng_below(&g, 49);
        uint32_t below = (uint32_t)rng_u64(&g) >> rng_below(&g, 8);
        uint64_t colours = 1 + rng_below(&g, round & 1 ? 2 : 1000);
        const uint32_t *row = a + rng_below(&g, SIDE - 6) * SIDE;

        for (size_t i = 0; i < SIDE * SIDE; i++)
            a[i] = (uint32_t)rng_below(&g, colours) * 0x10305;
        size_t n = k->find_anchors(row, count, below, at[0], weak[0]);
        EXPECT_EQ(n, block_kernels_c.find_anchors(row, count, below, at[1], weak[1]));
        EXPECT(memcmp(at[0], at[1], n) == 0 && memcmp(weak[0], weak[1], n * 4) == 0);
    }
}

static void boxes_agree_with_plain_c(void)
{
    const struct block_kernels *k = block_kernels_best();
    struct rng g;

    rng_seed(&g, 3);
    for (int round = 0; round < 20000; round++) {
        struct block_kernel_box x, y;
        uint32_t width = 1 + (uint32_t)rng_below(&g, 16);
        uint32_t height = 1 + (uint32_t)rng_below(&g, 16);

        memcpy(b, a, sizeof b);
        for (uint64_t i = rng_below(&g, round & 1 ? 3 : 300); i > 0; i--)
            b[rng_below(&g, 16) * SIDE + rng_below(&g, 16)] ^= 1 + (uint32_t)rng_below(&g, 9);
        k->find_box(a, b, width, height, &x);
        block_kernels_c.find_box(a, b, width, height, &y);
        EXPECT(memcmp(&x, &y, sizeof x) == 0);
        for (uint32_t v = 0; v < height; v++)
            for (uint32_t u = 0; u < width; u++)
                EXPECT(a[v * SIDE + u] == b[v * SIDE + u] ||
                       (u >= y.left && u < y.right && v >= y.top && v < y.bottom));
    }
}

TEST_MAIN({"anchors_agree_with_plain_c", anchors_agree_with_plain_c},
          {"boxes_agree_with_plain_c", boxes_agree_with_plain_c})
