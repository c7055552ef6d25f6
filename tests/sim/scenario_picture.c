/* scenario_picture: a desktop through every kind of path ends exact, and is fresh on the way. */
#include <string.h>

#include "core/base/num.h"
#include "tests/sim/sim_desk.h"
#include "tests/sim/sim_table.h"

/* The time at rest that makes a picture worth proving, the look, and the word of it. */
enum { REST_US = 100000 };

static void begin(struct sim_desk *d, struct sim *s, uint32_t without, const struct wan_config *up,
                  const struct wan_config *down, const char *source)
{
    sim_desk_make(d, s, without, &(struct sim_desk_plan){.up = up, .down = down, .source = source});
    sim_world_connect(&d->w, 5 * SECOND_US);
}

/* Nothing moves any more: the viewer must have proven the picture within so long. */
static void expect_exact(struct sim_desk *d, uint64_t within_us)
{
    if (sim_failure(d->sim))
        return;
    sim_desk_note(&d->viewer[0]);
    sim_desk_still(d);
    uint64_t took_us = sim_desk_expect_exact(&d->viewer[0], within_us);
    sim_note(d->sim, "exact after %llu us", (unsigned long long)took_us);
}

static void expect_fresh(struct sim_desk *d, uint64_t age_us)
{
    const struct sim_desk_viewer *v = &d->viewer[0];
    uint64_t p95_us = stat_quantile(&v->age_us, 950);

    if (v->age_us.count < 10)
        sim_fail(d->sim, "only %llu pictures came", (unsigned long long)v->age_us.count);
    if (p95_us > age_us)
        sim_fail(d->sim, "95 %% of the pictures are up to %llu us old", (unsigned long long)p95_us);
}

static void clean(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 30000);
    struct sim_desk d;

    begin(&d, s, without, &link, NULL, "test:640x400,busy");

    sim_desk_pass(&d, 5 * SECOND_US);
    expect_fresh(&d, 60000 + 100000);
    expect_exact(&d, REST_US + 120000);
    sim_desk_end(&d);
}

static void with_link(struct sim *s, uint32_t without, const struct wan_config *link,
                      uint64_t age_us, uint64_t within_us)
{
    struct sim_desk d;

    begin(&d, s, without, link, NULL, "test:640x400,busy");

    sim_desk_pass(&d, 5 * SECOND_US);
    expect_fresh(&d, age_us);
    expect_exact(&d, within_us);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

static void loss(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 30000);

    link.loss = 50000;
    with_link(s, without, &link, 300000, REST_US + 500000);
}

static void everything(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 30000);

    link.loss = 50000;
    link.burst = 5;
    link.reorder = 50000;
    link.duplicate = 50000;
    link.corrupt = 20000;
    link.jitter_us = 5000;
    link.jitter_reorders = 1;
    with_link(s, without, &link, 400000, REST_US + 800000);
}

static void slow(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(400000, 30000);

    link.loss = 150000;
    struct sim_desk d;

    begin(&d, s, without, &link, NULL, "test:640x400,busy");
    sim_desk_pass(&d, 5 * SECOND_US);
    expect_fresh(&d, 2 * SECOND_US);
    expect_exact(&d, 1500000);
    /* Outdated on the way: not to be resent. */
    SIM_EXPECT(&d, sim_desk_feed(&d.viewer[0]).forsaken >= 20);
    sim_desk_end(&d);
}

static void outage(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 30000);

    link.outage[link.outages++] = (struct wan_outage){4 * SECOND_US, 30 * SECOND_US};
    struct sim_desk d;

    begin(&d, s, without, &link, NULL, "test:640x400,busy");
    sim_run(s, SIM_START_US + 34 * SECOND_US, NULL, NULL);
    /* The probe gap, two round trips, and what the picture needs. */
    expect_exact(&d, 500000 + 120000 + REST_US + 200000);
    SIM_EXPECT(&d, sim_desk_counters(&d.viewer[0]).refreshes == 0 && d.w.server->sessions == 1);
    sim_desk_end(&d);
}

static void roaming(struct sim *s, uint32_t without)
{
    struct wan_config up = sim_world_link(20000000, 30000), down = up;

    for (uint64_t at = 2; at < 6; at++)
        up.change[up.changes++] = (struct wan_change){at * SECOND_US, WAN_CHANGE_REBIND, 0};
    struct sim_desk d;

    begin(&d, s, without, &up, &down, "test:640x400,busy");
    sim_run(s, SIM_START_US + 6100000, NULL, NULL);
    expect_exact(&d, 500000 + 120000 + REST_US);
    SIM_EXPECT(&d, d.w.session && d.w.session->app.moved == 4 &&
                       sim_desk_counters(&d.viewer[0]).refreshes == 0);
    sim_desk_end(&d);
}

static void typing(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(5000000, 30000);

    link.loss = 50000;
    struct sim_desk d;

    begin(&d, s, without, &link, NULL, "test:640x400,idle");
    sim_desk_pass(&d, SECOND_US);
    for (const char *c = "a true picture"; *c && sim_desk_pass(&d, 100000); c++) {
        sim_desk_key(&d.viewer[0], (uint8_t)*c, true);
        sim_desk_key(&d.viewer[0], (uint8_t)*c, false);
    }
    expect_exact(&d, SECOND_US);
    SIM_EXPECT(&d, d.stage.capture.version > 10);
    SIM_EXPECT(&d, d.viewer[0].exact.sequence == 28);
    sim_desk_end(&d);
}

/* The viewer loses its picture, as if memory had gone bad. */
static void broken_viewer(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 30000);
    struct sim_desk d;

    begin(&d, s, without, &link, NULL, "test:640x400,busy");

    sim_desk_pass(&d, 3 * SECOND_US);
    struct pic *shown = mirror_picture(viewer_mirror(d.viewer[0].viewer));
    for (uint32_t i = 0; shown && i < pic_tiles(shown); i++)
        pic_set(shown, i, NULL);
    sim_desk_pass(&d, 2 * SECOND_US);
    expect_exact(&d, SECOND_US);
    SIM_EXPECT(&d, sim_desk_counters(&d.viewer[0]).refreshes >= 1);
    sim_desk_end(&d);
}

static void beside_bulk(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(5000000, 30000);
    struct sim_desk d;

    begin(&d, s, without, &link, NULL, "test:640x400,busy");

    if (d.w.session) {
        sim_app_write(&d.w.session->app, PEER_BULK, SIM_APP_ENDLESS);
        sim_kick(s, d.w.server->node);
    }
    sim_desk_pass(&d, 5 * SECOND_US);
    expect_fresh(&d, 60000 + 150000);
    expect_exact(&d, REST_US + 250000);
    sim_desk_end(&d);
}

/* Messages queue up without end behind the desktop, more than the path takes. */
static void beside_messages(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(5000000, 30000);
    struct sim_desk d;

    begin(&d, s, without, &link, NULL, "test:640x400,busy");

    if (d.w.session) {
        sim_app_send(&d.w.session->app, PEER_REFINE, 30000, 20000, 250);
        sim_kick(s, d.w.server->node);
    }
    sim_desk_pass(&d, 5 * SECOND_US);
    expect_fresh(&d, 60000 + 150000);
    expect_exact(&d, REST_US + 250000);
    sim_desk_end(&d);
}

/* The viewer sends all that its side takes, 48 times what the other takes: the acknowledgements of
 * that go the way of the pictures. */
static void beside_upload(struct sim *s, uint32_t without)
{
    struct wan_config up = sim_world_link(64000000, 15000), down = sim_world_link(1000000, 15000);
    struct sim_desk d;

    begin(&d, s, without, &up, &down, "test:320x256,busy");

    if (d.w.session)
        sim_app_write(&d.w.client->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_desk_pass(&d, 5 * SECOND_US);
    if (d.w.session)
        SIM_EXPECT(&d, d.w.session->app.read_bytes >= 64000000 / 8 * 5 / 10 * 7);
    expect_fresh(&d, 30000 + 200000);
    expect_exact(&d, REST_US + 200000);
    sim_desk_end(&d);
}

const struct sim_scenario scenario_picture_table[] = {
    {"picture", "a busy desktop, once it is still, is exact", NULL, clean},
    {"picture_loss", "... at 5 % loss, without a picture begun anew", "acked", loss},
    {"picture_faults", "... with bursts, reordering, copies, damage and jitter", "resend",
     everything},
    {"picture_slow", "... at 400 kbit/s and 15 % loss, outdated updates are not sent again",
     "newest", slow},
    {"picture_outage", "... after 30 s without a link, within the probe gap", "probes", outage},
    {"picture_roaming", "... while the viewer's address changes", "path", roaming},
    {"picture_typing", "what was typed is in the picture that is proven", "resend", typing},
    {"picture_refresh", "a viewer that has lost its picture gets a new one", "refresh",
     broken_viewer},
    {"picture_beside_bulk", "a desktop stays fresh beside a transfer", "classes", beside_bulk},
    {"picture_beside_messages", "... beside messages that queue up behind it", "classes",
     beside_messages},
    {"picture_beside_upload", "... beside an upload 64 times as fast as the way of the pictures",
     "ack_gap", beside_upload},
    {0},
};
