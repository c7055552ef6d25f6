#include "core/screen/viewer.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/screen/held.h"

enum {
    HELD_US = 500000, /* what stays down is told so often */
    POINTER_PIXELS = LIMIT_POINTER_SIDE_PX * LIMIT_POINTER_SIDE_PX
};

struct viewer {
    uint32_t without;
    struct peer *peer; /* borrowed; NULL: no session */
    struct mirror *mirror;
    uint64_t stream;
    struct buf heard;  /* bytes of a record that is not whole yet */
    uint64_t sequence; /* acts sent */
    struct held held;
    uint64_t held_us; /* when to tell of it again */

    bool refresh_asked;
    uint32_t refresh_epoch;
    struct viewer_exact exact;
    bool exact_now, exact_new;

    struct source_pointer pointer;
    uint64_t pointer_id, shape_id; /* the newest messages: others may overtake them */
    uint32_t *pointer_argb;
    bool pointer_new;
    struct viewer_counters counters;
};

struct viewer *viewer_new(uint32_t without)
{
    struct viewer *v = heap_alloc(sizeof *v);

    if (!v)
        return NULL;
    v->without = without;
    buf_init(&v->heard, 4 * DESK_RECORD_BYTES);
    v->mirror = mirror_new(without);
    v->pointer_argb = heap_array(POINTER_PIXELS, sizeof *v->pointer_argb);
    if (!v->mirror || !v->pointer_argb) {
        viewer_free(v);
        return NULL;
    }
    return v;
}

void viewer_free(struct viewer *v)
{
    if (!v)
        return;
    mirror_free(v->mirror);
    heap_free(v->pointer_argb);
    buf_release(&v->heard);
    heap_free(v);
}

struct mirror *viewer_mirror(const struct viewer *v)
{
    return v->mirror;
}

/* ---- what is said ---- */

static enum err send_record(struct viewer *v, const struct desk_record *r)
{
    uint8_t space[DESK_RECORD_BYTES + 16];
    struct wr w = wr_of(space, sizeof space);
    size_t taken = 0;

    if (!v->peer)
        return OK;
    desk_put_record(&w, r);
    enum err e = peer_stream_write(v->peer, v->stream, wr_done(&w), &taken);
    if (e == OK && taken < w.n)
        return ERR_UNREACHABLE;
    return e == OK || e == ERR_MEMORY ? e : ERR_UNREACHABLE;
}

static enum err ask_for_new(struct viewer *v, uint32_t epoch)
{
    /* Once an epoch: what is on its way still belongs to the broken one. */
    if ((v->refresh_asked && v->refresh_epoch == epoch) || v->without & WITHOUT_REFRESH)
        return OK;
    v->refresh_asked = true;
    v->refresh_epoch = epoch;
    v->counters.refreshes++;
    return send_record(v, &(struct desk_record){.kind = DESK_REFRESH, .epoch = epoch});
}

enum err viewer_input(struct viewer *v, uint64_t now_us, const struct input_event *e)
{
    struct input_event up;
    struct desk_record r = {
        .kind = DESK_INPUT,
        .sequence = v->sequence + 1,
        .input_kind = (uint8_t)e->kind,
        .down = e->down,
        .keysym = e->keysym,
        .scancode = e->scancode,
        .button = e->button,
        .x = e->kind == INPUT_SCROLL ? e->dx : e->x,
        .y = e->kind == INPUT_SCROLL ? e->dy : e->y,
    };

    if (!v->peer)
        return OK;
    if (e->kind == INPUT_RELEASE)
        while (held_let_go(&v->held, &up))
            continue;
    /* A release goes out also where no press is known of: it is the server that decides. */
    if (!held_follow(&v->held, e) && e->down)
        return OK;
    v->held_us = now_us + HELD_US;
    v->sequence++;
    v->exact_now = false;
    return send_record(v, &r);
}

uint64_t viewer_deadline_us(const struct viewer *v)
{
    return v->peer && v->held.count && !(v->without & WITHOUT_HELD) ? v->held_us : UINT64_MAX;
}

enum err viewer_work(struct viewer *v, uint64_t now_us)
{
    struct desk_record r;

    if (now_us < viewer_deadline_us(v))
        return OK;
    v->held_us = now_us + HELD_US;
    held_tell(&v->held, &r);
    return send_record(v, &r);
}

/* ---- what is heard ---- */

static enum err take_update(struct viewer *v, struct bytes data)
{
    struct mirror_counters before, after;
    uint32_t epoch = mirror_epoch(v->mirror);

    mirror_count(v->mirror, &before);
    enum err e = mirror_update(v->mirror, data);
    mirror_count(v->mirror, &after);
    if (after.tiles != before.tiles || mirror_epoch(v->mirror) != epoch)
        v->exact_now = false;
    if (!e)
        return OK;
    if (e == ERR_LIMIT) {
        log_warn("the server wants more to be kept than the protocol allows");
        return ERR_MALFORMED;
    }
    log_debug("an update does not fit (%s): asking for a new picture", err_text(e));
    return ask_for_new(v, mirror_epoch(v->mirror));
}

static enum err take_exact(struct viewer *v, const struct desk_record *r)
{
    struct desk_record answer = {.kind = DESK_PROVEN, .epoch = r->epoch, .version = r->version};
    enum mirror_match match = mirror_check(v->mirror, r, answer.hash);

    if (match == MIRROR_MOVED)
        return OK;
    if (match == MIRROR_WRONG) {
        log_warn("the picture differs from the server's: asking for a new one");
        return ask_for_new(v, r->epoch);
    }
    v->exact = (struct viewer_exact){.version = r->version, .sequence = r->sequence};
    memcpy(v->exact.hash, answer.hash, sizeof v->exact.hash);
    v->exact_now = v->exact_new = true;
    v->counters.exact++;
    return send_record(v, &answer);
}

static enum err hear(struct viewer *v)
{
    struct desk_record r;
    struct bytes data;
    uint64_t code;
    size_t used;
    enum err e = OK;

    while (!e && peer_stream_peek(v->peer, v->stream, &data, &code) == OK) {
        size_t n = num_min(data.n, v->heard.max - v->heard.n);
        e = buf_append(&v->heard, bytes_of(data.p, n));
        if (e)
            return e;
        peer_stream_consume(v->peer, v->stream, n);
        while (!e && (e = desk_get_record(buf_bytes(&v->heard), &r, &used)) == OK) {
            buf_drop(&v->heard, used);
            if (r.kind == DESK_EXACT)
                e = take_exact(v, &r);
        }
        e = e == ERR_AGAIN ? OK : e;
    }
    return e;
}

static bool overtaken(const struct viewer *v, uint64_t id, uint64_t newest)
{
    return id < newest && !(v->without & WITHOUT_VERSIONS);
}

static void take_shape(struct viewer *v, uint64_t id, struct bytes data)
{
    struct desk_shape s;

    if (overtaken(v, id, v->shape_id) || desk_get_shape(data, &s))
        return;
    v->shape_id = id;
    for (size_t i = 0; i < (size_t)s.width * s.height; i++)
        v->pointer_argb[i] = (uint32_t)num_get_le(s.argb.p + 4 * i, 4);
    v->pointer.serial = s.serial;
    v->pointer.width = s.width;
    v->pointer.height = s.height;
    v->pointer.hot_x = s.hot_x;
    v->pointer.hot_y = s.hot_y;
    v->pointer_new = true;
}

static void take_pointer(struct viewer *v, uint64_t id, struct bytes data)
{
    struct desk_pointer p;

    if (overtaken(v, id, v->pointer_id) || desk_get_pointer(data, &p))
        return;
    v->pointer_id = id;
    v->pointer.x = p.x;
    v->pointer.y = p.y;
    v->pointer.visible = p.visible;
    v->pointer_new = true;
}

static enum err take_message(struct viewer *v, const struct peer_event *e)
{
    switch (e->channel) {
    case DESK_UPDATE:
        return take_update(v, e->data);
    case DESK_POINTER:
        take_pointer(v, e->id, e->data);
        return OK;
    case DESK_SHAPE:
        take_shape(v, e->id, e->data);
        return OK;
    default:
        return OK; /* a compatible addition */
    }
}

static enum err begin(struct viewer *v, struct peer *p)
{
    enum err e = peer_stream_open(p, PEER_INPUT, true, &v->stream);

    if (e)
        return e;
    v->peer = p;
    /* The server learns of the stream by its first record: this one asks for what comes anyway. */
    return send_record(v, &(struct desk_record){.kind = DESK_PROVEN});
}

enum err viewer_event(struct viewer *v, uint64_t now_us, struct peer *p, const struct peer_event *e)
{
    (void)now_us;
    switch (e->kind) {
    case PEER_EVENT_CONNECTED:
        return begin(v, p);
    case PEER_EVENT_CLOSED:
        v->peer = NULL;
        return OK;
    case PEER_EVENT_STREAM:
        return v->peer && e->id == v->stream ? hear(v) : OK;
    case PEER_EVENT_MESSAGE:
        return take_message(v, e);
    default:
        return OK;
    }
}

/* ---- what the owner asks ---- */

bool viewer_is_exact(const struct viewer *v, struct viewer_exact *out)
{
    if (out)
        *out = v->exact;
    return v->exact_now;
}

bool viewer_is_settled(const struct viewer *v)
{
    return v->exact_now && v->exact.sequence >= v->sequence;
}

bool viewer_next_exact(struct viewer *v, struct viewer_exact *out)
{
    bool any = v->exact_new;

    v->exact_new = false;
    *out = v->exact;
    return any;
}

bool viewer_next_pointer(struct viewer *v, struct source_pointer *out)
{
    bool any = v->pointer_new;

    v->pointer_new = false;
    *out = v->pointer;
    out->argb = v->pointer_argb;
    return any;
}

void viewer_count(const struct viewer *v, struct viewer_counters *out)
{
    *out = v->counters;
}
