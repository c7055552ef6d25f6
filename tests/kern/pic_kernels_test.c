#include <string.h>

#include "core/base/rng.h"
#include "core/codec/pic_kernels.h"
#include "tests/unit/test.h"

enum { SIDE = 64, STRIDE = 80 };

static uint32_t a[SIDE * STRIDE], b[SIDE * STRIDE], c[SIDE * STRIDE], d[SIDE * STRIDE];

static void the_fast_ones_agree_with_plain_c(void)
{
    const struct pic_kernels *k = pic_kernels_best();
    uint8_t packed[2][SIDE * STRIDE * 3 + 8];
    struct rng g;

    rng_seed(&g, 1);
    for (int round = 0; round < 3000; round++) {
        uint32_t width = 1 + (uint32_t)rng_below(&g, SIDE);
        uint32_t height = 1 + (uint32_t)rng_below(&g, round % 16 ? 4 : SIDE);
        uint32_t mask = round & 1 ? 0xffffff : 0xffffffff;

        rng_fill(&g, a, height * STRIDE * 4);
        for (uint32_t i = 0; i < height * STRIDE; i++) {
            b[i] = a[i];
            a[i] &= mask;
        }
        if (round & 2)
            b[rng_below(&g, height) * STRIDE + rng_below(&g, width)] ^= 1u << rng_below(&g, 32);
        EXPECT_EQ(k->differ(a, STRIDE, b, STRIDE, width, height, mask),
                  pic_kernels_c.differ(a, STRIDE, b, STRIDE, width, height, mask));
        memset(c, 7, sizeof c);
        memset(d, 7, sizeof d);
        k->copy(c, SIDE, b, STRIDE, width, height, mask);
        pic_kernels_c.copy(d, SIDE, b, STRIDE, width, height, mask);
        EXPECT(memcmp(c, d, sizeof c) == 0);
        k->pack_rgb(packed[0], b, width);
        pic_kernels_c.pack_rgb(packed[1], b, width);
        EXPECT(memcmp(packed[0], packed[1], width * 3) == 0);
    }
}

TEST_MAIN({"the_fast_ones_agree_with_plain_c", the_fast_ones_agree_with_plain_c})
