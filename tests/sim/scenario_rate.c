/* scenario_rate: what a session takes of a path, and what queue it leaves there. */
#include "core/base/num.h"
#include "tests/sim/sim_bulk.h"
#include "tests/sim/sim_table.h"

enum { MBIT = SIM_BULK_MBIT };

/* Steady goodput over 10 s after `warm_us` must be so many percent of the rate; the queue's 95th
 * percentile over everything must be below `queue_us`. */
static void steady(struct sim *s, uint32_t without, const struct wan_config *link, uint64_t warm_us,
                   unsigned percent, uint64_t queue_us)
{
    struct sim_world w;

    sim_bulk_make(&w, s, without, NULL, link);
    sim_world_pass(&w, warm_us);
    uint64_t rate = sim_bulk_goodput(&w, 10 * SECOND_US);
    uint64_t p95_us = stat_quantile(&sim_bulk_counters(&w)->queue_us, 950);
    sim_note(s, "goodput %llu bit/s, queue p50 %llu p95 %llu us, lost %llu of %llu",
             (unsigned long long)rate,
             (unsigned long long)stat_quantile(&sim_bulk_counters(&w)->queue_us, 500),
             (unsigned long long)p95_us, (unsigned long long)sim_bulk_counters(&w)->dropped[0],
             (unsigned long long)sim_bulk_counters(&w)->in_count);
    if (w.session)
        sim_app_note(&w.session->app, sim_node_now_us(s, w.server->node));
    if (rate < link->rate_bps / 100 * percent)
        sim_fail(s, "goodput %llu bit/s is below %u %%", (unsigned long long)rate, percent);
    if (p95_us >= queue_us)
        sim_fail(s, "queue p95 %llu us, not below %llu", (unsigned long long)p95_us,
                 (unsigned long long)queue_us);
    sim_world_end(&w);
}

static void one_percent(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20 * MBIT, 30000);

    link.loss = 10000;
    steady(s, without, &link, 2 * SECOND_US, 70, 50000);
}

static void no_loss(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20 * MBIT, 30000);

    steady(s, without, &link, 2 * SECOND_US, 85, 50000);
}

static void five_percent(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20 * MBIT, 30000);

    link.loss = 50000;
    steady(s, without, &link, 2 * SECOND_US, 65, 50000);
}

static void bursts_of_ten(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20 * MBIT, 30000);

    link.loss = 20000;
    link.burst = 10;
    steady(s, without, &link, 2 * SECOND_US, 65, 50000);
}

static void slow(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(500000, 30000);

    link.queue_us = 300000;
    steady(s, without, &link, 5 * SECOND_US, 75, 110000);
}

static void long_and_fat(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(100 * MBIT, 100000);

    link.loss = 1000;
    steady(s, without, &link, 4 * SECOND_US, 70, 80000);
}

static void deep_buffer(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10 * MBIT, 20000);

    link.queue_us = 2000000; /* as many cable and mobile links have it */
    steady(s, without, &link, 3 * SECOND_US, 80, 50000);
}

static void shallow_buffer(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20 * MBIT, 30000);

    link.queue_us = 10000;
    steady(s, without, &link, 2 * SECOND_US, 75, 50000);
}

static void reordered(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20 * MBIT, 30000);
    struct sim_world w;

    link.jitter_us = 8000;
    link.jitter_reorders = 1;
    sim_bulk_make(&w, s, without, NULL, &link);
    sim_world_pass(&w, 2 * SECOND_US);
    uint64_t rate = sim_bulk_goodput(&w, 10 * SECOND_US);
    struct peer_path p = {0};
    if (w.session)
        peer_path(w.session->peer, sim_node_now_us(s, w.server->node), &p);
    sim_note(s, "goodput %llu bit/s, lost %llu of %llu", (unsigned long long)rate,
             (unsigned long long)p.lost_datagrams, (unsigned long long)p.sent_datagrams);
    SIM_EXPECT(&w, rate > 20 * MBIT / 100 * 75);
    SIM_EXPECT(&w, p.lost_datagrams * 50 < p.sent_datagrams);
    sim_world_end(&w);
}

static void collapse(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20 * MBIT, 30000);
    struct sim_world w;

    link.change[link.changes++] = (struct wan_change){5 * SECOND_US, WAN_CHANGE_RATE, 2 * MBIT};
    sim_bulk_make(&w, s, without, NULL, &link);
    sim_run(s, SIM_START_US + 7 * SECOND_US, NULL, NULL);
    uint64_t sent = sim_bulk_sending(&w, SECOND_US), later = sim_bulk_sending(&w, 4 * SECOND_US);
    sim_note(s, "sending %llu bit/s in the third second, %llu after", (unsigned long long)sent,
             (unsigned long long)later);
    SIM_EXPECT(&w, sent < 2200000 && later < 2200000);
    uint64_t rate = sim_bulk_goodput(&w, 5 * SECOND_US);
    SIM_EXPECT(&w, rate > 2 * MBIT / 100 * 70);
    sim_world_end(&w);
}

static void recovery(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(2 * MBIT, 30000);
    struct sim_world w;

    link.change[link.changes++] = (struct wan_change){5 * SECOND_US, WAN_CHANGE_RATE, 20 * MBIT};
    sim_bulk_make(&w, s, without, NULL, &link);
    sim_run(s, SIM_START_US + 15 * SECOND_US, NULL, NULL);
    uint64_t rate = sim_bulk_goodput(&w, 5 * SECOND_US);
    sim_note(s, "goodput %llu bit/s 10 s after the rise", (unsigned long long)rate);
    SIM_EXPECT(&w, rate > 20 * MBIT / 100 * 70);
    sim_world_end(&w);
}

/* 20 kbit/s for 15 s: the belief is at its floor, round trips were of seconds, also for the one who
 * only acknowledges. */
static void from_the_floor(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(50 * MBIT, 500);
    struct sim_world w;

    link.loss = 20000;
    link.change[link.changes++] = (struct wan_change){3 * SECOND_US, WAN_CHANGE_RATE, 20000};
    link.change[link.changes++] = (struct wan_change){18 * SECOND_US, WAN_CHANGE_RATE, 50 * MBIT};
    sim_bulk_make(&w, s, without, NULL, &link);
    sim_run(s, SIM_START_US + 19 * SECOND_US, NULL, NULL);
    uint64_t rate = sim_bulk_goodput(&w, SECOND_US);
    sim_note(s, "goodput %llu bit/s in the second second after the rise", (unsigned long long)rate);
    SIM_EXPECT(&w, rate > 50 * MBIT / 2);
    sim_world_end(&w);
}

/* A tenth gets lost: a try for more must not be ended by that before its worth is seen. */
static void up_through_loss(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(50 * MBIT, 50000);
    struct sim_world w;

    link.loss = 100000;
    link.change[link.changes++] = (struct wan_change){3 * SECOND_US, WAN_CHANGE_RATE, 20000};
    link.change[link.changes++] = (struct wan_change){18 * SECOND_US, WAN_CHANGE_RATE, 50 * MBIT};
    sim_bulk_make(&w, s, without, NULL, &link);
    sim_run(s, SIM_START_US + 21 * SECOND_US, NULL, NULL);
    uint64_t rate = sim_bulk_goodput(&w, 2 * SECOND_US);
    sim_note(s, "goodput %llu bit/s from 3 s after the rise", (unsigned long long)rate);
    SIM_EXPECT(&w, rate > 50 * MBIT / 2);
    sim_world_end(&w);
}

static void longer_path(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20 * MBIT, 10000);
    struct sim_world w;

    /* Another route, as when a mobile host changes cells: five times the delay, the same rate. */
    link.change[link.changes++] = (struct wan_change){5 * SECOND_US, WAN_CHANGE_DELAY, 90000};
    sim_bulk_make(&w, s, without, NULL, &link);
    sim_run(s, SIM_START_US + 8 * SECOND_US, NULL, NULL);
    uint64_t rate = sim_bulk_goodput(&w, 5 * SECOND_US);
    sim_note(s, "goodput %llu bit/s from 3 s after the change", (unsigned long long)rate);
    if (w.session)
        sim_app_note(&w.session->app, sim_node_now_us(s, w.server->node));
    SIM_EXPECT(&w, rate > 20 * MBIT / 100 * 70);
    sim_world_end(&w);
}

static void jittery(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20 * MBIT, 30000);

    link.jitter_us = 30000; /* mobile and wireless links */
    steady(s, without, &link, 2 * SECOND_US, 65, 70000);
}

/* The client is busy for 90 of each 150 ms, as a viewer that paints large pictures. */
static void hold_up(struct sim *s, void *arg)
{
    struct sim_world *w = arg;

    sim_busy(s, w->client->node, sim_now_us(s) + 90000);
    sim_at(s, sim_now_us(s) + 150000, hold_up, w);
}

static void desktop(struct sim *s, uint32_t without, bool held_up)
{
    struct wan_config link = sim_world_link(50 * MBIT, 10000);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, SECOND_US);
    /* Pictures of 60 kB, 30 a second: 14.4 Mbit/s of a link of 50. */
    for (uint64_t part = 0; part < SIM_APP_SERIES; part++)
        sim_app_send(&w.session->app, PEER_TEXT, 15000, 33333, 300)->key = 1 + part;
    if (held_up)
        sim_at(s, sim_now_us(s), hold_up, &w);
    sim_kick(s, w.server->node);
    sim_world_finish(&w, 12 * SECOND_US);
    for (size_t part = 0; part < SIM_APP_SERIES; part++) {
        const struct sim_app_received *r = w.client->app.received[part];
        sim_note(s, "part %zu: %llu came, delay p95 %llu us", part,
                 (unsigned long long)(r ? r->count : 0),
                 (unsigned long long)(r ? stat_quantile(&r->delay_us, 950) : 0));
        SIM_EXPECT(&w, r && r->count >= 270);
        SIM_EXPECT(&w, r && stat_quantile(&r->delay_us, 950) < (held_up ? 250000 : 60000));
    }
    sim_world_end(&w);
}

static void little_to_send(struct sim *s, uint32_t without)
{
    desktop(s, without, false);
}

static void held_up_receiver(struct sim *s, uint32_t without)
{
    desktop(s, without, true);
}

static void start(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(50 * MBIT, 25000);
    struct sim_world w;

    sim_bulk_make(&w, s, without, NULL, &link);
    uint64_t rate = sim_bulk_goodput(&w, SECOND_US);
    sim_note(s, "goodput %llu bit/s in the first second", (unsigned long long)rate);
    SIM_EXPECT(&w, rate > 50 * MBIT / 100 * 50);
    SIM_EXPECT(&w, stat_quantile(&sim_bulk_counters(&w)->queue_us, 950) < 80000);
    sim_world_end(&w);
}

static void typing_beside_bulk(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(2 * MBIT, 20000);
    struct sim_world w;

    link.queue_us = 500000;
    sim_bulk_make(&w, s, without, NULL, &link);
    struct sim_app_flow *echo = sim_app_write(&w.session->app, PEER_INPUT, 20 * 200);
    echo->each_bytes = 20;
    echo->every_us = 50000;
    sim_world_pass(&w, 13 * SECOND_US);
    sim_note(s, "delay p50 %llu p95 %llu us",
             (unsigned long long)stat_quantile(&echo->delay_us, 500),
             (unsigned long long)stat_quantile(&echo->delay_us, 950));
    SIM_EXPECT(&w, echo->delay_us.count >= 150);
    SIM_EXPECT(&w, stat_quantile(&echo->delay_us, 950) < 20000 + 70000);
    sim_world_end(&w);
}

const struct sim_scenario scenario_rate_table[] = {
    {"one_percent", "70 % of 20 Mbit/s at 1 % loss, queue p95 below 50 ms", "control", one_percent},
    {"no_loss", "85 % of 20 Mbit/s, queue p95 below 50 ms", "control", no_loss},
    {"five_percent", "65 % of 20 Mbit/s at 5 % loss", "control", five_percent},
    {"bursts_of_ten", "65 % of 20 Mbit/s at 2 % loss in bursts of ten", "control", bursts_of_ten},
    {"slow", "75 % of 500 kbit/s, queue p95 below 110 ms", "control", slow},
    {"long_and_fat", "70 % of 100 Mbit/s at a round trip of 200 ms", "control", long_and_fat},
    {"deep_buffer", "a buffer of two seconds is not filled", "control", deep_buffer},
    {"shallow_buffer", "a buffer of 10 ms does not starve the sender", "control", shallow_buffer},
    {"reordered", "75 % of 20 Mbit/s with 8 ms of reordering", "reorder", reordered},
    {"jittery", "65 % of 20 Mbit/s with 30 ms of jitter", "control", jittery},
    {"collapse", "20 to 2 Mbit/s: below 2.2 within 2 s", "control", collapse},
    {"rise", "2 to 20 Mbit/s: 70 % after 10 s", NULL, recovery},
    {"from_the_floor", "20 kbit/s to 50 Mbit/s at a round trip of 1 ms: half of it after 1 s", NULL,
     from_the_floor},
    {"up_through_loss", "20 kbit/s to 50 Mbit/s at 10 % loss, 100 ms: half of it after 3 s", NULL,
     up_through_loss},
    {"longer_path", "the delay grows: 70 % after 3 s", NULL, longer_path},
    {"little_to_send", "pictures that need a third of the link come in time", NULL, little_to_send},
    {"held_up_receiver", "... also at a viewer that is busy for 90 of each 150 ms", NULL,
     held_up_receiver},
    {"start", "half of 50 Mbit/s in the first second, and no deep queue", "control", start},
    {"typing_beside_bulk", "bulk leaves no queue in front of keys", "control", typing_beside_bulk},
    {0},
};
