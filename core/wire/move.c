#include "core/wire/move.h"

#include "core/base/check.h"
#include "core/base/rd.h"

void move_put_head(struct wr *w, enum move_kind kind, size_t body_bytes)
{
    CHECK(body_bytes <= MOVE_BODY_BYTES);
    wr_u32(w, (uint32_t)kind | (uint32_t)body_bytes << 8);
}

enum err move_get(struct bytes b, struct move_record *out, size_t *used)
{
    struct rd r = rd_of(b);

    *used = MOVE_HEAD_BYTES;
    if (b.n < MOVE_HEAD_BYTES)
        return ERR_AGAIN;
    uint32_t head = rd_u32(&r);
    unsigned kind = head & 255;
    if (head >> 8 > MOVE_BODY_BYTES)
        return ERR_MALFORMED;
    if (kind == 0 || (kind >= MOVE_KINDS && kind < MOVE_MAY_SKIP))
        return ERR_VERSION;
    *used += head >> 8;
    if (b.n < *used)
        return ERR_AGAIN;
    out->kind = kind >= MOVE_MAY_SKIP ? MOVE_MAY_SKIP : (enum move_kind)kind;
    out->body = rd_bytes(&r, head >> 8);
    return OK;
}
