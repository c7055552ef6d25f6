#include "tests/sim/sim_desk.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/screen/test_source.h"

/* ---- the source, which can be stopped ---- */

static struct sim_desk *desk_of(const struct source *s)
{
    return (struct sim_desk *)((uintptr_t)s - offsetof(struct sim_desk, source));
}

static enum err source_poll(struct source *s, uint64_t now_us)
{
    const struct sim_desk *d = desk_of(s);

    return d->still ? OK : d->inner->ops->poll(d->inner, now_us);
}

static bool source_damaged(const struct source *s)
{
    return desk_of(s)->inner->ops->damaged(desk_of(s)->inner);
}

static enum err source_capture(struct source *s, uint64_t now_us, bool whole,
                               struct source_frame *out)
{
    return desk_of(s)->inner->ops->capture(desk_of(s)->inner, now_us, whole, out);
}

static bool source_pointer(struct source *s, struct source_pointer *out)
{
    return desk_of(s)->inner->ops->pointer(desk_of(s)->inner, out);
}

static void source_input(struct source *s, uint64_t now_us, const struct input_event *e)
{
    desk_of(s)->inner->ops->input(desk_of(s)->inner, now_us, e);
}

static uint64_t source_deadline(const struct source *s)
{
    const struct sim_desk *d = desk_of(s);

    return d->still ? UINT64_MAX : d->inner->ops->deadline_us(d->inner);
}

static const struct source_ops source_ops = {
    .name = "sim",
    .poll = source_poll,
    .damaged = source_damaged,
    .capture = source_capture,
    .pointer = source_pointer,
    .input = source_input,
    .deadline_us = source_deadline,
};

static void open_source(struct sim_desk *d, const struct sim_desk_plan *plan)
{
    uint64_t seed = rng_u64(sim_rng(d->sim)), now_us = sim_node_now_us(d->sim, d->w.server->node);
    char reason[LIMIT_REASON_CHARS + 1];

    d->source.ops = &source_ops;
    if (plan->source) {
        CHECK(test_source_open(plan->source, now_us, &d->inner, reason, sizeof reason) == OK);
        return;
    }
    d->picture =
        sim_picture_new(seed, plan->width ? plan->width : 320, plan->height ? plan->height : 200);
    d->inner = &d->picture->source;
}

/* ---- the server's side: what run_serve.c does with a stage ---- */

/* What the newest version looks like, for those who claim to have it. A whole capture of a picture
 * whose truth is known must be that. */
static void note_truth(struct sim_desk *d)
{
    const struct capture *c = &d->stage.capture;
    size_t i = c->version % SIM_DESK_TRUTHS;

    if (d->captures == d->stage.captures)
        return;
    d->captures = d->stage.captures;
    if (d->truth[i].version != c->version) {
        d->truth[i].version = c->version;
        d->truth[i].at_us = sim_now_us(d->sim);
    }
    pic_hash(c->now, d->truth[i].hash);
    if (c->whole_us == c->captured_us && d->picture && !sim_picture_is(d->picture, c->now))
        sim_fail(d->sim, "a whole capture differs from the picture");
}

static void take_outcome(struct sim_desk *d, enum err e)
{
    struct stage_news n;

    if (e)
        sim_fail(d->sim, "the server fails: %s", err_text(e));
    while (stage_next_news(&d->stage, &n))
        continue;
    note_truth(d);
}

/* The application beside has streams and messages of its own. */
static bool seat_event(void *context, uint64_t now_us, const struct peer_event *ev)
{
    struct sim_desk_seat *at = context;
    struct sim_desk *d = at->desk;
    bool ours = true;

    switch (ev->kind) {
    case PEER_EVENT_STREAM:
        ours = ev->id == 0; /* the viewer's first */
        break;
    case PEER_EVENT_ACKED:
    case PEER_EVENT_GONE:
        ours = ev->tag >> 32 == 0;
        break;
    case PEER_EVENT_CLOSED:
        d->left++;
        ours = false; /* for both */
        take_outcome(d, stage_event(&d->stage, now_us, at->session->peer, ev));
        break;
    default:
        ours = false;
    }
    if (ours)
        take_outcome(d, stage_event(&d->stage, now_us, at->session->peer, ev));
    return ours;
}

static void seat_work(void *context, uint64_t now_us)
{
    struct sim_desk *d = ((struct sim_desk_seat *)context)->desk;

    if (now_us >= stage_deadline_us(&d->stage, now_us))
        take_outcome(d, stage_work(&d->stage, now_us));
    stage_fill(&d->stage, now_us);
}

static uint64_t seat_deadline(void *context, uint64_t now_us)
{
    return stage_deadline_us(&((struct sim_desk_seat *)context)->desk->stage, now_us);
}

/* After the world has looked who it is. The connection's own event has been taken already. */
static void welcome(struct sim_server *sv, struct sim_session *session, void *context)
{
    struct sim_desk *d = context;
    struct peer_event ev = {.kind = PEER_EVENT_CONNECTED, .roles = session->app.roles};
    uint64_t now_us = sim_node_now_us(d->sim, sv->node);

    sim_world_welcome(sv, session, &d->w);
    CHECK(d->seats < COUNT_OF(d->seat));
    struct sim_desk_seat *at = &d->seat[d->seats++];
    *at = (struct sim_desk_seat){d, session};
    session->app.extra = (struct sim_app_extra){seat_event, seat_work, seat_deadline, at};
    d->joined++;
    take_outcome(d, stage_event(&d->stage, now_us, session->peer, &ev));
}

static void start_stage(struct sim_desk *d)
{
    memset(d->truth, 0, sizeof d->truth);
    d->captures = 0;
    stage_init(&d->stage, &d->source, &d->config);
}

void sim_desk_restart(struct sim_desk *d)
{
    stage_release(&d->stage);
    start_stage(d);
    sim_note(d->sim, "the server starts anew");
    sim_host_restart(d->w.server);
}

/* ---- the viewer's side: what run_view.c does with a viewer ---- */

/* A claim that was found true here must be true there. */
static void check_exact(struct sim_desk_viewer *v)
{
    struct sim_desk *d = v->desk;
    struct viewer_exact x;

    if (!viewer_next_exact(v->viewer, &x))
        return;
    v->exacts++;
    v->exact_us = sim_now_us(d->sim);
    v->exact = x;
    size_t i = x.version % SIM_DESK_TRUTHS;
    if (d->truth[i].version != x.version || memcmp(d->truth[i].hash, x.hash, sizeof x.hash) != 0)
        sim_fail(d->sim, "%s holds version %" PRIu32 " for exact, and it is not",
                 v->client->app.name, x.version);
}

static void note_shown(struct sim_desk_viewer *v)
{
    struct sim_desk *d = v->desk;
    struct mirror *m = viewer_mirror(v->viewer);
    uint32_t version = mirror_version(m);

    if (!mirror_has_changed(m))
        return;
    mirror_shown(m);
    v->shown_us = sim_now_us(d->sim);
    if (version == v->shown_version)
        return;
    if (v->shown_version && v->shown_version < version)
        stat_add(&v->age_us, v->shown_us - d->truth[v->shown_version % SIM_DESK_TRUTHS].at_us);
    v->shown_version = version;
    stat_add(&v->delay_us, v->shown_us - d->truth[version % SIM_DESK_TRUTHS].at_us);
}

static void feed_viewer(struct sim_desk_viewer *v, uint64_t now_us, const struct peer_event *ev)
{
    struct peer_event damaged = *ev;
    uint8_t *copy = NULL;

    if (ev->kind == PEER_EVENT_MESSAGE && v->mangle) {
        v->mangle--;
        copy = heap_alloc(ev->data.n);
        CHECK(copy);
        memcpy(copy, ev->data.p, ev->data.n);
        copy[ev->data.n - 1] ^= 0xff;
        damaged.data = bytes_of(copy, ev->data.n);
    }
    enum err e = viewer_event(v->viewer, now_us, v->client->peer, &damaged);
    heap_free(copy);
    if (e)
        sim_fail(v->desk->sim, "%s fails: %s", v->client->app.name, err_text(e));
    check_exact(v);
    note_shown(v);
}

static bool viewer_takes(void *context, uint64_t now_us, const struct peer_event *ev)
{
    struct sim_desk_viewer *v = context;
    bool ours = (ev->kind == PEER_EVENT_STREAM && ev->id == 0) ||
                (ev->kind == PEER_EVENT_MESSAGE && ev->channel < SIM_APP_CHANNEL);

    if (ours || ev->kind == PEER_EVENT_CONNECTED || ev->kind == PEER_EVENT_CLOSED)
        feed_viewer(v, now_us, ev);
    return ours;
}

static void viewer_turn(void *context, uint64_t now_us)
{
    struct sim_desk_viewer *v = context;
    int32_t x = v->pointer.x;

    v->pointers += viewer_next_pointer(v->viewer, &v->pointer);
    v->pointers_back += v->pointer.x < x;
    if (now_us >= viewer_deadline_us(v->viewer) && viewer_work(v->viewer, now_us))
        sim_fail(v->desk->sim, "%s cannot work", v->client->app.name);
}

static uint64_t viewer_deadline(void *context, uint64_t now_us)
{
    (void)now_us;
    return viewer_deadline_us(((struct sim_desk_viewer *)context)->viewer);
}

static void sit_down(struct sim_desk_viewer *v)
{
    viewer_free(v->viewer);
    v->viewer = viewer_new(v->desk->without);
    CHECK(v->viewer);
    v->shown_version = 0;
    v->client->app.extra = (struct sim_app_extra){viewer_takes, viewer_turn, viewer_deadline, v};
}

void sim_desk_kill(struct sim_desk_viewer *v)
{
    sim_host_hang_up(v->client);
    v->client->app.extra = (struct sim_app_extra){.event = NULL};
    viewer_free(v->viewer);
    v->viewer = NULL;
}

void sim_desk_dial(struct sim_desk_viewer *v)
{
    struct sim_client *c = v->client;

    sim_desk_kill(v);
    sit_down(v);
    c->dial.address_token = bytes_of(c->app.token, c->app.token_bytes);
    c->dial.known_ciphers = c->app.token_ciphers;
    sim_host_dial(c);
}

void sim_desk_act(struct sim_desk_viewer *v, const struct input_event *e)
{
    struct sim *s = v->desk->sim;

    if (sim_failure(s))
        return;
    if (viewer_input(v->viewer, sim_node_now_us(s, v->client->node), e))
        sim_fail(s, "%s cannot act", v->client->app.name);
    sim_kick(s, v->client->node);
}

void sim_desk_key(struct sim_desk_viewer *v, uint32_t keysym, bool down)
{
    sim_desk_act(v, &(struct input_event){.kind = INPUT_KEY, .keysym = keysym, .down = down});
}

/* ---- the world ---- */

static struct sim_desk_viewer *add_viewer(struct sim_desk *d, struct sim_client *c)
{
    CHECK(d->viewers < SIM_DESK_VIEWERS);
    struct sim_desk_viewer *v = &d->viewer[d->viewers++];

    *v = (struct sim_desk_viewer){.desk = d, .client = c};
    sit_down(v);
    return v;
}

struct sim_desk_viewer *sim_desk_guest(struct sim_desk *d, const char *name, uint32_t roles,
                                       const struct wan_config *up, const struct wan_config *down)
{
    struct sim_client *c = sim_world_guest(&d->w, name, (uint8_t)(10 + d->viewers), up, down);

    sim_host_trust_as(d->w.server, c->identity.public, roles);
    return add_viewer(d, c);
}

void sim_desk_make(struct sim_desk *d, struct sim *s, uint32_t without,
                   const struct sim_desk_plan *plan)
{
    struct sim_world_plan world = {.up = plan->up, .down = plan->down, .stranger = true};

    memset(d, 0, sizeof *d);
    d->sim = s;
    d->without = sim_desk_without(s);
    world.client.key_update_packets = world.server.key_update_packets = plan->key_update_packets;
    sim_world_make(&d->w, s, without, &world);
    d->w.server->welcome = welcome;
    d->w.server->context = d;
    sim_host_trust_as(d->w.server, d->w.client->identity.public,
                      plan->roles ? plan->roles : ROLE_VIEW | ROLE_CONTROL);
    open_source(d, plan);
    d->config = (struct stage_config){.interval_us = SECOND_US / 30,
                                      .rate_bps = plan->rate_bps,
                                      .view_only = plan->view_only,
                                      .without = d->without};
    start_stage(d);
    add_viewer(d, d->w.client);
}

void sim_desk_end(struct sim_desk *d)
{
    for (size_t i = 0; i < d->viewers; i++)
        sim_desk_kill(&d->viewer[i]);
    stage_release(&d->stage);
    sim_world_end(&d->w);
    d->inner->ops->free(d->inner);
}

void sim_desk_play(struct sim_desk *d, uint32_t acts, uint64_t every_us)
{
    struct sim_picture *p = d->picture;

    p->acts = acts;
    p->every_us = every_us;
    p->next_us = 0;
    sim_kick(d->sim, d->w.server->node);
}

void sim_desk_do(struct sim_desk *d, enum sim_picture_act act)
{
    sim_picture_do(d->picture, act, sim_node_now_us(d->sim, d->w.server->node));
    sim_kick(d->sim, d->w.server->node);
}

void sim_desk_still(struct sim_desk *d)
{
    d->still = true;
    sim_kick(d->sim, d->w.server->node);
}

bool sim_desk_pass(struct sim_desk *d, uint64_t us)
{
    return sim_world_pass(&d->w, us);
}

/* ---- what is there ---- */

static bool equal(const struct pic *a, const struct pic *b)
{
    if (!a || !b || a->width != b->width || a->height != b->height)
        return false;
    size_t pixels = (size_t)a->width * a->height;
    uint32_t *space = heap_array(2 * pixels, sizeof *space);
    CHECK(space);
    struct rect all = {0, 0, a->width, a->height};
    pic_read(a, all, space, a->width);
    pic_read(b, all, space + pixels, b->width);
    bool same = memcmp(space, space + pixels, pixels * sizeof *space) == 0;
    heap_free(space);
    return same;
}

bool sim_desk_same(const struct sim_desk_viewer *v)
{
    const struct sim_desk *d = v->desk;
    const struct pic *shown = v->viewer ? mirror_picture(viewer_mirror(v->viewer)) : NULL;

    return d->picture ? sim_picture_is(d->picture, shown) : equal(d->stage.capture.now, shown);
}

bool sim_desk_is_exact(void *viewer)
{
    const struct sim_desk_viewer *v = viewer;
    const struct sim_desk *d = v->desk;

    return v->viewer && viewer_is_settled(v->viewer) &&
           v->exact.version == d->stage.capture.version && !source_damaged(&d->source);
}

/* The picture is looked at again only after something was shown. */
struct wait {
    const struct sim_desk_viewer *v;
    uint64_t updates;
};

static bool is_same(void *arg)
{
    struct wait *w = arg;

    if (!w->v->viewer)
        return false;
    uint64_t updates = sim_desk_mirror(w->v).updates;
    if (updates == w->updates)
        return false;
    w->updates = updates;
    return sim_desk_same(w->v);
}

static uint64_t expect(struct sim_desk_viewer *v, uint64_t within_us, bool (*done)(void *arg),
                       void *arg, const char *what)
{
    struct sim *s = v->desk->sim;
    uint64_t then_us = sim_now_us(s);
    const struct sim_app *app = &v->client->app;

    if (!sim_failure(s) && !sim_run(s, then_us + within_us, done, arg)) {
        sim_desk_note(v);
        sim_fail(s, "%s: %s after %" PRIu64 " us%s%s", app->name, what, within_us,
                 app->closed ? ": " : "", app->reason);
    }
    return sim_now_us(s) - then_us;
}

uint64_t sim_desk_expect_same(struct sim_desk_viewer *v, uint64_t within_us)
{
    struct wait w = {v, UINT64_MAX};

    return expect(v, within_us, is_same, &w, "another picture than the server's");
}

uint64_t sim_desk_expect_exact(struct sim_desk_viewer *v, uint64_t within_us)
{
    uint64_t took_us = expect(v, within_us, sim_desk_is_exact, v, "not known to be exact");

    if (!sim_failure(v->desk->sim) && !sim_desk_same(v))
        sim_fail(v->desk->sim, "%s: said to be exact, and is not", v->client->app.name);
    return took_us;
}

uint64_t sim_desk_begin(struct sim_desk_viewer *v, uint64_t within_us)
{
    if (!v->client->peer)
        sim_desk_dial(v);
    return sim_desk_expect_exact(v, within_us);
}

uint64_t sim_desk_down_bytes(const struct sim_desk_viewer *v)
{
    const struct sim_desk *d = v->desk;

    return wan_link_counters(sim_link(d->sim, d->w.server->node, v->client->node))->in_bytes;
}

uint64_t sim_desk_up_bytes(const struct sim_desk_viewer *v)
{
    const struct sim_desk *d = v->desk;

    return wan_link_counters(sim_link(d->sim, v->client->node, d->w.server->node))->in_bytes;
}

struct mirror_counters sim_desk_mirror(const struct sim_desk_viewer *v)
{
    struct mirror_counters c = {0};

    if (v->viewer)
        mirror_count(viewer_mirror(v->viewer), &c);
    return c;
}

struct viewer_counters sim_desk_counters(const struct sim_desk_viewer *v)
{
    struct viewer_counters c = {0};

    if (v->viewer)
        viewer_count(v->viewer, &c);
    return c;
}

struct seat *sim_desk_seat(const struct sim_desk_viewer *v)
{
    struct seat *s = v->desk->stage.seats;

    if (!v->client->peer)
        return NULL;
    while (s && memcmp(peer_binding(s->peer), peer_binding(v->client->peer), 64) != 0)
        s = s->next;
    return s;
}

struct feed_counters sim_desk_feed(const struct sim_desk_viewer *v)
{
    const struct seat *s = sim_desk_seat(v);
    struct feed_counters c = {0};

    if (s)
        feed_count(s->feed, &c);
    return c;
}

void sim_desk_expect_nothing_broken(struct sim_desk *d)
{
    for (size_t i = 0; i < d->viewers; i++) {
        SIM_EXPECT(d, sim_desk_mirror(&d->viewer[i]).failures == 0);
        SIM_EXPECT(d, sim_desk_counters(&d->viewer[i]).refreshes == 0);
    }
}

void sim_desk_note(const struct sim_desk_viewer *v)
{
    struct mirror_counters m = sim_desk_mirror(v);
    struct feed_counters f = sim_desk_feed(v);

    sim_note(v->desk->sim,
             "desktop: version %" PRIu32 ", %" PRIu64 " blocks, %" PRIu64 " bytes, %" PRIu64
             " gone, %" PRIu64 " forsaken; %s: version %" PRIu32 ", %" PRIu64 " updates, %" PRIu64
             " failures, %" PRIu64 " refreshes, %" PRIu64 " times exact, delay p50 %" PRIu64
             " p95 %" PRIu64 " us, age p95 %" PRIu64 " us",
             v->desk->stage.capture.version, f.blocks, f.bytes, f.gone, f.forsaken,
             v->client->app.name, v->viewer ? mirror_version(viewer_mirror(v->viewer)) : 0,
             m.updates, m.failures, sim_desk_counters(v).refreshes, v->exacts,
             stat_quantile(&v->delay_us, 500), stat_quantile(&v->delay_us, 950),
             stat_quantile(&v->age_us, 950));
}
