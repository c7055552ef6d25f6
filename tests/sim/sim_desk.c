#include "tests/sim/sim_desk.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/screen/test_source.h"

enum { INTERVAL_US = 33333 };

static uint64_t true_us(const struct sim_desk *d)
{
    return sim_now_us(d->world->sim);
}

/* ---- the server's side: what run_serve.c does around a seat ---- */

static void capture(struct sim_desk *d, uint64_t now_us, bool whole)
{
    d->next_capture_us = now_us + INTERVAL_US;
    if (d->source->ops->capture(d->source, now_us, whole, &d->frame) != OK ||
        capture_take(&d->capture, &d->frame) != OK)
        sim_fail(d->world->sim, "the desktop cannot be captured");
    if (d->capture.changed_count)
        seat_outdate(d->seat);
    size_t i = d->capture.version % SIM_DESK_HASHES;
    if (d->capture.changed_count || d->captured_us[i] == 0)
        d->captured_us[i] = true_us(d);
    pic_hash(d->capture.now, d->hash[i]);
}

static void look(struct sim_desk *d, uint64_t now_us)
{
    uint64_t when_us;
    bool whole =
        seat_needs(d->seat, &d->capture, now_us, &when_us) == SEAT_LOOK && when_us <= now_us;
    bool damaged = d->source->ops->damaged(d->source);

    if (whole || !d->capture.now || (damaged && now_us >= d->next_capture_us))
        capture(d, now_us, whole || !d->capture.now);
    seat_claim(d->seat, &d->capture);
}

static void act(void *context, struct seat *seat, uint64_t now_us, const struct input_event *e)
{
    struct sim_desk *d = context;

    (void)seat;
    d->source->ops->input(d->source, now_us, e);
}

static bool server_event(void *context, uint64_t now_us, const struct peer_event *ev)
{
    struct sim_desk *d = context;
    struct seat_owner owner = {.input = act, .ctx = d};

    (void)now_us;
    switch (ev->kind) {
    case PEER_EVENT_STREAM:
        /* The viewer's first stream is the desktop's; another may be heard of sooner. */
        if (ev->id == d->stream && !d->seat->has_stream)
            seat_take_stream(d->seat, ev->id);
        if (!d->seat->has_stream || ev->id != d->seat->stream)
            return false;
        if (seat_hear(d->seat, now_us, &owner) != OK)
            sim_fail(d->world->sim, "the viewer broke the protocol");
        return true;
    case PEER_EVENT_ACKED:
    case PEER_EVENT_GONE:
        if (ev->tag >> 32) /* of the app's own messages */
            return false;
        if (ev->kind == PEER_EVENT_ACKED)
            feed_acked(d->seat->feed, ev->tag);
        else
            feed_gone(d->seat->feed, ev->tag);
        return true;
    default:
        return false;
    }
}

static void server_work(void *context, uint64_t now_us)
{
    struct sim_desk *d = context;

    if (!d->still)
        CHECK(d->source->ops->poll(d->source, now_us) == OK);
    look(d, now_us);
    if (seat_fill(d->seat, now_us, 0) != OK)
        sim_fail(d->world->sim, "no memory for updates");
}

static uint64_t server_deadline(void *context, uint64_t now_us)
{
    struct sim_desk *d = context;
    uint64_t at_us = d->still ? UINT64_MAX : d->source->ops->deadline_us(d->source), when_us;

    if (seat_needs(d->seat, &d->capture, now_us, &when_us) == SEAT_LOOK)
        at_us = num_min(at_us, when_us);
    if (d->source->ops->damaged(d->source))
        at_us = num_min(at_us, d->next_capture_us);
    return at_us;
}

/* ---- the viewer's side: what run_view.c does around a mirror ---- */

static void send_record(struct sim_desk *d, const struct desk_record *r)
{
    uint8_t space[DESK_RECORD_BYTES + 16];
    struct wr w = wr_of(space, sizeof space);
    size_t taken;

    desk_put_record(&w, r);
    if (peer_stream_write(d->world->client->peer, d->stream, wr_done(&w), &taken) != OK ||
        taken < w.n)
        sim_fail(d->world->sim, "a record does not fit");
}

static void ask_anew(struct sim_desk *d)
{
    uint32_t epoch = mirror_epoch(d->mirror);

    if (d->never_refresh || (d->refreshed && d->refresh_epoch == epoch))
        return;
    d->refreshed = true;
    d->refresh_epoch = epoch;
    d->refreshes++;
    send_record(d, &(struct desk_record){.kind = DESK_REFRESH, .epoch = epoch});
}

static void take_update(struct sim_desk *d, struct bytes data)
{
    uint32_t before = mirror_version(d->mirror);

    if (mirror_update(d->mirror, data) != OK) {
        ask_anew(d);
        return;
    }
    d->exact = false;
    if (mirror_version(d->mirror) != before && before)
        stat_add(&d->age_us, true_us(d) - d->captured_us[before % SIM_DESK_HASHES]);
}

/* That the hashes agree must not be a mistake of both: the server's own record is asked. */
static void take_exact(struct sim_desk *d, const struct desk_record *r)
{
    uint8_t hash[DESK_HASH_BYTES];

    switch (mirror_check(d->mirror, r, hash)) {
    case MIRROR_MOVED:
        return;
    case MIRROR_WRONG:
        sim_fail(d->world->sim, "picture %" PRIu32 " is complete and differs", r->version);
        return;
    case MIRROR_EXACT:
        break;
    }
    if (memcmp(hash, d->hash[r->version % SIM_DESK_HASHES], sizeof hash) != 0)
        sim_fail(d->world->sim, "picture %" PRIu32 " is called exact and is not", r->version);
    d->exact = true;
    d->exacts++;
    d->exact_version = r->version;
    d->exact_sequence = r->sequence;
    struct desk_record answer = {.kind = DESK_PROVEN, .epoch = r->epoch, .version = r->version};
    memcpy(answer.hash, hash, sizeof hash);
    send_record(d, &answer);
}

static void hear(struct sim_desk *d)
{
    struct peer *p = d->world->client->peer;
    struct desk_record r;
    struct bytes data;
    uint64_t code;
    size_t used;

    while (peer_stream_peek(p, d->stream, &data, &code) == OK) {
        size_t n = num_min(data.n, d->heard.max - d->heard.n);
        CHECK(buf_append(&d->heard, bytes_of(data.p, n)) == OK);
        peer_stream_consume(p, d->stream, n);
        while (desk_get_record(buf_bytes(&d->heard), &r, &used) == OK) {
            buf_drop(&d->heard, used);
            if (r.kind == DESK_EXACT)
                take_exact(d, &r);
        }
    }
}

static bool viewer_event(void *context, uint64_t now_us, const struct peer_event *ev)
{
    struct sim_desk *d = context;

    (void)now_us;
    switch (ev->kind) {
    case PEER_EVENT_STREAM:
        if (!d->has_stream || ev->id != d->stream)
            return false;
        hear(d);
        return true;
    case PEER_EVENT_MESSAGE:
        if (ev->channel != DESK_UPDATE)
            return false;
        take_update(d, ev->data);
        return true;
    default:
        return false;
    }
}

void sim_desk_type(struct sim_desk *d, char c)
{
    struct desk_record r = {.kind = DESK_INPUT, .input_kind = INPUT_KEY, .keysym = (uint8_t)c};

    if (sim_failure(d->world->sim))
        return;
    for (int down = 1; down >= 0; down--) {
        r.down = down;
        r.sequence = ++d->typed;
        send_record(d, &r);
    }
    sim_kick(d->world->sim, d->world->client->node);
}

/* ---- both ---- */

void sim_desk_begin(struct sim_desk *d, struct sim_world *w, const char *source)
{
    struct peer *client = w->client->peer, *server = w->session->peer;
    uint64_t now_us = sim_node_now_us(w->sim, w->server->node);
    char reason[LIMIT_REASON_CHARS + 1];
    uint32_t without = d->without;
    bool never_refresh = d->never_refresh;

    memset(d, 0, sizeof *d);
    d->world = w;
    d->without = without;
    d->never_refresh = never_refresh;
    CHECK(test_source_open(source, now_us, &d->source, reason, sizeof reason) == OK);
    capture_init(&d->capture);
    d->seat = seat_new(server, &d->capture, true, without);
    d->mirror = mirror_new(0);
    CHECK(d->seat && d->mirror);
    buf_init(&d->heard, 4 * DESK_RECORD_BYTES);
    CHECK(peer_stream_open(client, PEER_INPUT, true, &d->stream) == OK);
    d->has_stream = true;
    send_record(d, &(struct desk_record){.kind = DESK_PROVEN});
    capture(d, now_us, true);
    w->session->app.extra = (struct sim_app_extra){server_event, server_work, server_deadline, d};
    w->client->app.extra = (struct sim_app_extra){.event = viewer_event, .context = d};
    sim_kick(w->sim, w->client->node);
    sim_kick(w->sim, w->server->node);
}

void sim_desk_end(struct sim_desk *d)
{
    if (d->world == NULL)
        return;
    d->world->session->app.extra = (struct sim_app_extra){.event = NULL};
    d->world->client->app.extra = (struct sim_app_extra){.event = NULL};
    seat_free(d->seat);
    capture_release(&d->capture);
    d->source->ops->free(d->source);
    mirror_free(d->mirror);
    buf_release(&d->heard);
    d->world = NULL;
}

void sim_desk_still(struct sim_desk *d)
{
    d->still = true;
    sim_kick(d->world->sim, d->world->server->node);
}

bool sim_desk_is_exact(void *desk)
{
    const struct sim_desk *d = desk;

    return d->still && d->exact && d->exact_version == d->capture.version &&
           d->exact_sequence == d->typed && !d->source->ops->damaged(d->source);
}

bool sim_desk_is_same(struct sim_desk *d)
{
    const struct pic *a = d->capture.now, *b = mirror_picture(d->mirror);

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

void sim_desk_note(struct sim_desk *d)
{
    struct mirror_counters m;
    struct feed_counters f;

    mirror_count(d->mirror, &m);
    feed_count(d->seat->feed, &f);
    sim_note(d->world->sim,
             "desktop: version %" PRIu32 ", %" PRIu64 " blocks, %" PRIu64 " bytes, %" PRIu64
             " gone, %" PRIu64 " forsaken; viewer: version %" PRIu32 ", %" PRIu64
             " updates, %" PRIu64 " failures, %" PRIu64 " refreshes, %" PRIu64
             " times exact, age p95 %" PRIu64 " us",
             d->capture.version, f.blocks, f.bytes, f.gone, f.forsaken, mirror_version(d->mirror),
             m.updates, m.failures, d->refreshes, d->exacts, stat_quantile(&d->age_us, 950));
}
