/* scenario_goals: the links that the project measures itself against, each with its figures. */
#include "core/base/num.h"
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_world.h"

enum { MBIT = 1000000, SLICE_US = 50000 };

/* One row: a bulk transfer from the server to the client over `link`. */
struct row {
    uint64_t rate_bps, delay_us;
    uint32_t loss;         /* millionths, both ways */
    uint64_t seconds;      /* of the transfer */
    uint64_t goodput_bps;  /* at least, from second 2 on */
    uint64_t ramp_us;      /* 90 % of the steady rate within so long; 0: not asked */
    uint64_t queue_p95_us; /* at most, from second 2 on; 0: not asked */
};

static const struct wan_counters *down_counters(const struct sim_world *w)
{
    return wan_link_counters(sim_link(w->sim, w->server->node, w->client->node));
}

static void goal_world(struct sim_world *w, struct sim *s, uint32_t without,
                       const struct wan_config *down)
{
    struct wan_config up = sim_world_link(down->rate_bps, down->delay_us);
    struct sim_world_plan plan = {.up = &up, .down = down};

    up.loss = down->loss;
    plan.client.stream_window_bytes = plan.server.stream_window_bytes = 64 << 20;
    plan.client.session_window_bytes = plan.server.session_window_bytes = 64 << 20;
    plan.client.stream_buffer_bytes = plan.server.stream_buffer_bytes = 64 << 20;
    plan.client.max_datagram_bytes = plan.server.max_datagram_bytes = LIMIT_DATAGRAM_BYTES;
    sim_world_make(w, s, without, &plan);
    sim_world_connect(w, 5 * SECOND_US);
}

static void bulk(struct sim_world *w)
{
    if (w->session == NULL)
        return;
    sim_app_write(&w->session->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(w->sim, w->server->node);
}

/* What arrives as stream bytes during `us`, in bits a second. */
static uint64_t goodput(struct sim_world *w, uint64_t us)
{
    uint64_t before = w->client->app.read_bytes;

    sim_world_pass(w, us);
    return num_mul_div(w->client->app.read_bytes - before, 8 * (uint64_t)MBIT, us);
}

/* The first two seconds in slices: when did a slice first bring 90 % of `goal_bps`? */
static uint64_t ramp(struct sim_world *w, uint64_t goal_bps)
{
    uint64_t at = 0;

    for (uint64_t t = 0; t < 2 * SECOND_US; t += SLICE_US) {
        uint64_t rate = goodput(w, SLICE_US);
        if (!at && rate >= goal_bps / 10 * 9)
            at = t + SLICE_US;
    }
    return at ? at : UINT64_MAX;
}

static void run_row(struct sim *s, uint32_t without, const struct row *row)
{
    struct wan_config link = sim_world_link(row->rate_bps, row->delay_us);
    struct sim_world w;

    link.loss = row->loss;
    goal_world(&w, s, without, &link);
    bulk(&w);
    uint64_t ramp_us = ramp(&w, row->goodput_bps);
    uint64_t early_p95_us = stat_quantile(&down_counters(&w)->queue_us, 950);
    uint64_t rate = goodput(&w, (row->seconds - 2) * SECOND_US);
    uint64_t p95_us = stat_quantile(&down_counters(&w)->queue_us, 950);
    sim_note(s,
             "goodput %llu bit/s, 90 %% after %llu ms, queue p50 %llu p95 %llu (early %llu) us, "
             "full %llu, lost %llu of %llu",
             (unsigned long long)rate, (unsigned long long)ramp_us / 1000,
             (unsigned long long)stat_quantile(&down_counters(&w)->queue_us, 500),
             (unsigned long long)p95_us, (unsigned long long)early_p95_us,
             (unsigned long long)down_counters(&w)->dropped[WAN_DROP_QUEUE],
             (unsigned long long)down_counters(&w)->dropped[WAN_DROP_LOSS],
             (unsigned long long)down_counters(&w)->in_count);
    if (w.session)
        sim_app_note(&w.session->app, sim_node_now_us(s, w.server->node));
    if (rate < row->goodput_bps)
        sim_fail(s, "goodput %llu bit/s is below %llu", (unsigned long long)rate,
                 (unsigned long long)row->goodput_bps);
    if (row->ramp_us && ramp_us > row->ramp_us)
        sim_fail(s, "90 %% of the rate only after %llu us", (unsigned long long)ramp_us);
    if (row->queue_p95_us && p95_us > row->queue_p95_us)
        sim_fail(s, "queue p95 %llu us", (unsigned long long)p95_us);
    sim_world_end(&w);
}

static void goal_lossy(struct sim *s, uint32_t without)
{
    run_row(s, without, &(struct row){200 * MBIT, 50000, 10000, 20, 183 * MBIT, 1000000, 0});
}

static void goal_clean(struct sim *s, uint32_t without)
{
    run_row(s, without, &(struct row){200 * MBIT, 50000, 0, 20, 188 * MBIT, 0, 25000});
}

static void goal_t3(struct sim *s, uint32_t without)
{
    run_row(s, without, &(struct row){45 * MBIT, 50000, 5000, 20, 42 * MBIT, 0, 0});
}

static void goal_far(struct sim *s, uint32_t without)
{
    run_row(s, without, &(struct row){100 * MBIT, 100000, 20000, 20, 90 * MBIT, 0, 0});
}

static void goal_near(struct sim *s, uint32_t without)
{
    run_row(s, without, &(struct row){622 * MBIT, 2500, 0, 10, 590 * MBIT, 0, 0});
}

/* Messages of 200 bytes, 50 a second, over 10 Mbit/s, 100 ms, 5 % loss. */
static void messages(struct sim *s, uint32_t without, bool with_bulk, uint64_t p95_us,
                     uint64_t p99_us)
{
    struct wan_config link = sim_world_link(10 * MBIT, 50000);
    struct sim_world w;

    link.loss = 50000;
    goal_world(&w, s, without, &link);
    if (with_bulk)
        bulk(&w);
    if (w.session)
        sim_app_send(&w.session->app, PEER_TEXT, 200, 20000, 3000);
    sim_world_pass(&w, 62 * SECOND_US);
    struct sim_app_received *r = w.client->app.received[0];
    sim_note(s,
             "%llu came, p50 %llu p95 %llu p99 %llu max %llu us; link p95 %llu lost %llu of %llu; "
             "%llu bytes",
             (unsigned long long)r->count, (unsigned long long)stat_quantile(&r->delay_us, 500),
             (unsigned long long)stat_quantile(&r->delay_us, 950),
             (unsigned long long)stat_quantile(&r->delay_us, 990),
             (unsigned long long)r->delay_us.max,
             (unsigned long long)stat_quantile(&down_counters(&w)->queue_us, 950),
             (unsigned long long)down_counters(&w)->dropped[WAN_DROP_LOSS],
             (unsigned long long)down_counters(&w)->in_count,
             (unsigned long long)w.client->app.read_bytes);
    SIM_EXPECT(&w, r->count == 3000);
    SIM_EXPECT(&w, stat_quantile(&r->delay_us, 950) <= p95_us);
    SIM_EXPECT(&w, !p99_us || stat_quantile(&r->delay_us, 990) <= p99_us);
    SIM_EXPECT(&w, !p99_us || r->delay_us.max <= 250000);
    if (w.session)
        sim_app_note(&w.session->app, sim_node_now_us(s, w.server->node));
    sim_world_end(&w);
}

static void goal_messages(struct sim *s, uint32_t without)
{
    messages(s, without, false, 60000, 80000);
}

static void goal_messages_bulk(struct sim *s, uint32_t without)
{
    messages(s, without, true, 75000, 0);
}

/* 10 -> 1 -> 10 Mbit/s at a round trip of 100 ms. */
static void goal_fall(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10 * MBIT, 50000);
    struct sim_world w;
    uint64_t over_us = 0, back_us = 0;

    link.change[link.changes++] = (struct wan_change){8 * SECOND_US, WAN_CHANGE_RATE, MBIT};
    link.change[link.changes++] = (struct wan_change){18 * SECOND_US, WAN_CHANGE_RATE, 10 * MBIT};
    goal_world(&w, s, without, &link);
    bulk(&w);
    struct wan_link *wl = sim_link(s, w.server->node, w.client->node);
    while (wan_link_config(wl)->rate_bps == 10 * MBIT && sim_world_pass(&w, 10000))
        ;
    for (uint64_t t = 0; t < 9 * SECOND_US; t += 10000) {
        sim_world_pass(&w, 10000);
        bool over = wan_link_queue_bytes(wl) * 8 > 50000; /* ms at 1 Mbit/s */
        if (!over && !back_us)
            back_us = t + 10000;
        over_us += over ? 10000 : 0;
    }
    uint64_t low = goodput(&w, 500000);
    while (wan_link_config(wl)->rate_bps == MBIT && sim_world_pass(&w, 10000))
        ;
    sim_world_pass(&w, 2 * SECOND_US);
    uint64_t high = goodput(&w, 3 * SECOND_US);
    sim_note(s,
             "queue below 50 ms after %llu ms, above for %llu; %llu bit/s at 1M, %llu bit/s 2 s "
             "after the rise",
             (unsigned long long)back_us / 1000, (unsigned long long)over_us / 1000,
             (unsigned long long)low, (unsigned long long)high);
    SIM_EXPECT(&w, back_us <= 500000);
    SIM_EXPECT(&w, over_us <= SECOND_US / 2); /* tries for more, now and then */
    SIM_EXPECT(&w, high >= 8 * MBIT);
    SIM_EXPECT(&w, low >= 7 * MBIT / 10);
    sim_world_end(&w);
}

/* The path is away for `for_us` in a bulk transfer. */
static void outage(struct sim *s, uint32_t without, uint64_t for_us)
{
    struct wan_config link = sim_world_link(100 * MBIT, 50000);
    struct sim_world w;
    uint64_t back_us = 10 * SECOND_US + for_us, full_us = 0;

    link.outage[link.outages++] = (struct wan_outage){10 * SECOND_US, for_us};
    goal_world(&w, s, without, &link);
    bulk(&w);
    sim_run(s, SIM_START_US + back_us, NULL, NULL);
    for (uint64_t t = 0; t < 5 * SECOND_US; t += SLICE_US)
        if (goodput(&w, SLICE_US) >= 80 * MBIT && !full_us)
            full_us = t + SLICE_US;
    sim_note(s, "full rate %llu ms after the path was back", (unsigned long long)full_us / 1000);
    SIM_EXPECT(&w, full_us && full_us <= 1200000);
    sim_world_end(&w);
}

static void goal_outage(struct sim *s, uint32_t without)
{
    outage(s, without, 30 * SECOND_US);
}

const struct sim_scenario scenario_goals_table[] = {
    {"goal_lossy", "200 Mbit/s, 100 ms, 1 %: 183 Mbit/s, 90 % in a second", "control", goal_lossy},
    {"goal_clean", "200 Mbit/s, 100 ms: 188 Mbit/s, queue p95 25 ms", "control", goal_clean},
    {"goal_t3", "45 Mbit/s, 100 ms, 0.5 %: 42 Mbit/s", "control", goal_t3},
    {"goal_far", "100 Mbit/s, 200 ms, 2 %: 90 Mbit/s", "control", goal_far},
    {"goal_near", "622 Mbit/s, 5 ms: 590 Mbit/s", "control", goal_near},
    {"goal_messages", "200 bytes, 50 a second, at 5 %: p95 + 10 ms, p99 + 30 ms", "repeat",
     goal_messages},
    {"goal_messages_bulk", "... beside bulk: p95 + 25 ms", "repeat", goal_messages_bulk},
    {"goal_fall", "10 -> 1 -> 10 Mbit/s", NULL, goal_fall},
    {"goal_outage", "30 s without a path in bulk", NULL, goal_outage},
    {0},
};
