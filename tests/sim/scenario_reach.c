/* scenario_reach: servers that UDP does not get to, or not for ever, or that have two addresses. */
#include "core/base/num.h"
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_tcp.h"
#include "tests/sim/sim_world.h"

/* How a path is. */
struct path {
    uint64_t rate_bps, delay_us;
    bool udp; /* gets through, at first */
    bool tcp;
    bool tcp_only;
};

/* A world whose client may come over TCP as well, and knows `count` addresses (0: the true one). */
static void make(struct sim_world *w, struct sim *s, uint32_t without, const struct path *p,
                 const struct addr *list, size_t count)
{
    struct wan_config udp = sim_world_link(p->rate_bps, p->delay_us);
    struct wan_config tcp = sim_tcp_config(p->rate_bps, p->delay_us);
    struct addr own = sim_addr(2, 7470);

    udp.loss = p->udp ? 0 : 1000000;
    sim_world_make(w, s, without, &(struct sim_world_plan){.up = &udp});
    sim_join_tcp(s, w->client->node, w->server->node, &tcp, &tcp);
    sim_host_race(w->client, w->server->node, count ? list : &own, num_max(count, 1), p->tcp_only);
    own.via = ADDR_TCP;
    sim_move_tcp(s, w->server->node, &own);
    w->client->tcp_opens = p->tcp;
    w->client->tcp_trip_us = 2 * p->delay_us;
}

static void set_udp(struct sim_world *w, bool works)
{
    uint64_t loss = works ? 0 : 1000000;

    sim_change(w->sim, w->client->node, w->server->node, WAN_CHANGE_LOSS, loss);
    sim_change(w->sim, w->server->node, w->client->node, WAN_CHANGE_LOSS, loss);
}

static void set_tcp(struct sim_world *w, bool works)
{
    uint64_t loss = works ? 0 : 1000000, now_us = sim_now_us(w->sim);
    size_t c = w->client->node, sv = w->server->node;

    w->client->tcp_opens = works;
    if (wan_link_change(sim_link_tcp(w->sim, c, sv), now_us, WAN_CHANGE_LOSS, loss) ||
        wan_link_change(sim_link_tcp(w->sim, sv, c), now_us, WAN_CHANGE_LOSS, loss))
        sim_fail(w->sim, "no such change");
}

static void expect_over(struct sim_world *w, enum addr_via via)
{
    struct peer_path near = {0}, far = {0};

    if (sim_failure(w->sim) || !w->session)
        return;
    peer_path(w->client->peer, sim_node_now_us(w->sim, w->client->node), &near);
    peer_path(w->session->peer, sim_node_now_us(w->sim, w->server->node), &far);
    SIM_EXPECT(w, near.remote.via == via && far.remote.via == via);
}

/* Bulk both ways from now on. */
static void load(struct sim_world *w)
{
    if (!w->session)
        return;
    sim_app_write(&w->client->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_app_write(&w->session->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(w->sim, w->client->node);
    sim_kick(w->sim, w->server->node);
}

struct mark {
    struct sim_world *w;
    uint64_t up, down;
};

static bool has_moved_on(void *arg)
{
    const struct mark *m = arg;

    return sim_app_read_of(&m->w->client->app, 0) > m->up &&
           sim_app_read_of(&m->w->session->app, 0) > m->down;
}

/* Fails unless both directions move on within so long, in the session that there was. */
static void expect_progress(struct sim_world *w, uint64_t within_us)
{
    if (sim_failure(w->sim) || !w->session)
        return;
    struct mark m = {w, sim_app_read_of(&w->client->app, 0), sim_app_read_of(&w->session->app, 0)};
    if (!sim_run(w->sim, sim_now_us(w->sim) + within_us, has_moved_on, &m))
        sim_fail(w->sim, "no progress both ways within %llu us", (unsigned long long)within_us);
    SIM_EXPECT(w, w->client->app.connected == 1 && w->client->app.closed == 0);
    SIM_EXPECT(w, w->server->sessions == 1);
}

/* ---- the beginning ---- */

static void udp_blocked(struct sim *s, uint32_t without)
{
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 50000, .tcp = true}, NULL, 0);
    sim_world_connect(&w, 2 * SECOND_US);
    expect_over(&w, ADDR_TCP);
    load(&w);
    sim_world_pass(&w, 2 * SECOND_US);
    expect_progress(&w, 200000);
    sim_world_end(&w);
}

/* Half a second that UDP has for itself, three round trips, and half of one until the server knows
 * it too: a round trip of more than 430 ms does not fit into two seconds. */
static void udp_blocked_far(struct sim *s, uint32_t without)
{
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 200000, .tcp = true}, NULL, 0);
    sim_world_connect(&w, 2 * SECOND_US);
    expect_over(&w, ADDR_TCP);
    sim_world_end(&w);
}

/* A satellite's round trip is no reason to leave UDP. */
static void udp_far(struct sim *s, uint32_t without)
{
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 300000, .udp = true, .tcp = true}, NULL, 0);
    sim_world_connect(&w, 2 * SECOND_US);
    sim_world_pass(&w, 10 * SECOND_US);
    expect_over(&w, ADDR_UDP);
    SIM_EXPECT(&w, w.client->tcp_to.family == ADDR_NONE);
    sim_world_end(&w);
}

static void udp_near(struct sim *s, uint32_t without)
{
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 50000, .udp = true, .tcp = true}, NULL, 0);
    sim_world_connect(&w, SECOND_US);
    sim_world_pass(&w, 10 * SECOND_US);
    SIM_EXPECT(&w, w.client->tcp_asked == 0);
    sim_world_end(&w);
}

static void two_families(struct sim *s, uint32_t without)
{
    struct addr list[2] = {{.family = ADDR_IP6, .ip = {0x20, 1, [15] = 9}, .port = 7470},
                           sim_addr(2, 7470)};
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 50000, .udp = true, .tcp = true}, list, 2);
    sim_world_connect(&w, RACE_NEXT_US + 300000);
    expect_over(&w, ADDR_UDP);
    SIM_EXPECT(&w, w.client->tcp_asked == 0);
    sim_world_end(&w);
}

static void two_families_blocked(struct sim *s, uint32_t without)
{
    struct addr list[2] = {{.family = ADDR_IP6, .ip = {0x20, 1, [15] = 9}, .port = 7470},
                           sim_addr(2, 7470)};
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 50000, .tcp = true}, list, 2);
    sim_world_connect(&w, 2 * SECOND_US);
    expect_over(&w, ADDR_TCP);
    sim_world_end(&w);
}

/* ---- in the middle ---- */

static void udp_dies(struct sim *s, uint32_t without)
{
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 50000, .udp = true, .tcp = true}, NULL, 0);
    sim_world_connect(&w, SECOND_US);
    load(&w);
    sim_world_pass(&w, 3 * SECOND_US);
    set_udp(&w, false);
    sim_world_pass(&w, SECOND_US); /* what was on its way has come */
    expect_progress(&w, RACE_SILENT_US + 2 * SECOND_US);
    expect_over(&w, ADDR_TCP);
    sim_world_pass(&w, 20 * SECOND_US);
    expect_progress(&w, 200000);
    expect_over(&w, ADDR_TCP);
    sim_world_end(&w);
}

/* UDP comes back in the very moment in which it is left, and so does each that is: the two ends
 * must not follow each other from one to the other for ever. */
static void both_ways(struct sim *s, uint32_t without)
{
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 50000, .udp = true, .tcp = true}, NULL, 0);
    sim_world_connect(&w, SECOND_US);
    load(&w);
    for (int i = 0; i < 4 && !sim_failure(s); i++) {
        unsigned made = w.client->tcp_made;
        sim_world_pass(&w, 3 * SECOND_US);
        set_udp(&w, i % 2);
        set_tcp(&w, !(i % 2));
        for (int k = 0; k < 1000 && w.client->tcp_made == made && !(i % 2); k++)
            sim_world_pass(&w, 10000);
        /* Over TCP it is said after the grace; over UDP at once. */
        sim_world_pass(&w, i % 2 ? RACE_SILENT_US : 810000);
        set_udp(&w, true);
        set_tcp(&w, true);
        sim_world_pass(&w, 10 * SECOND_US);
    }
    if (!sim_failure(s) && w.session)
        SIM_EXPECT(&w, w.client->app.moved <= 6 && w.session->app.moved <= 12);
    expect_progress(&w, 200000);
    sim_world_end(&w);
}

/* The network is away as a whole, now and then: the session stays where it was. */
static void all_pauses(struct sim *s, uint32_t without)
{
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 50000, .udp = true, .tcp = true}, NULL, 0);
    sim_world_connect(&w, SECOND_US);
    load(&w);
    sim_world_pass(&w, 3 * SECOND_US);
    for (unsigned i = 0; i < 8; i++) {
        unsigned asked = w.client->tcp_asked;
        set_udp(&w, false);
        set_tcp(&w, false);
        sim_world_pass(&w, 17 * SECOND_US + i * 273000);
        SIM_EXPECT(&w, w.client->tcp_asked > asked + 3 && w.client->tcp_asked < asked + 10);
        set_udp(&w, true);
        set_tcp(&w, true);
        expect_progress(&w, 500000 + 200000);
        sim_world_pass(&w, 10 * SECOND_US);
        expect_over(&w, ADDR_UDP);
        SIM_EXPECT(&w, w.client->tcp_to.family == ADDR_NONE);
    }
    sim_world_end(&w);
}

static void tcp_breaks(struct sim *s, uint32_t without)
{
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 50000, .tcp = true}, NULL, 0);
    sim_world_connect(&w, 2 * SECOND_US);
    load(&w);
    for (int i = 0; i < 3; i++) {
        sim_world_pass(&w, 6 * SECOND_US);
        sim_host_break_tcp(w.client);
        sim_world_pass(&w, 100000); /* what was on its way has come */
        expect_progress(&w, 250000 + 700000);
    }
    expect_over(&w, ADDR_TCP);
    SIM_EXPECT(&w, w.client->tcp_made == 4);
    sim_world_end(&w);
}

/* Nobody says that the connection is no more: a NAT has forgotten it. */
static void tcp_falls_silent(struct sim *s, uint32_t without)
{
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 50000, .tcp = true}, NULL, 0);
    sim_world_connect(&w, 2 * SECOND_US);
    load(&w);
    sim_world_pass(&w, 3 * SECOND_US);
    set_tcp(&w, false);
    sim_world_pass(&w, 10 * SECOND_US);
    set_tcp(&w, true);
    expect_progress(&w, 4 * SECOND_US);
    expect_over(&w, ADDR_TCP);
    SIM_EXPECT(&w, w.client->tcp_made > 1);
    sim_world_end(&w);
}

static void tcp_dies(struct sim *s, uint32_t without)
{
    struct sim_world w;

    make(&w, s, without, &(struct path){10000000, 50000, .tcp = true}, NULL, 0);
    sim_world_connect(&w, 2 * SECOND_US);
    load(&w);
    sim_world_pass(&w, 3 * SECOND_US);
    set_udp(&w, true); /* another network, where it is the other way round */
    set_tcp(&w, false);
    sim_world_pass(&w, SECOND_US);
    expect_progress(&w, RACE_SILENT_US + SECOND_US);
    expect_over(&w, ADDR_UDP);
    sim_world_end(&w);
}

/* A minute of chance; then all is well again. */
static void reach_weather(struct sim *s, uint32_t without)
{
    bool udp = true, tcp = true;
    struct sim_world w;
    uint8_t net = 3;

    make(&w, s, without, &(struct path){10000000, 30000, .udp = true, .tcp = true}, NULL, 0);
    sim_world_connect(&w, SECOND_US);
    load(&w);
    if (w.session)
        sim_app_send(&w.client->app, PEER_INPUT, 20, 100000, 10000);
    for (uint64_t end_us = sim_now_us(s) + 60 * (uint64_t)SECOND_US; sim_now_us(s) < end_us;) {
        struct addr moved = {.ip = {10, 0, net, 1}, .port = 50000, .family = ADDR_IP4};
        switch (rng_below(sim_rng(s), 5)) {
        case 0:
        case 1:
            set_udp(&w, udp = !udp);
            break;
        case 2:
            set_tcp(&w, tcp = !tcp);
            break;
        case 3:
            if (w.client->tcp_to.family != ADDR_NONE)
                sim_host_break_tcp(w.client);
            break;
        default:
            sim_move(s, w.client->node, &moved);
            net++;
        }
        if (!sim_world_pass(&w, 200000 + rng_below(sim_rng(s), 8 * SECOND_US)))
            break;
    }
    set_udp(&w, true);
    set_tcp(&w, true);
    expect_progress(&w, 6 * SECOND_US);
    sim_world_pass(&w, 10 * SECOND_US);
    expect_progress(&w, 300000);
    SIM_EXPECT(&w, w.client->app.closed == 0);
    sim_world_end(&w);
}

/* ---- a full connection ---- */

static void tcp_full(struct sim *s, uint32_t without)
{
    struct sim_world w;
    struct peer_path up, down;

    make(&w, s, without, &(struct path){2000000, 20000, .tcp = true, .tcp_only = true}, NULL, 0);
    sim_world_connect(&w, SECOND_US);
    if (w.session) {
        sim_app_send(&w.client->app, PEER_INPUT, 20, 50000, 400);
        load(&w);
    }
    sim_world_pass(&w, 20 * SECOND_US);
    if (!sim_failure(s)) {
        const struct sim_app_received *keys = w.session->app.received[0];
        peer_path(w.client->peer, sim_node_now_us(s, w.client->node), &up);
        peer_path(w.session->peer, sim_node_now_us(s, w.server->node), &down);
        sim_note(s, "lost %llu up, %llu down; keys p95 %llu us, max %llu us; %llu bytes up",
                 (unsigned long long)up.lost_datagrams, (unsigned long long)down.lost_datagrams,
                 (unsigned long long)stat_quantile(&keys->delay_us, 950),
                 (unsigned long long)keys->delay_us.max,
                 (unsigned long long)sim_app_read_of(&w.client->app, 0));
        /* Nothing was dropped, the link is full, and a key waits for no more than the socket holds
         * (65 ms). */
        SIM_EXPECT(&w, up.lost_datagrams == 0 && down.lost_datagrams == 0);
        SIM_EXPECT(&w, sim_app_read_of(&w.client->app, 0) > 2000000 / 8 * 20 * 8 / 10);
        SIM_EXPECT(&w, stat_quantile(&keys->delay_us, 950) < 20000 + 80000);
    }
    sim_world_end(&w);
}

const struct sim_scenario scenario_reach_table[] = {
    {"udp_blocked", "UDP does not get through: TCP is found within 2 s", "tcp", udp_blocked},
    {"udp_blocked_far", "the same with a round trip of 400 ms", "tcp", udp_blocked_far},
    {"udp_far", "a round trip of 600 ms is no reason to leave UDP", NULL, udp_far},
    {"udp_near", "where UDP works nobody asks for TCP", NULL, udp_near},
    {"two_families", "an address that leads nowhere costs a quarter of a second", "others",
     two_families},
    {"two_families_blocked", "one address leads nowhere, to the other only TCP", "others",
     two_families_blocked},
    {"udp_dies", "UDP dies in the middle of a session, which goes on over TCP", "search", udp_dies},
    {"all_pauses", "a network that was away as a whole is no reason to leave UDP", "grace",
     all_pauses},
    {"both_ways", "two ways that both work do not make the ends run after each other", "left",
     both_ways},
    {"tcp_breaks", "a connection that breaks is made again at once", "search", tcp_breaks},
    {"tcp_falls_silent", "a connection that falls silent is replaced", "search", tcp_falls_silent},
    {"tcp_dies", "TCP dies in the middle of a session, which goes on over UDP", "search", tcp_dies},
    {"reach_weather", "either transport comes and goes, connections break, addresses change", NULL,
     reach_weather},
    {"tcp_full", "a full connection drops nothing and lets keys through", "block", tcp_full},
    {0},
};
