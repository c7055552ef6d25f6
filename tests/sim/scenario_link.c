/* scenario_link: bulk over links of every kind: what it takes of them, and what queue it leaves. */
#include "core/base/num.h"
#include "tests/sim/sim_bulk.h"
#include "tests/sim/sim_table.h"

enum { MBIT = SIM_BULK_MBIT };

static struct wan_config link_of(uint64_t rate_bps, uint64_t rtt_us, uint64_t queue_us)
{
    struct wan_config c = sim_world_link(rate_bps, rtt_us / 2);

    c.queue_us = queue_us;
    return c;
}

/* `percent` of the rate down for 10 s after `warm_us`, the queue's 95th percentile below
 * `queue_us` (0: whatever). */
static void steady(struct sim *s, uint32_t without, const struct wan_config *up,
                   const struct wan_config *down, uint64_t warm_us, unsigned percent,
                   uint64_t queue_us)
{
    struct sim_world w;

    sim_bulk_make(&w, s, without, up, down);
    sim_world_pass(&w, warm_us);
    sim_bulk_expect(&w, 10 * SECOND_US,
                    (struct sim_bulk_bounds){.goodput_bps = down->rate_bps / 100 * percent,
                                             .queue_p95_us = queue_us});
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

/* ---- rates that change by themselves ---- */

static void wifi_fade(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(40 * MBIT, 10000, 100000);

    /* 24 Mbit/s in the mean; a queue of 100 ms at 40 is one of half a second at 8. */
    down.fade_us = 200000;
    down.fade_least = 200000;
    steady(s, without, NULL, &down, 3 * SECOND_US, 45, 100000);
}

static void wifi_slots(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(50 * MBIT, 20000, 100000), up = down;

    down.slot_us = up.slot_us = 8000;
    steady(s, without, &up, &down, 2 * SECOND_US, 85, 50000);
}

static void mobile(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(30 * MBIT, 60000, 1000000), up = link_of(5 * MBIT, 60000, 0);

    up.queue_us = 1000000;
    down.fade_us = SECOND_US;
    down.fade_least = 100000;
    down.jitter_us = up.jitter_us = 10000;
    steady(s, without, &up, &down, 3 * SECOND_US, 40, 450000);
}

/* ---- queues ---- */

static void bufferbloat_1s(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 30000, SECOND_US);

    steady(s, without, NULL, &down, 3 * SECOND_US, 88, 40000);
}

static void bufferbloat_3s(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(5 * MBIT, 40000, 3 * SECOND_US);

    steady(s, without, NULL, &down, 5 * SECOND_US, 85, 50000);
}

static void tiny_queue(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 40000, 0);

    down.queue_bytes = 5 * 1500;
    steady(s, without, NULL, &down, 3 * SECOND_US, 80, 5000);
}

static void codel(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 40000, SECOND_US);

    /* As home routers have it. */
    down.codel_us = 5000;
    steady(s, without, NULL, &down, 3 * SECOND_US, 86, 30000);
}

static void policer(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(100 * MBIT, 40000, 100000);
    struct sim_world w;

    down.police_bps = 20 * MBIT;
    down.police_bytes = 64 << 10;
    sim_bulk_make(&w, s, without, NULL, &down);
    sim_world_pass(&w, 3 * SECOND_US);
    struct peer_path before = sim_bulk_path(&w);
    sim_bulk_expect(&w, 10 * SECOND_US, (struct sim_bulk_bounds){.goodput_bps = 16 * MBIT});
    struct peer_path after = sim_bulk_path(&w);
    /* Loss is all that a policer ever says; more than a sixth of it is not listening. */
    SIM_EXPECT(&w, (after.lost_datagrams - before.lost_datagrams) * 6 <
                       after.sent_datagrams - before.sent_datagrams);
    sim_world_end(&w);
}

static void policer_with_credit(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(100 * MBIT, 40000, 100000);
    struct sim_world w;

    /* Half a second at the full rate, then a fifth: as where the first megabytes are quick. */
    down.police_bps = 20 * MBIT;
    down.police_bytes = 5 << 20;
    sim_bulk_make(&w, s, without, NULL, &down);
    sim_world_pass(&w, 5 * SECOND_US);
    struct peer_path before = sim_bulk_path(&w);
    sim_bulk_expect(&w, 10 * SECOND_US, (struct sim_bulk_bounds){.goodput_bps = 16 * MBIT});
    struct peer_path after = sim_bulk_path(&w);
    SIM_EXPECT(&w, (after.lost_datagrams - before.lost_datagrams) * 6 <
                       after.sent_datagrams - before.sent_datagrams);
    sim_world_end(&w);
}

/* ---- far ---- */

static void satellite(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 600000, 600000);

    down.loss = 10000;
    steady(s, without, NULL, &down, 10 * SECOND_US, 85, 200000);
}

static void satellite_start(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 600000, 600000);
    struct sim_world w;

    sim_bulk_make(&w, s, without, NULL, &down);
    sim_bulk_expect_soon(&w, 16 * MBIT, 6 * SECOND_US);
    sim_world_end(&w);
}

static void intercontinental(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(100 * MBIT, 200000, 100000);

    down.loss = 20000;
    steady(s, without, NULL, &down, 3 * SECOND_US, 88, 60000);
}

static void national(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(45 * MBIT, 100000, 100000);

    down.loss = 5000;
    steady(s, without, NULL, &down, 2 * SECOND_US, 89, 50000);
}

static void leased_line(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(200 * MBIT, 100000, 100000);
    struct sim_world w;

    down.loss = 10000;
    sim_bulk_make(&w, s, without, NULL, &down);
    sim_world_pass(&w, 2 * SECOND_US);
    sim_bulk_expect(&w, 3 * SECOND_US, (struct sim_bulk_bounds){.goodput_bps = 180 * MBIT});
    sim_world_end(&w);
}

static void leased_line_start(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(200 * MBIT, 100000, 100000);
    struct sim_world w;

    down.loss = 10000;
    sim_bulk_make(&w, s, without, NULL, &down);
    sim_bulk_expect_soon(&w, 180 * MBIT, SECOND_US);
    sim_world_end(&w);
}

/* ---- near ---- */

static void gigabit(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(1000 * MBIT, 2000, 20000);
    struct sim_world w;

    sim_bulk_make(&w, s, without, NULL, &down);
    sim_world_pass(&w, SECOND_US / 2);
    sim_bulk_expect(&w, SECOND_US,
                    (struct sim_bulk_bounds){
                        .goodput_bps = 900ull * MBIT, .queue_p95_us = 10000, .gap_us = 20000});
    sim_world_end(&w);
}

static void metro(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(622 * MBIT, 5000, 50000);
    struct sim_world w;

    sim_bulk_make(&w, s, without, NULL, &down);
    sim_world_pass(&w, SECOND_US / 2);
    sim_bulk_expect(&w, SECOND_US,
                    (struct sim_bulk_bounds){.goodput_bps = 560 * MBIT, .queue_p95_us = 15000});
    sim_world_end(&w);
}

static void quiet_line(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(200 * MBIT, 100000, 100000);
    struct sim_world w;

    sim_bulk_make(&w, s, without, NULL, &down);
    sim_world_pass(&w, 2 * SECOND_US);
    sim_bulk_expect(&w, 3 * SECOND_US,
                    (struct sim_bulk_bounds){.goodput_bps = 180 * MBIT, .queue_p95_us = 25000});
    sim_world_end(&w);
}

static void very_slow(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(64000, 300000, SECOND_US);

    /* A full datagram takes 154 ms; four of them are the least that a window holds. The start's 24
     * fill the queue once, and are a tenth of all. */
    steady(s, without, NULL, &down, 20 * SECOND_US, 80, 950000);
}

/* ---- loss ---- */

static void burst_loss_10(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 60000, 100000);

    down.loss = 100000;
    down.burst = 8;
    steady(s, without, NULL, &down, 3 * SECOND_US, 72, 80000);
}

static void loss_20(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 60000, 100000);

    down.loss = 200000;
    steady(s, without, NULL, &down, 3 * SECOND_US, 60, 80000);
}

static void loss_30(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 60000, 100000);

    down.loss = 300000;
    steady(s, without, NULL, &down, 5 * SECOND_US, 50, 80000);
}

static void loss_both_ways(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 60000, 100000);

    down.loss = 50000;
    steady(s, without, &down, &down, 3 * SECOND_US, 82, 60000);
}

static void corrupted(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 40000, 100000);

    down.corrupt = 10000;
    steady(s, without, &down, &down, 2 * SECOND_US, 86, 50000);
}

/* Loses datagrams of some lengths: a path that hates large or small ones. */
struct sieve {
    struct rng rng;
    size_t least, most;
    uint32_t loss;
};

static bool sift_out(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                     struct bytes data)
{
    struct sieve *v = self;

    (void)s, (void)from, (void)to;
    return data.n < v->least || data.n > v->most || !rng_chance(&v->rng, v->loss);
}

static void sifted(struct sim *s, uint32_t without, size_t least, size_t most, uint32_t loss,
                   unsigned percent)
{
    struct wan_config down = link_of(20 * MBIT, 40000, 100000);
    struct sieve v = {.least = least, .most = most, .loss = loss};
    struct sim_world w;

    rng_seed(&v.rng, rng_u64(sim_rng(s)));
    sim_bulk_make(&w, s, without, NULL, &down);
    sim_tap(s, &(struct sim_tap){sift_out, &v});
    sim_world_pass(&w, 2 * SECOND_US);
    sim_bulk_expect(
        &w, 10 * SECOND_US,
        (struct sim_bulk_bounds){.goodput_bps = 20 * MBIT / 100 * percent, .queue_p95_us = 50000});
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

static void large_ones_lost(struct sim *s, uint32_t without)
{
    sifted(s, without, 600, SIZE_MAX, 50000, 86);
}

static void small_ones_lost(struct sim *s, uint32_t without)
{
    sifted(s, without, 0, 200, 200000, 88);
}

/* ---- order and copies ---- */

/* Bulk with less than 2 % of what was sent taken for lost, where nothing is. */
static void nothing_is_lost(struct sim *s, uint32_t without, const struct wan_config *down,
                            unsigned percent)
{
    struct sim_world w;

    sim_bulk_make(&w, s, without, NULL, down);
    sim_world_pass(&w, 2 * SECOND_US);
    struct peer_path before = sim_bulk_path(&w);
    sim_bulk_expect(&w, 10 * SECOND_US,
                    (struct sim_bulk_bounds){.goodput_bps = down->rate_bps / 100 * percent});
    struct peer_path after = sim_bulk_path(&w);
    SIM_EXPECT(&w, (after.lost_datagrams - before.lost_datagrams) * 50 <
                       after.sent_datagrams - before.sent_datagrams);
    sim_world_end(&w);
}

static void reorder_5(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 40000, 100000);

    down.reorder = 50000;
    nothing_is_lost(s, without, &down, 88);
}

static void reorder_20(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 40000, 100000);

    down.reorder = 200000;
    nothing_is_lost(s, without, &down, 88);
}

static void jitter_30(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 60000, 100000);

    down.jitter_us = 30000;
    nothing_is_lost(s, without, &down, 80);
}

static void jitter_30_unordered(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 60000, 100000);

    down.jitter_us = 30000;
    down.jitter_reorders = 1;
    nothing_is_lost(s, without, &down, 82);
}

static void duplicate_storm(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 40000, 100000), up = down;

    down.duplicate = up.duplicate = WAN_PROBABILITY;
    down.duplicate_us = up.duplicate_us = 50000;
    down.jitter_us = 2000;
    steady(s, without, &up, &down, 2 * SECOND_US, 86, 50000);
}

/* ---- the way back ---- */

static void asymmetric(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(50 * MBIT, 40000, 100000), up = link_of(MBIT / 2, 40000, 0);

    up.queue_us = 200000;
    steady(s, without, &up, &down, 3 * SECOND_US, 86, 50000);
}

static void asymmetric_both(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(40 * MBIT, 40000, 100000), up = link_of(2 * MBIT, 40000, 0);
    struct sim_world w;

    up.queue_us = 200000;
    sim_bulk_make(&w, s, without, &up, &down);
    sim_app_write(&w.client->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(s, w.client->node);
    sim_world_pass(&w, 5 * SECOND_US);
    uint64_t before = w.session ? w.session->app.read_bytes : 0;
    sim_bulk_expect(&w, 10 * SECOND_US, (struct sim_bulk_bounds){.goodput_bps = 24 * MBIT});
    uint64_t bps = ((w.session ? w.session->app.read_bytes : 0) - before) * 8 / 10;
    sim_note(s, "up %llu bit/s", (unsigned long long)bps);
    SIM_EXPECT(&w, bps > 2 * MBIT / 100 * 60);
    sim_world_end(&w);
}

static void ack_loss_30(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 40000, 100000), up = down;

    up.loss = 300000;
    steady(s, without, &up, &down, 2 * SECOND_US, 86, 50000);
}

static void ack_path_long(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 20000, 100000), up = link_of(2 * MBIT, 400000, 0);

    up.queue_us = 100000;
    steady(s, without, &up, &down, 4 * SECOND_US, 84, 80000);
}

static void ack_lumps(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 40000, 100000), up = down;

    up.slot_us = 25000;
    steady(s, without, &up, &down, 2 * SECOND_US, 84, 60000);
}

/* One datagram each 8 ms passes to the server, as where a modem thins out acknowledgements. */
static bool thin_out(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                     struct bytes data)
{
    uint64_t *next_us = self;

    (void)from, (void)data;
    if (to->ip[3] != 2)
        return true;
    if (sim_now_us(s) < *next_us)
        return false;
    *next_us = sim_now_us(s) + 8000;
    return true;
}

static void ack_thinning(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 40000, 100000);
    uint64_t next_us = 0;
    struct sim_world w;

    sim_bulk_make(&w, s, without, NULL, &down);
    sim_tap(s, &(struct sim_tap){thin_out, &next_us});
    sim_world_pass(&w, 2 * SECOND_US);
    sim_bulk_expect(&w, 10 * SECOND_US,
                    (struct sim_bulk_bounds){.goodput_bps = 16 * MBIT, .queue_p95_us = 50000});
    sim_world_end(&w);
}

static void ack_jitter(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 40000, 100000), up = down;

    up.jitter_us = 40000;
    up.jitter_reorders = 1;
    steady(s, without, &up, &down, 2 * SECOND_US, 84, 60000);
}

/* ---- clocks ---- */

static void skewed_rates(struct sim *s, uint32_t without)
{
    struct wan_config down = link_of(20 * MBIT, 40000, 100000);
    struct sim_world_plan plan = {.up = &down, .down = &down};
    struct sim_world w;

    sim_bulk_windows(&plan);
    sim_world_make(&w, s, without, &plan);
    sim_clock(s, w.client->node, 1ull << 45, 500);
    sim_clock(s, w.server->node, 77, -500);
    sim_world_connect(&w, SECOND_US);
    if (w.session)
        sim_app_write(&w.session->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(s, w.server->node);
    sim_world_pass(&w, 2 * SECOND_US);
    sim_bulk_expect(&w, 10 * SECOND_US,
                    (struct sim_bulk_bounds){.goodput_bps = 17 * MBIT, .queue_p95_us = 50000});
    sim_world_end(&w);
}

const struct sim_scenario scenario_link_table[] = {
    {"wifi_fade", "75 % of what a rate that fades each 200 ms lets through", NULL, wifi_fade},
    {"wifi_slots", "85 % of 50 Mbit/s where all arrives in lumps of 8 ms", NULL, wifi_slots},
    {"mobile", "70 % of a rate that fades to a tenth, queue p95 below 450 ms", NULL, mobile},
    {"bufferbloat_1s", "88 % and queue p95 below 40 ms where 1 s would fit", "control",
     bufferbloat_1s},
    {"bufferbloat_3s", "85 % and queue p95 below 50 ms where 3 s would fit", NULL, bufferbloat_3s},
    {"tiny_queue", "80 % through a queue of five datagrams", NULL, tiny_queue},
    {"codel", "86 % and queue p95 below 30 ms through CoDel", NULL, codel},
    {"policer", "80 % of what a policer lets through, a sixth lost at most", NULL, policer},
    {"policer_with_credit", "... also after half a second of credit", NULL, policer_with_credit},
    {"satellite", "85 % of 20 Mbit/s at 600 ms and 1 % loss", NULL, satellite},
    {"satellite_start", "80 % of 20 Mbit/s at 600 ms within 6 s", NULL, satellite_start},
    {"intercontinental", "88 % of 100 Mbit/s at 200 ms and 2 % loss", NULL, intercontinental},
    {"national", "89 % of 45 Mbit/s at 100 ms and 0.5 % loss", NULL, national},
    {"leased_line", "90 % of 200 Mbit/s at 100 ms and 1 % loss from second 2", NULL, leased_line},
    {"leased_line_start", "... within a second of the start", NULL, leased_line_start},
    {"quiet_line", "90 % of 200 Mbit/s at 100 ms without loss, queue p95 below 25 ms", NULL,
     quiet_line},
    {"gigabit", "90 % of 1 Gbit/s at 2 ms", NULL, gigabit},
    {"metro", "90 % of 622 Mbit/s at 5 ms", NULL, metro},
    {"very_slow", "80 % of 64 kbit/s at 300 ms", NULL, very_slow},
    {"burst_loss_10", "72 % of 20 Mbit/s at 10 % loss in bursts of eight", NULL, burst_loss_10},
    {"loss_20", "60 % at 20 % loss", NULL, loss_20},
    {"loss_30", "50 % at 30 % loss", NULL, loss_30},
    {"loss_both_ways", "82 % at 5 % loss each way", "resend", loss_both_ways},
    {"corrupted", "86 % at 1 % of flipped bits each way", "resend", corrupted},
    {"large_ones_lost", "86 % where 5 % of large datagrams get lost", "resend", large_ones_lost},
    {"small_ones_lost", "88 % where 20 % of small ones do", NULL, small_ones_lost},
    {"reorder_5", "88 %, and nothing taken for lost, with 5 % overtaken", "reorder", reorder_5},
    {"reorder_20", "... with 20 % overtaken", "reorder", reorder_20},
    {"jitter_30", "80 %, and nothing taken for lost, with 30 ms of jitter in order", NULL,
     jitter_30},
    {"jitter_30_unordered", "... 82 % out of order", "reorder", jitter_30_unordered},
    {"duplicate_storm", "86 % where everything comes twice, each way", NULL, duplicate_storm},
    {"asymmetric", "86 % of 50 Mbit/s with a way back of a hundredth", NULL, asymmetric},
    {"asymmetric_both", "60 % each way at once with a way back of a twentieth", NULL,
     asymmetric_both},
    {"ack_loss_30", "86 % where 30 % of acknowledgements get lost", NULL, ack_loss_30},
    {"ack_path_long", "84 % where they take 200 ms", NULL, ack_path_long},
    {"ack_lumps", "84 % where they come in lumps of 25 ms", NULL, ack_lumps},
    {"ack_thinning", "80 % where one comes each 8 ms", NULL, ack_thinning},
    {"ack_jitter", "84 % where they come 0 to 40 ms late and in any order", NULL, ack_jitter},
    {"skewed_rates", "85 % between clocks that differ by 0.1 %", NULL, skewed_rates},
    {0},
};
