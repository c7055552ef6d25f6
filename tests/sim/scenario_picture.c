/* scenario_picture: a desktop through every kind of path ends exact, and is fresh on the way. */
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "tests/sim/sim_desk.h"
#include "tests/sim/sim_table.h"

/* A desktop in its world. */
struct viewed {
    struct sim_world w;
    struct sim_desk d;
};

static struct viewed *begin(struct sim *s, uint32_t without, const struct wan_config *up,
                            const struct wan_config *down, const char *source)
{
    struct viewed *v = heap_alloc(sizeof *v);

    CHECK(v);
    v->d.without = (without & SIM_WITHOUT_NEWEST ? WITHOUT_NEWEST : 0) |
                   (without & SIM_WITHOUT_ACKED ? WITHOUT_ACKED : 0);
    v->d.never_refresh = without & SIM_WITHOUT_REFRESH;
    sim_world_make(&v->w, s, without, &(struct sim_world_plan){.up = up, .down = down});
    sim_world_connect(&v->w, 5 * SECOND_US);
    if (v->w.session)
        sim_desk_begin(&v->d, &v->w, source);
    return v;
}

static void end(struct viewed *v)
{
    sim_desk_end(&v->d);
    sim_world_end(&v->w);
    heap_free(v);
}

/* Nothing moves any more: the viewer must have proven the picture within so long. */
static void expect_exact(struct viewed *v, uint64_t within_us)
{
    struct sim *s = v->w.sim;

    if (sim_failure(s) || v->w.session == NULL)
        return;
    sim_desk_note(&v->d);
    sim_desk_still(&v->d);
    uint64_t from_us = sim_now_us(s);
    if (!sim_run(s, from_us + within_us, sim_desk_is_exact, &v->d)) {
        sim_desk_note(&v->d);
        sim_fail(s, "not exact within %llu us", (unsigned long long)within_us);
    } else if (!sim_desk_is_same(&v->d)) {
        sim_fail(s, "said to be exact, and is not");
    }
    sim_note(s, "exact after %llu us", (unsigned long long)(sim_now_us(s) - from_us));
}

static void expect_fresh(struct viewed *v, uint64_t age_us)
{
    uint64_t p95_us = stat_quantile(&v->d.age_us, 950);

    if (v->d.age_us.count < 10)
        sim_fail(v->w.sim, "only %llu pictures came", (unsigned long long)v->d.age_us.count);
    if (p95_us > age_us)
        sim_fail(v->w.sim, "95 %% of the pictures are up to %llu us old",
                 (unsigned long long)p95_us);
}

/* The time at rest that makes a picture worth proving, the look, and the word of it. */
enum { REST_US = 100000 };

static void clean(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 30000);
    struct viewed *v = begin(s, without, &link, NULL, "test:640x400,busy");

    sim_world_pass(&v->w, 5 * SECOND_US);
    expect_fresh(v, 60000 + 100000);
    expect_exact(v, REST_US + 120000);
    end(v);
}

static void with_link(struct sim *s, uint32_t without, const struct wan_config *link,
                      uint64_t age_us, uint64_t within_us)
{
    struct viewed *v = begin(s, without, link, NULL, "test:640x400,busy");

    sim_world_pass(&v->w, 5 * SECOND_US);
    expect_fresh(v, age_us);
    expect_exact(v, within_us);
    struct mirror_counters m;
    mirror_count(v->d.mirror, &m);
    SIM_EXPECT(&v->w, m.failures == 0 && v->d.refreshes == 0);
    end(v);
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
    struct viewed *v = begin(s, without, &link, NULL, "test:640x400,busy");
    sim_world_pass(&v->w, 5 * SECOND_US);
    expect_fresh(v, 2 * SECOND_US);
    expect_exact(v, 1500000);
    if (v->w.session) {
        struct feed_counters f;
        feed_count(v->d.seat->feed, &f);
        SIM_EXPECT(&v->w, f.forsaken >= 20); /* outdated on the way: not to be resent */
    }
    end(v);
}

static void outage(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 30000);

    link.outage[link.outages++] = (struct wan_outage){4 * SECOND_US, 30 * SECOND_US};
    struct viewed *v = begin(s, without, &link, NULL, "test:640x400,busy");
    sim_run(s, SIM_START_US + 34 * SECOND_US, NULL, NULL);
    /* The probe gap, two round trips, and what the picture needs. */
    expect_exact(v, 500000 + 120000 + REST_US + 200000);
    SIM_EXPECT(&v->w, v->d.refreshes == 0 && v->w.server->sessions == 1);
    end(v);
}

static void roaming(struct sim *s, uint32_t without)
{
    struct wan_config up = sim_world_link(20000000, 30000), down = up;

    for (uint64_t at = 2; at < 6; at++)
        up.change[up.changes++] = (struct wan_change){at * SECOND_US, WAN_CHANGE_REBIND, 0};
    struct viewed *v = begin(s, without, &up, &down, "test:640x400,busy");
    sim_run(s, SIM_START_US + 6100000, NULL, NULL);
    expect_exact(v, 500000 + 120000 + REST_US);
    SIM_EXPECT(&v->w, v->w.session && v->w.session->app.moved == 4 && v->d.refreshes == 0);
    end(v);
}

static void typing(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(5000000, 30000);

    link.loss = 50000;
    struct viewed *v = begin(s, without, &link, NULL, "test:640x400,idle");
    sim_world_pass(&v->w, SECOND_US);
    for (const char *c = "a true picture"; *c; c++) {
        sim_desk_type(&v->d, *c);
        sim_world_pass(&v->w, 100000);
    }
    uint32_t before = v->d.capture.version;
    SIM_EXPECT(&v->w, before > 10);
    expect_exact(v, SECOND_US);
    SIM_EXPECT(&v->w, v->d.exact_sequence == v->d.typed);
    end(v);
}

/* The viewer loses its picture, as if memory had gone bad. */
static void broken_viewer(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 30000);
    struct viewed *v = begin(s, without, &link, NULL, "test:640x400,busy");

    sim_world_pass(&v->w, 3 * SECOND_US);
    if (v->w.session) {
        mirror_free(v->d.mirror);
        v->d.mirror = mirror_new(0);
        CHECK(v->d.mirror);
        sim_world_pass(&v->w, 2 * SECOND_US);
    }
    expect_exact(v, SECOND_US);
    SIM_EXPECT(&v->w, v->d.refreshes >= 1);
    end(v);
}

static void beside_bulk(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(5000000, 30000);
    struct viewed *v = begin(s, without, &link, NULL, "test:640x400,busy");

    if (v->w.session) {
        sim_app_write(&v->w.session->app, PEER_BULK, SIM_APP_ENDLESS);
        sim_kick(s, v->w.server->node);
    }
    sim_world_pass(&v->w, 5 * SECOND_US);
    expect_fresh(v, 60000 + 150000);
    expect_exact(v, REST_US + 250000);
    end(v);
}

/* Messages queue up without end behind the desktop, more than the path takes. */
static void beside_messages(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(5000000, 30000);
    struct viewed *v = begin(s, without, &link, NULL, "test:640x400,busy");

    if (v->w.session) {
        sim_app_send(&v->w.session->app, PEER_REFINE, 30000, 20000, 250);
        sim_kick(s, v->w.server->node);
    }
    sim_world_pass(&v->w, 5 * SECOND_US);
    expect_fresh(v, 60000 + 150000);
    expect_exact(v, REST_US + 250000);
    end(v);
}

/* The viewer sends all that its side takes, 48 times what the other takes: the acknowledgements of
 * that go the way of the pictures. */
static void beside_upload(struct sim *s, uint32_t without)
{
    struct wan_config up = sim_world_link(48000000, 15000), down = sim_world_link(1000000, 15000);
    struct viewed *v = begin(s, without, &up, &down, "test:320x256,busy");

    if (v->w.session)
        sim_app_write(&v->w.client->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_world_pass(&v->w, 5 * SECOND_US);
    if (v->w.session)
        SIM_EXPECT(&v->w, v->w.session->app.read_bytes >= 48000000 / 8 * 5 / 10 * 7);
    expect_fresh(v, 30000 + 200000);
    expect_exact(v, REST_US + 200000);
    end(v);
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
    {"picture_beside_upload", "... beside an upload 48 times as fast as the way of the pictures",
     "ack_gap", beside_upload},
    {0},
};
