/* What share of a flood is let through, window by window. */
#include "core/peer/sieve.h"

#include "tests/unit/test.h"

enum { PER_S = 10000 };

static struct {
    struct sieve s;
    uint64_t now_us;
    double owed; /* of a datagram that has not come yet */
} w;

static void begin(void)
{
    w.now_us = 5000000;
    w.owed = 0;
    sieve_init(&w.s, PER_S, w.now_us);
}

/* Lets a flood of `per_s` of one kind come for a time, as a filter with the sieve's words lets it
 * pass; gives how many passed. */
static uint64_t flood(enum sieve_kind kind, uint64_t per_s, uint64_t us)
{
    uint64_t passed = 0;

    for (uint64_t end_us = w.now_us + us; w.now_us < end_us; w.now_us += 1000) {
        double share = kind == SIEVE_OTHER ? !w.s.on
                       : w.s.on            ? ((double)w.s.keep[kind] + 1) / 4294967296.0
                                           : 1;
        w.owed += (double)per_s / 1000 * share;
        for (; w.owed >= 1; w.owed--, passed++)
            sieve_count(&w.s, w.now_us, kind);
        sieve_turn(&w.s, w.now_us);
    }
    return passed;
}

static void few_need_no_filter(void)
{
    begin();
    EXPECT_EQ(flood(SIEVE_HELLO, PER_S / 2, 10000000), PER_S / 2 * 10);
    EXPECT_EQ(flood(SIEVE_OTHER, PER_S / 2, 10000000), PER_S / 2 * 10);
    EXPECT(!w.s.on && !sieve_changed(&w.s));
    EXPECT_EQ(sieve_deadline_us(&w.s), UINT64_MAX);
}

static void a_flood_is_cut_to_its_budget(void)
{
    begin();
    uint64_t first = flood(SIEVE_HELLO, 200000, 100000);
    EXPECT(w.s.on && sieve_changed(&w.s) && !sieve_changed(&w.s));
    EXPECT(first < 3 * PER_S * (SIEVE_WINDOW_US / 1000) / 1000 + 200);
    uint64_t passed = flood(SIEVE_HELLO, 200000, 10000000);
    EXPECT(passed > PER_S * 9 && passed < PER_S * 11);
    /* The other kind has not come, and is not cut. */
    EXPECT_EQ(w.s.keep[SIEVE_INIT], UINT32_MAX);
    EXPECT(sieve_deadline_us(&w.s) <= w.now_us + SIEVE_WINDOW_US);
    /* Ten times as much is noticed at once. */
    passed = flood(SIEVE_HELLO, 2000000, 1000000);
    EXPECT(passed < PER_S * 2);
}

static void whatever_comes_something_passes(void)
{
    begin();
    for (int i = 0; i < 100; i++)
        for (int n = 0; n < 100000; n++)
            sieve_count(&w.s, w.now_us, SIEVE_INIT);
    EXPECT_EQ(w.s.keep[SIEVE_INIT], SIEVE_LEAST - 1);
}

static void after_a_flood_all_may_come_again(void)
{
    begin();
    flood(SIEVE_INIT, 1000000, 3000000);
    EXPECT(w.s.on);
    sieve_changed(&w.s);
    /* Nothing comes at all: time alone must do. */
    flood(SIEVE_INIT, 0, 1300000);
    EXPECT(w.s.on && w.s.keep[SIEVE_INIT] == UINT32_MAX && sieve_changed(&w.s));
    flood(SIEVE_INIT, 0, SIEVE_CALM_US + 2 * SIEVE_WINDOW_US);
    EXPECT(!w.s.on && sieve_changed(&w.s));
    EXPECT_EQ(sieve_deadline_us(&w.s), UINT64_MAX);
    EXPECT_EQ(flood(SIEVE_INIT, PER_S / 2, 1000000), PER_S / 2);
}

/* What the filter drops as a whole nobody can count: it is tried anew now and then. */
static void garbage_is_kept_out_most_of_the_time(void)
{
    begin();
    uint64_t passed = flood(SIEVE_OTHER, 1000000, 20000000);
    EXPECT(passed > PER_S / 10 && passed < PER_S * 20 / 5);
    EXPECT(w.s.keep[SIEVE_HELLO] == UINT32_MAX && w.s.keep[SIEVE_INIT] == UINT32_MAX);
}

/* A loop that was busy elsewhere sees a second's datagrams at one moment. */
static void a_late_look_is_a_look(void)
{
    begin();
    w.now_us += 1000000;
    for (int n = 0; n < PER_S / 20; n++)
        sieve_count(&w.s, w.now_us, SIEVE_HELLO);
    sieve_turn(&w.s, w.now_us);
    EXPECT(!w.s.on);
    for (int n = 0; n < PER_S; n++)
        sieve_count(&w.s, w.now_us, SIEVE_HELLO);
    EXPECT(w.s.on);
}

TEST_MAIN({"few_need_no_filter", few_need_no_filter},
          {"a_flood_is_cut_to_its_budget", a_flood_is_cut_to_its_budget},
          {"whatever_comes_something_passes", whatever_comes_something_passes},
          {"after_a_flood_all_may_come_again", after_a_flood_all_may_come_again},
          {"garbage_is_kept_out_most_of_the_time", garbage_is_kept_out_most_of_the_time},
          {"a_late_look_is_a_look", a_late_look_is_a_look})
