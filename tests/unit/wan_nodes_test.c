/* The nodes of a link beyond rate, delay and loss: policer, fading, slots, a changing MTU. */
#include "core/base/num.h"
#include "core/wan/wan_link.h"
#include "tests/unit/test.h"

enum { RING = 4 << 20 };

static struct wan_link *link_of(const struct wan_config *c, uint64_t seed)
{
    struct wan_link *l = NULL;

    if (wan_link_new(c, seed, RING, &l) != OK)
        test_fail(__FILE__, __LINE__, "wan_link_new");
    return l;
}

static void send_n(struct wan_link *l, uint64_t now_us, size_t n)
{
    static uint8_t data[WAN_DATAGRAM_MAX];

    wan_link_send(l, now_us, bytes_of(data, n), 0, WAN_ECN_NONE);
}

static uint64_t drain(struct wan_link *l, uint64_t now_us)
{
    struct wan_datagram d;
    uint64_t n = 0;

    while (wan_link_next(l, now_us, &d))
        n++;
    return n;
}

static void what_a_policer_refuses_is_gone_at_once(void)
{
    struct wan_config c;

    wan_config_init(&c);
    c.police_bps = 8000000;
    c.police_bytes = 10000;
    struct wan_link *l = link_of(&c, 1);
    for (int i = 0; i < 20; i++)
        send_n(l, 0, 972); /* 1,000 with its headers */
    EXPECT_EQ(drain(l, 0), 10);
    EXPECT_EQ(wan_link_counters(l)->dropped[WAN_DROP_POLICER], 10);
    send_n(l, 999, 972);
    EXPECT_EQ(drain(l, 999), 0);
    send_n(l, 1000, 972);
    EXPECT_EQ(drain(l, 1000), 1);
    EXPECT_EQ(wan_link_change(l, 2000, WAN_CHANGE_POLICER, 0), OK);
    for (int i = 0; i < 20; i++)
        send_n(l, 2000, 972);
    EXPECT_EQ(drain(l, 2000), 20);
    wan_link_free(l);
}

static void fading_stays_within_its_bounds(void)
{
    struct wan_config c;
    uint64_t least = UINT64_MAX, most = 0, sum = 0;

    wan_config_init(&c);
    c.rate_bps = 10000000;
    c.fade_us = 50000;
    c.fade_least = 200000;
    struct wan_link *l = link_of(&c, 1), *other = link_of(&c, 2);
    unsigned same = 0;
    wan_link_start(l, 0);
    wan_link_start(other, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        EXPECT_EQ(drain(l, i * 50000), 0);
        EXPECT_EQ(drain(other, i * 50000), 0);
        uint64_t bps = wan_link_rate_bps(l);
        least = num_min(least, bps);
        most = num_max(most, bps);
        sum += bps;
        same += bps == wan_link_rate_bps(other);
        EXPECT_EQ(drain(l, i * 50000 + 49999), 0);
        EXPECT_EQ(wan_link_rate_bps(l), bps);
    }
    EXPECT(least >= 2000000 && least < 2100000 && most > 9900000 && most <= 10000000);
    EXPECT(sum / 1000 > 5700000 && sum / 1000 < 6300000);
    EXPECT(same < 5);
    /* The schedule's rate is what fades. */
    EXPECT_EQ(wan_link_change(l, 50000000, WAN_CHANGE_RATE, 1000000), OK);
    EXPECT(wan_link_rate_bps(l) >= 200000 && wan_link_rate_bps(l) <= 1000000);
    EXPECT_EQ(wan_link_config(l)->rate_bps, 1000000);
    /* It ends with the whole rate, and begins again at once. */
    EXPECT_EQ(wan_link_change(l, 50000010, WAN_CHANGE_FADE, 0), OK);
    EXPECT_EQ(wan_link_rate_bps(l), 1000000);
    EXPECT_EQ(drain(l, 60000000), 0);
    EXPECT_EQ(wan_link_rate_bps(l), 1000000);
    EXPECT_EQ(wan_link_change(l, 60000000, WAN_CHANGE_FADE, WAN_FADE_LEAST_US - 1), ERR_LIMIT);
    EXPECT_EQ(wan_link_change(l, 60000000, WAN_CHANGE_FADE, 1000000), OK);
    EXPECT_EQ(drain(l, 60000000), 0);
    uint64_t first = wan_link_rate_bps(l);
    EXPECT(first < 1000000);
    EXPECT_EQ(drain(l, 60999999), 0);
    EXPECT_EQ(wan_link_rate_bps(l), first);
    EXPECT_EQ(drain(l, 61000000), 0);
    EXPECT(wan_link_rate_bps(l) != first);
    wan_link_free(l);
    wan_link_free(other);
}

static void a_faded_rate_is_what_the_queue_is_served_at(void)
{
    struct wan_config c;
    uint64_t bits = 0, out = 0;

    wan_config_init(&c);
    c.rate_bps = 10000000;
    c.fade_us = 20000;
    c.fade_least = 100000;
    c.queue_bytes = 10 << 20;
    struct wan_link *l = link_of(&c, 3);
    for (int i = 0; i < 2000; i++)
        send_n(l, 0, 972);
    for (uint64_t now_us = 0; now_us < 1000000; now_us += 20000) {
        out += drain(l, now_us);
        bits += wan_link_rate_bps(l) / 50;
    }
    out += drain(l, 999999);
    EXPECT(out <= bits / 8000 && out + 2 >= bits / 8000);
    /* Nothing comes later than the deadline says. */
    for (int i = 0; i < 300; i++) {
        uint64_t at_us = wan_link_deadline_us(l);
        EXPECT_EQ(drain(l, at_us - 1), 0);
        drain(l, at_us);
    }
    wan_link_free(l);
}

static void arrivals_come_at_the_ends_of_slots(void)
{
    struct wan_config c;
    struct wan_datagram d;
    uint64_t last = 0, lumps = 0, order = 0;

    wan_config_init(&c);
    c.delay_us = 3000;
    c.slot_us = 10000;
    c.duplicate = 500000;
    struct wan_link *l = link_of(&c, 1);
    wan_link_start(l, 500);
    for (uint64_t i = 0; i < 1000; i++)
        wan_link_send(l, 500 + i * 100, bytes_of("x", 1), i, 0);
    while (wan_link_next(l, 1000000, &d)) {
        EXPECT_EQ((d.due_us - 500) % 10000, 0);
        EXPECT(d.due_us >= d.sent_us + 3000 && d.due_us < d.sent_us + 3000 + 2 * 10000);
        lumps += d.due_us != last;
        last = d.due_us;
        order = num_max(order, d.user);
    }
    EXPECT(lumps == 11 || lumps == 12); /* the copies of the last ones may need one more */
    EXPECT_EQ(order, 999);
    wan_link_free(l);
    l = link_of(&c, 1);
    wan_link_start(l, 0);
    send_n(l, 7000, 100); /* on the edge: it arrives at once */
    EXPECT_EQ(drain(l, 9999), 0);
    EXPECT(drain(l, 10000) > 0);
    wan_link_free(l);
}

static void the_mtu_can_change(void)
{
    struct wan_config c;

    wan_config_init(&c);
    c.mtu_bytes = 1500;
    c.change[c.changes++] = (struct wan_change){1000, WAN_CHANGE_MTU, 1280};
    c.change[c.changes++] = (struct wan_change){2000, WAN_CHANGE_MTU, 0};
    struct wan_link *l = link_of(&c, 1);
    wan_link_start(l, 0);
    send_n(l, 0, 1472);
    send_n(l, 0, 1473);
    EXPECT_EQ(drain(l, 0), 1);
    send_n(l, 1000, 1252);
    send_n(l, 1000, 1253);
    EXPECT_EQ(drain(l, 1000), 1);
    send_n(l, 2000, 9000);
    EXPECT_EQ(drain(l, 2000), 1);
    EXPECT_EQ(wan_link_counters(l)->dropped[WAN_DROP_MTU], 2);
    wan_link_free(l);
}

static void senseless_figures_are_refused(void)
{
    struct wan_config c;

    wan_config_init(&c);
    c.police_bps = 1000000;
    EXPECT_EQ(wan_config_check(&c), ERR_USAGE);
    c.police_bytes = WAN_BUCKET_MAX;
    EXPECT_EQ(wan_config_check(&c), OK);
    c.police_bytes++;
    EXPECT_EQ(wan_config_check(&c), ERR_LIMIT);
    wan_config_init(&c);
    c.change[c.changes++] = (struct wan_change){10, WAN_CHANGE_POLICER, 1000000};
    EXPECT_EQ(wan_config_check(&c), ERR_USAGE);
    c.police_bytes = 1500;
    EXPECT_EQ(wan_config_check(&c), OK);
    c.change[0].value = UINT64_MAX;
    EXPECT_EQ(wan_config_check(&c), ERR_LIMIT);
    c.change[0] = (struct wan_change){10, WAN_CHANGE_MTU, 1ull << 32};
    EXPECT_EQ(wan_config_check(&c), ERR_LIMIT);
    wan_config_init(&c);
    c.fade_us = WAN_FADE_LEAST_US - 1;
    EXPECT_EQ(wan_config_check(&c), ERR_LIMIT);
    c.fade_us++;
    c.fade_least = WAN_PROBABILITY + 1;
    EXPECT_EQ(wan_config_check(&c), ERR_USAGE);
    wan_config_init(&c);
    c.slot_us = UINT64_MAX;
    EXPECT_EQ(wan_config_check(&c), ERR_LIMIT);
}

TEST_MAIN({"what_a_policer_refuses_is_gone_at_once", what_a_policer_refuses_is_gone_at_once},
          {"fading_stays_within_its_bounds", fading_stays_within_its_bounds},
          {"a_faded_rate_is_what_the_queue_is_served_at",
           a_faded_rate_is_what_the_queue_is_served_at},
          {"arrivals_come_at_the_ends_of_slots", arrivals_come_at_the_ends_of_slots},
          {"the_mtu_can_change", the_mtu_can_change},
          {"senseless_figures_are_refused", senseless_figures_are_refused})
