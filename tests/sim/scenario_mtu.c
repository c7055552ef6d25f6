/* scenario_mtu: how large datagrams may be, and paths that swallow large ones. */
#include "core/base/num.h"
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_world.h"

enum { MBIT = 1000000, TRIP_US = 60000 };

static struct wan_config usual_link(uint32_t mtu_bytes)
{
    struct wan_config link = sim_world_link(10 * MBIT, TRIP_US / 2);

    link.mtu_bytes = mtu_bytes;
    return link;
}

static struct peer_path path_of(const struct sim_world *w, bool client)
{
    struct peer_path p = {0};

    if (client && w->client->peer)
        peer_path(w->client->peer, sim_node_now_us(w->sim, w->client->node), &p);
    else if (!client && w->session && w->session->peer)
        peer_path(w->session->peer, sim_node_now_us(w->sim, w->server->node), &p);
    return p;
}

static bool mtu_is(const struct sim_world *w, uint32_t bytes)
{
    return path_of(w, true).mtu_bytes == bytes && path_of(w, false).mtu_bytes == bytes;
}

/* Connects over `link` and lets both ends write for good. */
static void busy_world(struct sim_world *w, struct sim *s, uint32_t without,
                       const struct wan_config *link)
{
    sim_world_make(w, s, without, &(struct sim_world_plan){.up = link});
    sim_world_connect(w, 2 * SECOND_US);
    if (w->session == NULL)
        return;
    sim_app_write(&w->client->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_app_write(&w->session->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(s, w->client->node);
    sim_kick(s, w->server->node);
}

static uint64_t progress(const struct sim_world *w)
{
    return num_min(sim_app_read_of(&w->client->app, 0),
                   w->session ? sim_app_read_of(&w->session->app, 0) : 0);
}

static uint64_t dropped(const struct sim_world *w)
{
    size_t c = w->client->node, sv = w->server->node;

    return wan_link_counters(sim_link(w->sim, c, sv))->dropped[WAN_DROP_MTU] +
           wan_link_counters(sim_link(w->sim, sv, c))->dropped[WAN_DROP_MTU];
}

static void both_ways(struct sim_world *w, enum wan_change_kind kind, uint64_t value)
{
    sim_change(w->sim, w->client->node, w->server->node, kind, value);
    sim_change(w->sim, w->server->node, w->client->node, kind, value);
}

static void full(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(1500);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, 2 * SECOND_US);
    sim_world_pass(&w, 4 * TRIP_US);
    SIM_EXPECT(&w, mtu_is(&w, LIMIT_DATAGRAM_BYTES));
    sim_world_end(&w);
}

static void small_path(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(1300);
    struct sim_world w;

    busy_world(&w, s, without, &link);
    sim_world_pass(&w, 10 * SECOND_US);
    SIM_EXPECT(&w, mtu_is(&w, 1272));
    /* Three of each size that is too large, each way, and no loss but theirs. */
    SIM_EXPECT(&w, dropped(&w) > 0 && dropped(&w) <= 2 * 3 * 4);
    const struct wan_counters *up = wan_link_counters(sim_link(s, w.client->node, w.server->node));
    SIM_EXPECT(&w, path_of(&w, true).lost_datagrams <= up->dropped[WAN_DROP_QUEUE]);
    uint64_t then = progress(&w);
    sim_world_pass(&w, 5 * SECOND_US);
    SIM_EXPECT(&w, progress(&w) - then > 10 * MBIT / 8 * 5 / 100 * 80);
    sim_world_end(&w);
}

/* Key presses while trials of sizes that are too large vanish: none is late for that. */
static void undisturbed(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(1300);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, 2 * SECOND_US);
    sim_app_write(&w.client->app, PEER_BULK, 4000); /* a use for large ones */
    sim_app_send(&w.client->app, PEER_INPUT, 100, 20000, 400);
    sim_kick(s, w.client->node);
    sim_world_finish(&w, 10 * SECOND_US);
    SIM_EXPECT(&w, path_of(&w, true).mtu_bytes == 1272);
    SIM_EXPECT(&w, path_of(&w, true).lost_datagrams == 0);
    if (w.session) {
        uint64_t late_us = stat_quantile(&w.session->app.received[0]->delay_us, 1000);
        sim_note(s, "the slowest key press took %llu us", (unsigned long long)late_us);
        /* At most the rest of the stream and one trial go ahead of it. */
        SIM_EXPECT(&w, late_us < TRIP_US / 2 + 6000);
    }
    sim_world_end(&w);
}

/* Nobody has a use for large datagrams: little is spent on finding out. */
static void at_rest(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(1300);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, 2 * SECOND_US);
    const struct wan_counters *up = wan_link_counters(sim_link(s, w.client->node, w.server->node));
    const struct wan_counters *down =
        wan_link_counters(sim_link(s, w.server->node, w.client->node));
    uint64_t bytes = up->in_bytes + down->in_bytes, count = up->in_count + down->in_count;
    sim_world_pass(&w, 60 * (uint64_t)SECOND_US);
    bytes = up->in_bytes + down->in_bytes - bytes + 8 * (up->in_count + down->in_count - count);
    sim_note(s, "%llu bytes in the first minute", (unsigned long long)bytes);
    SIM_EXPECT(&w, dropped(&w) <= 2 * 3 && bytes < 60 * 400);
    sim_world_pass(&w, 1200 * (uint64_t)SECOND_US);
    SIM_EXPECT(&w, dropped(&w) <= 2 * 3);
    sim_world_end(&w);
}

struct before {
    struct sim_world *w;
    uint64_t up, down;
};

/* Both directions have carried more than was on the way. */
static bool has_moved_on(void *arg)
{
    const struct before *b = arg;
    uint64_t flight = 10 * MBIT / 8 / 4;

    return sim_app_read_of(&b->w->client->app, 0) > b->up + flight &&
           sim_app_read_of(&b->w->session->app, 0) > b->down + flight;
}

static void expect_progress(struct sim_world *w, uint64_t within_us)
{
    if (sim_failure(w->sim) || w->session == NULL)
        return;
    struct before b = {w, sim_app_read_of(&w->client->app, 0),
                       sim_app_read_of(&w->session->app, 0)};
    if (!sim_run(w->sim, sim_now_us(w->sim) + within_us, has_moved_on, &b))
        sim_fail(w->sim, "no progress both ways within %llu us", (unsigned long long)within_us);
}

static void black_hole(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(1500);
    struct sim_world w;

    busy_world(&w, s, without, &link);
    sim_world_pass(&w, 5 * SECOND_US);
    SIM_EXPECT(&w, mtu_is(&w, LIMIT_DATAGRAM_BYTES));
    both_ways(&w, WAN_CHANGE_MTU, 1300);
    expect_progress(&w, 1500000);
    sim_world_pass(&w, 10 * SECOND_US);
    SIM_EXPECT(&w, mtu_is(&w, 1272));
    uint64_t then = progress(&w);
    sim_world_pass(&w, 5 * SECOND_US);
    SIM_EXPECT(&w, progress(&w) - then > 10 * MBIT / 8 * 5 / 100 * 75);
    sim_world_end(&w);
}

static void grows(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(1400);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, 2 * SECOND_US);
    if (w.session == NULL)
        return;
    struct sim_app_flow *up = sim_app_write(&w.client->app, PEER_BULK, SIM_APP_ENDLESS);
    struct sim_app_flow *down = sim_app_write(&w.session->app, PEER_BULK, SIM_APP_ENDLESS);
    up->each_bytes = down->each_bytes = 4000;
    up->every_us = down->every_us = SECOND_US;
    sim_kick(s, w.client->node);
    sim_kick(s, w.server->node);
    sim_world_pass(&w, 10 * SECOND_US);
    SIM_EXPECT(&w, mtu_is(&w, 1372));
    uint64_t tried = dropped(&w);
    both_ways(&w, WAN_CHANGE_MTU, 1500);
    sim_world_pass(&w, 580 * (uint64_t)SECOND_US);
    SIM_EXPECT(&w, mtu_is(&w, 1372) && dropped(&w) == tried);
    sim_world_pass(&w, 25 * SECOND_US);
    SIM_EXPECT(&w, mtu_is(&w, LIMIT_DATAGRAM_BYTES));
    sim_world_end(&w);
}

static void roam(struct sim_world *w, uint8_t net)
{
    struct addr to = {.ip = {10, 0, net, 1}, .port = 50000, .family = ADDR_IP4};

    sim_move(w->sim, w->client->node, &to);
}

/* Another network takes less: nothing is lost that was not on the way. Back home the first trial
 * finds the old size. */
static void roaming(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(1500);
    struct sim_world w;

    busy_world(&w, s, without, &link);
    sim_world_pass(&w, 5 * SECOND_US);
    roam(&w, 7);
    both_ways(&w, WAN_CHANGE_MTU, 1300);
    expect_progress(&w, 1500000);
    sim_world_pass(&w, 10 * SECOND_US);
    SIM_EXPECT(&w, mtu_is(&w, 1272));
    roam(&w, 8);
    both_ways(&w, WAN_CHANGE_MTU, 1500);
    sim_world_pass(&w, 2 * SECOND_US);
    SIM_EXPECT(&w, path_of(&w, false).mtu_bytes == LIMIT_DATAGRAM_BYTES);
    sim_world_end(&w);
}

static void lossy(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(1500);
    struct sim_world w;
    unsigned small = 0;

    link.loss = 50000;
    link.burst = 5;
    busy_world(&w, s, without, &link);
    sim_world_pass(&w, 2 * SECOND_US);
    for (int i = 0; i < 200; i++) {
        sim_world_pass(&w, 100000);
        small += path_of(&w, true).mtu_bytes < LIMIT_DATAGRAM_BYTES;
    }
    sim_note(s, "the size was in doubt in %u of 200 looks", small);
    SIM_EXPECT(&w, small < 40);
    sim_world_end(&w);
}

const struct sim_scenario scenario_mtu_table[] = {
    {"mtu_full", "a usual path is used in full after four round trips", "mtu", full},
    {"mtu_1300", "a path of 1300 bytes is found and filled", "mtu", small_path},
    {"mtu_undisturbed", "the search makes nobody wait", "mtu", undisturbed},
    {"mtu_at_rest", "at rest three trials are all that is spent", NULL, at_rest},
    {"mtu_black_hole", "the path shrinks in mid-transfer: a moment, then all goes on", "black_hole",
     black_hole},
    {"mtu_grows", "ten minutes after a path has grown it is used in full", "mtu", grows},
    {"mtu_roaming", "a network with another size", "mtu", roaming},
    {"mtu_lossy", "loss in bursts does not look like a black hole", "mtu", lossy},
    {0},
};
