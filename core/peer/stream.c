#include "core/peer/stream.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

enum { RING_FLOOR = 4096, MAX_HOLES = 4096, LINE_BYTES = 64 };

void stream_init(struct stream *s, uint64_t id, uint64_t buffer, uint64_t window,
                 uint64_t send_limit)
{
    memset(s, 0, sizeof *s);
    s->id = id;
    s->out.max_buffer = buffer;
    s->out.limit = send_limit;
    s->in.window = s->in.limit = window;
    ranges_init(&s->out.acked, MAX_HOLES);
    ranges_init(&s->out.lost, MAX_HOLES);
    ranges_init(&s->in.received, MAX_HOLES);
}

void stream_release(struct stream *s)
{
    ranges_release(&s->out.acked);
    ranges_release(&s->out.lost);
    ranges_release(&s->in.received);
    heap_free(s->out.ring.p);
    heap_free(s->in.ring.p);
}

static void ring_put(struct stream_ring *r, uint64_t offset, const uint8_t *from, size_t n)
{
    size_t at = (size_t)(offset & (r->capacity - 1)), first = num_min(n, r->capacity - at);

    memcpy(r->p + at, from, first);
    memcpy(r->p, from + first, n - first);
}

static void ring_get(const struct stream_ring *r, uint64_t offset, uint8_t *to, size_t n)
{
    size_t at = (size_t)(offset & (r->capacity - 1)), first = num_min(n, r->capacity - at);

    memcpy(to, r->p + at, first);
    memcpy(to + first, r->p, n - first);
}

/* Makes the ring (a power of two) hold `need` bytes, of which base .. end stay. */
static bool ring_grow(struct stream_ring *r, uint64_t need, uint64_t base, uint64_t end)
{
    struct stream_ring grown = {.capacity = num_max(RING_FLOOR, r->capacity)};

    if (need <= r->capacity)
        return true;
    while (grown.capacity < need)
        grown.capacity *= 2;
    grown.p = heap_alloc(grown.capacity);
    if (!grown.p)
        return false;
    /* `end` may be beyond the ring where frames without bytes have named a far offset. */
    end = num_min(end, base + r->capacity);
    for (uint64_t at = base; at < end;) {
        size_t from = (size_t)(at & (r->capacity - 1));
        size_t n = num_min(end - at, r->capacity - from);
        ring_put(&grown, at, r->p + from, n);
        at += n;
    }
    heap_free(r->p);
    *r = grown;
    return true;
}

size_t stream_write(struct stream *s, struct bytes data)
{
    struct stream_out *o = &s->out;
    size_t n = num_min(data.n, num_sub0(o->max_buffer, o->end - o->base));

    if (n && !ring_grow(&o->ring, o->end - o->base + n, o->base, o->end))
        n = num_min(n, o->ring.capacity - (o->end - o->base));
    if (n)
        ring_put(&o->ring, o->end, data.p, n);
    o->end += n;
    o->starved = n < data.n;
    return n;
}

bool stream_sendable(const struct stream *s, uint64_t allowance)
{
    const struct stream_out *o = &s->out;

    if (o->reset)
        return false;
    if (o->lost.count)
        return true;
    if (o->next < o->end)
        return allowance && o->next < o->limit;
    return o->fin && !o->fin_sent;
}

bool stream_take(struct stream *s, struct frame *f, size_t room, uint64_t *allowance)
{
    struct stream_out *o = &s->out;
    uint64_t from, n;

    if (!stream_sendable(s, *allowance))
        return false;
    if (o->lost.count) {
        from = o->lost.item[0].begin;
        n = num_min(o->lost.item[0].end - from, room);
        if (n == 0)
            return false;
        /* Removing from the front never splits, so it cannot fail. */
        enum err e = ranges_remove(&o->lost, from, from + n);
        CHECK(e == OK);
    } else {
        from = o->next;
        n = num_min(num_min(o->end - from, room), num_min(*allowance, num_sub0(o->limit, from)));
        if (n == 0 && !(o->fin && from == o->end))
            return false;
        o->next += n;
        *allowance -= n;
    }
    f->type = FRAME_STREAM;
    f->id = s->id;
    f->offset = from;
    f->data = bytes_of(NULL, n);
    f->fin = o->fin && from + n == o->end;
    o->fin_sent |= f->fin;
    return true;
}

/* What is sent was written long ago as a rule and has left the caches: the next piece can be on its
 * way back while this one is sealed. */
static void ask_for(const struct stream_ring *r, uint64_t offset, size_t n)
{
    for (size_t i = 0; i < n; i += LINE_BYTES)
        __builtin_prefetch(r->p + (size_t)((offset + i) & (r->capacity - 1)));
}

void stream_copy(const struct stream *s, const struct frame *f, uint8_t *to)
{
    if (!f->data.n)
        return;
    ring_get(&s->out.ring, f->offset, to, f->data.n);
    ask_for(&s->out.ring, f->offset + f->data.n, f->data.n);
}

enum err stream_acked(struct stream *s, uint64_t offset, uint64_t n, bool fin)
{
    struct stream_out *o = &s->out;
    uint64_t begin = num_max(offset, o->base), end = offset + n;

    o->fin_acked |= fin;
    if (begin >= end)
        return OK;
    enum err e = ranges_remove(&o->lost, begin, end);
    if (!e)
        e = ranges_add(&o->acked, begin, end);
    if (!e && o->acked.item[0].begin <= o->base) {
        o->base = o->acked.item[0].end;
        e = ranges_remove(&o->acked, 0, o->base);
    }
    return e;
}

enum err stream_lost(struct stream *s, uint64_t offset, uint64_t n, bool fin)
{
    struct stream_out *o = &s->out;
    uint64_t begin = num_max(offset, o->base), end = offset + n;

    if (o->reset)
        return OK;
    if (fin && !o->fin_acked)
        o->fin_sent = false;
    if (begin >= end)
        return OK;
    enum err e = ranges_add(&o->lost, begin, end);
    for (size_t i = 0; !e && i < o->acked.count && o->acked.item[i].begin < end; i++)
        e = ranges_remove(&o->lost, num_max(begin, o->acked.item[i].begin),
                          num_min(end, o->acked.item[i].end));
    return e;
}

enum err stream_repeat(struct stream *s, uint64_t offset, uint64_t n, bool fin)
{
    uint64_t begin = num_max(offset, s->out.repeated), end = offset + n;

    if (begin >= end)
        return OK;
    s->out.repeated = end;
    return stream_lost(s, begin, end - begin, fin);
}

void stream_reset(struct stream *s, uint64_t code)
{
    struct stream_out *o = &s->out;

    if (o->reset || (o->fin_acked && o->base == o->end))
        return;
    o->reset = o->reset_wanted = true;
    o->reset_code = code;
}

void stream_stop(struct stream *s, uint64_t code)
{
    struct stream_in *in = &s->in;

    if (in->stopped)
        return;
    in->stopped = true;
    in->limit_wanted = false;
    in->stop_code = code;
    in->stop_wanted = !in->fin_known;
}

uint64_t stream_discard(struct stream *s)
{
    struct stream_in *in = &s->in;
    uint64_t n = in->highest - in->base;

    if (!in->reset && !in->stopped)
        return 0;
    ranges_release(&in->received);
    heap_free(in->ring.p);
    in->ring = (struct stream_ring){0};
    in->base = in->highest;
    return n;
}

enum err stream_receive(struct stream *s, const struct frame *f, uint64_t *fresh)
{
    struct stream_in *in = &s->in;
    uint64_t end = f->offset + f->data.n;

    *fresh = 0;
    if (end > in->limit || (in->fin_known && (end > in->fin_at || (f->fin && end != in->fin_at))) ||
        (f->fin && end < in->highest))
        return ERR_MALFORMED;
    uint64_t begin = num_max(f->offset, in->base);
    if (begin < end && !in->reset && !in->stopped) {
        if (!ring_grow(&in->ring, num_max(end, in->highest) - in->base, in->base,
                       num_max(in->highest, in->base)))
            return ERR_AGAIN;
        if (ranges_add(&in->received, begin, end))
            return ERR_AGAIN;
        ring_put(&in->ring, begin, f->data.p + (begin - f->offset), (size_t)(end - begin));
    }
    if (f->fin) {
        in->fin_known = true;
        in->fin_at = end;
        in->limit_wanted = in->stop_wanted = false;
    }
    *fresh = num_sub0(end, in->highest);
    in->highest = num_max(in->highest, end);
    return OK;
}

enum err stream_receive_reset(struct stream *s, const struct frame *f, uint64_t *fresh)
{
    struct stream_in *in = &s->in;

    *fresh = 0;
    if (f->value < in->highest || f->value > in->limit || (in->fin_known && f->value != in->fin_at))
        return ERR_MALFORMED;
    if (in->reset)
        return OK;
    *fresh = f->value - in->highest;
    in->highest = f->value;
    in->fin_known = true;
    in->fin_at = f->value;
    in->limit_wanted = in->stop_wanted = false;
    in->reset = true;
    in->reset_code = f->code;
    return OK;
}

enum err stream_peek(const struct stream *s, struct bytes *data, uint64_t *code)
{
    const struct stream_in *in = &s->in;

    if (in->reset) {
        *code = in->reset_code;
        return ERR_REFUSED;
    }
    if (in->received.count && in->received.item[0].begin <= in->base) {
        size_t at = (size_t)(in->base & (in->ring.capacity - 1));
        *data = bytes_of(in->ring.p + at,
                         num_min(in->received.item[0].end - in->base, in->ring.capacity - at));
        return OK;
    }
    return in->fin_known && in->base == in->fin_at ? ERR_END : ERR_AGAIN;
}

void stream_consume(struct stream *s, size_t n)
{
    struct stream_in *in = &s->in;

    if (in->reset || in->stopped)
        return;
    CHECK(in->received.count && n <= in->received.item[0].end - in->base);
    in->base += n;
    /* Removing from the front never splits, so it cannot fail. */
    enum err e = ranges_remove(&in->received, 0, in->base);
    CHECK(e == OK);
    if (!in->fin_known && in->base + in->window - in->limit >= in->window / 2)
        in->limit_wanted = true;
}

bool stream_done(const struct stream *s)
{
    const struct stream_out *o = &s->out;
    bool sent = o->reset ? o->reset_acked : o->fin_acked && o->base == o->end;

    /* Without the other's final size, session flow control would count what still comes wrongly. */
    return sent && s->finished && s->in.fin_known;
}
