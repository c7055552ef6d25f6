#include "core/base/num.h"
#include "core/wan/wan_codel.h"
#include "core/wan/wan_link.h"
#include "tests/unit/test.h"

enum { MANY = 100000, TARGET_US = 5000 };

static void without_a_target_nothing_is_struck(void)
{
    struct wan_codel c = {0};

    for (uint64_t t = 1; t < 1000; t++)
        EXPECT(!wan_codel_strikes(&c, t * 10000, 1000000, MANY));
}

static void a_long_wait_is_struck_after_an_interval(void)
{
    struct wan_codel c = {.target_us = TARGET_US};

    EXPECT(!wan_codel_strikes(&c, 1000, TARGET_US, MANY));
    EXPECT(!wan_codel_strikes(&c, 100999, TARGET_US, MANY));
    EXPECT(wan_codel_strikes(&c, 101000, TARGET_US, MANY));
    EXPECT(!wan_codel_strikes(&c, 101000, TARGET_US, MANY)); /* one, then a pause */
}

static void one_short_wait_ends_it(void)
{
    struct wan_codel c = {.target_us = TARGET_US};

    EXPECT(!wan_codel_strikes(&c, 1000, TARGET_US, MANY));
    EXPECT(!wan_codel_strikes(&c, 90000, TARGET_US - 1, MANY));
    EXPECT(!wan_codel_strikes(&c, 150000, TARGET_US, MANY));
    EXPECT(!wan_codel_strikes(&c, 249999, TARGET_US, MANY));
    EXPECT(wan_codel_strikes(&c, 250000, TARGET_US, MANY));
    EXPECT(!wan_codel_strikes(&c, 900000, TARGET_US, WAN_CODEL_LEAST_BYTES)); /* the last one */
    EXPECT(!wan_codel_strikes(&c, 900001, TARGET_US, MANY));
}

static void strikes_come_by_the_root_of_their_number(void)
{
    struct wan_codel c = {.target_us = TARGET_US};
    uint64_t at[6] = {0}, n = 0;

    for (uint64_t t = 0; n < 6; t += 10)
        if (wan_codel_strikes(&c, t, 50000, MANY))
            at[n++] = t;
    /* 100 ms, then 100 / sqrt 2, 3, 4, 5 (RFC 8289, section 5.5), on a grid of 10 us. */
    static const uint64_t gap_us[] = {100000, 70710, 57735, 50000, 44721};
    for (size_t i = 0; i < COUNT_OF(gap_us); i++) {
        uint64_t gap = at[i + 1] - at[i];
        EXPECT(gap + 10 >= gap_us[i] && gap <= gap_us[i] + 10);
    }
}

static void a_new_spell_goes_on_where_the_last_one_was(void)
{
    struct wan_codel c = {.target_us = TARGET_US};
    uint64_t t = 0;

    for (int n = 0; n < 10; t += 100)
        n += wan_codel_strikes(&c, t, 50000, MANY);
    EXPECT_EQ(c.count, 10);
    EXPECT(!wan_codel_strikes(&c, t, 0, MANY));
    for (uint64_t end_us = t + 100200; t < end_us; t += 100)
        wan_codel_strikes(&c, t, 50000, MANY);
    EXPECT(c.striking && c.count == 9);
    EXPECT(!wan_codel_strikes(&c, t, 0, MANY));
    t += 60000000; /* much later it begins anew */
    for (uint64_t end_us = t + 100200; t < end_us; t += 100)
        wan_codel_strikes(&c, t, 50000, MANY);
    EXPECT(c.striking && c.count == 1);
}

/* Offers a link of 8 Mbit/s a tenth more than it carries for 60 s; gives its counters. */
static struct wan_counters overload(uint64_t codel_us, int marks)
{
    static const uint8_t data[1000];
    struct wan_config c;
    struct wan_datagram d;
    struct wan_link *l = NULL;

    wan_config_init(&c);
    c.rate_bps = 8000000;
    c.overhead_bytes = 0;
    c.queue_us = 10000000;
    c.codel_us = codel_us;
    c.codel_marks = marks;
    if (wan_link_new(&c, 1, wan_config_ring_bytes(&c), &l) != OK)
        test_fail(__FILE__, __LINE__, "wan_link_new");
    for (uint64_t now_us = 0; now_us < 60000000; now_us += 910) {
        wan_link_send(l, now_us, bytes_of(data, sizeof data), 0, WAN_ECN_ECT0);
        while (wan_link_next(l, now_us, &d))
            ;
    }
    while (wan_link_next(l, 100000000, &d))
        ;
    struct wan_counters n = *wan_link_counters(l);
    wan_link_free(l);
    return n;
}

static void a_link_keeps_its_queue_short(void)
{
    struct wan_counters without = overload(0, 0);
    struct wan_counters with = overload(TARGET_US, 0);
    struct wan_counters marked = overload(TARGET_US, 1);

    EXPECT(stat_quantile(&without.queue_us, 950) > 4000000);
    EXPECT_EQ(without.dropped[WAN_DROP_CODEL], 0);
    /* A sender that never listens needs many strikes a second before they are enough. */
    EXPECT(stat_quantile(&with.queue_us, 500) < 1000000);
    EXPECT(with.dropped[WAN_DROP_CODEL] > 3000);
    EXPECT_EQ(with.in_count, with.out_count + with.dropped[WAN_DROP_CODEL]);
    /* The link is never idle for it. */
    EXPECT(with.out_count >= 59000);
    EXPECT_EQ(marked.dropped[WAN_DROP_CODEL], 0);
    EXPECT(marked.marked > 1000);
}

TEST_MAIN({"without_a_target_nothing_is_struck", without_a_target_nothing_is_struck},
          {"a_long_wait_is_struck_after_an_interval", a_long_wait_is_struck_after_an_interval},
          {"one_short_wait_ends_it", one_short_wait_ends_it},
          {"strikes_come_by_the_root_of_their_number", strikes_come_by_the_root_of_their_number},
          {"a_new_spell_goes_on_where_the_last_one_was",
           a_new_spell_goes_on_where_the_last_one_was},
          {"a_link_keeps_its_queue_short", a_link_keeps_its_queue_short})
