/* rival: a window that grows as CUBIC's does. */
#include "core/peer/rival.h"

#include "tests/unit/test.h"

enum { SEGMENT = 1448, RTT_US = 100000 };

#define WINDOW (400ull * SEGMENT)

/* Acknowledges a window each round trip for `us`. */
static void run(struct rival *r, uint64_t *now_us, uint64_t us)
{
    for (uint64_t end_us = *now_us + us; *now_us < end_us; *now_us += RTT_US / 8)
        rival_ack(r, *now_us, r->window_bytes / 8, RTT_US);
}

static void test_loss_takes_three_tenths(void)
{
    struct rival r;
    uint64_t now_us = 1000000;

    rival_begin(&r, now_us, WINDOW);
    EXPECT_EQ(r.window_bytes, WINDOW / 10 * 7);
    /* RFC 9438, 4.2: K is the cube root of W_max (1 - 0.7) / 0.4, 6.69 s for 400 segments. */
    EXPECT(r.plateau_ms > 6600 && r.plateau_ms < 6750);
}

static void test_comes_back_at_the_plateau(void)
{
    struct rival r;
    uint64_t now_us = 0;

    rival_begin(&r, now_us, WINDOW);
    run(&r, &now_us, 2000000);
    uint64_t early = r.window_bytes;
    run(&r, &now_us, 4650000);
    /* Concave: most of the way in the first third; flat at the old window. */
    EXPECT(early > WINDOW / 100 * 85 && early < WINDOW / 100 * 95);
    EXPECT(r.window_bytes > WINDOW / 100 * 98 && r.window_bytes < WINDOW / 100 * 102);
    uint64_t flat = r.window_bytes;
    run(&r, &now_us, 5000000);
    /* 0.4 * 5^3 = 50 segments beyond it. */
    EXPECT(r.window_bytes > flat + 40 * SEGMENT && r.window_bytes < flat + 60 * SEGMENT);
}

static void test_leaves_room(void)
{
    struct rival r;
    uint64_t now_us = 0;

    rival_begin(&r, now_us, WINDOW);
    run(&r, &now_us, 500000);
    uint64_t before = r.window_bytes;
    rival_loss(&r, now_us);
    EXPECT_EQ(r.window_bytes, before / 10 * 7);
    EXPECT_EQ(r.before_loss_bytes, before / 20 * 17);
}

/* On short paths with small windows Reno grows faster, and CUBIC with it (4.3). */
static void test_not_slower_than_reno(void)
{
    struct rival r;
    uint64_t now_us = 0;

    rival_begin(&r, now_us, 20 * SEGMENT);
    uint64_t before = r.window_bytes;
    for (unsigned i = 0; i < 100; i++, now_us += 2000)
        rival_ack(&r, now_us, r.window_bytes, 2000);
    EXPECT(r.window_bytes >= before + 6 * SEGMENT);
}

static void test_extremes(void)
{
    struct rival r;

    rival_begin(&r, 0, 0);
    EXPECT(r.window_bytes >= 2 * SEGMENT);
    for (unsigned i = 0; i < 1000; i++)
        rival_loss(&r, i);
    EXPECT(r.window_bytes >= 2 * SEGMENT);
    rival_begin(&r, 0, 1ull << 34);
    rival_ack(&r, 1ull << 50, 1 << 20, 1000000);
    EXPECT(r.window_bytes <= 1ull << 35);
}

TEST_MAIN({"loss", test_loss_takes_three_tenths}, {"plateau", test_comes_back_at_the_plateau},
          {"room", test_leaves_room}, {"reno", test_not_slower_than_reno},
          {"extremes", test_extremes})
