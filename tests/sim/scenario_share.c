/* scenario_share: what several flows make of one bottleneck: ours, and kernels' TCP. */
#include "core/base/num.h"
#include "tests/sim/sim_bulk.h"
#include "tests/sim/sim_cubic.h"
#include "tests/sim/sim_table.h"

enum { MBIT = SIM_BULK_MBIT, FLOWS_MOST = 6 };

/* Flows on one link down: ours, the first of which is the world's own, and CUBIC's. */
struct crowd {
    struct sim_world w;
    struct sim_client *ours[FLOWS_MOST];
    struct sim_cubic cubic[FLOWS_MOST];
    size_t ours_count, cubics;
    uint64_t rate_bps;
};

static void crowd_make(struct crowd *c, struct sim *s, uint32_t without,
                       const struct wan_config *link)
{
    *c = (struct crowd){.rate_bps = link->rate_bps};
    sim_bulk_make(&c->w, s, without, NULL, link);
    c->ours[c->ours_count++] = c->w.client;
}

static void add_ours(struct crowd *c)
{
    struct sim_client *guest = sim_bulk_guest(&c->w, "guest", (uint8_t)(10 + c->ours_count));

    if (guest)
        c->ours[c->ours_count++] = guest;
}

static void add_cubic(struct crowd *c)
{
    struct addr from = sim_addr((uint8_t)(100 + c->cubics), 80);
    struct addr to = sim_addr((uint8_t)(200 + c->cubics), 50000);
    struct sim_cubic *flow = &c->cubic[c->cubics++];

    sim_cubic_make(flow, c->w.sim, &from, &to, SIM_CUBIC_ENDLESS, sim_now_us(c->w.sim));
    sim_share(c->w.sim, flow->from, flow->to, c->w.server->node, c->w.client->node);
}

static void crowd_end(struct crowd *c)
{
    for (size_t i = 0; i < c->cubics; i++)
        sim_cubic_end(&c->cubic[i]);
    sim_world_end(&c->w);
}

/* Each flow's goodput during `us`, in per mille of the rate: ours first. */
static void shares(struct crowd *c, uint64_t us, uint64_t share[2 * FLOWS_MOST])
{
    size_t n = 0;

    for (size_t i = 0; i < c->ours_count; i++)
        share[n++] = c->ours[i]->app.read_bytes;
    for (size_t i = 0; i < c->cubics; i++)
        share[n++] = sim_cubic_read_bytes(&c->cubic[i]);
    sim_world_pass(&c->w, us);
    n = 0;
    for (size_t i = 0; i < c->ours_count; i++, n++)
        share[n] = c->ours[i]->app.read_bytes - share[n];
    for (size_t i = 0; i < c->cubics; i++, n++)
        share[n] = sim_cubic_read_bytes(&c->cubic[i]) - share[n];
    for (size_t i = 0; i < n; i++) {
        share[i] = num_mul_div(share[i] * 8, 1000ull * SECOND_US, us) / c->rate_bps;
        sim_note(c->w.sim, "%s %zu: %llu per mille", i < c->ours_count ? "ours" : "cubic", i,
                 (unsigned long long)share[i]);
    }
    for (size_t i = 0; i < c->cubics; i++)
        sim_cubic_note(&c->cubic[i], c->w.sim);
}

/* Fails unless each flow gets least .. most per mille during `us`, and all together `together`. */
static void expect_shares(struct crowd *c, uint64_t us, uint64_t least, uint64_t most,
                          uint64_t together)
{
    uint64_t share[2 * FLOWS_MOST], sum = 0;

    shares(c, us, share);
    for (size_t i = 0; i < c->ours_count + c->cubics; i++) {
        sum += share[i];
        if (share[i] < least || share[i] > most)
            sim_fail(c->w.sim, "%s %zu has %llu per mille, not %llu .. %llu",
                     i < c->ours_count ? "ours" : "cubic", i, (unsigned long long)share[i],
                     (unsigned long long)least, (unsigned long long)most);
    }
    if (sum < together)
        sim_fail(c->w.sim, "all together have %llu per mille, not %llu", (unsigned long long)sum,
                 (unsigned long long)together);
}

/* The link of the line: 50 Mbit/s, 40 ms, a queue of one product of both. */
static struct wan_config common_link(void)
{
    struct wan_config link = sim_world_link(50 * MBIT, 20000);

    link.queue_us = 40000;
    return link;
}

static void beside_cubic(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct crowd c;

    crowd_make(&c, s, without, &link);
    add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    expect_shares(&c, 30 * SECOND_US, 300, 700, 850);
    crowd_end(&c);
}

static void before_cubic(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct crowd c;

    crowd_make(&c, s, without, &link);
    sim_world_pass(&c.w, 5 * SECOND_US);
    add_cubic(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    expect_shares(&c, 30 * SECOND_US, 300, 700, 850);
    crowd_end(&c);
}

static void after_cubic(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct crowd c;

    /* Who comes second meets a full queue, and has never seen the path without. */
    crowd_make(&c, s, without, &link);
    sim_host_hang_up(c.ours[0]);
    c.ours_count = 0;
    add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    add_ours(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    expect_shares(&c, 30 * SECOND_US, 300, 700, 850);
    crowd_end(&c);
}

static void two_beside_cubic(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct crowd c;

    crowd_make(&c, s, without, &link);
    add_ours(&c);
    add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    expect_shares(&c, 30 * SECOND_US, 200, 500, 850);
    crowd_end(&c);
}

static void beside_two_cubics(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct crowd c;

    crowd_make(&c, s, without, &link);
    add_cubic(&c);
    add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    expect_shares(&c, 30 * SECOND_US, 150, 600, 850);
    crowd_end(&c);
}

static void beside_cubic_deep(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    uint64_t share[2 * FLOWS_MOST];
    struct crowd c;

    /* What CUBIC queues, 400 ms of it, is not ours to empty; starving there would be the end. */
    link.queue_us = 400000;
    crowd_make(&c, s, without, &link);
    add_cubic(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    shares(&c, 30 * SECOND_US, share);
    SIM_EXPECT(&c.w, share[0] >= 100);
    SIM_EXPECT(&c.w, share[1] >= 300);
    crowd_end(&c);
}

static void beside_cubic_shallow(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    uint64_t share[2 * FLOWS_MOST];
    struct crowd c;

    /* In a queue of a fifth of the product CUBIC backs off soon and often: leave it its part. */
    link.queue_us = 8000;
    crowd_make(&c, s, without, &link);
    add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    shares(&c, 30 * SECOND_US, share);
    SIM_EXPECT(&c.w, share[0] >= 300);
    SIM_EXPECT(&c.w, share[1] >= 100);
    crowd_end(&c);
}

static void beside_cubic_codel(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct crowd c;

    link.queue_us = SECOND_US;
    link.codel_us = 5000;
    crowd_make(&c, s, without, &link);
    add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    expect_shares(&c, 30 * SECOND_US, 200, 800, 850);
    crowd_end(&c);
}

static void beside_itself(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct crowd c;

    crowd_make(&c, s, without, &link);
    add_ours(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    expect_shares(&c, 20 * SECOND_US, 330, 620, 850);
    crowd_end(&c);
}

static void three_of_us(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct crowd c;

    crowd_make(&c, s, without, &link);
    add_ours(&c);
    add_ours(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    /* They swing around a third, in tens of seconds. */
    expect_shares(&c, 40 * SECOND_US, 250, 420, 850);
    crowd_end(&c);
}

static void late_joiner(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct crowd c;

    crowd_make(&c, s, without, &link);
    sim_world_pass(&c.w, 10 * SECOND_US);
    add_ours(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    expect_shares(&c, 10 * SECOND_US, 300, 650, 850);
    crowd_end(&c);
}

static void early_leaver(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct crowd c;

    crowd_make(&c, s, without, &link);
    add_ours(&c);
    sim_world_pass(&c.w, 8 * SECOND_US);
    if (c.ours_count == 2)
        sim_host_hang_up(c.ours[1]);
    /* What is on the way to the dead one goes on until its window is out; then the link is ours. */
    uint64_t us = sim_bulk_reaches(&c.w, 50 * MBIT / 100 * 80, 500000, 5 * SECOND_US);
    sim_note(s, "80 %% after %llu us", (unsigned long long)us);
    SIM_EXPECT(&c.w, us <= 3 * SECOND_US);
    crowd_end(&c);
}

static void cubic_comes_and_goes(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct crowd c;

    crowd_make(&c, s, without, &link);
    sim_world_pass(&c.w, 3 * SECOND_US);
    add_cubic(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    sim_power(s, c.cubic[0].from, false);
    uint64_t us = sim_bulk_reaches(&c.w, 50 * MBIT / 100 * 85, 500000, 5 * SECOND_US);
    sim_note(s, "85 %% after %llu us", (unsigned long long)us);
    SIM_EXPECT(&c.w, us <= 2 * SECOND_US);
    /* And the queue that was CUBIC's is gone. */
    SIM_EXPECT(&c.w, sim_bulk_queue_us(&c.w, 5 * SECOND_US, 950) < 25000);
    crowd_end(&c);
}

const struct sim_scenario scenario_share_table[] = {
    {"beside_cubic", "beside one CUBIC flow each gets 30 to 70 %", "control", beside_cubic},
    {"before_cubic", "... also when it comes 5 s later", NULL, before_cubic},
    {"after_cubic", "... who was there first", NULL, after_cubic},
    {"two_beside_cubic", "two of ours and one CUBIC flow: each 20 to 50 %", NULL, two_beside_cubic},
    {"beside_two_cubics", "one of ours and two CUBIC flows: each 15 to 60 %", NULL,
     beside_two_cubics},
    {"beside_cubic_deep", "in a queue of ten products of rate and delay nobody starves", NULL,
     beside_cubic_deep},
    {"beside_cubic_shallow", "... nor in one of a fifth", NULL, beside_cubic_shallow},
    {"beside_cubic_codel", "through CoDel each gets 20 to 80 %", NULL, beside_cubic_codel},
    {"beside_itself", "two of ours: each 33 to 62 %", NULL, beside_itself},
    {"three_of_us", "three of ours: each 25 to 42 %", NULL, three_of_us},
    {"late_joiner", "who comes 10 s later has its part 10 s after", NULL, late_joiner},
    {"early_leaver", "who is left takes 80 % within 3 s", NULL, early_leaver},
    {"cubic_comes_and_goes", "85 % within 2 s after CUBIC has gone, and its queue with it", NULL,
     cubic_comes_and_goes},
    {0},
};
