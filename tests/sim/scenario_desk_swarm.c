/* scenario_desk_swarm: any weather over a picture that changes, and users who act. */
#include <inttypes.h>
#include <string.h>

#include "core/base/num.h"
#include "tests/sim/sim_desk.h"
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_weather.h"

enum {
    STOP_US = 10 * SECOND_US,
    STEP_US = 50000,
    PROBE_GAP_US = 500000,
    ACK_US = 30000, /* the longest an acknowledgement is held back */
    REST_US = 50000,
    SETTLE_US = 150000
};

/* One swarm. */
struct swarm {
    struct sim_desk d;
    struct sim_weather weather[2]; /* by viewer */
    int32_t moves[2];              /* acts so far, by viewer */
    uint32_t keys[2];              /* bits: keys that are down */
    uint64_t bytes[2];             /* sent when the faults stopped, by viewer */
    uint32_t roles[2];             /* by viewer */
    bool slipped;
};

static void add_viewers(struct swarm *w, struct rng *r)
{
    char text[SIM_WEATHER_CHARS];

    w->roles[0] = ROLE_VIEW | ROLE_CONTROL;
    if (rng_below(r, 3) == 0) {
        sim_weather_make(&w->weather[1], r, STOP_US, 3);
        w->roles[1] = rng_below(r, 2) ? ROLE_VIEW | ROLE_CONTROL : ROLE_VIEW;
        sim_desk_guest(&w->d, "other", w->roles[1], &w->weather[1].up, &w->weather[1].down);
    }
    for (size_t i = 0; i < w->d.viewers; i++) {
        sim_note(w->d.sim, "%s: %s", w->d.viewer[i].client->app.name,
                 sim_weather_print(&w->weather[i], text));
        sim_clock(w->d.sim, w->d.viewer[i].client->node, w->weather[i].offset_us[0],
                  w->weather[i].ppm[0]);
    }
    sim_clock(w->d.sim, w->d.w.server->node, w->weather[0].offset_us[1], w->weather[0].ppm[1]);
}

static uint32_t any_acts(struct rng *r)
{
    uint32_t acts = (uint32_t)rng_below(r, 1u << SIM_PICTURE_ACTS);

    /* What costs most comes least. */
    if (rng_below(r, 8))
        acts &= ~(uint32_t)(SIM_PICTURE_ALL);
    if (rng_below(r, 3))
        acts &= ~(uint32_t)(SIM_PICTURE_RESIZE);
    return acts | 1u << rng_below(r, 5);
}

/* Now and then the picture goes over to something else, or rests. */
static void direct(struct swarm *w, struct rng *r)
{
    if (rng_below(r, 20) == 0)
        sim_desk_play(&w->d, any_acts(r), rng_below(r, 3) ? 20000u << rng_below(r, 6) : 0);
    if (rng_below(r, 100) == 0) {
        sim_picture_slip(w->d.picture, (uint32_t)rng_below(r, 60), (uint32_t)rng_below(r, 60));
        w->slipped = true;
    }
    if (rng_below(r, 200) == 0)
        w->d.picture->pointer_us = 1000u << rng_below(r, 7);
}

static void act(struct swarm *w, struct rng *r, size_t i)
{
    struct sim_desk_viewer *v = &w->d.viewer[i];
    uint32_t key = (uint32_t)rng_below(r, 4);

    if (!v->viewer || !v->client->app.connected || v->client->app.closed)
        return;
    if (rng_below(r, 4) == 0)
        sim_desk_act(
            v, &(struct input_event){.kind = INPUT_MOVE, .x = ++w->moves[i], .y = (int32_t)i});
    if (rng_below(r, 10) == 0) {
        w->keys[i] ^= 1u << key;
        sim_desk_key(v, (key ? 'a' : 0xffe1) + key, w->keys[i] & 1u << key);
    }
}

/* Moves have come in order, each once; those of the last moment may be on their way. */
static void check_moves(struct swarm *w)
{
    const struct sim_picture *p = w->d.picture;
    int32_t last[2] = {0, 0};

    for (size_t i = 0; i < p->inputs; i++) {
        const struct input_event *e = &p->input[i];
        if (e->kind != INPUT_MOVE)
            continue;
        SIM_EXPECT(&w->d, e->x == last[e->y] + 1);
        last[e->y] = e->x;
    }
    for (size_t i = 0; i < w->d.viewers; i++)
        SIM_EXPECT(&w->d, last[i] == (w->roles[i] & ROLE_CONTROL ? w->moves[i] : 0));
}

static struct peer_path path_of(const struct swarm *w, const struct sim_desk_viewer *v)
{
    const struct seat *seat = sim_desk_seat(v);
    struct peer_path path = {.rate_bps = 0};

    if (seat)
        peer_path(seat->peer, sim_node_now_us(w->d.sim, w->d.w.server->node), &path);
    return path;
}

static void connect_late(struct swarm *w, struct sim_desk_viewer *v)
{
    while (!v->client->app.connected &&
           sim_now_us(w->d.sim) < SIM_START_US + STOP_US + 3 * SECOND_US &&
           sim_desk_pass(&w->d, STEP_US))
        continue;
    if (!v->client->app.connected && !sim_failure(w->d.sim))
        sim_fail(w->d.sim, "%s: not connected 3 s after the faults", v->client->app.name);
}

/* The probe gap, two round trips, and what its bytes need at the rate that was reached; then a
 * round trip more, the rest and what input takes until that is known. A change that nothing told of
 * is found in the look that comes with it, and needs another round. */
static void expect_picture(struct swarm *w, size_t i)
{
    struct sim_desk_viewer *v = &w->d.viewer[i];
    struct sim *s = w->d.sim;
    uint64_t rtt_us = w->weather[i].up.delay_us + w->weather[i].down.delay_us;
    uint64_t since_us = SIM_START_US + STOP_US, round_us = rtt_us + ACK_US + REST_US;
    uint64_t most_us = PROBE_GAP_US + 2 * rtt_us;

    if (!v->client->app.connected) {
        connect_late(w, v);
        since_us = sim_now_us(s);
        most_us += 6 * rtt_us; /* slow start */
    }
    uint64_t bytes = w->bytes[i];
    sim_desk_expect_same(v, 10 * SECOND_US);
    bytes = sim_desk_down_bytes(v) - bytes;
    most_us += num_mul_div(bytes, 8000000, num_max(path_of(w, v).rate_bps, 1000));
    if (w->slipped)
        most_us += round_us;
    uint64_t took_us = num_sub0(v->shown_us, since_us);
    sim_note(s, "%s: the picture after %" PRIu64 " of %" PRIu64 " us, %" PRIu64 " bytes",
             v->client->app.name, took_us, most_us, bytes);
    if (took_us > most_us)
        sim_fail(s, "%s: the picture took %" PRIu64 " us, which should have been %" PRIu64,
                 v->client->app.name, took_us, most_us);
    sim_desk_expect_exact(v, 10 * SECOND_US);
    took_us = num_sub0(v->exact_us, since_us);
    most_us += 2 * round_us + SETTLE_US;
    sim_note(s, "%s: exact after %" PRIu64 " of %" PRIu64 " us", v->client->app.name, took_us,
             most_us);
    if (took_us > most_us)
        sim_fail(s, "%s: exact after %" PRIu64 " us, which should have been %" PRIu64,
                 v->client->app.name, took_us, most_us);
}

static void in_weather(struct sim *s, uint32_t without)
{
    static struct swarm w; /* large */
    struct rng *r = sim_rng(s);

    memset(&w, 0, sizeof w);
    sim_weather_make(&w.weather[0], r, STOP_US, 3);
    sim_desk_make(&w.d, s, without,
                  &(struct sim_desk_plan){.up = &w.weather[0].up,
                                          .down = &w.weather[0].down,
                                          .key_update_packets = 1000});
    add_viewers(&w, r);
    for (size_t i = 0; i < w.d.viewers; i++)
        sim_desk_dial(&w.d.viewer[i]);
    while (sim_now_us(s) < SIM_START_US + STOP_US && sim_desk_pass(&w.d, STEP_US)) {
        direct(&w, r);
        for (size_t i = 0; i < w.d.viewers; i++)
            act(&w, r, i);
    }
    sim_desk_play(&w.d, 0, 0);
    sim_desk_do(&w.d, (enum sim_picture_act)(1u << rng_below(r, SIM_PICTURE_ACTS)));
    w.d.picture->pointer_us = 0;
    for (size_t i = 0; i < w.d.viewers; i++)
        w.bytes[i] = sim_desk_down_bytes(&w.d.viewer[i]);
    for (size_t i = 0; i < w.d.viewers; i++)
        expect_picture(&w, i);
    sim_desk_pass(&w.d, SECOND_US);
    check_moves(&w);
    for (size_t i = 0; i < w.d.viewers; i++) {
        SIM_EXPECT(&w.d, sim_desk_mirror(&w.d.viewer[i]).failures == 0);
        SIM_EXPECT(&w.d, sim_desk_counters(&w.d.viewer[i]).refreshes == 0);
    }
    sim_desk_end(&w.d);
}

const struct sim_scenario scenario_desk_swarm = {
    "desk_swarm", "random weather: true pictures, all input, and exact soon after it", NULL,
    in_weather};
