#include "core/wire/desk.h"

#include <string.h>

#include "core/base/limits.h"
#include "core/base/rd.h"

/* Signed numbers with the sign in the lowest bit, so that small ones stay short. */
static uint64_t fold(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static int64_t unfold(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static uint32_t var32(struct rd *r)
{
    uint64_t v = rd_var(r);

    r->bad |= v > UINT32_MAX;
    return (uint32_t)v;
}

static int32_t signed32(struct rd *r)
{
    int64_t v = unfold(rd_var(r));

    r->bad |= v < INT32_MIN || v > INT32_MAX;
    return (int32_t)v;
}

void desk_put_update(struct wr *w, const struct desk_update *u)
{
    uint64_t last = u->id;

    wr_u8(w, u->alpha);
    wr_var(w, u->epoch);
    wr_var(w, u->width);
    wr_var(w, u->height);
    wr_var(w, u->id);
    wr_var(w, u->version);
    wr_var(w, u->captured_us);
    wr_var(w, u->snap);
    wr_var(w, u->snap - u->base);
    wr_var(w, u->snap - u->keep);
    wr_var(w, u->id - u->floor);
    wr_var(w, u->added_count);
    for (uint32_t i = 0; i < u->added_count; i++) {
        wr_var(w, fold((int64_t)(u->added[i] - last)));
        last = u->added[i];
    }
}

enum err desk_get_update(struct bytes b, struct desk_update *out)
{
    struct rd r = rd_of(b);
    uint8_t alpha = rd_u8(&r);

    out->alpha = alpha;
    out->epoch = var32(&r);
    out->width = var32(&r);
    out->height = var32(&r);
    out->id = rd_var(&r);
    out->version = var32(&r);
    out->captured_us = rd_var(&r);
    out->snap = var32(&r);
    uint32_t to_base = var32(&r), to_keep = var32(&r);
    uint64_t to_floor = rd_var(&r);
    out->added_count = var32(&r);
    if (r.bad || alpha > 1 || to_base > out->snap || to_keep > out->snap || to_floor > out->id ||
        out->added_count > DESK_MAX_ADDED || out->added_count > r.left)
        return ERR_MALFORMED;
    out->base = out->snap - to_base;
    out->keep = out->snap - to_keep;
    out->floor = out->id - to_floor;
    if (out->keep > out->base)
        return ERR_MALFORMED;
    uint64_t last = out->id;
    for (uint32_t i = 0; i < out->added_count; i++) {
        last += (uint64_t)unfold(rd_var(&r));
        out->added[i] = last;
        if (last >= out->id)
            return ERR_MALFORMED;
    }
    out->block = bytes_of(r.p, r.left);
    if (r.bad)
        return ERR_MALFORMED;
    if (out->width == 0 || out->height == 0 || out->width > LIMIT_PICTURE_SIDE_PX ||
        out->height > LIMIT_PICTURE_SIDE_PX ||
        (uint64_t)out->width * out->height > LIMIT_PICTURE_PIXELS)
        return ERR_LIMIT;
    return OK;
}

void desk_put_pointer(struct wr *w, const struct desk_pointer *p)
{
    wr_u8(w, p->visible);
    wr_var(w, fold(p->x));
    wr_var(w, fold(p->y));
    wr_var(w, p->serial);
}

enum err desk_get_pointer(struct bytes b, struct desk_pointer *out)
{
    struct rd r = rd_of(b);
    uint8_t visible = rd_u8(&r);

    out->visible = visible;
    out->x = signed32(&r);
    out->y = signed32(&r);
    out->serial = var32(&r);
    return visible > 1 ? ERR_MALFORMED : rd_done(&r);
}

void desk_put_shape(struct wr *w, const struct desk_shape *s)
{
    wr_var(w, s->serial);
    wr_var(w, s->width);
    wr_var(w, s->height);
    wr_var(w, s->hot_x);
    wr_var(w, s->hot_y);
}

enum err desk_get_shape(struct bytes b, struct desk_shape *out)
{
    struct rd r = rd_of(b);

    out->serial = var32(&r);
    out->width = var32(&r);
    out->height = var32(&r);
    out->hot_x = var32(&r);
    out->hot_y = var32(&r);
    if (r.bad || out->width > LIMIT_POINTER_SIDE_PX || out->height > LIMIT_POINTER_SIDE_PX ||
        out->hot_x > out->width || out->hot_y > out->height)
        return ERR_MALFORMED;
    out->argb = rd_bytes(&r, (size_t)out->width * out->height * 4);
    return rd_done(&r);
}

static void put_body(struct wr *w, const struct desk_record *r)
{
    switch (r->kind) {
    case DESK_INPUT:
        wr_var(w, r->sequence);
        wr_u8(w, r->input_kind);
        wr_u8(w, r->down);
        wr_u32(w, r->keysym);
        wr_var(w, r->scancode);
        wr_var(w, r->button);
        wr_var(w, fold(r->x));
        wr_var(w, fold(r->y));
        break;
    case DESK_EXACT:
        wr_var(w, r->sequence);
        /* fall through */
    case DESK_PROVEN:
        wr_var(w, r->epoch);
        wr_var(w, r->version);
        wr_bytes(w, bytes_of(r->hash, sizeof r->hash));
        break;
    case DESK_REFRESH:
        wr_var(w, r->epoch);
        break;
    case DESK_HELD:
        wr_var(w, r->held_count);
        for (uint32_t i = 0; i < r->held_count; i++) {
            wr_u8(w, r->held[i].button);
            wr_u32(w, r->held[i].keysym);
            wr_var(w, r->held[i].code);
        }
        break;
    }
}

void desk_put_record(struct wr *w, const struct desk_record *r)
{
    uint8_t space[DESK_RECORD_BYTES];
    struct wr body = wr_of(space, sizeof space);

    put_body(&body, r);
    wr_u8(w, (uint8_t)r->kind);
    wr_sized(w, wr_done(&body));
}

static void get_held(struct rd *b, struct desk_record *r)
{
    r->held_count = var32(b);
    if (r->held_count > DESK_MAX_HELD) {
        r->held_count = 0;
        b->bad = true;
    }
    for (uint32_t i = 0; i < r->held_count; i++) {
        uint8_t button = rd_u8(b);
        b->bad |= button > 1;
        r->held[i].button = button;
        r->held[i].keysym = rd_u32(b);
        r->held[i].code = var32(b);
    }
}

static void get_body(struct rd *b, struct desk_record *r)
{
    uint8_t down;

    switch (r->kind) {
    case DESK_INPUT:
        r->sequence = rd_var(b);
        r->input_kind = rd_u8(b);
        down = rd_u8(b);
        r->down = down;
        b->bad |= down > 1;
        r->keysym = rd_u32(b);
        r->scancode = var32(b);
        r->button = var32(b);
        r->x = signed32(b);
        r->y = signed32(b);
        break;
    case DESK_EXACT:
        r->sequence = rd_var(b);
        /* fall through */
    case DESK_PROVEN:
        r->epoch = var32(b);
        r->version = var32(b);
        rd_copy(b, r->hash, sizeof r->hash);
        break;
    case DESK_REFRESH:
        r->epoch = var32(b);
        break;
    case DESK_HELD:
        get_held(b, r);
        break;
    }
}

enum err desk_get_record(struct bytes b, struct desk_record *out, size_t *used)
{
    struct rd r = rd_of(b);

    memset(out, 0, sizeof *out);
    uint8_t kind = rd_u8(&r);
    uint64_t n = rd_var(&r);
    if (r.bad)
        return ERR_AGAIN;
    if (n > DESK_RECORD_BYTES)
        return ERR_MALFORMED;
    struct rd body = rd_of(rd_bytes(&r, (size_t)n));
    if (r.bad)
        return ERR_AGAIN;
    *used = b.n - r.left;
    if (kind < DESK_INPUT || kind > DESK_HELD)
        return OK;
    out->kind = (enum desk_record_kind)kind;
    get_body(&body, out);
    return rd_done(&body);
}
