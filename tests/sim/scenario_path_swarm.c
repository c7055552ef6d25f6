/* scenario_path_swarm: any weather over a transport at work: bytes stay true, work ends, the rate
 * comes back. */
#include <inttypes.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "tests/sim/sim_bulk.h"
#include "tests/sim/sim_cubic.h"
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_weather.h"

enum {
    STOP_US = 6 * SECOND_US,
    MESSAGES = 150,
    INPUT_MOST_BYTES = 200, /* nobody types more at once; input_flood has more */
    RATE_AFTER_US = 4 * SECOND_US,
    RATE_PART = 16
};

/* What else strikes, beside the weather. */
struct blows {
    struct sim_world w;
    struct sim_weather weather;
    struct sim_cubic cubic;
    bool has_cubic;
    size_t sleeper; /* a node */
    uint64_t window_bytes;
};

static void add_flows(struct sim_app *a, struct rng *r, uint64_t rate_bps)
{
    if (rng_below(r, 4))
        sim_app_write(a, PEER_BULK, SIM_APP_ENDLESS);
    for (uint64_t n = rng_below(r, 3); n > 0; n--)
        sim_app_write(a, (enum peer_class)(PEER_TEXT + rng_below(r, 4)),
                      1 + rng_below(r, num_min(rate_bps / 8, 1 << 20)));
    if (rng_below(r, 2)) {
        struct sim_app_flow *keys = sim_app_write(a, PEER_INPUT, SIM_APP_ENDLESS);
        keys->padded = rng_below(r, 2);
        keys->each_bytes = 1 + rng_below(r, 40);
        keys->every_us = 20000 + rng_below(r, 100000);
    }
}

static void add_messages(struct sim_app *a, struct rng *r, uint64_t rate_bps)
{
    for (uint64_t n = rng_below(r, 3); n > 0; n--) {
        uint64_t most = num_min(rate_bps / 8 * 2 / MESSAGES, 30000);
        enum peer_class class = (enum peer_class)(PEER_INPUT + rng_below(r, PEER_CLASSES));
        if (class == PEER_INPUT)
            most = num_min(most, INPUT_MOST_BYTES);
        uint32_t bytes = (uint32_t)(8 + rng_below(r, most));
        struct sim_app_series *m = sim_app_send(a, class, bytes, 33000, MESSAGES);
        m->key = rng_below(r, 2) ? 7 + n : 0;
        m->once = rng_below(r, 2);
        m->deadline_us = rng_below(r, 3) ? 0 : 100000 + rng_below(r, 200000);
    }
}

/* ---- blows ---- */

static void wake(struct sim *s, void *arg)
{
    const struct blows *b = arg;

    sim_power(s, b->sleeper, true);
}

static void fall_asleep(struct sim *s, void *arg)
{
    struct blows *b = arg;

    sim_power(s, b->sleeper, false);
    sim_at(s, sim_now_us(s) + 20000 + rng_below(sim_rng(s), STOP_US / 4), wake, b);
}

static void stall(struct sim *s, void *arg)
{
    struct blows *b = arg;

    sim_busy(s, b->w.client->node, sim_now_us(s) + rng_below(sim_rng(s), 300000));
}

static void move_server(struct sim *s, void *arg)
{
    struct blows *b = arg;
    struct addr to = sim_addr((uint8_t)(210 + rng_below(sim_rng(s), 40)), 7470);

    /* Whom nobody has met yet, nobody finds again. */
    if (!b->w.session)
        return;
    sim_move(s, b->w.server->node, &to);
}

static void plan_blows(struct blows *b, struct rng *r)
{
    struct sim *s = b->w.sim;

    if (rng_below(r, 4) == 0) {
        b->sleeper = rng_below(r, 2) ? b->w.client->node : b->w.server->node;
        sim_at(s, SIM_START_US + rng_below(r, STOP_US / 2), fall_asleep, b);
    }
    for (uint64_t n = rng_below(r, 4); n > 0; n--)
        sim_at(s, SIM_START_US + rng_below(r, STOP_US - 300000), stall, b);
    /* Not while the first address is what the viewer dials; and when both ends move during an
     * outage, nobody knows where to find anybody. */
    if (!(b->weather.faults & 1u << SIM_FAULT_REBIND) && rng_below(r, 4) == 0)
        sim_at(s, SIM_START_US + STOP_US / 2 + rng_below(r, STOP_US / 2), move_server, b);
}

static void add_cubic(struct blows *b, struct rng *r)
{
    struct addr from = sim_addr(100, 80), to = sim_addr(200, 50000);

    b->has_cubic = rng_below(r, 5) == 0;
    if (!b->has_cubic)
        return;
    sim_cubic_make(&b->cubic, b->w.sim, &from, &to, 50 + rng_below(r, 2000),
                   SIM_START_US + rng_below(r, STOP_US));
    /* Marks hold for all or for none: a queue that marks one and lets the other fill it is no
     * active queue management (RFC 3168, section 5). */
    if (b->weather.down.ecn_mark_us)
        sim_cubic_ecn(&b->cubic);
    sim_share(b->w.sim, b->cubic.from, b->cubic.to, b->w.server->node, b->w.client->node);
}

static void make(struct blows *b, struct sim *s, uint32_t without)
{
    struct rng *r = sim_rng(s);
    struct sim_world_plan plan = {.up = &b->weather.up, .down = &b->weather.down};
    uint64_t window = (64 << 10) << rng_below(r, 7);

    b->window_bytes = window;
    sim_weather_make(&b->weather, r, STOP_US, 3);
    sim_bulk_windows(&plan);
    plan.client.stream_window_bytes = plan.server.stream_buffer_bytes = window;
    plan.server.stream_window_bytes = plan.client.stream_buffer_bytes = window;
    plan.client.key_update_packets = plan.server.key_update_packets = 200 << rng_below(r, 6);
    sim_world_make(&b->w, s, without, &plan);
    sim_clock(s, b->w.client->node, b->weather.offset_us[0], b->weather.ppm[0]);
    sim_clock(s, b->w.server->node, b->weather.offset_us[1], b->weather.ppm[1]);
    plan_blows(b, r);
    add_cubic(b, r);
}

/* ---- afterwards ---- */

/* One short urgent message each way, sent as soon as the faults have stopped. A silent side's probe
 * leaves within 500 ms and takes half a round trip; where it comes from a new address, that is
 * asked about for one more; what the other side has to say is half a trip away then, and what that
 * acknowledges lets the silent side speak, for the last half: two and a half. Whatever was typed
 * before it goes before it, at the link's rate. */
struct knock {
    const struct sim_app *a, *b;
    size_t of_a, of_b;
};

static bool has_come(void *arg)
{
    const struct knock *k = arg;

    return k->b->received[k->of_a] && k->a->received[k->of_b];
}

static uint64_t typed_us(const struct sim_app *a, uint64_t rate_bps)
{
    return num_mul_div(sim_app_waiting(a, PEER_INPUT), 8 * SECOND_US, rate_bps);
}

static void expect_response(struct blows *b)
{
    struct sim_app *client = &b->w.client->app, *server = &b->w.session->app;
    const struct sim_weather *weather = &b->weather;
    struct knock k = {client, server, client->serieses, server->serieses};
    uint64_t within_us = 500000 + 5 * (weather->up.delay_us + weather->down.delay_us) / 2 +
                         weather->up.queue_us + weather->down.queue_us +
                         typed_us(client, weather->up.rate_bps) +
                         typed_us(server, weather->down.rate_bps);

    /* In a queue that another fills to its end a probe or a challenge may be lost: one more. */
    if (b->has_cubic)
        within_us += 500000;

    sim_app_send(client, PEER_INPUT, 40, 1, 1);
    sim_app_send(server, PEER_INPUT, 40, 1, 1);
    sim_kick(b->w.sim, b->w.client->node);
    sim_kick(b->w.sim, b->w.server->node);
    if (!sim_run(b->w.sim, sim_now_us(b->w.sim) + within_us, has_come, &k))
        sim_fail(b->w.sim, "no key press has come through %" PRIu64 " us after the faults stopped",
                 within_us);
}

/* What comes down is a sixteenth of the rate again, in some 200 ms, unless the window is too small
 * for that, or CUBIC is there too. */
static void expect_rate(struct blows *b)
{
    const struct sim_weather *weather = &b->weather;
    const struct sim_app *server = &b->w.session->app;
    const struct wan_counters *n = sim_bulk_counters(&b->w);
    uint64_t trip_us = weather->down.delay_us + weather->up.delay_us + weather->up.queue_us;
    uint64_t trip_bytes = num_mul_div(weather->down.rate_bps, trip_us + 50000, 8 * SECOND_US);
    uint64_t stop_us = sim_now_us(b->w.sim) + RATE_AFTER_US, best_bps = 0;

    if (b->has_cubic || server->flows == 0 || server->flow[0]->total != SIM_APP_ENDLESS ||
        server->flow[0]->every_us || b->window_bytes < 2 * trip_bytes)
        return;
    while (best_bps < weather->down.rate_bps / RATE_PART && sim_now_us(b->w.sim) < stop_us) {
        uint64_t before = n->out_bytes;
        if (!sim_world_pass(&b->w, 200000))
            return;
        best_bps = num_max(best_bps, (n->out_bytes - before) * 8 * 5);
    }
    if (best_bps >= weather->down.rate_bps / RATE_PART)
        return;
    sim_app_note(server, sim_node_now_us(b->w.sim, b->w.server->node));
    sim_fail(b->w.sim, "%" PRIu64 " bit/s of %" PRIu64 " are the most, %d us after the faults",
             best_bps, weather->down.rate_bps, RATE_AFTER_US);
}

/* What is to come yet, at the least rate that is expected after the faults. */
static uint64_t left_us(const struct sim_app *a, uint64_t rate_bps)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < a->flows; i++)
        if (a->flow[i]->total != SIM_APP_ENDLESS)
            bytes += a->flow[i]->total - sim_app_read_of(a, i);
    for (size_t i = 0; i < a->serieses; i++)
        bytes +=
            (a->series[i]->total - a->series[i]->acked - a->series[i]->gone) * a->series[i]->bytes;
    return num_mul_div(bytes, RATE_PART * 8 * SECOND_US, rate_bps);
}

static void expect_end(struct blows *b)
{
    sim_world_finish(&b->w, 12 * SECOND_US +
                                num_max(left_us(&b->w.client->app, b->weather.up.rate_bps),
                                        left_us(&b->w.session->app, b->weather.down.rate_bps)));
}

static void in_weather(struct sim *s, uint32_t without)
{
    char text[SIM_WEATHER_CHARS];
    struct blows *b = heap_alloc(sizeof *b);

    CHECK(b);
    make(b, s, without);
    sim_note(s, "%s", sim_weather_print(&b->weather, text));
    sim_world_connect(&b->w, STOP_US + 3 * SECOND_US);
    if (b->w.session) {
        struct rng *r = sim_rng(s);
        add_flows(&b->w.client->app, r, b->weather.up.rate_bps);
        add_flows(&b->w.session->app, r, b->weather.down.rate_bps);
        add_messages(&b->w.client->app, r, b->weather.up.rate_bps);
        add_messages(&b->w.session->app, r, b->weather.down.rate_bps);
        sim_kick(s, b->w.client->node);
        sim_kick(s, b->w.server->node);
    }
    sim_world_pass(&b->w, num_sub0(SIM_START_US + STOP_US, sim_now_us(s)) + 1);
    if (b->w.session && !sim_failure(s)) {
        expect_response(b);
        expect_rate(b);
        expect_end(b);
        sim_bulk_expect_unbroken(&b->w);
    }
    if (b->has_cubic)
        sim_cubic_end(&b->cubic);
    sim_world_end(&b->w);
    heap_free(b);
}

const struct sim_scenario scenario_path_swarm = {
    "path_swarm", "random weather over bulk, streams and messages: all is true and ends", NULL,
    in_weather};
