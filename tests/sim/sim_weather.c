#include "tests/sim/sim_weather.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/num.h"

enum { FAULTS_MOST = 6 };

static uint64_t between(struct rng *r, uint64_t least, uint64_t most)
{
    return least + rng_below(r, most - least + 1);
}

/* As many small ones as large ones: each doubling is equally likely. */
static uint64_t between_doublings(struct rng *r, uint64_t least, unsigned doublings)
{
    uint64_t v = least << rng_below(r, doublings);

    return between(r, v, 2 * v);
}

static void add_change(struct wan_config *c, uint64_t at_us, enum wan_change_kind kind,
                       uint64_t value)
{
    CHECK(c->changes < WAN_CHANGES_MAX);
    c->change[c->changes++] = (struct wan_change){at_us, kind, value};
}

/* A figure that holds for a random part of the time, from the start in half of the cases. */
static void spell(struct wan_config *c, struct rng *r, uint64_t stop_us, enum wan_change_kind kind,
                  uint64_t value, uint64_t usual)
{
    uint64_t from_us = rng_below(r, 2) ? 0 : rng_below(r, stop_us / 2);
    uint64_t to_us = rng_below(r, 2) ? stop_us : between(r, from_us + 1, stop_us);

    add_change(c, from_us, kind, value);
    add_change(c, to_us, kind, usual);
}

static void add_outages(struct wan_config *c, struct rng *r, uint64_t stop_us)
{
    for (uint64_t n = between(r, 1, 3); n > 0; n--) {
        uint64_t at_us = rng_below(r, stop_us - 10000);
        uint64_t for_us = between_doublings(r, 10000, 9);
        c->outage[c->outages++] = (struct wan_outage){at_us, num_min(for_us, stop_us - at_us)};
    }
}

/* What strikes one direction; rebinding and clocks are not here. */
static void strike(struct wan_config *c, struct rng *r, uint64_t stop_us, enum sim_fault fault)
{
    switch (fault) {
    case SIM_FAULT_LOSS:
        spell(c, r, stop_us, WAN_CHANGE_LOSS, between_doublings(r, 1000, 7), 0);
        break;
    case SIM_FAULT_BURST:
        c->burst = (uint32_t)between(r, 2, 20);
        spell(c, r, stop_us, WAN_CHANGE_LOSS, between_doublings(r, 1000, 6), 0);
        break;
    case SIM_FAULT_REORDER:
        spell(c, r, stop_us, WAN_CHANGE_REORDER, between_doublings(r, 1000, 7), 0);
        break;
    case SIM_FAULT_DUPLICATE:
        spell(c, r, stop_us, WAN_CHANGE_DUPLICATE, between_doublings(r, 1000, 7), 0);
        break;
    case SIM_FAULT_CORRUPT:
        spell(c, r, stop_us, WAN_CHANGE_CORRUPT, between_doublings(r, 500, 6), 0);
        break;
    case SIM_FAULT_JITTER:
        c->jitter_reorders = 1;
        spell(c, r, stop_us, WAN_CHANGE_JITTER, between_doublings(r, 500, 6), 0);
        break;
    case SIM_FAULT_OUTAGE:
        add_outages(c, r, stop_us);
        break;
    case SIM_FAULT_RATE:
        spell(c, r, stop_us, WAN_CHANGE_RATE,
              num_max(300000, (c->rate_bps ? c->rate_bps : 10000000) / between(r, 2, 10)),
              c->rate_bps);
        break;
    case SIM_FAULT_DELAY:
        spell(c, r, stop_us, WAN_CHANGE_DELAY, between_doublings(r, 1000, 8), c->delay_us);
        break;
    case SIM_FAULT_MTU:
        spell(c, r, stop_us, WAN_CHANGE_MTU,
              between(r, LIMIT_DATAGRAM_FLOOR, LIMIT_DATAGRAM_BYTES) + c->overhead_bytes, 0);
        break;
    case SIM_FAULT_ECN:
        spell(c, r, stop_us, WAN_CHANGE_ECN, between(r, WAN_ECN_BLEACH, WAN_ECN_BLOCK),
              WAN_ECN_PASS);
        break;
    case SIM_FAULT_POLICER:
        c->police_bytes = between_doublings(r, 4000, 6);
        spell(c, r, stop_us, WAN_CHANGE_POLICER,
              (c->rate_bps ? c->rate_bps : 10000000) / between(r, 1, 5), 0);
        break;
    case SIM_FAULT_FADE:
        c->fade_least = (uint32_t)between(r, 50000, 800000);
        spell(c, r, stop_us, WAN_CHANGE_FADE, between_doublings(r, 10000, 7), 0);
        break;
    case SIM_FAULT_SLOTS:
        spell(c, r, stop_us, WAN_CHANGE_SLOTS, between_doublings(r, 500, 6), 0);
        break;
    case SIM_FAULT_REBIND:
    case SIM_FAULT_SKEW:
    case SIM_FAULTS:
        break;
    }
}

static void make_path(struct sim_weather *w, struct rng *r)
{
    wan_config_init(&w->up);
    w->up.rate_bps = between_doublings(r, 1000000, 6);
    w->up.delay_us = between_doublings(r, 500, 8);
    w->up.queue_us = between_doublings(r, 20000, 3);
    w->down = w->up;
    if (rng_below(r, 2))
        w->down.rate_bps = between_doublings(r, 1000000, 6);
    /* Who marks does not take two packets for a queue (RFC 9332, section 4.2.2.1: the time of two
     * at least). */
    if (rng_below(r, 4) == 0)
        w->up.ecn_mark_us = w->down.ecn_mark_us = num_max(
            5000, num_mul_div(2 * 1500 * 8, 1000000, num_min(w->up.rate_bps, w->down.rate_bps)));
}

static void set_clocks(struct sim_weather *w, struct rng *r)
{
    for (size_t i = 0; i < COUNT_OF(w->ppm); i++) {
        w->ppm[i] = (int64_t)rng_below(r, 2001) - 1000;
        w->offset_us[i] = rng_below(r, 1ull << 40);
    }
}

void sim_weather_make(struct sim_weather *w, struct rng *r, uint64_t stop_us, unsigned least)
{
    *w = (struct sim_weather){.stop_us = stop_us};
    make_path(w, r);
    unsigned want = (unsigned)between(r, least, FAULTS_MOST);
    while ((unsigned)__builtin_popcount(w->faults) < want)
        w->faults |= 1u << rng_below(r, SIM_FAULTS);
    for (unsigned f = 0; f < SIM_FAULTS; f++) {
        if (!(w->faults & 1u << f))
            continue;
        uint64_t where = rng_below(r, 3); /* one way, the other, both */
        if (where != 1)
            strike(&w->up, r, stop_us, (enum sim_fault)f);
        if (where != 0)
            strike(&w->down, r, stop_us, (enum sim_fault)f);
    }
    if (w->faults & 1u << SIM_FAULT_REBIND)
        for (uint64_t n = between(r, 1, 3); n > 0; n--)
            add_change(&w->up, rng_below(r, stop_us), WAN_CHANGE_REBIND, 0);
    if (w->faults & 1u << SIM_FAULT_SKEW)
        set_clocks(w, r);
    CHECK(wan_config_check(&w->up) == OK && wan_config_check(&w->down) == OK);
}

char *sim_weather_print(const struct sim_weather *w, char to[SIM_WEATHER_CHARS])
{
    static const char *const names[SIM_FAULTS] = {
        "loss",  "burst", "reorder", "duplicate", "corrupt", "jitter", "outage", "rate",
        "delay", "mtu",   "ecn",     "policer",   "fade",    "slots",  "rebind", "skew"};
    size_t n =
        (size_t)snprintf(to, SIM_WEATHER_CHARS,
                         "%" PRIu64 "/%" PRIu64 " kbit/s, %" PRIu64 " us:", w->up.rate_bps / 1000,
                         w->down.rate_bps / 1000, w->up.delay_us);

    for (unsigned f = 0; f < SIM_FAULTS; f++)
        if (w->faults & 1u << f)
            n += (size_t)snprintf(to + n, SIM_WEATHER_CHARS - n, " %s", names[f]);
    return to;
}
