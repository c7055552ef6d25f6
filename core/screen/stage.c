#include "core/screen/stage.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/crypt/role.h"

void stage_init(struct stage *st, struct source *source, const struct stage_config *config)
{
    memset(st, 0, sizeof *st);
    st->config = *config;
    st->source = source;
    capture_init(&st->capture);
}

void stage_release(struct stage *st)
{
    for (struct seat *s = st->seats, *next; s; s = next) {
        next = s->next;
        seat_free(s);
    }
    st->seats = NULL;
    capture_release(&st->capture);
}

static bool with(const struct stage *st, enum without mechanism)
{
    return !(st->config.without & mechanism);
}

struct seat *stage_seat(const struct stage *st, const struct peer *p)
{
    struct seat *s = st->seats;

    while (s && s->peer != p)
        s = s->next;
    return s;
}

bool stage_next_news(struct stage *st, struct stage_news *out)
{
    for (struct seat *s = st->seats; s; s = s->next) {
        out->seat = s;
        out->version = s->proven_version;
        out->kind = s->proven ? STAGE_PROVEN : STAGE_ACTED;
        bool *flag = s->proven ? &s->proven : &s->acted;
        if (*flag) {
            *flag = false;
            return true;
        }
    }
    return false;
}

/* ---- input ---- */

static bool held_by_another(const struct stage *st, const struct seat *self,
                            const struct input_event *e)
{
    for (const struct seat *s = st->seats; s; s = s->next)
        if (s != self && held_has(&s->held, e))
            return true;
    return false;
}

static void on_input(void *ctx, struct seat *s, uint64_t now_us, const struct input_event *e)
{
    struct stage *st = ctx;

    /* What two hold down goes up with the second one's release. */
    if (!e->down && held_by_another(st, s, e) && with(st, WITHOUT_OWN_KEYS))
        return;
    st->source->ops->input(st->source, now_us, e);
}

static struct seat_owner owner_of(struct stage *st)
{
    return (struct seat_owner){.input = on_input, .ctx = st};
}

static void hear(struct stage *st, uint64_t now_us, struct seat *s)
{
    struct seat_owner owner = owner_of(st);
    uint64_t refused = s->refused_input;

    if (seat_hear(s, now_us, &owner))
        peer_close(s->peer, now_us, ERR_MALFORMED, "the viewer broke the protocol");
    if (refused == 0 && s->refused_input)
        log_info("viewer %u has no right to control: its input is left out", s->number);
}

static void let_go_of_the_silent(struct stage *st, uint64_t now_us)
{
    struct seat_owner owner = owner_of(st);

    for (struct seat *s = st->seats; s; s = s->next) {
        if (now_us < seat_silent_us(s))
            continue;
        log_info("viewer %u is silent: what it holds down goes up", s->number);
        seat_let_go(s, now_us, &owner);
    }
}

/* ---- pictures ---- */

static void capture(struct stage *st, uint64_t now_us, bool whole)
{
    struct source_frame f;

    st->next_capture_us = now_us + st->config.interval_us;
    enum err e = st->source->ops->capture(st->source, now_us, whole, &f);
    if (e == ERR_AGAIN)
        return;
    st->captures++;
    if (!e)
        e = capture_take(&st->capture, &f);
    if (e) {
        st->failure = e;
        return;
    }
    for (struct seat *s = st->seats; s && st->capture.changed_count; s = s->next)
        seat_outdate(s);
}

static void share_pointer(struct stage *st)
{
    struct source_pointer p;

    if (!st->source->ops->pointer(st->source, &p))
        return;
    for (struct seat *s = st->seats; s; s = s->next)
        seat_point(s, &p);
}

/* When a whole capture is wanted by somebody: what is at rest is to be proven. */
static uint64_t whole_wanted_us(const struct stage *st, uint64_t now_us)
{
    uint64_t at_us = UINT64_MAX, when_us;

    for (const struct seat *s = st->seats; s && with(st, WITHOUT_LOOK); s = s->next)
        if (seat_needs(s, &st->capture, now_us, &when_us) == SEAT_LOOK)
            at_us = num_min(at_us, when_us);
    return at_us;
}

/* Captures when there is something to see and somebody to see it, and proves what is at rest. */
static void look(struct stage *st, uint64_t now_us)
{
    const struct source_ops *ops = st->source->ops;

    if (!st->seats || st->failure)
        return;
    /* What still waits to be typed has no effect yet. */
    if (ops->typing && ops->typing(st->source))
        for (struct seat *s = st->seats; s; s = s->next)
            s->input_us = now_us;
    bool whole = whole_wanted_us(st, now_us) <= now_us || !st->capture.now;
    if (whole || (ops->damaged(st->source) && now_us >= st->next_capture_us))
        capture(st, now_us, whole);
    share_pointer(st);
    for (struct seat *s = st->seats; s; s = s->next)
        seat_claim(s, &st->capture);
}

enum err stage_work(struct stage *st, uint64_t now_us)
{
    if (!st->failure)
        st->failure = st->source->ops->poll(st->source, now_us);
    let_go_of_the_silent(st, now_us);
    look(st, now_us);
    return st->failure;
}

uint64_t stage_deadline_us(const struct stage *st, uint64_t now_us)
{
    uint64_t at_us = st->source->ops->deadline_us(st->source);

    if (st->failure)
        return UINT64_MAX;
    at_us = num_min(at_us, whole_wanted_us(st, now_us));
    for (const struct seat *s = st->seats; s; s = s->next) {
        at_us = num_min(at_us, seat_silent_us(s));
        /* Later it is the path that says when there is room. */
        if (st->config.rate_bps && s->paced_us > now_us && feed_dirty(s->feed))
            at_us = num_min(at_us, s->paced_us);
    }
    if (st->seats && st->source->ops->damaged(st->source))
        at_us = num_min(at_us, st->next_capture_us);
    return at_us;
}

void stage_fill(struct stage *st, uint64_t now_us)
{
    for (struct seat *s = st->seats; s; s = s->next)
        if (seat_fill(s, now_us, st->config.rate_bps))
            peer_close(s->peer, now_us, ERR_MEMORY, "the server is out of memory");
}

/* ---- coming and going ---- */

static void join(struct stage *st, uint64_t now_us, struct peer *p, uint32_t roles)
{
    bool control = roles & ROLE_CONTROL && !st->config.view_only;
    struct seat *s = seat_new(p, &st->capture, control, st->config.without);

    if (!s) {
        peer_close(p, now_us, ERR_MEMORY, "the server is out of memory");
        return;
    }
    s->roles = roles;
    s->number = ++st->seat_number;
    s->next = st->seats;
    st->seats = s;
    st->seat_count++;
    /* What it is shown must be newer than its coming. */
    if (!st->failure)
        capture(st, now_us, with(st, WITHOUT_LOOK) || !st->capture.now);
}

static void leave(struct stage *st, uint64_t now_us, struct seat *s)
{
    struct seat_owner owner = owner_of(st);
    struct seat **at = &st->seats;

    seat_let_go(s, now_us, &owner);
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    st->seat_count--;
    seat_free(s);
}

enum err stage_event(struct stage *st, uint64_t now_us, struct peer *p, const struct peer_event *e)
{
    struct seat *s = stage_seat(st, p);

    if (e->kind == PEER_EVENT_CONNECTED && !s)
        join(st, now_us, p, e->roles);
    if (!s)
        return st->failure;
    switch (e->kind) {
    case PEER_EVENT_CLOSED:
        leave(st, now_us, s);
        break;
    case PEER_EVENT_STREAM:
        seat_take_stream(s, e->id);
        if (e->id == s->stream)
            hear(st, now_us, s);
        return stage_work(st, now_us);
    case PEER_EVENT_ACKED:
    case PEER_EVENT_GONE:
        if (e->kind == PEER_EVENT_ACKED)
            feed_acked(s->feed, e->tag);
        else
            feed_gone(s->feed, e->tag);
        if (feed_complete(s->feed))
            look(st, now_us);
        break;
    default:
        break;
    }
    return st->failure;
}
