/* The model of a kernel's TCP: that it takes of a link what such a flow takes. */
#include "core/base/num.h"
#include "tests/sim/sim_cubic.h"
#include "tests/sim/sim_world.h"
#include "tests/unit/test.h"

enum { MBIT = 1000000 };

/* A flow alone on a link of its own. */
struct alone {
    struct sim *sim;
    struct sim_cubic flow;
};

static void alone_make(struct alone *a, uint64_t segments, const struct wan_config *there,
                       const struct wan_config *back)
{
    struct addr from = sim_addr(1, 80), to = sim_addr(2, 50000);

    a->sim = sim_new(1);
    sim_cubic_make(&a->flow, a->sim, &from, &to, segments, SIM_START_US);
    sim_join(a->sim, a->flow.from, a->flow.to, there, back);
}

static void alone_end(struct alone *a)
{
    EXPECT(sim_failure(a->sim) == NULL);
    sim_cubic_end(&a->flow);
    sim_free(a->sim);
}

/* Goodput in per mille of `rate_bps` between two times. */
static uint64_t share(struct alone *a, uint64_t from_s, uint64_t to_s, uint64_t rate_bps)
{
    sim_run(a->sim, SIM_START_US + from_s * SECOND_US, NULL, NULL);
    uint64_t before = sim_cubic_read_bytes(&a->flow);
    sim_run(a->sim, SIM_START_US + to_s * SECOND_US, NULL, NULL);
    return (sim_cubic_read_bytes(&a->flow) - before) * 8000 / (rate_bps * (to_s - from_s));
}

/* `rate_bps`, a round trip of `rtt_us`, a queue of so many per cent of their product. */
static struct wan_config link_of(uint64_t rate_bps, uint64_t rtt_us, uint64_t bdp_percent)
{
    struct wan_config c = sim_world_link(rate_bps, rtt_us / 2);

    c.queue_us = rtt_us * bdp_percent / 100;
    return c;
}

static void fills_a_link_with_a_queue(void)
{
    static const struct {
        uint64_t rate_bps, rtt_us;
    } links[] = {{10 * MBIT, 100000}, {50 * MBIT, 40000}, {100 * MBIT, 20000}};

    for (size_t i = 0; i < COUNT_OF(links); i++) {
        struct wan_config link = link_of(links[i].rate_bps, links[i].rtt_us, 100);
        struct alone a;
        alone_make(&a, SIM_CUBIC_ENDLESS, &link, &link);
        uint64_t got = share(&a, 5, 65, links[i].rate_bps);
        /* Of 1,500 bytes 1,448 are payload. */
        EXPECT(got >= 850 && got <= 966);
        const struct wan_counters *n = wan_link_counters(sim_link(a.sim, a.flow.from, a.flow.to));
        /* It finds the limit by filling the queue, and again. */
        EXPECT(n->dropped[WAN_DROP_QUEUE] > 0);
        EXPECT(n->queue_us.max >= link.queue_us * 9 / 10);
        alone_end(&a);
    }
}

static void loss_makes_it_slow(void)
{
    struct wan_config link = link_of(200 * MBIT, 100000, 100);
    struct alone a;

    link.loss = 10000;
    alone_make(&a, SIM_CUBIC_ENDLESS, &link, &link);
    uint64_t got = share(&a, 2, 62, 200 * MBIT);
    /* Reno's law (Mathis et al. 1997) gives 1.4 Mbit/s, CUBIC a little more. */
    EXPECT(got >= 5 && got <= 20);
    alone_end(&a);
}

static void a_queue_too_short_costs_rate(void)
{
    struct wan_config deep = link_of(50 * MBIT, 40000, 100), shallow = link_of(50 * MBIT, 40000, 5);
    struct alone a;

    alone_make(&a, SIM_CUBIC_ENDLESS, &deep, &deep);
    uint64_t got = share(&a, 10, 60, 50 * MBIT);
    alone_end(&a);
    alone_make(&a, SIM_CUBIC_ENDLESS, &shallow, &shallow);
    EXPECT(share(&a, 10, 60, 50 * MBIT) + 50 < got);
    alone_end(&a);
}

/* Marks from half of a deep queue on: whoever heeds them fills the link and never the queue. */
static void marks_are_heeded(void)
{
    struct wan_config link = link_of(50 * MBIT, 40000, 100);
    struct alone a;

    link.ecn_mark_us = 20000;
    alone_make(&a, SIM_CUBIC_ENDLESS, &link, &link);
    sim_cubic_ecn(&a.flow);
    EXPECT(share(&a, 5, 65, 50 * MBIT) >= 850);
    const struct wan_counters *n = wan_link_counters(sim_link(a.sim, a.flow.from, a.flow.to));
    EXPECT(n->marked > 0);
    EXPECT_EQ(n->dropped[WAN_DROP_QUEUE], 0);
    alone_end(&a);
}

static void two_are_fair(void)
{
    struct wan_config link = link_of(50 * MBIT, 40000, 100);
    struct addr from = sim_addr(3, 80), to = sim_addr(4, 50000);
    struct sim_cubic other;
    struct alone a;

    alone_make(&a, SIM_CUBIC_ENDLESS, &link, &link);
    sim_cubic_make(&other, a.sim, &from, &to, SIM_CUBIC_ENDLESS, SIM_START_US + 10 * SECOND_US);
    sim_share(a.sim, other.from, other.to, a.flow.from, a.flow.to);
    sim_run(a.sim, SIM_START_US + 40 * SECOND_US, NULL, NULL);
    uint64_t before = sim_cubic_read_bytes(&other);
    uint64_t first = share(&a, 40, 100, 50 * MBIT);
    uint64_t second = (sim_cubic_read_bytes(&other) - before) * 8000 / (50 * MBIT * 60ull);
    EXPECT(first + second >= 850);
    EXPECT(first >= 300 && second >= 300);
    sim_cubic_end(&other);
    alone_end(&a);
}

static void everything_comes_through_faults(void)
{
    struct wan_config there = link_of(20 * MBIT, 60000, 100), back = there;
    struct alone a;

    there.loss = 50000;
    there.burst = 4;
    there.reorder = 10000;
    there.duplicate = 10000;
    back.loss = 100000;
    there.outage[there.outages++] = (struct wan_outage){2 * SECOND_US, 5 * SECOND_US};
    alone_make(&a, 2000, &there, &back);
    EXPECT(sim_run(a.sim, SIM_START_US + 300ull * SECOND_US, sim_cubic_done, &a.flow));
    EXPECT_EQ(sim_cubic_read_bytes(&a.flow), 2000 * SIM_CUBIC_SEGMENT);
    alone_end(&a);
}

static void an_outage_ends_with_its_time_out(void)
{
    struct wan_config link = link_of(20 * MBIT, 60000, 100);
    struct alone a;

    link.outage[link.outages++] = (struct wan_outage){5 * SECOND_US, 3 * SECOND_US};
    alone_make(&a, SIM_CUBIC_ENDLESS, &link, &link);
    sim_run(a.sim, SIM_START_US + 8 * SECOND_US, NULL, NULL);
    uint64_t before = sim_cubic_read_bytes(&a.flow);
    /* Doubled from 0.26 s on: 0.26, 0.5, 1, 2: the fourth comes within the outage or soon after. */
    sim_run(a.sim, SIM_START_US + 11 * SECOND_US, NULL, NULL);
    EXPECT(sim_cubic_read_bytes(&a.flow) > before);
    EXPECT(share(&a, 12, 20, 20 * MBIT) >= 700);
    alone_end(&a);
}

static void it_starts_with_ten_segments_and_doubles(void)
{
    struct wan_config link = link_of(0, 100000, 100);
    struct alone a;
    static const uint64_t sent[] = {10, 30, 70, 150};

    alone_make(&a, SIM_CUBIC_ENDLESS, &link, &link);
    for (size_t i = 0; i < COUNT_OF(sent); i++) {
        sim_run(a.sim, SIM_START_US + i * 100000 + 50000, NULL, NULL);
        EXPECT_EQ(wan_link_counters(sim_link(a.sim, a.flow.from, a.flow.to))->in_count, sent[i]);
    }
    alone_end(&a);
}

TEST_MAIN({"fills_a_link_with_a_queue", fills_a_link_with_a_queue},
          {"loss_makes_it_slow", loss_makes_it_slow},
          {"a_queue_too_short_costs_rate", a_queue_too_short_costs_rate},
          {"marks_are_heeded", marks_are_heeded}, {"two_are_fair", two_are_fair},
          {"everything_comes_through_faults", everything_comes_through_faults},
          {"an_outage_ends_with_its_time_out", an_outage_ends_with_its_time_out},
          {"it_starts_with_ten_segments_and_doubles", it_starts_with_ten_segments_and_doubles})
