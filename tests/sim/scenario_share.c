/* scenario_share: what several flows make of one bottleneck: ours, and kernels' TCP. */
#include "core/base/num.h"
#include "tests/sim/sim_bulk.h"
#include "tests/sim/sim_crowd.h"
#include "tests/sim/sim_table.h"

enum { MBIT = SIM_BULK_MBIT };

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
    struct sim_crowd c;

    sim_crowd_make(&c, s, without, &link);
    sim_crowd_add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    sim_crowd_expect(&c, 30 * SECOND_US, 300, 700, 850);
    sim_crowd_end(&c);
}

static void before_cubic(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct sim_crowd c;

    sim_crowd_make(&c, s, without, &link);
    sim_world_pass(&c.w, 5 * SECOND_US);
    sim_crowd_add_cubic(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    sim_crowd_expect(&c, 30 * SECOND_US, 300, 700, 850);
    sim_crowd_end(&c);
}

static void after_cubic(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct sim_crowd c;

    /* Who comes second meets a full queue, and has never seen the path without. */
    sim_crowd_make(&c, s, without, &link);
    sim_host_hang_up(c.ours[0]);
    c.ours_count = 0;
    sim_crowd_add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    sim_crowd_add_ours(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    sim_crowd_expect(&c, 30 * SECOND_US, 300, 700, 850);
    sim_crowd_end(&c);
}

/* The line as it is measured: CUBIC begins a moment before, somebody waits for answers. */
static void joins_cubic(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct sim_crowd c;

    sim_crowd_make(&c, s, without, &link);
    sim_host_hang_up(c.ours[0]);
    c.ours_count = 0;
    sim_crowd_add_cubic(&c);
    sim_world_pass(&c.w, SECOND_US / 4);
    sim_crowd_add_ours(&c);
    if (c.ours_count)
        sim_app_send(c.ours[0]->app.other, PEER_INPUT, 40, 20000, 1000);
    sim_crowd_expect(&c, 20 * SECOND_US, 300, 700, 850);
    sim_crowd_end(&c);
}

static void two_beside_cubic(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct sim_crowd c;

    sim_crowd_make(&c, s, without, &link);
    sim_crowd_add_ours(&c);
    sim_crowd_add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    sim_crowd_expect(&c, 30 * SECOND_US, 200, 500, 850);
    sim_crowd_end(&c);
}

static void beside_two_cubics(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct sim_crowd c;

    sim_crowd_make(&c, s, without, &link);
    sim_crowd_add_cubic(&c);
    sim_crowd_add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    sim_crowd_expect(&c, 30 * SECOND_US, 150, 600, 850);
    sim_crowd_end(&c);
}

static void beside_cubic_deep(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    uint64_t share[2 * SIM_CROWD_FLOWS];
    struct sim_crowd c;

    /* What CUBIC queues, 400 ms of it, is not ours to empty; starving there would be the end. */
    link.queue_us = 400000;
    sim_crowd_make(&c, s, without, &link);
    sim_crowd_add_cubic(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    sim_crowd_shares(&c, 30 * SECOND_US, share);
    SIM_EXPECT(&c.w, share[0] >= 100);
    SIM_EXPECT(&c.w, share[1] >= 300);
    sim_crowd_end(&c);
}

static void beside_cubic_shallow(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    uint64_t share[2 * SIM_CROWD_FLOWS];
    struct sim_crowd c;

    /* In a queue of a fifth of the product CUBIC backs off soon and often: leave it its part. */
    link.queue_us = 8000;
    sim_crowd_make(&c, s, without, &link);
    sim_crowd_add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    sim_crowd_shares(&c, 30 * SECOND_US, share);
    SIM_EXPECT(&c.w, share[0] >= 300);
    SIM_EXPECT(&c.w, share[1] >= 100);
    sim_crowd_end(&c);
}

static void beside_cubic_codel(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct sim_crowd c;

    link.queue_us = SECOND_US;
    link.codel_us = 5000;
    sim_crowd_make(&c, s, without, &link);
    sim_crowd_add_cubic(&c);
    sim_world_pass(&c.w, 5 * SECOND_US);
    sim_crowd_expect(&c, 30 * SECOND_US, 200, 800, 850);
    sim_crowd_end(&c);
}

static void beside_itself(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct sim_crowd c;

    sim_crowd_make(&c, s, without, &link);
    sim_crowd_add_ours(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    sim_crowd_expect(&c, 20 * SECOND_US, 330, 620, 850);
    sim_crowd_end(&c);
}

static void three_of_us(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct sim_crowd c;

    sim_crowd_make(&c, s, without, &link);
    sim_crowd_add_ours(&c);
    sim_crowd_add_ours(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    /* They swing around a third, in tens of seconds. */
    sim_crowd_expect(&c, 40 * SECOND_US, 250, 420, 850);
    sim_crowd_end(&c);
}

static void late_joiner(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct sim_crowd c;

    sim_crowd_make(&c, s, without, &link);
    sim_world_pass(&c.w, 10 * SECOND_US);
    sim_crowd_add_ours(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    sim_crowd_expect(&c, 10 * SECOND_US, 300, 650, 850);
    sim_crowd_end(&c);
}

static void early_leaver(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct sim_crowd c;

    sim_crowd_make(&c, s, without, &link);
    sim_crowd_add_ours(&c);
    sim_world_pass(&c.w, 8 * SECOND_US);
    if (c.ours_count == 2)
        sim_host_hang_up(c.ours[1]);
    /* What is on the way to the dead one goes on until its window is out; then the link is ours. */
    uint64_t us = sim_bulk_reaches(&c.w, 50 * MBIT / 100 * 80, 500000, 5 * SECOND_US);
    sim_note(s, "80 %% after %llu us", (unsigned long long)us);
    SIM_EXPECT(&c.w, us <= 3 * SECOND_US);
    sim_crowd_end(&c);
}

static void cubic_comes_and_goes(struct sim *s, uint32_t without)
{
    struct wan_config link = common_link();
    struct sim_crowd c;

    sim_crowd_make(&c, s, without, &link);
    sim_world_pass(&c.w, 3 * SECOND_US);
    sim_crowd_add_cubic(&c);
    sim_world_pass(&c.w, 10 * SECOND_US);
    sim_power(s, c.cubic[0].from, false);
    uint64_t us = sim_bulk_reaches(&c.w, 50 * MBIT / 100 * 85, 500000, 5 * SECOND_US);
    sim_note(s, "85 %% after %llu us", (unsigned long long)us);
    SIM_EXPECT(&c.w, us <= 2 * SECOND_US);
    /* And the queue that was CUBIC's is gone. */
    SIM_EXPECT(&c.w, sim_bulk_queue_us(&c.w, 5 * SECOND_US, 950) < 25000);
    sim_crowd_end(&c);
}

const struct sim_scenario scenario_share_table[] = {
    {"beside_cubic", "beside one CUBIC flow each gets 30 to 70 %", "control", beside_cubic},
    {"before_cubic", "... also when it comes 5 s later", NULL, before_cubic},
    {"after_cubic", "... who was there first", NULL, after_cubic},
    {"joins_cubic", "... and from its first second on", NULL, joins_cubic},
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
