#include "core/screen/seat.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"

enum {
    HORIZON_US = 10000,       /* updates are made for so much time of the path, not more */
    BLOCK_US = 30000,         /* one update takes about so much time of the path ... */
    BLOCK_LEAST_BYTES = 1500, /* ... or a packet */
    BLOCK_MOST_BYTES = 8192,  /* ... or a few, so that a loss costs little */
    REST_US = 50000,          /* without a change for so long the picture is at rest */
    BUSY_LOOK_US = 1000000,   /* a picture that is never at rest is looked at so often */
    INPUT_SETTLE_US = 150000, /* an act has had its effect after so long */
    SILENCE_US = 2000000,     /* nothing said for so long: what is held down goes up */
    POINTER_KEY = 1
};

struct seat *seat_new(struct peer *p, const struct capture *c, bool control, uint32_t without)
{
    struct seat *s = heap_alloc(sizeof *s);

    if (!s)
        return NULL;
    s->feed = feed_new(c, without);
    if (!s->feed) {
        heap_free(s);
        return NULL;
    }
    s->peer = p;
    s->control = control || (without & WITHOUT_ROLES);
    s->without = without;
    buf_init(&s->heard, 4 * DESK_RECORD_BYTES);
    return s;
}

void seat_free(struct seat *s)
{
    if (!s)
        return;
    feed_free(s->feed);
    buf_release(&s->heard);
    heap_free(s);
}

/* ---- what the viewer says ---- */

static void act(struct seat *s, uint64_t now_us, const struct input_event *e,
                const struct seat_owner *owner)
{
    s->input_us = now_us;
    if (e->kind == INPUT_RELEASE)
        seat_let_go(s, now_us, owner);
    else if (held_follow(&s->held, e))
        owner->input(owner->ctx, s, now_us, e);
    s->acted |= e->kind != INPUT_RELEASE;
}

static enum err take_input(struct seat *s, uint64_t now_us, const struct desk_record *r,
                           const struct seat_owner *owner)
{
    struct input_event e = {
        .kind = (enum input_kind)r->input_kind,
        .down = r->down,
        .keysym = r->keysym,
        .scancode = r->scancode,
        .button = r->button,
        .x = r->x,
        .y = r->y,
        .dx = r->x,
        .dy = r->y,
    };

    if (r->input_kind > INPUT_RELEASE || r->sequence <= s->input_seen)
        return ERR_MALFORMED;
    s->input_seen = r->sequence;
    s->input_us = s->held_us = now_us;
    if (!s->control)
        s->refused_input++;
    else
        act(s, now_us, &e, owner);
    return OK;
}

/* What is down there is down here: all that arrives later than the silence that let go of it. Other
 * keys than modifiers would type once more, and stay up. */
static void take_held(struct seat *s, uint64_t now_us, const struct desk_record *r,
                      const struct seat_owner *owner)
{
    struct held there = {.count = 0}, here = s->held;

    if (!s->control)
        return;
    s->held_us = now_us;
    held_hear(&there, r);
    for (size_t i = here.count; i > 0; i--) {
        struct input_event up = here.down[i - 1];
        up.down = false;
        if (!held_has(&there, &up))
            act(s, now_us, &up, owner);
    }
    for (size_t i = 0; i < there.count; i++)
        if (held_is_modifier(&there.down[i]) && !held_has(&s->held, &there.down[i]))
            act(s, now_us, &there.down[i], owner);
}

static enum err take_record(struct seat *s, uint64_t now_us, const struct desk_record *r,
                            const struct seat_owner *owner)
{
    switch ((int)r->kind) {
    case DESK_INPUT:
        return take_input(s, now_us, r, owner);
    case DESK_HELD:
        take_held(s, now_us, r, owner);
        return OK;
    case DESK_PROVEN:
        if (r->version && r->epoch == s->claimed_epoch && r->version == s->claimed_version &&
            memcmp(r->hash, s->claimed_hash, sizeof r->hash) == 0) {
            s->proven_version = r->version;
            s->proven = true;
        }
        return OK;
    case DESK_REFRESH:
        if (r->epoch == feed_epoch(s->feed) || r->epoch == 0) {
            feed_restart(s->feed);
            seat_outdate(s);
            s->claimed_version = 0;
        }
        return OK;
    default:
        return OK;
    }
}

/* Takes the whole records out of what was heard. */
static enum err take_records(struct seat *s, uint64_t now_us, const struct seat_owner *owner)
{
    struct desk_record r;
    size_t used;

    for (;;) {
        enum err e = desk_get_record(buf_bytes(&s->heard), &r, &used);
        if (e)
            return e == ERR_AGAIN ? OK : e;
        buf_drop(&s->heard, used);
        e = take_record(s, now_us, &r, owner);
        if (e)
            return e;
    }
}

void seat_take_stream(struct seat *s, uint64_t id)
{
    if (s->has_stream)
        return;
    s->has_stream = true;
    s->stream = id;
    peer_stream_prefer(s->peer, id, PEER_INPUT, false);
}

enum err seat_hear(struct seat *s, uint64_t now_us, const struct seat_owner *owner)
{
    struct bytes data;
    uint64_t code;
    enum err e = OK;

    while (!e && s->has_stream && peer_stream_peek(s->peer, s->stream, &data, &code) == OK) {
        size_t n = num_min(data.n, s->heard.max - s->heard.n);
        e = buf_append(&s->heard, bytes_of(data.p, n));
        if (e)
            return e;
        peer_stream_consume(s->peer, s->stream, n);
        e = take_records(s, now_us, owner);
    }
    return e;
}

uint64_t seat_silent_us(const struct seat *s)
{
    return s->held.count && !(s->without & WITHOUT_LET_GO) ? s->held_us + SILENCE_US : UINT64_MAX;
}

void seat_let_go(struct seat *s, uint64_t now_us, const struct seat_owner *owner)
{
    struct input_event up;

    if (s->without & WITHOUT_LET_GO)
        return;
    while (held_let_go(&s->held, &up))
        owner->input(owner->ctx, s, now_us, &up);
}

/* ---- what the viewer is shown ---- */

/* How large an update should be: what is behind it waits for it. */
static uint64_t goal_bytes(const struct seat *s, uint64_t now_us)
{
    struct peer_path path;

    peer_path(s->peer, now_us, &path);
    if (path.rate_bps == 0)
        return BLOCK_MOST_BYTES;
    return num_clamp(num_mul_div(path.rate_bps, BLOCK_US, 8000000), BLOCK_LEAST_BYTES,
                     BLOCK_MOST_BYTES);
}

enum err seat_fill(struct seat *s, uint64_t now_us, uint64_t rate_bps)
{
    struct bytes message;
    uint64_t id, transport, goal = goal_bytes(s, now_us);

    if (s->without & WITHOUT_PACE)
        rate_bps = 0;
    if (rate_bps && now_us < s->paced_us)
        return OK;
    for (;;) {
        uint64_t room = s->without & WITHOUT_ROOM
                            ? HORIZON_US
                            : peer_room(s->peer, now_us, HORIZON_US, PEER_TEXT);
        enum err e = room ? feed_next(s->feed, goal, &message, &id) : ERR_AGAIN;
        if (e)
            return e == ERR_AGAIN ? OK : e;
        struct peer_message m = {
            .class = PEER_TEXT, .channel = DESK_UPDATE, .tag = id, .data = message};
        e = peer_message_send(s->peer, &m, &transport);
        if (e) {
            feed_gone(s->feed, id);
            return e == ERR_AGAIN || e == ERR_END ? OK : e;
        }
        feed_posted(s->feed, id, transport);
        if (rate_bps) {
            s->paced_us = num_max(s->paced_us, num_sub0(now_us, HORIZON_US)) +
                          num_mul_div(message.n, 8000000, rate_bps);
            if (now_us < s->paced_us)
                return OK;
        }
    }
}

void seat_outdate(struct seat *s)
{
    uint64_t transport;

    while (feed_next_orphan(s->feed, &transport))
        peer_message_cancel(s->peer, transport);
    while (feed_next_stale(s->feed, &transport))
        peer_message_forsake(s->peer, transport);
}

/* ---- the pointer ---- */

static void send_shape(struct seat *s, const struct source_pointer *p)
{
    size_t pixels = (size_t)p->width * p->height;
    struct desk_shape shape = {.serial = p->serial,
                               .width = p->width,
                               .height = p->height,
                               .hot_x = p->hot_x,
                               .hot_y = p->hot_y};
    struct buf b;

    /* A pointer as large as a window is no pointer: it stays what it was. */
    if (p->width > LIMIT_POINTER_SIDE_PX / 2 || p->height > LIMIT_POINTER_SIDE_PX / 2)
        return;
    buf_init(&b, LIMIT_MESSAGE_BYTES);
    if (buf_reserve(&b, 64 + pixels * 4))
        return;
    struct wr w = wr_of(b.p, 64 + pixels * 4);
    desk_put_shape(&w, &shape);
    for (size_t i = 0; i < pixels; i++)
        wr_u32(&w, p->argb[i]);
    struct peer_message m = {.class = PEER_CURSOR,
                             .channel = DESK_SHAPE,
                             .supersedes = POINTER_KEY + 1,
                             .data = wr_done(&w)};
    if (peer_message_send(s->peer, &m, NULL) == OK)
        s->shape = p->serial;
    buf_release(&b);
}

void seat_point(struct seat *s, const struct source_pointer *p)
{
    uint8_t space[32];
    struct wr w = wr_of(space, sizeof space);

    if (!s->pointer_known || s->shape != p->serial)
        send_shape(s, p);
    if (s->pointer_known && s->pointer_x == p->x && s->pointer_y == p->y &&
        s->pointer_visible == p->visible)
        return;
    desk_put_pointer(&w, &(struct desk_pointer){
                             .x = p->x, .y = p->y, .visible = p->visible, .serial = p->serial});
    struct peer_message m = {.class = PEER_CURSOR,
                             .channel = DESK_POINTER,
                             .supersedes = POINTER_KEY,
                             .data = wr_done(&w)};
    if (peer_message_send(s->peer, &m, NULL))
        return;
    s->pointer_known = true;
    s->pointer_x = p->x;
    s->pointer_y = p->y;
    s->pointer_visible = p->visible;
}

/* ---- exactness ---- */

/* Whether the newest picture has been claimed already, with all input so far in it. */
static bool claimed(const struct seat *s, const struct capture *c)
{
    return s->claimed_epoch == feed_epoch(s->feed) && s->claimed_version == c->version &&
           s->claimed_input == s->input_seen;
}

/* Whether the newest whole capture shows the effect of all input. */
static bool settled(const struct seat *s, const struct capture *c)
{
    return s->input_seen == 0 || s->without & WITHOUT_SETTLE ||
           c->whole_us >= s->input_us + INPUT_SETTLE_US;
}

enum seat_need seat_needs(const struct seat *s, const struct capture *c, uint64_t now_us,
                          uint64_t *when_us)
{
    if (!s->has_stream || !feed_complete(s->feed) || claimed(s, c))
        return SEAT_NOTHING;
    /* It is claimed at once as a rule; a claim that found no memory is made a little later. */
    if (c->whole && settled(s, c)) {
        *when_us = now_us + REST_US;
        return SEAT_LOOK;
    }
    *when_us = num_min(c->captured_us + REST_US, c->whole_us + BUSY_LOOK_US);
    if (s->input_seen && !settled(s, c))
        *when_us = num_max(*when_us, s->input_us + INPUT_SETTLE_US);
    *when_us = num_max(*when_us, now_us);
    return SEAT_LOOK;
}

void seat_claim(struct seat *s, struct capture *c)
{
    uint8_t space[DESK_RECORD_BYTES];
    struct wr w = wr_of(space, sizeof space);
    struct desk_record r = {.kind = DESK_EXACT, .version = c->version};
    size_t taken;

    if (!s->has_stream || !c->whole || !feed_complete(s->feed) || claimed(s, c))
        return;
    /* With input still settling the picture may be claimed, but not the input's effect. */
    r.sequence = settled(s, c) ? s->input_seen : s->claimed_input;
    if (r.sequence == s->claimed_input && s->claimed_version == c->version &&
        s->claimed_epoch == feed_epoch(s->feed))
        return;
    r.epoch = feed_epoch(s->feed);
    pic_hash(c->now, r.hash);
    desk_put_record(&w, &r);
    /* The stream's buffer is far larger than what is ever under way: taken whole or the session is
     * gone. */
    if (peer_stream_write(s->peer, s->stream, wr_done(&w), &taken) || taken < w.n)
        return;
    s->claimed_epoch = r.epoch;
    s->claimed_version = r.version;
    s->claimed_input = r.sequence;
    memcpy(s->claimed_hash, r.hash, sizeof r.hash);
}
