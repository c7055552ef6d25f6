/* scenario_share_swarm: any crowd on any link: nobody starves, and the link is used. */
#include "core/base/num.h"
#include "tests/sim/sim_bulk.h"
#include "tests/sim/sim_crowd.h"
#include "tests/sim/sim_table.h"

/* STARVED: of a thousandth of an equal part. Long fat links take longer than this to be even. */
enum { STARVED = 80, TOGETHER = 850 };
enum { SETTLE_US = 10 * SECOND_US, COUNTED_US = 30 * SECOND_US };

/* A number between two, each power of two as likely. */
static uint64_t spread(struct rng *r, uint64_t least, uint64_t most)
{
    uint64_t v = least;

    while (v * 2 <= most && rng_below(r, 4))
        v *= 2;
    return num_min(v + rng_below(r, v), most);
}

/* Who waits while bulk flows: a few bytes now and then, before all else. */
static void add_keys(struct sim_client *ours)
{
    struct sim_app_series *keys = sim_app_send(ours->app.other, PEER_INPUT, 40, 20000, 5000);

    keys->deadline_us = 200000;
}

static void share_swarm(struct sim *s, uint32_t without)
{
    struct rng *r = sim_rng(s);
    struct wan_config link =
        sim_world_link(spread(r, 10 * SIM_BULK_MBIT, 80 * SIM_BULK_MBIT), spread(r, 5000, 60000));
    uint64_t share[2 * SIM_CROWD_FLOWS], rest_us = 2 * SECOND_US;
    size_t more = rng_below(r, 3), cubics = rng_below(r, 3);
    bool keys = rng_below(r, 2);
    struct sim_crowd c;

    cubics += more + cubics == 0;
    link.queue_us = link.delay_us * 2 * (2 + rng_below(r, 7)) / 2;
    sim_note(s, "rate %llu kbit/s, rtt %llu us, queue %llu us, ours %zu, cubic %zu, keys %d",
             (unsigned long long)link.rate_bps / 1000, (unsigned long long)link.delay_us * 2,
             (unsigned long long)link.queue_us, 1 + more, cubics, keys);
    sim_crowd_make(&c, s, without, &link);
    for (size_t a = more, b = cubics; a + b && !sim_failure(s);) {
        uint64_t us = rng_below(r, rest_us);
        sim_world_pass(&c.w, us);
        rest_us -= us;
        if (rng_below(r, a + b) < a)
            a--, sim_crowd_add_ours(&c);
        else
            b--, sim_crowd_add_cubic(&c);
    }
    for (size_t i = 0; keys && i < c.ours_count; i++)
        add_keys(c.ours[i]);
    sim_world_pass(&c.w, SETTLE_US);
    sim_crowd_shares(&c, COUNTED_US, share);
    size_t flows = c.ours_count + c.cubics;
    uint64_t sum = 0;
    for (size_t i = 0; i < flows; i++) {
        sum += share[i];
        if (share[i] * flows < STARVED)
            sim_fail(s, "flow %zu of %zu has %llu per mille", i, flows,
                     (unsigned long long)share[i]);
    }
    SIM_EXPECT(&c.w, sum >= TOGETHER);
    sim_crowd_end(&c);
}

const struct sim_scenario scenario_share_swarm = {"share_swarm", "nobody starves in any crowd",
                                                  NULL, share_swarm};
