#include <string.h>

#include "core/base/rng.h"
#include "core/screen/rects.h"
#include "tests/unit/test.h"

enum { SIDE = 256 };

static void mark(uint8_t *map, struct rect r)
{
    for (uint32_t y = r.y; y < r.y + r.height; y++)
        memset(map + y * SIDE + r.x, 1, r.width);
}

static void everything_added_is_covered(void)
{
    static uint8_t added[SIDE * SIDE], covered[SIDE * SIDE];
    struct rng rng;

    rng_seed(&rng, 1);
    for (int round = 0; round < 200; round++) {
        struct rects l = {0};
        uint32_t n = (uint32_t)rng_below(&rng, 300);
        memset(added, 0, sizeof added);
        memset(covered, 0, sizeof covered);
        for (uint32_t i = 0; i < n; i++) {
            struct rect r = {(uint32_t)rng_below(&rng, SIDE), (uint32_t)rng_below(&rng, SIDE), 0,
                             0};
            r.width = (uint32_t)rng_below(&rng, SIDE - r.x + 1);
            r.height = (uint32_t)rng_below(&rng, round % 2 || r.y > SIDE - 3 ? SIDE - r.y + 1 : 3);
            mark(added, r);
            rects_add(&l, r);
            EXPECT(l.count <= SOURCE_MAX_RECTS);
        }
        for (size_t i = 0; i < l.count; i++)
            mark(covered, l.r[i]);
        for (size_t i = 0; i < sizeof added; i++)
            EXPECT(covered[i] || !added[i]);
    }
}

static void far_ones_stay_apart_and_near_ones_merge(void)
{
    struct rects l = {0};

    rects_add(&l, (struct rect){0, 0, 10, 10});
    rects_add(&l, (struct rect){1000, 1000, 10, 10});
    rects_add(&l, (struct rect){500, 500, 0, 10});
    EXPECT_EQ(l.count, 2);
    rects_add(&l, (struct rect){12, 0, 10, 10});
    EXPECT_EQ(l.count, 2);
    /* What covers both takes both in. */
    rects_add(&l, (struct rect){0, 0, 2000, 2000});
    EXPECT_EQ(l.count, 1);
    EXPECT_EQ(rects_area(l.r[0]), 4000000);
    rects_clear(&l);
    EXPECT_EQ(l.count, 0);
}

static void clipping(void)
{
    struct rect r = rects_clip((struct rect){5, 6, 100, 100}, 50, 30);

    EXPECT(r.x == 5 && r.y == 6 && r.width == 45 && r.height == 24);
    EXPECT_EQ(rects_area(rects_clip((struct rect){50, 0, 1, 1}, 50, 30)), 0);
    EXPECT_EQ(rects_area(rects_clip((struct rect){0, 30, 1, 1}, 50, 30)), 0);
    EXPECT_EQ(rects_area(rects_clip((struct rect){49, 29, UINT32_MAX, 9}, 50, 30)), 1);
}

TEST_MAIN({"everything_added_is_covered", everything_added_is_covered},
          {"far_ones_stay_apart_and_near_ones_merge", far_ones_stay_apart_and_near_ones_merge},
          {"clipping", clipping})
