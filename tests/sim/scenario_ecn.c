/* scenario_ecn: paths that mark, clear or swallow packets that know of congestion notification. */
#include <string.h>

#include "core/base/num.h"
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_world.h"

enum { MBIT = 1000000, TRIP_US = 60000 };

static struct wan_config usual_link(enum wan_ecn_way way)
{
    struct wan_config link = sim_world_link(10 * MBIT, TRIP_US / 2);

    link.ecn_way = way;
    return link;
}

static struct peer_path path_of(const struct sim_world *w, bool client)
{
    struct peer_path p = {.ecn = "none"};

    if (client && w->client->peer)
        peer_path(w->client->peer, sim_node_now_us(w->sim, w->client->node), &p);
    else if (!client && w->session && w->session->peer)
        peer_path(w->session->peer, sim_node_now_us(w->sim, w->server->node), &p);
    return p;
}

static bool ecn_is(const struct sim_world *w, const char *state)
{
    return strcmp(path_of(w, true).ecn, state) == 0 && strcmp(path_of(w, false).ecn, state) == 0;
}

/* Connects over `link` and lets both ends write `bytes`. */
static void busy_world(struct sim_world *w, struct sim *s, uint32_t without,
                       const struct wan_config *link, uint64_t bytes)
{
    sim_world_make(w, s, without, &(struct sim_world_plan){.up = link});
    sim_world_connect(w, 500000);
    if (w->session == NULL)
        return;
    sim_app_write(&w->client->app, PEER_BULK, bytes);
    sim_app_write(&w->session->app, PEER_BULK, bytes);
    sim_kick(s, w->client->node);
    sim_kick(s, w->server->node);
}

static void both_ways(struct sim_world *w, enum wan_change_kind kind, uint64_t value)
{
    sim_change(w->sim, w->client->node, w->server->node, kind, value);
    sim_change(w->sim, w->server->node, w->client->node, kind, value);
}

static void marked(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(WAN_ECN_PASS);
    struct sim_world w;

    link.ecn_mark_us = 3000;
    busy_world(&w, s, without, &link, 2 << 20);
    sim_world_finish(&w, 5 * SECOND_US);
    sim_world_pass(&w, SECOND_US);
    uint64_t marks = wan_link_counters(sim_link(s, w.client->node, w.server->node))->marked;
    SIM_EXPECT(&w, ecn_is(&w, "on"));
    SIM_EXPECT(&w, marks > 10 && path_of(&w, true).ce_marks == marks);
    sim_world_end(&w);
}

static void bleached(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(WAN_ECN_BLEACH);
    struct sim_world w;

    busy_world(&w, s, without, &link, 2 << 20);
    sim_world_finish(&w, 4 * SECOND_US);
    SIM_EXPECT(&w, ecn_is(&w, "off"));
    sim_world_end(&w);
}

static void bleached_later(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(WAN_ECN_PASS);
    struct sim_world w;

    busy_world(&w, s, without, &link, SIM_APP_ENDLESS);
    sim_world_pass(&w, SECOND_US);
    SIM_EXPECT(&w, ecn_is(&w, "on"));
    both_ways(&w, WAN_CHANGE_ECN, WAN_ECN_BLEACH);
    sim_world_pass(&w, SECOND_US);
    SIM_EXPECT(&w, ecn_is(&w, "off"));
    sim_world_end(&w);
}

static uint64_t refused(const struct sim_world *w)
{
    size_t c = w->client->node, sv = w->server->node;

    return wan_link_counters(sim_link(w->sim, c, sv))->dropped[WAN_DROP_ECN] +
           wan_link_counters(sim_link(w->sim, sv, c))->dropped[WAN_DROP_ECN];
}

static void blocked(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(WAN_ECN_BLOCK);
    struct sim_world w;

    busy_world(&w, s, without, &link, 2 << 20);
    sim_world_finish(&w, 4 * SECOND_US);
    SIM_EXPECT(&w, ecn_is(&w, "off"));
    /* Nobody has missed what was lost. */
    SIM_EXPECT(&w, refused(&w) == 2 * 3);
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

static void blocked_later(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(WAN_ECN_PASS);
    struct sim_world w;

    busy_world(&w, s, without, &link, SIM_APP_ENDLESS);
    sim_world_pass(&w, 3 * SECOND_US);
    SIM_EXPECT(&w, ecn_is(&w, "on"));
    both_ways(&w, WAN_CHANGE_ECN, WAN_ECN_BLOCK);
    expect_progress(&w, 1500000);
    sim_world_pass(&w, 2 * SECOND_US);
    SIM_EXPECT(&w, ecn_is(&w, "off"));
    sim_world_end(&w);
}

static void roaming(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(WAN_ECN_BLEACH);
    struct sim_world w;
    struct addr to = {.ip = {10, 0, 7, 1}, .port = 50000, .family = ADDR_IP4};

    busy_world(&w, s, without, &link, SIM_APP_ENDLESS);
    sim_world_pass(&w, 2 * SECOND_US);
    SIM_EXPECT(&w, ecn_is(&w, "off"));
    sim_move(s, w.client->node, &to);
    both_ways(&w, WAN_CHANGE_ECN, WAN_ECN_PASS);
    sim_world_pass(&w, 2 * SECOND_US);
    SIM_EXPECT(&w, ecn_is(&w, "on"));
    sim_world_end(&w);
}

const struct sim_scenario scenario_ecn_table[] = {
    {"ecn_marked", "what a queue marks is told to the sender", "ecn", marked},
    {"ecn_bleached", "marks that are cleared on the way are not made", "ecn_check", bleached},
    {"ecn_bleached_later", "... from when they are", "ecn_check", bleached_later},
    {"ecn_blocked", "a path that swallows what is marked makes nobody wait", "ecn_check", blocked},
    {"ecn_blocked_later", "... from when it does", "ecn_check", blocked_later},
    {"ecn_roaming", "another network is asked anew", "ecn", roaming},
    {0},
};
