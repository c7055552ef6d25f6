/* scenario_path: silence, outages and changes of address in the middle of a session. */
#include <string.h>

#include "core/base/num.h"
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_world.h"

/* A session with bulk both ways and key presses, for good. */
static void busy_world(struct sim_world *w, struct sim *s, uint32_t without,
                       const struct sim_world_plan *plan)
{
    sim_world_make(w, s, without, plan);
    sim_world_connect(w, 2 * SECOND_US);
    if (w->session == NULL)
        return;
    sim_app_write(&w->client->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_app_write(&w->session->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(s, w->client->node);
    sim_kick(s, w->server->node);
    sim_world_pass(w, 2 * SECOND_US);
}

static uint64_t progress(const struct sim_world *w)
{
    return num_min(sim_app_read_of(&w->client->app, 0),
                   w->session ? sim_app_read_of(&w->session->app, 0) : 0);
}

/* Fails unless both directions have moved on within so long. */
struct before {
    struct sim_world *w;
    uint64_t up, down;
};

static bool has_moved_on(void *arg)
{
    const struct before *b = arg;

    return sim_app_read_of(&b->w->client->app, 0) > b->up &&
           sim_app_read_of(&b->w->session->app, 0) > b->down;
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

static void roam(struct sim_world *w, uint8_t net)
{
    struct addr to = {.ip = {10, 0, net, 1}, .port = 50000, .family = ADDR_IP4};

    sim_move(w->sim, w->client->node, &to);
}

static void expect_no_new_login(struct sim_world *w)
{
    SIM_EXPECT(w, w->client->app.connected == 1 && w->client->app.closed == 0);
    SIM_EXPECT(w, w->server->sessions == 1);
}

/* ---- outages ---- */

static void outage(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world w;

    link.outage[link.outages++] = (struct wan_outage){5 * SECOND_US, 30 * SECOND_US};
    busy_world(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_run(s, SIM_START_US + 35 * SECOND_US, NULL, NULL);
    /* The probe gap of half a second and two round trips. */
    expect_progress(&w, 500000 + 120000);
    uint64_t then = progress(&w);
    sim_world_pass(&w, 5 * SECOND_US);
    SIM_EXPECT(&w, progress(&w) - then > 10000000 / 8 * 5 * 6 / 10);
    expect_no_new_login(&w);
    sim_world_end(&w);
}

/* Five minutes: longer than who was not told to wait would. */
static void long_outage(struct sim *s, uint32_t without)
{
    const struct peer_config patient = {.idle_timeout_us = 600 * (uint64_t)SECOND_US};
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world w;

    link.outage[link.outages++] = (struct wan_outage){5 * SECOND_US, 300 * (uint64_t)SECOND_US};
    busy_world(&w, s, without,
               &(struct sim_world_plan){.up = &link, .client = patient, .server = patient});
    sim_run(s, SIM_START_US + 305 * (uint64_t)SECOND_US, NULL, NULL);
    SIM_EXPECT(&w, w.session && w.session->peer);
    expect_progress(&w, 500000 + 120000);
    expect_no_new_login(&w);
    sim_world_end(&w);
}

/* Each end has its own patience. */
static void impatient_server(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world_plan plan = {.up = &link,
                                  .client = {.idle_timeout_us = 30 * SECOND_US},
                                  .server = {.idle_timeout_us = 10 * SECOND_US}};
    struct sim_world w;

    link.outage[link.outages++] = (struct wan_outage){5 * SECOND_US, 300 * (uint64_t)SECOND_US};
    busy_world(&w, s, without, &plan);
    sim_run(s, SIM_START_US + 5 * SECOND_US + 9 * SECOND_US, NULL, NULL);
    SIM_EXPECT(&w, w.session && w.session->app.closed == 0);
    sim_world_pass(&w, 2 * SECOND_US);
    SIM_EXPECT(&w, w.session && w.session->app.closed == 1);
    SIM_EXPECT(&w, w.session && w.session->app.error == ERR_UNREACHABLE);
    sim_world_pass(&w, 18 * SECOND_US);
    SIM_EXPECT(&w, w.client->app.closed == 0);
    sim_world_expect_closed(&w, w.client, ERR_UNREACHABLE, 2 * SECOND_US);
    sim_world_end(&w);
}

static void one_way_outage(struct sim *s, uint32_t without)
{
    struct wan_config up = sim_world_link(10000000, 30000), down = up;
    struct sim_world w;

    down.outage[down.outages++] = (struct wan_outage){5 * SECOND_US, 10 * SECOND_US};
    busy_world(&w, s, without, &(struct sim_world_plan){.up = &up, .down = &down});
    sim_run(s, SIM_START_US + 15 * SECOND_US, NULL, NULL);
    expect_progress(&w, 500000 + 120000);
    expect_no_new_login(&w);
    sim_world_end(&w);
}

/* One direction comes back before the other: by then probes have arrived, and what told of them has
 * not. */
static void one_way_back_first(struct sim *s, uint32_t without)
{
    struct wan_config up = sim_world_link(10000000, 30000), down = up;
    struct sim_world w;

    for (uint64_t i = 0; i < 10; i++) {
        struct wan_outage o = {(5 + 10 * i) * SECOND_US, 3 * SECOND_US};
        struct wan_outage longer = {o.at_us, o.for_us + 60000 + 90000 * i};
        up.outage[up.outages++] = i % 2 ? o : longer;
        down.outage[down.outages++] = i % 2 ? longer : o;
    }
    busy_world(&w, s, without, &(struct sim_world_plan){.up = &up, .down = &down});
    for (uint32_t i = 0; i < up.outages; i++) {
        uint64_t back_us = num_max(up.outage[i].for_us, down.outage[i].for_us);
        sim_run(s, SIM_START_US + up.outage[i].at_us + back_us, NULL, NULL);
        expect_progress(&w, 500000 + 120000);
    }
    expect_no_new_login(&w);
    sim_world_end(&w);
}

static void quiet_in_an_outage(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world w;

    link.outage[link.outages++] = (struct wan_outage){5 * SECOND_US, 30 * SECOND_US};
    busy_world(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_run(s, SIM_START_US + 10 * SECOND_US, NULL, NULL);
    const struct wan_counters *n = wan_link_counters(sim_link(s, w.server->node, w.client->node));
    uint64_t bytes = n->in_bytes, count = n->in_count;
    sim_world_pass(&w, 20 * SECOND_US);
    /* Nothing but a probe each half second, and nothing of the bulk in it. */
    SIM_EXPECT(&w, n->in_count - count >= 39 && n->in_count - count <= 50);
    SIM_EXPECT(&w, n->in_bytes - bytes < 50 * 150);
    sim_world_end(&w);
}

static void flapping(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world w;

    for (uint64_t at = 3; at < 33; at += 3)
        link.outage[link.outages++] = (struct wan_outage){at * SECOND_US, 1500000};
    busy_world(&w, s, without, &(struct sim_world_plan){.up = &link});
    uint64_t then = progress(&w);
    sim_run(s, SIM_START_US + 33 * SECOND_US, NULL, NULL);
    /* Half of the time there is a link; a third of what it could carry must come through. */
    SIM_EXPECT(&w, progress(&w) - then > 10000000 / 8 * 15 / 3);
    expect_progress(&w, 500000 + 120000);
    expect_no_new_login(&w);
    sim_world_end(&w);
}

/* ---- addresses ---- */

static void rebind(struct sim *s, uint32_t without)
{
    struct wan_config up = sim_world_link(10000000, 30000), down = up;
    struct sim_world w;

    up.change[up.changes++] = (struct wan_change){5 * SECOND_US, WAN_CHANGE_REBIND, 0};
    busy_world(&w, s, without, &(struct sim_world_plan){.up = &up, .down = &down});
    sim_run(s, SIM_START_US + 5 * SECOND_US, NULL, NULL);
    /* Half a round trip until the server sees it, one to prove it, half for the first data. */
    expect_progress(&w, 400000);
    sim_world_pass(&w, SECOND_US);
    SIM_EXPECT(&w, w.session && w.session->app.moved == 1);
    SIM_EXPECT(&w,
               w.session && addr_equal(&w.session->app.other_addr, sim_address(s, w.client->node)));
    expect_no_new_login(&w);
    sim_world_end(&w);
}

static void rebind_again_and_again(struct sim *s, uint32_t without)
{
    struct wan_config up = sim_world_link(10000000, 30000), down = up;
    struct sim_world w;

    for (uint64_t at = 3; at < 23; at++)
        up.change[up.changes++] = (struct wan_change){at * SECOND_US, WAN_CHANGE_REBIND, 0};
    busy_world(&w, s, without, &(struct sim_world_plan){.up = &up, .down = &down});
    uint64_t then = progress(&w);
    sim_run(s, SIM_START_US + 23 * SECOND_US, NULL, NULL);
    SIM_EXPECT(&w, progress(&w) - then > 10000000 / 8 * 21 / 3);
    SIM_EXPECT(&w, w.session && w.session->app.moved >= 15);
    expect_no_new_login(&w);
    sim_world_end(&w);
}

static void outage_and_another_network(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world w;

    link.outage[link.outages++] = (struct wan_outage){5 * SECOND_US, 30 * SECOND_US};
    busy_world(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_run(s, SIM_START_US + 20 * SECOND_US, NULL, NULL);
    roam(&w, 7);
    sim_run(s, SIM_START_US + 35 * SECOND_US, NULL, NULL);
    expect_progress(&w, 500000 + 240000);
    expect_no_new_login(&w);
    sim_world_end(&w);
}

static void slower_network(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(50000000, 10000);
    struct sim_world w;

    busy_world(&w, s, without, &(struct sim_world_plan){.up = &link});
    roam(&w, 8);
    size_t c = w.client->node, sv = w.server->node;
    sim_change(s, c, sv, WAN_CHANGE_RATE, 5000000);
    sim_change(s, sv, c, WAN_CHANGE_RATE, 5000000);
    sim_change(s, c, sv, WAN_CHANGE_DELAY, 60000);
    sim_change(s, sv, c, WAN_CHANGE_DELAY, 60000);
    expect_progress(&w, 2 * SECOND_US);
    sim_world_pass(&w, 5 * SECOND_US);
    uint64_t then = progress(&w);
    sim_world_pass(&w, 5 * SECOND_US);
    SIM_EXPECT(&w, progress(&w) - then > 5000000 / 8 * 5 * 6 / 10);
    expect_no_new_login(&w);
    sim_world_end(&w);
}

/* Somebody on the way sends a copy of each of the client's datagrams from elsewhere, ahead of the
 * original, and reads what is sent there. */
struct thief {
    struct sim_world *w;
    struct addr address;
    bool steals;
    uint64_t in_bytes, out_bytes;
};

static bool thief_see(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                      struct bytes data)
{
    struct thief *t = self;

    if (addr_equal(to, &t->address))
        t->out_bytes += data.n;
    if (!t->steals || from->ip[3] != 1)
        return true;
    t->in_bytes += data.n;
    sim_inject(s, &t->address, to, data);
    return true;
}

static void stolen_session(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world w;
    struct thief t = {.w = &w, .address = sim_addr(66, 666)};

    busy_world(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_tap(s, &(struct sim_tap){thief_see, &t});
    t.steals = true;
    uint64_t then = progress(&w);
    sim_world_pass(&w, 5 * SECOND_US);
    /* Unproven, the address gets no more than it sends, and no data; the client loses little. */
    SIM_EXPECT(&w, t.out_bytes <= t.in_bytes && t.out_bytes < 5000);
    SIM_EXPECT(&w, progress(&w) - then > 10000000 / 8 * 5 / 2);
    SIM_EXPECT(&w, w.session && w.session->app.moved == 0);
    t.steals = false;
    expect_progress(&w, SECOND_US);
    sim_world_end(&w);
}

/* ---- what the application hears of it ---- */

static void forget_news(struct sim_world *w)
{
    w->client->app.path_what = 0;
    if (w->session)
        w->session->app.path_what = 0;
}

static bool both_heard(const struct sim_world *w, uint32_t what)
{
    return w->session && (w->client->app.path_what & what) == what &&
           (w->session->app.path_what & what) == what;
}

static void told(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world w;

    link.outage[link.outages++] = (struct wan_outage){5 * SECOND_US, 5 * SECOND_US};
    busy_world(&w, s, without, &(struct sim_world_plan){.up = &link});
    SIM_EXPECT(&w, both_heard(&w, PEER_PATH_RATE | PEER_PATH_MTU | PEER_PATH_ECN));
    sim_run(s, SIM_START_US + 4900000, NULL, NULL);
    forget_news(&w);
    /* What was sent last has the delay and a short queue before it. */
    sim_run(s, SIM_START_US + 5 * SECOND_US + 1500000 + 60000, NULL, NULL);
    SIM_EXPECT(&w, both_heard(&w, PEER_PATH_SILENT) && !both_heard(&w, PEER_PATH_BACK));
    sim_run(s, SIM_START_US + 10 * SECOND_US + 500000 + 60000, NULL, NULL);
    SIM_EXPECT(&w, both_heard(&w, PEER_PATH_BACK));
    sim_world_pass(&w, 5 * SECOND_US);
    forget_news(&w);
    sim_change(s, w.client->node, w.server->node, WAN_CHANGE_RATE, 2000000);
    sim_change(s, w.server->node, w.client->node, WAN_CHANGE_RATE, 2000000);
    sim_world_pass(&w, 4 * SECOND_US);
    SIM_EXPECT(&w, both_heard(&w, PEER_PATH_RATE));
    roam(&w, 7);
    sim_world_pass(&w, SECOND_US);
    SIM_EXPECT(&w, w.session && w.session->app.path_what & PEER_PATH_ADDRESS);
    sim_world_end(&w);
}

/* Weather that changes all the time is told of now and then. */
static void told_seldom(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000), moving = link;
    struct sim_world w;

    for (uint64_t i = 0; i < WAN_CHANGES_MAX; i++)
        moving.change[moving.changes++] =
            i % 4 ? (struct wan_change){i * 300000, WAN_CHANGE_RATE, i % 2 ? 1000000 : 10000000}
                  : (struct wan_change){i * 300000, WAN_CHANGE_REBIND, 0};
    busy_world(&w, s, without, &(struct sim_world_plan){.up = &moving, .down = &link});
    sim_world_pass(&w, 18 * SECOND_US);
    unsigned most = w.client->app.path_news;
    if (w.session)
        most = (unsigned)num_max(most, w.session->app.path_news);
    sim_note(s, "%u news in 20 s", most);
    SIM_EXPECT(&w, most >= 10 && most <= 20 * 4);
    sim_world_end(&w);
}

/* ---- silence ---- */

static void idle(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, SECOND_US);
    sim_world_pass(&w, 10 * SECOND_US);
    const struct wan_counters *up = wan_link_counters(sim_link(s, w.client->node, w.server->node));
    const struct wan_counters *down =
        wan_link_counters(sim_link(s, w.server->node, w.client->node));
    uint64_t bytes = up->in_bytes + down->in_bytes, count = up->in_count + down->in_count;
    for (int i = 0; i < 600; i++) {
        struct peer_path p;
        sim_world_pass(&w, 100000);
        peer_path(w.client->peer, sim_node_now_us(s, w.client->node), &p);
        SIM_EXPECT(&w, p.silent_us <= 500000 + 60000);
        SIM_EXPECT(&w, p.connected);
    }
    /* UDP's header is payload of IP. */
    count = up->in_count + down->in_count - count;
    bytes = up->in_bytes + down->in_bytes - bytes + 8 * count;
    sim_note(s, "idle: %llu datagrams, %llu bytes of IP payload in 60 s", (unsigned long long)count,
             (unsigned long long)bytes);
    SIM_EXPECT(&w, bytes < 300 * 60);
    sim_world_end(&w);
}

static void dead_server(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world w;

    busy_world(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_power(s, w.server->node, false);
    uint64_t dead_us = sim_now_us(s);
    sim_world_pass(&w, 110 * (uint64_t)SECOND_US);
    SIM_EXPECT(&w, w.client->app.closed == 0);
    sim_world_expect_closed(&w, w.client, ERR_UNREACHABLE, 15 * SECOND_US);
    SIM_EXPECT(&w, sim_now_us(s) - dead_us <= (LIMIT_SESSION_IDLE_S + 1) * (uint64_t)SECOND_US);
    sim_world_end(&w);
}

static void dead_client(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct listener_counters n;
    struct sim_world w;

    busy_world(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_host_hang_up(w.client);
    sim_world_pass(&w, (LIMIT_SESSION_IDLE_S + 10) * (uint64_t)SECOND_US);
    listener_count(w.server->listener, &n);
    SIM_EXPECT(&w, w.session && w.session->app.closed == 1);
    SIM_EXPECT(&w, w.session && w.session->app.error == ERR_UNREACHABLE);
    SIM_EXPECT(&w, n.peers == 0 && w.server->dropped == 1);
    sim_world_end(&w);
}

/* Somebody who holds old datagrams of the dead server keeps sending them. */
struct recorder {
    uint8_t data[2048];
    size_t n;
};

static bool record(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                   struct bytes data)
{
    struct recorder *r = self;

    (void)s, (void)to;
    if (from->ip[3] == 2 && data.n <= sizeof r->data) {
        memcpy(r->data, data.p, data.n);
        r->n = data.n;
    }
    return true;
}

static void echo_of_the_dead(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world_plan plan = {.up = &link, .client = {.idle_timeout_us = 10 * SECOND_US}};
    struct recorder r = {.n = 0};
    struct sim_world w;

    busy_world(&w, s, without, &plan);
    sim_tap(s, &(struct sim_tap){record, &r});
    sim_world_pass(&w, SECOND_US);
    sim_power(s, w.server->node, false);
    sim_world_pass(&w, SECOND_US);
    for (int i = 0; i < 12 && !w.client->app.closed && !sim_failure(s); i++) {
        sim_inject(s, sim_address(s, w.server->node), sim_address(s, w.client->node),
                   bytes_of(r.data, r.n));
        sim_world_pass(&w, SECOND_US);
    }
    SIM_EXPECT(&w, w.client->app.closed == 1);
    sim_world_end(&w);
}

static void asleep(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world w;

    busy_world(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_power(s, w.client->node, false);
    sim_world_pass(&w, 60 * (uint64_t)SECOND_US);
    sim_power(s, w.client->node, true);
    expect_progress(&w, 500000 + 120000);
    expect_no_new_login(&w);
    sim_world_end(&w);
}

static void restarted_server(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world_plan plan = {.up = &link, .client = {.idle_timeout_us = 5 * SECOND_US}};
    struct sim_world w;

    busy_world(&w, s, without, &plan);
    sim_host_restart(w.server);
    sim_world_expect_closed(&w, w.client, ERR_UNREACHABLE, 6 * SECOND_US);
    w.session = NULL;
    sim_world_connect(&w, SECOND_US);
    sim_world_pass(&w, 2 * SECOND_US);
    SIM_EXPECT(&w, sim_app_read_of(&w.client->app, 0) > 1000000);
    sim_world_end(&w);
}

static void skewed_clocks(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_clock(s, w.client->node, 1ull << 50, 20000);
    sim_clock(s, w.server->node, 12345, -20000);
    sim_world_connect(&w, SECOND_US);
    if (w.session == NULL)
        return;
    sim_app_write(&w.client->app, PEER_BULK, 4 << 20);
    sim_app_write(&w.session->app, PEER_BULK, 4 << 20);
    sim_kick(s, w.client->node);
    sim_kick(s, w.server->node);
    sim_world_finish(&w, 6 * SECOND_US);
    sim_world_end(&w);
}

const struct sim_scenario scenario_path_table[] = {
    {"outage", "after 30 s without a link all goes on within the probe gap", "probes", outage},
    {"long_outage", "ends that were told to wait outlive five minutes without a link", "patience",
     long_outage},
    {"impatient_server", "each end waits for as long as it was told to", "patience",
     impatient_server},
    {"one_way_outage", "one direction fails for 10 s", "probes", one_way_outage},
    {"one_way_back_first", "one direction is back sooner than the other", "probes",
     one_way_back_first},
    {"quiet_outage", "in an outage nothing but a probe each half second is sent", "probes",
     quiet_in_an_outage},
    {"flapping", "a link that is there half of the time carries its share", "probes", flapping},
    {"rebind", "the client's port changes: the server follows within a round trip", "path", rebind},
    {"rebinds", "the client's port changes each second", "path", rebind_again_and_again},
    {"outage_and_roaming", "another address after 30 s without a link", "path",
     outage_and_another_network},
    {"slower_network", "another address with a tenth of the rate", "path", slower_network},
    {"stolen_session", "copies sent from elsewhere do not draw the session there", "validation",
     stolen_session},
    {"path_told", "outage, rate, size and address of a path are told when they change", "watch",
     told},
    {"path_told_seldom", "... and not all the time", "watch", told_seldom},
    {"idle", "idle: probed twice a second, below 300 bytes a second", "probes", idle},
    {"dead_server", "a dead server is given up after the agreed silence", NULL, dead_server},
    {"dead_client", "a dead client's session ends and is freed", NULL, dead_client},
    {"echo_of_the_dead", "old datagrams do not keep a session alive", "replay", echo_of_the_dead},
    {"asleep", "a client that slept for a minute goes on", NULL, asleep},
    {"restarted_server", "a restarted server is noticed, and a new session made", NULL,
     restarted_server},
    {"skewed_clocks", "clocks that differ by 4 % and 35 years", NULL, skewed_clocks},
    {0},
};
