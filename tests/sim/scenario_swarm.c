/* scenario_swarm: any weather, all kinds of traffic: bytes stay true and work ends. */
#include <inttypes.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "tests/sim/sim_desk.h"
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_weather.h"
#include "tests/sim/sim_world.h"

enum { STOP_US = 10 * SECOND_US, MESSAGES = 300 };

/* Beside the desktop, behind it: what must end is at most four seconds' worth of the link. */
static void add_traffic(struct sim_app *a, struct rng *r, uint64_t rate_bps)
{
    uint64_t budget = rate_bps / 8 * 2;

    if (rng_below(r, 3))
        sim_app_write(a, PEER_BULK, SIM_APP_ENDLESS);
    if (rng_below(r, 2)) {
        struct sim_app_flow *keys = sim_app_write(a, PEER_INPUT, SIM_APP_ENDLESS);
        keys->padded = true;
        keys->each_bytes = 16;
        keys->every_us = 50000;
    }
    sim_app_write(a, PEER_REFINE, 1 + rng_below(r, num_min(budget, 1 << 20)));
    struct sim_app_series *states = sim_app_send(
        a, PEER_REFINE, (uint32_t)(8 + rng_below(r, num_min(budget / MESSAGES, 30000))), 33000,
        MESSAGES);
    states->key = rng_below(r, 2) ? 7 : 0;
    states->once = rng_below(r, 2);
    if (rng_below(r, 2))
        states->deadline_us = 200000;
}

/* One short urgent message each way, sent as soon as the faults have stopped. */
struct knock {
    const struct sim_app *a, *b;
    size_t of_a, of_b;
};

static bool has_come(void *arg)
{
    const struct knock *k = arg;

    return k->b->received[k->of_a] && k->a->received[k->of_b];
}

/* Whatever has been, it arrives within the probe gap, two round trips and what queues hold. */
static void expect_response(struct sim_world *w, const struct sim_weather *weather)
{
    struct sim_app *a = &w->client->app, *b = &w->session->app;
    struct knock k = {a, b, a->serieses, b->serieses};
    uint64_t rtt_us = weather->up.delay_us + weather->down.delay_us;
    uint64_t within_us = 500000 + 2 * rtt_us + weather->up.queue_us + weather->down.queue_us;

    sim_app_send(a, PEER_INPUT, 40, 1, 1);
    sim_app_send(b, PEER_INPUT, 40, 1, 1);
    sim_kick(w->sim, w->client->node);
    sim_kick(w->sim, w->server->node);
    if (!sim_run(w->sim, sim_now_us(w->sim) + within_us, has_come, &k))
        sim_fail(w->sim, "no key press has come through %" PRIu64 " us after the faults stopped",
                 within_us);
}

/* The desktop is still: it must be proven within the probe gap, two round trips, the time of rest
 * and one more trip for the word of it, and what its bytes need at the rate reached. */
static void expect_exact(struct sim_desk *d, const struct sim_weather *weather)
{
    struct sim_world *w = &d->w;
    struct sim_desk_viewer *v = &d->viewer[0];
    uint64_t rtt_us = weather->up.delay_us + weather->down.delay_us, begun_us = sim_now_us(w->sim);
    uint64_t bound_us =
        500000 + 3 * rtt_us + weather->up.queue_us + weather->down.queue_us + 100000;
    struct feed_counters before = sim_desk_feed(v);
    struct peer_path path;

    sim_desk_still(d);
    sim_run(w->sim, begun_us + 20 * SECOND_US, sim_desk_is_exact, v);
    if (sim_failure(w->sim))
        return;
    uint64_t took_us = sim_now_us(w->sim) - begun_us;
    struct feed_counters after = sim_desk_feed(v);
    peer_path(w->session->peer, sim_node_now_us(w->sim, w->server->node), &path);
    uint64_t rate_bps = num_clamp(path.rate_bps, 50000, weather->down.rate_bps);
    bound_us += num_mul_div(after.bytes - before.bytes, 8 * 1500000, rate_bps);
    sim_note(w->sim, "exact after %" PRIu64 " us, bound %" PRIu64, took_us, bound_us);
    if (!sim_desk_is_exact(v) || took_us > bound_us) {
        sim_desk_note(v);
        sim_app_note(&w->session->app, sim_node_now_us(w->sim, w->server->node));
        sim_fail(w->sim, "the picture is %s after %" PRIu64 " us, not within %" PRIu64,
                 sim_desk_is_exact(v) ? "exact" : "not exact", took_us, bound_us);
    } else if (!sim_desk_same(v)) {
        sim_fail(w->sim, "the picture is called exact and is not");
    }
    sim_desk_expect_nothing_broken(d);
}

static const char *any_source(struct rng *r)
{
    static const char *const sources[] = {"test:320x256,busy", "test:320x256", "test:200x456,busy",
                                          "test:640x400,busy"};

    return sources[rng_below(r, COUNT_OF(sources))];
}

static void in_weather(struct sim *s, uint32_t without)
{
    struct sim_weather weather;
    char text[SIM_WEATHER_CHARS];
    struct rng *r = sim_rng(s);
    struct sim_desk *d = heap_alloc(sizeof *d);

    CHECK(d);
    struct sim_world *w = &d->w;
    sim_weather_make(&weather, r, STOP_US, 3);
    sim_note(s, "%s", sim_weather_print(&weather, text));
    sim_desk_make(d, s, without,
                  &(struct sim_desk_plan){.up = &weather.up,
                                          .down = &weather.down,
                                          .source = any_source(r),
                                          .key_update_packets = 1000});
    sim_clock(s, w->client->node, weather.offset_us[0], weather.ppm[0]);
    sim_clock(s, w->server->node, weather.offset_us[1], weather.ppm[1]);
    sim_world_connect(w, STOP_US + 3 * SECOND_US);
    if (w->session) {
        add_traffic(&w->client->app, r, weather.up.rate_bps);
        add_traffic(&w->session->app, r, weather.down.rate_bps);
    }
    uint64_t now_us = sim_now_us(s), stop_us = SIM_START_US + STOP_US;
    sim_world_pass(w, num_sub0(stop_us, now_us) + 1);
    if (w->session && !sim_failure(s))
        expect_response(w, &weather);
    if (w->session && !sim_failure(s))
        expect_exact(d, &weather);
    /* The messages alone take ten seconds from the connection on. */
    sim_world_finish(w, 15 * SECOND_US);
    sim_desk_end(d);
    heap_free(d);
}

const struct sim_scenario scenario_swarm = {
    "swarm", "random weather: every byte is true, what is finite ends, the picture is exact", NULL,
    in_weather};
