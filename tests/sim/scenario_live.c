/* scenario_live: how soon short messages and key presses cross, alone and beside others. */
#include "core/base/num.h"
#include "tests/sim/sim_bulk.h"
#include "tests/sim/sim_cubic.h"
#include "tests/sim/sim_table.h"

enum { MBIT = SIM_BULK_MBIT, RTT_US = 100000, MESSAGES = 1000, EVERY_US = 20000 };

/* One way, from sending to delivery; 0: whatever. */
struct bounds {
    uint64_t p95_us, p99_us, max_us;
};

static struct wan_config usual(void)
{
    return sim_world_link(10 * MBIT, RTT_US / 2);
}

/* A connected world, with bulk from the server on when `bulk`. */
static void live_world(struct sim_world *w, struct sim *s, uint32_t without,
                       const struct wan_config *up, const struct wan_config *down, bool bulk)
{
    struct sim_world_plan plan = {.up = up, .down = down};

    sim_bulk_windows(&plan);
    sim_world_make(w, s, without, &plan);
    sim_world_connect(w, 5 * SECOND_US);
    if (w->session && bulk) {
        sim_app_write(&w->session->app, PEER_BULK, SIM_APP_ENDLESS);
        sim_kick(s, w->server->node);
        sim_world_pass(w, 3 * SECOND_US);
    }
}

/* 200 bytes, 50 a second, for 20 s. */
static struct sim_app_series *talk(struct sim_world *w, struct sim_app *from, enum peer_class class)
{
    struct sim_app_series *series = sim_app_send(from, class, 200, EVERY_US, MESSAGES);

    sim_kick(w->sim, from == &w->client->app ? w->client->node : w->server->node);
    return series;
}

static void expect_delays(struct sim_world *w, const struct sim_app *at, struct bounds b)
{
    const struct sim_app_received *r = at->received[0];

    if (sim_failure(w->sim))
        return;
    if (r == NULL || r->count != MESSAGES) {
        sim_fail(w->sim, "%llu of %d messages have come", (unsigned long long)(r ? r->count : 0),
                 MESSAGES);
        return;
    }
    uint64_t p95_us = stat_quantile(&r->delay_us, 950), p99_us = stat_quantile(&r->delay_us, 990);
    sim_note(w->sim, "one way: p50 %llu p95 %llu p99 %llu max %llu us",
             (unsigned long long)stat_quantile(&r->delay_us, 500), (unsigned long long)p95_us,
             (unsigned long long)p99_us, (unsigned long long)r->delay_us.max);
    if ((b.p95_us && p95_us > b.p95_us) || (b.p99_us && p99_us > b.p99_us) ||
        (b.max_us && r->delay_us.max > b.max_us))
        sim_fail(w->sim, "one way p95 %llu p99 %llu max %llu us, not %llu %llu %llu",
                 (unsigned long long)p95_us, (unsigned long long)p99_us,
                 (unsigned long long)r->delay_us.max, (unsigned long long)b.p95_us,
                 (unsigned long long)b.p99_us, (unsigned long long)b.max_us);
}

/* Messages down: their delays within the bounds. */
static void down_within(struct sim *s, uint32_t without, const struct wan_config *up,
                        const struct wan_config *down, bool bulk, enum peer_class class,
                        struct bounds b)
{
    struct sim_world w;

    live_world(&w, s, without, up, down, bulk);
    if (w.session) {
        talk(&w, &w.session->app, class);
        sim_world_finish(&w, 25 * SECOND_US);
        expect_delays(&w, &w.client->app, b);
    }
    sim_world_end(&w);
}

/* ---- alone ---- */

static void messages_alone(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    down_within(s, without, &link, &link, false, PEER_TEXT,
                (struct bounds){RTT_US / 2 + 2000, RTT_US / 2 + 2000, RTT_US / 2 + 5000});
}

static void messages_at_loss_5(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    link.loss = 50000;
    down_within(s, without, &link, &link, false, PEER_TEXT,
                (struct bounds){RTT_US / 2 + 10000, RTT_US / 2 + 30000, RTT_US / 2 * 5});
}

static void input_at_loss_5(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    link.loss = 50000;
    down_within(s, without, &link, &link, false, PEER_INPUT,
                (struct bounds){RTT_US / 2 + 10000, RTT_US / 2 + 30000, RTT_US / 2 * 5});
}

/* What is lost must be sent again a round trip later: that much, and the time it takes to be sure,
 * is the most that the ordinary way of recovery may cost. */
static void messages_made_good(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    link.loss = 50000;
    down_within(s, without, &link, &link, false, PEER_TEXT,
                (struct bounds){0, RTT_US / 2 + RTT_US + 80000, RTT_US / 2 + 3 * RTT_US});
}

static void messages_in_bursts(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    link.loss = 30000;
    link.burst = 3;
    down_within(s, without, &link, &link, false, PEER_TEXT,
                (struct bounds){0, RTT_US / 2 + RTT_US + 80000, RTT_US / 2 + 4 * RTT_US});
}

static void messages_in_jitter(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    link.jitter_us = 30000;
    link.jitter_reorders = 1;
    down_within(s, without, &link, &link, false, PEER_TEXT,
                (struct bounds){RTT_US / 2 + 32000, RTT_US / 2 + 32000, RTT_US / 2 + 35000});
}

static void messages_overtaken(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    /* Five of a hundred are 11 to 22 ms late; nobody else waits for them. */
    link.reorder = 50000;
    down_within(s, without, &link, &link, false, PEER_TEXT,
                (struct bounds){RTT_US / 2 + 23000, RTT_US / 2 + 25000, RTT_US / 2 + 30000});
}

static void messages_without_answers(struct sim *s, uint32_t without)
{
    struct wan_config down = usual(), up = down;

    up.loss = 300000;
    down_within(s, without, &up, &down, false, PEER_TEXT,
                (struct bounds){RTT_US / 2 + 2000, RTT_US / 2 + 2000, RTT_US / 2 + 5000});
}

static void messages_across_an_outage(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    link.outage[link.outages++] = (struct wan_outage){5 * SECOND_US, 5 * SECOND_US};
    live_world(&w, s, without, &link, &link, false);
    if (w.session) {
        talk(&w, &w.session->app, PEER_TEXT);
        sim_world_finish(&w, 25 * SECOND_US);
        /* None is lost; the oldest waited for the link, the probe gap and two round trips. */
        expect_delays(&w, &w.client->app,
                      (struct bounds){0, 0, 5 * SECOND_US + 500000 + 2 * RTT_US + RTT_US / 2});
    }
    sim_world_end(&w);
}

static void messages_across_nat(struct sim *s, uint32_t without)
{
    struct wan_config up = usual(), down = up;
    struct sim_world w;

    for (uint64_t at = 3; at < 21; at += 2)
        up.change[up.changes++] = (struct wan_change){at * SECOND_US, WAN_CHANGE_REBIND, 0};
    live_world(&w, s, without, &up, &down, false);
    if (w.session) {
        talk(&w, &w.session->app, PEER_TEXT);
        sim_world_finish(&w, 25 * SECOND_US);
        /* The viewer's own probe of the silence opens the new way. */
        expect_delays(&w, &w.client->app, (struct bounds){0, 0, 500000 + 3 * RTT_US + RTT_US / 2});
    }
    sim_world_end(&w);
}

static void keys_across_nat(struct sim *s, uint32_t without)
{
    struct wan_config up = usual(), down = up;
    struct sim_world w;

    for (uint64_t at = 3; at < 21; at += 2)
        up.change[up.changes++] = (struct wan_change){at * SECOND_US, WAN_CHANGE_REBIND, 0};
    live_world(&w, s, without, &up, &down, false);
    if (w.session) {
        talk(&w, &w.client->app, PEER_INPUT);
        sim_world_finish(&w, 25 * SECOND_US);
        /* What the viewer sends finds the server from any address. */
        expect_delays(&w, &w.session->app,
                      (struct bounds){RTT_US / 2 + 2000, RTT_US / 2 + 2000, RTT_US / 2 + 5000});
    }
    sim_world_end(&w);
}

/* ---- beside others ---- */

static void messages_beside_bulk(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    down_within(s, without, &link, &link, true, PEER_TEXT,
                (struct bounds){RTT_US / 2 + 60000, RTT_US / 2 + 75000, 0});
}

static void messages_beside_bulk_at_loss_5(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    link.loss = 50000;
    down_within(s, without, &link, &link, true, PEER_TEXT,
                (struct bounds){RTT_US / 2 + 25000, 0, 0});
}

static void input_beside_bulk(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    link.loss = 10000;
    down_within(s, without, &link, &link, true, PEER_INPUT,
                (struct bounds){RTT_US / 2 + 60000, RTT_US / 2 + RTT_US + 100000, 0});
}

static void messages_beside_bulk_in_bloat(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    link.queue_us = 3 * SECOND_US;
    down_within(s, without, &link, &link, true, PEER_TEXT,
                (struct bounds){RTT_US / 2 + 60000, RTT_US / 2 + 80000, 0});
}

static void messages_against_bulk(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    /* Bulk comes down while keys go up, beside nothing but its acknowledgements. */
    live_world(&w, s, without, &link, &link, true);
    if (w.session) {
        talk(&w, &w.client->app, PEER_INPUT);
        sim_world_finish(&w, 25 * SECOND_US);
        expect_delays(&w, &w.session->app,
                      (struct bounds){RTT_US / 2 + 3000, RTT_US / 2 + 5000, RTT_US / 2 + 10000});
    }
    sim_world_end(&w);
}

static void messages_in_a_fade(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();

    link.fade_us = 200000;
    link.fade_least = 200000;
    down_within(s, without, &link, &link, true, PEER_TEXT,
                (struct bounds){RTT_US / 2 + 250000, RTT_US / 2 + 500000, 0});
}

static void messages_beside_cubic(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct addr from = sim_addr(100, 80), to = sim_addr(200, 50000);
    struct sim_cubic cubic;
    struct sim_world w;

    live_world(&w, s, without, &link, &link, false);
    sim_cubic_make(&cubic, s, &from, &to, SIM_CUBIC_ENDLESS, sim_now_us(s));
    sim_share(s, cubic.from, cubic.to, w.server->node, w.client->node);
    if (w.session) {
        talk(&w, &w.session->app, PEER_TEXT);
        sim_world_finish(&w, 25 * SECOND_US);
        /* The queue of 100 ms is CUBIC's; what it overflows with is made good once. */
        expect_delays(&w, &w.client->app,
                      (struct bounds){RTT_US / 2 + 110000, RTT_US / 2 + 3 * RTT_US + 100000, 0});
    }
    sim_cubic_end(&cubic);
    sim_world_end(&w);
}

static void keys_on_a_slow_line(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(256000, RTT_US / 2);

    link.queue_us = SECOND_US;
    /* A full datagram takes 38 ms: two may be before a key, and a key itself takes 8. */
    down_within(s, without, &link, &link, true, PEER_INPUT,
                (struct bounds){RTT_US / 2 + 160000, 0, 0});
}

const struct sim_scenario scenario_live_table[] = {
    {"messages_alone", "200 bytes, 50 a second: never 5 ms later than the path", NULL,
     messages_alone},
    {"messages_at_loss_5", "5 % loss: p95 RTT/2 + 10 ms, p99 + 30 ms, none over 2.5 RTT", NULL,
     messages_at_loss_5},
    {"input_at_loss_5", "... keys as well", NULL, input_at_loss_5},
    {"messages_made_good", "5 % loss: p99 within a round trip and 80 ms more, none over 3.5 RTT",
     "resend", messages_made_good},
    {"messages_in_bursts", "3 % in bursts of three: p99 likewise, none over 4.5 RTT", NULL,
     messages_in_bursts},
    {"messages_in_jitter", "30 ms of jitter, any order: nobody waits for anybody", NULL,
     messages_in_jitter},
    {"messages_overtaken", "5 % overtaken: nobody waits for them", NULL, messages_overtaken},
    {"messages_without_answers", "30 % of acknowledgements lost: no message is late", NULL,
     messages_without_answers},
    {"messages_across_an_outage", "5 s without a link: none lost, all within the probe gap", NULL,
     messages_across_an_outage},
    {"messages_across_nat", "a new port each 2 s: none lost, none over 0.5 s and 3.5 RTT", "path",
     messages_across_nat},
    {"keys_across_nat", "... and what the viewer sends is never late", "path", keys_across_nat},
    {"messages_beside_bulk", "beside bulk: p95 RTT/2 + 60 ms", "classes", messages_beside_bulk},
    {"messages_beside_bulk_at_loss_5", "... at 5 % loss: p95 RTT/2 + 25 ms", NULL,
     messages_beside_bulk_at_loss_5},
    {"input_beside_bulk", "keys beside bulk at 1 % loss: p95 RTT/2 + 60 ms", "classes",
     input_beside_bulk},
    {"messages_beside_bulk_in_bloat", "... where 3 s of queue would fit: p95 RTT/2 + 60 ms", NULL,
     messages_beside_bulk_in_bloat},
    {"messages_against_bulk", "keys up while bulk comes down: never 10 ms late", NULL,
     messages_against_bulk},
    {"messages_in_a_fade", "beside bulk on a rate that fades: p95 RTT/2 + 250 ms", NULL,
     messages_in_a_fade},
    {"messages_beside_cubic", "in CUBIC's queue: p95 RTT/2 + 110 ms", NULL, messages_beside_cubic},
    {"keys_on_a_slow_line", "beside bulk at 256 kbit/s: p95 RTT/2 + 160 ms", "classes",
     keys_on_a_slow_line},
    {0},
};
