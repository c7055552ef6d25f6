#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/peer/ranges.h"
#include "tests/unit/test.h"

enum { SPAN = 200 };

/* The same set as an array of flags: slow, and right at a glance. */
static void agrees_with_a_bitmap(void)
{
    struct ranges r;
    struct rng rng;
    bool flag[SPAN] = {0};

    rng_seed(&rng, 1);
    ranges_init(&r, SPAN);
    for (int step = 0; step < 20000; step++) {
        uint64_t begin = rng_below(&rng, SPAN), end = begin + rng_below(&rng, SPAN / 8);
        end = num_min(end, SPAN);
        bool add = rng_below(&rng, 2);
        EXPECT_EQ(add ? ranges_add(&r, begin, end) : ranges_remove(&r, begin, end), OK);
        for (uint64_t i = begin; i < end; i++)
            flag[i] = add;
        uint64_t size = 0;
        for (uint64_t i = 0; i < SPAN; i++) {
            EXPECT_EQ(ranges_contain(&r, i, i + 1), flag[i]);
            size += flag[i];
        }
        EXPECT_EQ(ranges_size(&r), size);
        for (size_t i = 0; i + 1 < r.count; i++)
            EXPECT(r.item[i].begin < r.item[i].end && r.item[i].end < r.item[i + 1].begin);
    }
    ranges_release(&r);
}

static void keeps_its_limit(void)
{
    struct ranges r;

    ranges_init(&r, 2);
    EXPECT_EQ(ranges_add(&r, 0, 1), OK);
    EXPECT_EQ(ranges_add(&r, 2, 8), OK);
    EXPECT_EQ(ranges_add(&r, 20, 21), ERR_LIMIT);
    EXPECT_EQ(ranges_remove(&r, 4, 5), ERR_LIMIT);
    EXPECT(ranges_contain(&r, 2, 8) && r.count == 2);
    ranges_fill_lowest_gap(&r);
    EXPECT(r.count == 1 && ranges_contain(&r, 0, 8));
    ranges_release(&r);
}

TEST_MAIN({"agrees_with_a_bitmap", agrees_with_a_bitmap}, {"keeps_its_limit", keeps_its_limit})
