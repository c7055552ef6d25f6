#include "core/guest/move_control.h"

#include "core/base/num.h"

void move_control_init(struct move_control *c, struct peer *p, uint64_t stream)
{
    *c = (struct move_control){.peer = p, .stream = stream};
    buf_init(&c->in, MOVE_HEAD_BYTES + MOVE_BODY_BYTES);
    buf_init(&c->out, 2 * (MOVE_HEAD_BYTES + MOVE_BODY_BYTES));
}

void move_control_release(struct move_control *c)
{
    buf_release(&c->in);
    buf_release(&c->out);
    json_discard(c->body);
    *c = (struct move_control){0};
}

enum err move_control_flush(struct move_control *c)
{
    size_t taken = 0;

    if (!c->peer)
        return ERR_END;
    if (c->out.n == 0)
        return OK;
    enum err e = peer_stream_write(c->peer, c->stream, buf_bytes(&c->out), &taken);
    buf_drop(&c->out, taken);
    return e == ERR_MEMORY ? e : e ? ERR_END : OK;
}

enum err move_control_say(struct move_control *c, enum move_kind kind, struct json *body)
{
    uint8_t space[MOVE_HEAD_BYTES];
    struct wr w = wr_of(space, sizeof space);
    struct buf text;

    buf_init(&text, MOVE_BODY_BYTES);
    enum err e = json_write(body ? body : json_new(), &text);
    if (!e) {
        move_put_head(&w, kind, text.n);
        e = buf_reserve(&c->out, w.n + text.n);
    }
    if (!e)
        e = buf_append(&c->out, wr_done(&w));
    if (!e)
        e = buf_append(&c->out, buf_bytes(&text));
    buf_release(&text);
    return e ? e : move_control_flush(c);
}

/* Takes more of the stream, up to `wanted` bytes in all. */
static enum err hear(struct move_control *c, size_t wanted)
{
    while (c->in.n < wanted) {
        struct bytes data;
        uint64_t code;
        enum err e = peer_stream_peek(c->peer, c->stream, &data, &code);
        if (e)
            return e == ERR_AGAIN ? e : e == ERR_END && c->in.n ? ERR_MALFORMED : ERR_END;
        size_t n = num_min(data.n, wanted - c->in.n);
        e = buf_append(&c->in, bytes_of(data.p, n));
        if (e)
            return e;
        peer_stream_consume(c->peer, c->stream, n);
    }
    return OK;
}

enum err move_control_next(struct move_control *c, enum move_kind *kind,
                           const struct json_value **body)
{
    struct move_record r;
    size_t used = MOVE_HEAD_BYTES;
    enum err e;

    if (!c->peer)
        return ERR_END;
    do {
        e = hear(c, used);
        if (!e)
            e = move_get(buf_bytes(&c->in), &r, &used);
        else
            return e;
    } while (e == ERR_AGAIN);
    if (e)
        return e;
    json_discard(c->body);
    c->body = NULL;
    *kind = r.kind;
    e = json_parse(r.body, &c->body);
    *body = c->body;
    buf_drop(&c->in, used);
    return e;
}
