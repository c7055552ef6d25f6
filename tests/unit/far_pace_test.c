/* far_pace: no more is read than the other host takes in a round trip and a little more; what it
 * takes is found out, also when it becomes less. */
#include "core/guest/far_pace.h"

#include "core/base/num.h"
#include "tests/unit/test.h"

enum { RTT_US = 100000, STEP_US = 10000, MB = 1000000 };

/* A host that takes `rate` bytes a second of what was read half a round trip ago, and tells so half
 * a round trip later. */
struct far {
    struct far_pace pace;
    uint64_t now_us, read, taken, told[RTT_US / STEP_US / 2], sent[RTT_US / STEP_US / 2];
    unsigned step;
};

static void pass(struct far *f, uint64_t us, uint64_t rate)
{
    for (uint64_t end = f->now_us + us; f->now_us < end; f->now_us += STEP_US) {
        unsigned at = f->step++ % COUNT_OF(f->told);
        f->taken = num_min(f->sent[at], f->taken + rate / 100);
        if (f->told[at] > f->pace.taken)
            far_pace_taken(&f->pace, f->now_us, f->told[at]);
        f->told[at] = f->taken;
        /* QEMU has as much as anybody reads, up to 1 GB a second. */
        f->read += num_min(far_pace_room(&f->pace, f->read, RTT_US), 10 * MB);
        f->sent[at] = f->read;
    }
}

static void test_follows(void)
{
    struct far f = {.now_us = 1000000};

    pass(&f, 2000000, 200 * MB);
    uint64_t before = f.taken;
    pass(&f, 1000000, 200 * MB);
    EXPECT(f.taken - before > 190 * MB);
    EXPECT(f.read - f.taken < 35 * MB); /* 160 ms */
    EXPECT(far_pace_rate(&f.pace) > 180 * MB);
    /* It becomes slower: what waits there becomes less as well. */
    pass(&f, 2000000, 40 * MB);
    EXPECT(f.read - f.taken < 8 * MB);
    before = f.taken;
    pass(&f, 1000000, 40 * MB);
    EXPECT(f.taken - before > 38 * MB);
}

static void test_standing(void)
{
    struct far_pace f = {.free = true};

    EXPECT(far_pace_room(&f, 1ull << 40, RTT_US) == UINT64_MAX);
    /* What is told out of order does no harm. */
    f = (struct far_pace){0};
    far_pace_taken(&f, 1000, 5000);
    far_pace_taken(&f, 500000, 100);
    EXPECT(far_pace_rate(&f) == 0 && far_pace_room(&f, 0, RTT_US) > 1 * MB);
}

TEST_MAIN({"follows", test_follows}, {"standing", test_standing})
