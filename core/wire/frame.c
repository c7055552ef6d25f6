#include "core/wire/frame.h"

#include "core/base/check.h"

static void get_ack(struct rd *r, struct frame *f)
{
    uint64_t last = rd_var(r), count;

    f->ack.delay_us = rd_var(r);
    f->ack.arrival_us = rd_u32(r);
    f->ack.ect0 = rd_var(r);
    f->ack.ce = rd_var(r);
    count = rd_var(r);
    if (count == 0 || count > LIMIT_ACK_RANGES) {
        r->bad = true;
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (i) {
            /* At least one packet is missing between two ranges: `gap` counts those beyond it. */
            uint64_t gap = rd_var(r);
            if (gap + 2 > last) {
                r->bad = true;
                return;
            }
            last -= gap + 2;
        }
        uint64_t length = rd_var(r);
        if (length > last) {
            r->bad = true;
            return;
        }
        f->ack.range[i] = (struct frame_range){last - length, last};
        last -= length;
        if (last == 0 && i + 1 < count) {
            r->bad = true;
            return;
        }
    }
    f->ack.count = (uint32_t)count;
}

static void get_body(struct rd *r, struct frame *f)
{
    uint8_t flags;

    switch (f->type) {
    case FRAME_PADDING:
    case FRAME_PING:
        break;
    case FRAME_ACK:
        get_ack(r, f);
        break;
    case FRAME_STREAM:
        flags = rd_u8(r);
        r->bad |= flags > 1;
        f->fin = flags & 1;
        f->id = rd_var(r);
        f->offset = rd_var(r);
        f->data = rd_sized(r, LIMIT_DATAGRAM_BYTES);
        r->bad |= f->offset + f->data.n >= 1ull << 62;
        break;
    case FRAME_RESET_STREAM:
        f->id = rd_var(r);
        f->code = rd_var(r);
        f->value = rd_var(r);
        break;
    case FRAME_STOP_SENDING:
        f->id = rd_var(r);
        f->code = rd_var(r);
        break;
    case FRAME_MAX_DATA:
        f->value = rd_var(r);
        break;
    case FRAME_MAX_STREAM_DATA:
        f->id = rd_var(r);
        f->value = rd_var(r);
        break;
    case FRAME_MESSAGE:
        f->channel = rd_u8(r);
        f->id = rd_var(r);
        f->total = rd_var(r);
        f->offset = rd_var(r);
        f->data = rd_sized(r, LIMIT_DATAGRAM_BYTES);
        r->bad |= f->total > LIMIT_MESSAGE_BYTES || f->offset > f->total ||
                  f->data.n > f->total - f->offset || (f->data.n == 0 && f->total != 0);
        break;
    case FRAME_DROP_MESSAGE:
        f->id = rd_var(r);
        f->value = rd_var(r);
        r->bad |= f->value == 0 || f->id + f->value > 1ull << 62;
        break;
    case FRAME_PATH_CHALLENGE:
    case FRAME_PATH_RESPONSE:
        f->data = rd_bytes(r, FRAME_PATH_BYTES);
        break;
    case FRAME_CLOSE:
        f->code = rd_var(r);
        f->data = rd_sized(r, LIMIT_REASON_CHARS);
        break;
    case FRAME_NEW_TOKEN:
        f->data = rd_sized(r, FRAME_TOKEN_BYTES);
        break;
    default:
        r->bad = true;
    }
}

enum err frame_next(struct rd *r, struct frame *out)
{
    while (r->left && *r->p == FRAME_PADDING)
        (void)rd_u8(r);
    if (r->bad)
        return ERR_MALFORMED;
    if (r->left == 0)
        return ERR_END;
    /* Only the scalar part: the ranges are many and written before they are read. */
    out->type = (enum frame_type)rd_u8(r);
    out->id = out->offset = out->value = out->code = out->total = 0;
    out->channel = 0;
    out->fin = false;
    out->data = bytes_of(NULL, 0);
    get_body(r, out);
    return r->bad ? ERR_MALFORMED : OK;
}

static void put_ack(struct wr *w, const struct frame *f)
{
    CHECK(f->ack.count >= 1 && f->ack.count <= LIMIT_ACK_RANGES);
    wr_var(w, f->ack.range[0].last);
    wr_var(w, f->ack.delay_us);
    wr_u32(w, f->ack.arrival_us);
    wr_var(w, f->ack.ect0);
    wr_var(w, f->ack.ce);
    wr_var(w, f->ack.count);
    for (uint32_t i = 0; i < f->ack.count; i++) {
        const struct frame_range *range = &f->ack.range[i];
        if (i)
            wr_var(w, f->ack.range[i - 1].first - range->last - 2);
        wr_var(w, range->last - range->first);
    }
}

uint8_t *frame_put_stream(struct wr *w, const struct frame *f)
{
    wr_u8(w, FRAME_STREAM);
    wr_u8(w, f->fin);
    wr_var(w, f->id);
    wr_var(w, f->offset);
    wr_var(w, f->data.n);
    return wr_space(w, f->data.n);
}

void frame_put(struct wr *w, const struct frame *f)
{
    wr_u8(w, f->type);
    switch (f->type) {
    case FRAME_PADDING:
    case FRAME_PING:
    case FRAME_TYPES:
        break;
    case FRAME_ACK:
        put_ack(w, f);
        break;
    case FRAME_STREAM:
        wr_u8(w, f->fin);
        wr_var(w, f->id);
        wr_var(w, f->offset);
        wr_sized(w, f->data);
        break;
    case FRAME_RESET_STREAM:
        wr_var(w, f->id);
        wr_var(w, f->code);
        wr_var(w, f->value);
        break;
    case FRAME_STOP_SENDING:
        wr_var(w, f->id);
        wr_var(w, f->code);
        break;
    case FRAME_MAX_DATA:
        wr_var(w, f->value);
        break;
    case FRAME_MAX_STREAM_DATA:
        wr_var(w, f->id);
        wr_var(w, f->value);
        break;
    case FRAME_MESSAGE:
        wr_u8(w, f->channel);
        wr_var(w, f->id);
        wr_var(w, f->total);
        wr_var(w, f->offset);
        wr_sized(w, f->data);
        break;
    case FRAME_DROP_MESSAGE:
        wr_var(w, f->id);
        wr_var(w, f->value);
        break;
    case FRAME_PATH_CHALLENGE:
    case FRAME_PATH_RESPONSE:
        wr_bytes(w, f->data);
        break;
    case FRAME_CLOSE:
        wr_var(w, f->code);
        wr_sized(w, f->data);
        break;
    case FRAME_NEW_TOKEN:
        wr_sized(w, f->data);
        break;
    }
}

size_t frame_stream_overhead(uint64_t id, uint64_t offset)
{
    return 2 + wr_var_size(id) + wr_var_size(offset) + 2;
}

size_t frame_message_overhead(uint64_t id, uint64_t offset, uint64_t total)
{
    return 2 + wr_var_size(id) + wr_var_size(total) + wr_var_size(offset) + 2;
}
