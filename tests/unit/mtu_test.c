#include "core/base/limits.h"
#include "core/peer/mtu.h"
#include "tests/unit/test.h"

/* A path that passes so much, and what was sent on it. */
struct world {
    struct mtu m;
    uint64_t now_us, number;
    uint32_t passes;
    unsigned probes, lost; /* probes in all, and those that vanished */
};

static struct world world_of(uint32_t cap, uint32_t passes)
{
    struct world w = {.now_us = 1000, .number = 10, .passes = passes};

    mtu_init(&w.m, cap, w.now_us);
    mtu_sent(&w.m, LIMIT_DATAGRAM_FLOOR);
    return w;
}

/* Sends what is wanted, learns of its fate, and so on until nothing is wanted for a minute. */
static void search(struct world *w)
{
    for (;;) {
        uint64_t at = mtu_deadline_us(&w->m);
        if (at > w->now_us + 60000000)
            return;
        if (at > w->now_us)
            w->now_us = at;
        uint32_t bytes = mtu_wanted(&w->m, w->now_us);
        EXPECT(bytes > w->m.now_bytes);
        mtu_probed(&w->m, w->number);
        EXPECT_EQ(mtu_wanted(&w->m, w->now_us), 0);
        EXPECT(mtu_deadline_us(&w->m) == UINT64_MAX);
        w->probes++;
        w->lost += bytes > w->passes;
        w->now_us += 50000;
        mtu_probe_fate(&w->m, w->now_us, w->number++, bytes, bytes <= w->passes);
    }
}

static void the_usual_path_takes_one_probe(void)
{
    struct world w = world_of(LIMIT_DATAGRAM_BYTES, LIMIT_DATAGRAM_BYTES);

    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_FLOOR);
    EXPECT_EQ(mtu_wanted(&w.m, w.now_us), LIMIT_DATAGRAM_BYTES);
    search(&w);
    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_BYTES);
    EXPECT_EQ(w.probes, 1);
    mtu_sent(&w.m, LIMIT_DATAGRAM_BYTES);
    EXPECT(mtu_deadline_us(&w.m) == UINT64_MAX);
}

static void every_path_is_found_in_a_few_steps(void)
{
    for (uint32_t passes = LIMIT_DATAGRAM_FLOOR; passes <= LIMIT_DATAGRAM_BYTES; passes++) {
        struct world w = world_of(LIMIT_DATAGRAM_BYTES, passes);
        search(&w);
        EXPECT(w.m.now_bytes <= passes && passes - w.m.now_bytes < 32);
        EXPECT(w.lost <= MTU_TRIES * 5 && w.probes <= MTU_TRIES * 5 + 4);
    }
}

static void a_cap_is_the_most(void)
{
    struct world none = world_of(LIMIT_DATAGRAM_FLOOR, LIMIT_DATAGRAM_BYTES);
    struct world w = world_of(1300, LIMIT_DATAGRAM_BYTES);

    EXPECT_EQ(mtu_wanted(&none.m, 2000), 0);
    EXPECT(mtu_deadline_us(&none.m) == UINT64_MAX);
    search(&w);
    EXPECT_EQ(w.m.now_bytes, 1300);
    EXPECT_EQ(w.probes, 1);
}

static void one_that_is_lost_by_chance_is_sent_again(void)
{
    struct world w = world_of(LIMIT_DATAGRAM_BYTES, LIMIT_DATAGRAM_BYTES);

    for (unsigned i = 1; i < MTU_TRIES; i++) {
        mtu_probed(&w.m, w.number);
        mtu_probe_fate(&w.m, w.now_us, w.number++, LIMIT_DATAGRAM_BYTES, false);
        EXPECT_EQ(mtu_wanted(&w.m, w.now_us), 0);
        EXPECT_EQ(mtu_deadline_us(&w.m), w.now_us + MTU_RETRY_US);
        w.now_us += MTU_RETRY_US;
        EXPECT_EQ(mtu_wanted(&w.m, w.now_us), LIMIT_DATAGRAM_BYTES);
    }
    search(&w);
    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_BYTES);
}

static void it_is_tried_again_by_who_has_a_use_for_it(void)
{
    struct world w = world_of(LIMIT_DATAGRAM_BYTES, 1372);

    search(&w);
    EXPECT_EQ(w.m.now_bytes, 1372);
    uint64_t at = mtu_deadline_us(&w.m);
    EXPECT(at > w.now_us && at <= w.now_us + MTU_RAISE_US);
    EXPECT_EQ(mtu_wanted(&w.m, at - 1), 0);
    EXPECT_EQ(mtu_wanted(&w.m, at), LIMIT_DATAGRAM_BYTES);
    w.now_us = at;
    w.probes = 0;
    search(&w);
    /* Nothing large was sent since: three trials are enough. */
    EXPECT_EQ(w.probes, MTU_TRIES);
    mtu_sent(&w.m, 300);
    EXPECT(mtu_deadline_us(&w.m) == UINT64_MAX);
    mtu_sent(&w.m, 1372);
    w.passes = LIMIT_DATAGRAM_BYTES;
    search(&w);
    EXPECT_EQ(w.m.now_bytes, 1444); /* next to what was too large a moment ago */
    w.now_us = mtu_deadline_us(&w.m);
    search(&w);
    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_BYTES);
}

static void who_sends_nothing_large_tries_the_first_only(void)
{
    struct world w = {.now_us = 1000, .number = 10, .passes = 1300};

    mtu_init(&w.m, LIMIT_DATAGRAM_BYTES, w.now_us);
    mtu_sent(&w.m, 400);
    search(&w);
    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_FLOOR);
    EXPECT_EQ(w.probes, MTU_TRIES);
    mtu_sent(&w.m, LIMIT_DATAGRAM_FLOOR);
    search(&w);
    EXPECT_EQ(w.m.now_bytes, 1292);
}

static void a_black_hole_is_noticed(void)
{
    struct world w = world_of(LIMIT_DATAGRAM_BYTES, LIMIT_DATAGRAM_BYTES);

    search(&w);
    uint64_t from = w.number;
    for (unsigned i = 0; i < MTU_MISSED; i++) {
        EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_BYTES);
        mtu_fate(&w.m, w.now_us, from + 2 * i + 1, 400, true);
        mtu_fate(&w.m, w.now_us, from + 2 * i, LIMIT_DATAGRAM_BYTES, false);
    }
    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_FLOOR);
    /* The size that was good is tried first and at once; the rest of what was on the way says
     * nothing more. */
    EXPECT_EQ(mtu_wanted(&w.m, w.now_us), LIMIT_DATAGRAM_BYTES);
    w.number = from + 100;
    mtu_probed(&w.m, w.number);
    for (unsigned i = 10; i < 90; i++)
        mtu_fate(&w.m, w.now_us, from + i, LIMIT_DATAGRAM_BYTES, false);
    EXPECT_EQ(mtu_wanted(&w.m, w.now_us), 0);
    mtu_probe_fate(&w.m, w.now_us, w.number++, LIMIT_DATAGRAM_BYTES, false);
    w.passes = 1272;
    search(&w);
    EXPECT_EQ(w.m.now_bytes, 1272);
}

static void a_size_that_was_good_comes_back_at_once(void)
{
    struct world w = world_of(LIMIT_DATAGRAM_BYTES, 1372);

    search(&w);
    w.probes = 0;
    mtu_doubt(&w.m, w.now_us);
    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_FLOOR);
    EXPECT_EQ(mtu_wanted(&w.m, w.now_us), 1372);
    /* A second doubt before the first is over forgets nothing. */
    mtu_probed(&w.m, w.number++);
    mtu_doubt(&w.m, w.now_us);
    EXPECT_EQ(mtu_wanted(&w.m, w.now_us), 1372);
    mtu_probed(&w.m, w.number);
    mtu_probe_fate(&w.m, w.now_us, w.number++, 1372, true);
    EXPECT_EQ(w.m.now_bytes, 1372);
    EXPECT_EQ(mtu_wanted(&w.m, w.now_us), LIMIT_DATAGRAM_BYTES); /* this path may take more */
}

static void loss_is_no_black_hole(void)
{
    struct world w = world_of(LIMIT_DATAGRAM_BYTES, LIMIT_DATAGRAM_BYTES);

    search(&w);
    /* A burst is lost, but what was sent behind it has come, with the news of it. */
    mtu_fate(&w.m, w.now_us, 150, LIMIT_DATAGRAM_BYTES, true);
    for (uint64_t n = 100; n < 150; n++)
        mtu_fate(&w.m, w.now_us, n, LIMIT_DATAGRAM_BYTES, false);
    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_BYTES);
    /* Now and then one, and others between. */
    for (uint64_t n = 200; n < 300; n += 2) {
        mtu_fate(&w.m, w.now_us, n, LIMIT_DATAGRAM_BYTES, false);
        mtu_fate(&w.m, w.now_us, n + 1, LIMIT_DATAGRAM_BYTES, true);
    }
    /* Small ones. */
    for (uint64_t n = 300; n < 400; n++)
        mtu_fate(&w.m, w.now_us, n, LIMIT_DATAGRAM_FLOOR, false);
    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_BYTES);
}

static void smaller_ones_prove_nothing(void)
{
    struct world w = world_of(LIMIT_DATAGRAM_BYTES, LIMIT_DATAGRAM_BYTES);

    search(&w);
    /* Those of 1300 pass, those that are full do not. */
    for (uint64_t n = 100; n < 100 + 2 * MTU_MISSED; n += 2) {
        EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_BYTES);
        mtu_fate(&w.m, w.now_us, n + 1, 1300, true);
        mtu_fate(&w.m, w.now_us, n, LIMIT_DATAGRAM_BYTES, false);
    }
    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_FLOOR);
}

static void a_late_answer_changes_nothing(void)
{
    struct world w = world_of(LIMIT_DATAGRAM_BYTES, LIMIT_DATAGRAM_BYTES);

    mtu_probed(&w.m, 10);
    mtu_doubt(&w.m, w.now_us);
    mtu_probe_fate(&w.m, w.now_us, 10, LIMIT_DATAGRAM_BYTES, true);
    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_FLOOR);
    mtu_probed(&w.m, 11);
    mtu_probe_fate(&w.m, w.now_us, 10, LIMIT_DATAGRAM_BYTES, false);
    mtu_probe_fate(&w.m, w.now_us, 11, LIMIT_DATAGRAM_BYTES, true);
    EXPECT_EQ(w.m.now_bytes, LIMIT_DATAGRAM_BYTES);
}

TEST_MAIN({"the_usual_path_takes_one_probe", the_usual_path_takes_one_probe},
          {"every_path_is_found_in_a_few_steps", every_path_is_found_in_a_few_steps},
          {"a_cap_is_the_most", a_cap_is_the_most},
          {"one_that_is_lost_by_chance_is_sent_again", one_that_is_lost_by_chance_is_sent_again},
          {"it_is_tried_again_by_who_has_a_use_for_it", it_is_tried_again_by_who_has_a_use_for_it},
          {"who_sends_nothing_large_tries_the_first_only",
           who_sends_nothing_large_tries_the_first_only},
          {"a_black_hole_is_noticed", a_black_hole_is_noticed},
          {"a_size_that_was_good_comes_back_at_once", a_size_that_was_good_comes_back_at_once},
          {"loss_is_no_black_hole", loss_is_no_black_hole},
          {"smaller_ones_prove_nothing", smaller_ones_prove_nothing},
          {"a_late_answer_changes_nothing", a_late_answer_changes_nothing})
