/* scenario_change: bulk while the path changes: outages, sleep, addresses, rates, routes. */
#include "core/base/num.h"
#include "tests/sim/sim_bulk.h"
#include "tests/sim/sim_table.h"

enum { MBIT = SIM_BULK_MBIT, RATE = 20 * MBIT, RTT_US = 40000, BEGIN_S = 4 };

/* The usual link: 20 Mbit/s, 40 ms. */
static struct wan_config usual(void)
{
    return sim_world_link(RATE, RTT_US / 2);
}

static void until(struct sim_world *w, uint64_t second)
{
    sim_run(w->sim, SIM_START_US + second * SECOND_US, NULL, NULL);
}

/* 90 % of the rate within a second and two round trips: what a path that is back must carry. */
static void expect_all_of_it(struct sim_world *w, uint64_t rate_bps, uint64_t rtt_us)
{
    sim_bulk_expect_soon(w, rate_bps / 100 * 90, SECOND_US + 2 * rtt_us);
    sim_bulk_expect_unbroken(w);
}

/* ---- outages ---- */

static void outage_of(struct sim *s, uint32_t without, uint64_t seconds)
{
    struct wan_config link = usual();
    struct sim_world w;

    link.outage[link.outages++] =
        (struct wan_outage){BEGIN_S * SECOND_US, seconds * (uint64_t)SECOND_US};
    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, BEGIN_S + seconds);
    expect_all_of_it(&w, RATE, RTT_US);
    sim_world_end(&w);
}

static void outage_1(struct sim *s, uint32_t without)
{
    outage_of(s, without, 1);
}

static void outage_5(struct sim *s, uint32_t without)
{
    outage_of(s, without, 5);
}

static void outage_30(struct sim *s, uint32_t without)
{
    outage_of(s, without, 30);
}

static void outage_100(struct sim *s, uint32_t without)
{
    outage_of(s, without, 100);
}

/* More than anybody types, as input, goes on through an outage: when the link is back all of it
 * leaves at the link's rate. */
static void input_flood(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    link.outage[link.outages++] = (struct wan_outage){BEGIN_S * SECOND_US, 2 * SECOND_US};
    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, BEGIN_S);
    sim_app_send(&w.session->app, PEER_INPUT, 25000, 33000, 90);
    sim_kick(s, w.server->node);
    until(&w, BEGIN_S + 2);
    uint64_t before = sim_bulk_counters(&w)->dropped[WAN_DROP_QUEUE];
    sim_world_pass(&w, 2 * SECOND_US);
    SIM_EXPECT(&w, sim_bulk_counters(&w)->dropped[WAN_DROP_QUEUE] - before < 100);
    SIM_EXPECT(&w, w.session->app.series[0]->acked == 90);
    expect_all_of_it(&w, RATE, RTT_US);
    sim_world_end(&w);
}

static void outage_one_way(struct sim *s, uint32_t without, bool down_fails)
{
    struct wan_config up = usual(), down = up;
    struct wan_config *fails = down_fails ? &down : &up;
    struct sim_world w;

    fails->outage[fails->outages++] = (struct wan_outage){BEGIN_S * SECOND_US, 5 * SECOND_US};
    sim_bulk_make(&w, s, without, &up, &down);
    until(&w, BEGIN_S + 5);
    expect_all_of_it(&w, RATE, RTT_US);
    sim_world_end(&w);
}

static void outage_down(struct sim *s, uint32_t without)
{
    outage_one_way(s, without, true);
}

static void outage_up(struct sim *s, uint32_t without)
{
    outage_one_way(s, without, false);
}

static void hiccups(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    for (uint64_t k = 0; k < 10; k++)
        link.outage[link.outages++] = (struct wan_outage){(BEGIN_S + k) * SECOND_US, 100000};
    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, BEGIN_S);
    /* Nine tenths of the time there is a link. */
    sim_bulk_expect(&w, 10 * SECOND_US,
                    (struct sim_bulk_bounds){.goodput_bps = RATE / 100 * 70, .gap_us = 500000});
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

static void lossy_return(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    /* A radio that comes back loses half of all for a while. */
    link.outage[link.outages++] = (struct wan_outage){BEGIN_S * SECOND_US, 10 * SECOND_US};
    link.change[link.changes++] =
        (struct wan_change){(BEGIN_S + 10) * SECOND_US, WAN_CHANGE_LOSS, 500000};
    link.change[link.changes++] =
        (struct wan_change){(BEGIN_S + 12) * SECOND_US, WAN_CHANGE_LOSS, 0};
    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, BEGIN_S + 12);
    sim_bulk_expect_soon(&w, RATE / 100 * 80, 2 * SECOND_US);
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

/* ---- sleep ---- */

enum who { VIEWER, SERVER };

/* A host sleeps for so long, and its clock with it unless it `jumps` (a host that sleeps does not
 * hear; what is sent to it is lost). */
static void asleep_for(struct sim *s, uint32_t without, enum who who, uint64_t seconds, bool jumps)
{
    struct wan_config link = usual();
    struct sim_world_plan plan = {.up = &link};
    uint64_t offset_us = 1ull << 40;
    struct sim_world w;

    sim_bulk_windows(&plan);
    sim_world_make(&w, s, without, &plan);
    size_t node = who == VIEWER ? w.client->node : w.server->node;
    sim_clock(s, node, offset_us, 0);
    /* Its session began by the clock it has now. */
    if (who == SERVER)
        sim_host_restart(w.server);
    sim_world_connect(&w, SECOND_US);
    if (w.session)
        sim_app_write(&w.session->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(s, w.server->node);
    until(&w, BEGIN_S);
    sim_power(s, node, false);
    until(&w, BEGIN_S + seconds);
    if (!jumps)
        sim_clock(s, node, offset_us - seconds * SECOND_US, 0);
    sim_power(s, node, true);
    expect_all_of_it(&w, RATE, RTT_US);
    sim_world_end(&w);
}

static void nap_of_the_viewer(struct sim *s, uint32_t without)
{
    asleep_for(s, without, VIEWER, 1, true);
}

static void sleep_of_the_viewer(struct sim *s, uint32_t without)
{
    asleep_for(s, without, VIEWER, 30, true);
}

static void long_sleep_of_the_viewer(struct sim *s, uint32_t without)
{
    asleep_for(s, without, VIEWER, 100, true);
}

static void frozen_viewer(struct sim *s, uint32_t without)
{
    asleep_for(s, without, VIEWER, 100, false);
}

static void nap_of_the_server(struct sim *s, uint32_t without)
{
    asleep_for(s, without, SERVER, 1, true);
}

static void sleep_of_the_server(struct sim *s, uint32_t without)
{
    asleep_for(s, without, SERVER, 30, true);
}

static void long_sleep_of_the_server(struct sim *s, uint32_t without)
{
    asleep_for(s, without, SERVER, 100, true);
}

static void frozen_server(struct sim *s, uint32_t without)
{
    asleep_for(s, without, SERVER, 100, false);
}

/* ---- addresses ---- */

static void nat_in_bulk(struct sim *s, uint32_t without)
{
    struct wan_config up = usual(), down = up;
    struct sim_world w;

    up.change[up.changes++] = (struct wan_change){BEGIN_S * SECOND_US, WAN_CHANGE_REBIND, 0};
    sim_bulk_make(&w, s, without, &up, &down);
    until(&w, BEGIN_S);
    /* Nothing finds the viewer until it has spoken; it speaks when it misses what should come. */
    sim_bulk_expect(&w, SECOND_US, (struct sim_bulk_bounds){.gap_us = 500000 + 3 * RTT_US});
    sim_bulk_expect_soon(&w, RATE / 100 * 80, 500000);
    SIM_EXPECT(&w, w.session && w.session->app.moved == 1);
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

static void nat_each_two_seconds(struct sim *s, uint32_t without)
{
    struct wan_config up = usual(), down = up;
    struct sim_world w;

    for (uint64_t at = BEGIN_S; at < BEGIN_S + 20; at += 2)
        up.change[up.changes++] = (struct wan_change){at * SECOND_US, WAN_CHANGE_REBIND, 0};
    sim_bulk_make(&w, s, without, &up, &down);
    until(&w, BEGIN_S);
    sim_bulk_expect(
        &w, 20 * SECOND_US,
        (struct sim_bulk_bounds){.goodput_bps = RATE / 100 * 75, .gap_us = 500000 + 3 * RTT_US});
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

/* The world's link now has other figures, both ways. */
static void change_link(struct sim_world *w, enum wan_change_kind kind, uint64_t value)
{
    sim_change(w->sim, w->client->node, w->server->node, kind, value);
    sim_change(w->sim, w->server->node, w->client->node, kind, value);
}

static void viewer_moves(struct sim *s, uint32_t without)
{
    struct addr to = {.ip = {10, 0, 7, 1}, .port = 50000, .family = ADDR_IP4};
    struct wan_config link = usual();
    struct sim_world w;

    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, BEGIN_S);
    sim_move(s, w.client->node, &to);
    change_link(&w, WAN_CHANGE_RATE, 10 * MBIT);
    change_link(&w, WAN_CHANGE_DELAY, 40000);
    sim_bulk_expect_soon(&w, 8 * MBIT, 2 * SECOND_US);
    SIM_EXPECT(&w, w.session && w.session->app.moved == 1);
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

static void viewer_moves_to_better(struct sim *s, uint32_t without)
{
    struct addr to = {.ip = {10, 0, 7, 1}, .port = 50000, .family = ADDR_IP4};
    struct wan_config link = sim_world_link(4 * MBIT, 50000);
    struct sim_world w;

    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, BEGIN_S);
    sim_move(s, w.client->node, &to);
    change_link(&w, WAN_CHANGE_RATE, 50 * MBIT);
    change_link(&w, WAN_CHANGE_DELAY, 5000);
    sim_bulk_expect_soon(&w, 40 * MBIT, 3 * SECOND_US);
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

static void server_moves(struct sim *s, uint32_t without)
{
    struct addr to = {.ip = {10, 0, 7, 2}, .port = 7470, .family = ADDR_IP4};
    struct wan_config link = usual();
    struct sim_world w;

    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, BEGIN_S);
    sim_move(s, w.server->node, &to);
    sim_bulk_expect_soon(&w, RATE / 100 * 80, SECOND_US + 2 * RTT_US);
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

static void both_move(struct sim *s, uint32_t without)
{
    struct addr viewer = {.ip = {10, 0, 7, 1}, .port = 50000, .family = ADDR_IP4};
    struct addr server = {.ip = {10, 0, 7, 2}, .port = 7470, .family = ADDR_IP4};
    struct wan_config link = usual();
    struct sim_world w;

    /* One after the other; at once nobody would know where to find anybody. */
    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, BEGIN_S);
    sim_move(s, w.server->node, &server);
    sim_world_pass(&w, 2 * SECOND_US);
    sim_move(s, w.client->node, &viewer);
    sim_bulk_expect_soon(&w, RATE / 100 * 80, SECOND_US + 2 * RTT_US);
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

/* ---- a session that only one end has ---- */

static bool viewer_is_connected(void *arg)
{
    const struct sim_world *w = arg;

    return w->client->app.connected > 0;
}

static bool server_is_connected(void *arg)
{
    const struct sim_world *w = arg;

    return w->session != NULL;
}

/* The viewer has the answer to its handshake, and everything that it sends from then on is lost for
 * ten seconds: the server has forgotten the half-open session by then. */
static void forgotten_handshake(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_host_dial(w.client);
    SIM_EXPECT(&w, sim_run(s, SIM_START_US + SECOND_US, viewer_is_connected, &w));
    sim_change(s, w.client->node, w.server->node, WAN_CHANGE_LOSS, WAN_PROBABILITY);
    sim_world_pass(&w, 10 * SECOND_US);
    sim_change(s, w.client->node, w.server->node, WAN_CHANGE_LOSS, 0);
    SIM_EXPECT(&w, sim_run(s, sim_now_us(s) + 3 * SECOND_US, server_is_connected, &w));
    sim_world_end(&w);
}

/* ---- rates and routes ---- */

/* The rate is `low` from 5 to 15 s. */
static void dip_world(struct sim_world *w, struct sim *s, uint32_t without, uint64_t high,
                      uint64_t low, uint64_t rtt_us)
{
    struct wan_config down = sim_world_link(high, rtt_us / 2);

    down.change[down.changes++] = (struct wan_change){5 * SECOND_US, WAN_CHANGE_RATE, low};
    down.change[down.changes++] = (struct wan_change){15 * SECOND_US, WAN_CHANGE_RATE, high};
    sim_bulk_make(w, s, without, NULL, &down);
}

/* Five round trips after the fall the queue must be short again. */
static void falls(struct sim *s, uint32_t without, uint64_t high, uint64_t low, uint64_t rtt_us)
{
    struct sim_world w;

    dip_world(&w, s, without, high, low, rtt_us);
    until(&w, 5);
    sim_world_pass(&w, 5 * rtt_us);
    sim_bulk_expect(&w, 5 * SECOND_US,
                    (struct sim_bulk_bounds){.goodput_bps = low / 100 * 80, .queue_p95_us = 50000});
    sim_world_end(&w);
}

/* Two seconds after the rise 80 % must be used. */
static void rises(struct sim *s, uint32_t without, uint64_t high, uint64_t low, uint64_t rtt_us)
{
    struct sim_world w;

    dip_world(&w, s, without, high, low, rtt_us);
    until(&w, 15);
    sim_bulk_expect_soon(&w, high / 100 * 80, 2 * SECOND_US);
    sim_world_end(&w);
}

static void falls_10_to_1(struct sim *s, uint32_t without)
{
    falls(s, without, 10 * MBIT, MBIT, 100000);
}

static void rises_1_to_10(struct sim *s, uint32_t without)
{
    rises(s, without, 10 * MBIT, MBIT, 100000);
}

static void falls_100_to_10(struct sim *s, uint32_t without)
{
    falls(s, without, 100 * MBIT, 10 * MBIT, 40000);
}

static void rises_10_to_100(struct sim *s, uint32_t without)
{
    rises(s, without, 100 * MBIT, 10 * MBIT, 40000);
}

static void rate_steps_up(struct sim *s, uint32_t without)
{
    struct wan_config down = sim_world_link(5 * MBIT, 20000);
    struct sim_world w;

    down.change[down.changes++] = (struct wan_change){5 * SECOND_US, WAN_CHANGE_RATE, 100 * MBIT};
    sim_bulk_make(&w, s, without, NULL, &down);
    until(&w, 5);
    sim_bulk_expect_soon(&w, 80 * MBIT, 3 * SECOND_US);
    sim_world_end(&w);
}

static void rate_saws(struct sim *s, uint32_t without)
{
    struct wan_config down = sim_world_link(20 * MBIT, 20000);
    struct sim_world w;

    /* Each second another of 20, 5, 20, 5 ...: 12.5 in the mean. */
    for (uint64_t k = 0; k < 20; k++)
        down.change[down.changes++] =
            (struct wan_change){k * SECOND_US, WAN_CHANGE_RATE, k % 2 ? 5 * MBIT : 20 * MBIT};
    sim_bulk_make(&w, s, without, NULL, &down);
    until(&w, 4);
    sim_bulk_expect(&w, 14 * SECOND_US,
                    (struct sim_bulk_bounds){.goodput_bps = 125 * MBIT / 10 / 100 * 75,
                                             .queue_p95_us = 120000});
    sim_world_end(&w);
}

/* On a long path there are few packets in a round trip after it was slow, and the other direction
 * is full: each try brings little that can be seen. */
static void rises_far(struct sim *s, uint32_t without)
{
    struct wan_config up = sim_world_link(4 * MBIT, 100000), down = up;
    struct sim_world w;

    down.change[down.changes++] = (struct wan_change){0, WAN_CHANGE_RATE, 4 * MBIT / 10};
    down.change[down.changes++] = (struct wan_change){8 * SECOND_US, WAN_CHANGE_RATE, 4 * MBIT};
    sim_bulk_make(&w, s, without, &up, &down);
    if (w.session)
        sim_app_write(&w.client->app, PEER_BULK, SIM_APP_ENDLESS);
    until(&w, 8);
    sim_bulk_expect_soon(&w, 2 * MBIT, 4 * SECOND_US);
    sim_world_end(&w);
}

static void route_change(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(RATE, 10000);
    struct sim_world w;

    link.change[link.changes++] = (struct wan_change){5 * SECOND_US, WAN_CHANGE_DELAY, 60000};
    link.change[link.changes++] = (struct wan_change){15 * SECOND_US, WAN_CHANGE_DELAY, 10000};
    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, 5);
    sim_bulk_expect_soon(&w, RATE / 100 * 80, 2 * SECOND_US);
    until(&w, 8);
    sim_bulk_expect(
        &w, 6 * SECOND_US,
        (struct sim_bulk_bounds){.goodput_bps = RATE / 100 * 80, .queue_p95_us = 60000});
    until(&w, 15);
    sim_bulk_expect(&w, 5 * SECOND_US,
                    (struct sim_bulk_bounds){
                        .goodput_bps = RATE / 100 * 80, .queue_p95_us = 110000, .gap_us = 150000});
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

/* The way becomes longer by less than a queue of our own may be. */
static void route_longer(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(RATE, 20000);
    struct sim_world w;

    link.change[link.changes++] = (struct wan_change){5 * SECOND_US, WAN_CHANGE_DELAY, 36000};
    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, 5);
    sim_bulk_expect_soon(&w, RATE / 100 * 80, 2 * SECOND_US);
    sim_bulk_expect(
        &w, 3 * SECOND_US,
        (struct sim_bulk_bounds){.goodput_bps = RATE / 100 * 80, .queue_p95_us = 60000});
    sim_world_end(&w);
}

/* After an outage another network: longer, and forty times as fast. Beside what was known of the
 * old one all that comes back looks queued. */
static void back_elsewhere(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(RATE / 40, 35000);
    struct sim_world w;

    link.change[link.changes++] =
        (struct wan_change){5 * SECOND_US, WAN_CHANGE_LOSS, WAN_PROBABILITY};
    link.change[link.changes++] = (struct wan_change){5 * SECOND_US, WAN_CHANGE_DELAY, 55000};
    link.change[link.changes++] = (struct wan_change){5 * SECOND_US, WAN_CHANGE_RATE, RATE};
    link.change[link.changes++] = (struct wan_change){8 * SECOND_US, WAN_CHANGE_LOSS, 0};
    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, 8);
    sim_bulk_expect_soon(&w, RATE / 100 * 80, 2 * SECOND_US);
    sim_world_end(&w);
}

static void routes_alternate(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(RATE, 20000);
    struct sim_world w;

    /* Two routes of 40 and 60 ms in turn, each half second: the shorter one overtakes. */
    for (uint64_t k = 0; k < 30; k++)
        link.change[link.changes++] = (struct wan_change){3 * SECOND_US + k * 500000,
                                                          WAN_CHANGE_DELAY, k % 2 ? 20000 : 30000};
    link.jitter_us = 1;
    link.jitter_reorders = 1;
    sim_bulk_make(&w, s, without, &link, &link);
    until(&w, 3);
    sim_bulk_expect(&w, 15 * SECOND_US,
                    (struct sim_bulk_bounds){.goodput_bps = RATE / 100 * 80, .gap_us = 200000});
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

static void loss_comes_and_goes(struct sim *s, uint32_t without)
{
    struct wan_config down = usual();
    struct sim_world w;

    down.change[down.changes++] = (struct wan_change){5 * SECOND_US, WAN_CHANGE_LOSS, 150000};
    down.change[down.changes++] = (struct wan_change){10 * SECOND_US, WAN_CHANGE_LOSS, 0};
    sim_bulk_make(&w, s, without, NULL, &down);
    until(&w, 5);
    sim_bulk_expect(&w, 5 * SECOND_US, (struct sim_bulk_bounds){.goodput_bps = RATE / 100 * 55});
    expect_all_of_it(&w, RATE, RTT_US);
    sim_world_end(&w);
}

const struct sim_scenario scenario_change_table[] = {
    {"outage_1", "after 1 s without a link in bulk: 90 % within 2 RTT + 1 s, nothing lost",
     "probes", outage_1},
    {"outage_5", "... after 5 s", NULL, outage_5},
    {"outage_30", "... after 30 s", NULL, outage_30},
    {"outage_100", "... after 100 s", NULL, outage_100},
    {"input_flood", "2 MB as input wait for 2 s without a link: no flood when it is back", NULL,
     input_flood},
    {"outage_down", "... after 5 s in which nothing came down", NULL, outage_down},
    {"outage_up", "... after 5 s in which nothing came up", NULL, outage_up},
    {"hiccups", "a tenth of each second without a link: 70 %", NULL, hiccups},
    {"lossy_return", "10 s without, 2 s with half of it: 80 % within 2 s", NULL, lossy_return},
    {"nap_of_the_viewer", "after 1 s of sleep: 90 % within 2 RTT + 1 s", NULL, nap_of_the_viewer},
    {"sleep_of_the_viewer", "... after 30 s", NULL, sleep_of_the_viewer},
    {"long_sleep_of_the_viewer", "... after 100 s", NULL, long_sleep_of_the_viewer},
    {"frozen_viewer", "... with a clock that stood still", NULL, frozen_viewer},
    {"nap_of_the_server", "after 1 s of the server's sleep: 90 % within 2 RTT + 1 s", NULL,
     nap_of_the_server},
    {"sleep_of_the_server", "... after 30 s", NULL, sleep_of_the_server},
    {"long_sleep_of_the_server", "... after 100 s", NULL, long_sleep_of_the_server},
    {"frozen_server", "... with a clock that stood still", NULL, frozen_server},
    {"nat_in_bulk", "a new port of the viewer in bulk: a gap of 0.5 s and 3 RTT at most", "path",
     nat_in_bulk},
    {"nat_each_two_seconds", "... ten times: 75 %", "path", nat_each_two_seconds},
    {"viewer_moves", "a slower network: 80 % of it within 2 s", "path", viewer_moves},
    {"viewer_moves_to_better", "a network ten times as fast: 80 % within 3 s", "path",
     viewer_moves_to_better},
    {"server_moves", "another address of the server: 80 % within 2 RTT + 1 s", "path",
     server_moves},
    {"both_move", "... and 2 s later of the viewer", "path", both_move},
    {"forgotten_handshake", "a viewer whose last word of the handshake came too late gets in", NULL,
     forgotten_handshake},
    {"falls_10_to_1", "10 to 1 Mbit/s at 100 ms: queue p95 below 50 ms from 5 RTT on", "control",
     falls_10_to_1},
    {"rises_1_to_10", "... and back: 80 % used within 2 s", NULL, rises_1_to_10},
    {"falls_100_to_10", "100 to 10 Mbit/s at 40 ms: queue p95 below 50 ms from 5 RTT on", NULL,
     falls_100_to_10},
    {"rises_10_to_100", "... and back: 80 % used within 2 s", NULL, rises_10_to_100},
    {"rate_steps_up", "5 to 100 Mbit/s: 80 % within 3 s", NULL, rate_steps_up},
    {"rate_saws", "20 and 5 Mbit/s in turn each second: 75 % of the mean", NULL, rate_saws},
    {"route_longer", "40 to 72 ms: 80 % within 2 s and from then on", NULL, route_longer},
    {"rises_far", "... with 200 ms and both ways busy: half of it within 4 s", NULL, rises_far},
    {"back_elsewhere", "70 ms and an outage, then 110 and 40 times the rate: 80 % within 2 s", NULL,
     back_elsewhere},
    {"route_change", "20 to 120 ms and back: 80 % within 2 s, no long queue", NULL, route_change},
    {"routes_alternate", "40 and 60 ms in turn each half second: 80 %", NULL, routes_alternate},
    {"loss_comes_and_goes", "15 % for 5 s: 55 %, and all of it again within 2 RTT + 1 s", NULL,
     loss_comes_and_goes},
    {0},
};
