/* way: queues on the way there and back, told apart. */
#include "core/peer/way.h"

#include "tests/unit/test.h"

enum { LEAST_US = 40000 };

#define SECOND_US 1000000ull

/* The other clock is seven hours behind. */
#define SKEW_US (-25200000000ll)

static uint64_t trip(struct way *w, uint64_t now_us, uint64_t there_us, uint64_t back_us)
{
    return way_round_trip(w, now_us, (int64_t)(LEAST_US / 2 + there_us) + SKEW_US,
                          LEAST_US + there_us + back_us, LEAST_US);
}

static void test_tells_apart(void)
{
    struct way w;

    way_init(&w);
    EXPECT_EQ(trip(&w, 1, 0, 0), LEAST_US);
    EXPECT_EQ(trip(&w, 2, 30000, 0), LEAST_US + 30000);
    EXPECT_EQ(way_back_us(&w), 0);
    way_begin_round(&w);
    EXPECT_EQ(trip(&w, 3, 0, 30000), LEAST_US);
    EXPECT_EQ(trip(&w, 4, 10000, 20000), LEAST_US + 10000);
    EXPECT_EQ(way_back_us(&w), 20000);
    EXPECT_EQ(way_back_of_two_us(&w), 0);
    EXPECT_EQ(way_back_varies_us(&w), 30000);
    way_begin_round(&w);
    EXPECT(way_back_us(&w) == UINT64_MAX);
    EXPECT_EQ(way_back_of_two_us(&w), 20000);
    EXPECT_EQ(way_back_varies_us(&w), 10000);
    way_begin_round(&w);
    EXPECT_EQ(way_back_of_two_us(&w), 0);
}

/* On a path that has become longer there as well as back, what varies is told apart anew. */
static void test_changed(void)
{
    struct way w;

    way_init(&w);
    EXPECT_EQ(trip(&w, 1, 0, 0), LEAST_US);
    way_changed(&w);
    EXPECT_EQ(way_round_trip(&w, 2, 50000, 2 * LEAST_US, 2 * LEAST_US), 2 * LEAST_US);
    EXPECT_EQ(way_round_trip(&w, 3, 50000, 2 * LEAST_US + 9000, 2 * LEAST_US), 2 * LEAST_US);
    EXPECT_EQ(way_round_trip(&w, 4, 59000, 2 * LEAST_US + 9000, 2 * LEAST_US), 2 * LEAST_US + 9000);
}

/* Nothing is known of the least round trip: there is nothing to take away from. */
static void test_unknown(void)
{
    struct way w;

    way_init(&w);
    EXPECT_EQ(way_round_trip(&w, 1, 5, 90000, 0), 90000);
    EXPECT_EQ(way_round_trip(&w, 2, 5, 30000, LEAST_US), 30000);
    EXPECT(way_back_us(&w) == UINT64_MAX);
}

/* A clock that runs away by a thousandth makes us see less of a queue, and for 20 s at most. */
static void test_drift(void)
{
    struct way w;

    way_init(&w);
    for (uint64_t s = 0; s < 60; s++) {
        int64_t drift = (int64_t)(s * 1000);
        uint64_t got = way_round_trip(&w, s * SECOND_US, SKEW_US + drift, LEAST_US, LEAST_US);
        EXPECT_EQ(got, LEAST_US);
        got =
            way_round_trip(&w, s * SECOND_US, SKEW_US + drift + 30000, LEAST_US + 30000, LEAST_US);
        EXPECT(got <= LEAST_US + 30000 && got >= LEAST_US + 30000 - 1);
        got = way_round_trip(&w, s * SECOND_US, SKEW_US + drift, LEAST_US + 30000, LEAST_US);
        EXPECT(got <= LEAST_US + 21000);
    }
}

TEST_MAIN({"apart", test_tells_apart}, {"changed", test_changed}, {"unknown", test_unknown},
          {"drift", test_drift})
