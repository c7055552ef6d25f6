#include "core/wire/chain.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"

/* Moves bytes from *in until `want` of the link are there; false when they do not suffice. */
static bool gather(struct chain *c, struct bytes *in, size_t want)
{
    size_t n = num_min(num_sub0(want, c->have), in->n);

    if (n)
        memcpy(c->part + c->have, in->p, n);
    c->have += n;
    *in = bytes_of(in->p + n, in->n - n);
    return c->have >= want;
}

static enum err length_at(const uint8_t *head, size_t *length)
{
    *length = (size_t)num_get_le(head, CHAIN_HEAD_BYTES);
    return *length && *length <= LIMIT_DATAGRAM_BYTES ? OK : ERR_MALFORMED;
}

enum err chain_next(struct chain *c, struct bytes *in, struct bytes *packet)
{
    size_t length;

    if (c->have == 0 && in->n >= CHAIN_HEAD_BYTES) {
        if (length_at(in->p, &length))
            return ERR_MALFORMED;
        if (in->n - CHAIN_HEAD_BYTES >= length) {
            *packet = bytes_of(in->p + CHAIN_HEAD_BYTES, length);
            length += CHAIN_HEAD_BYTES;
            *in = bytes_of(in->p + length, in->n - length);
            return OK;
        }
    }
    if (!gather(c, in, CHAIN_HEAD_BYTES))
        return ERR_AGAIN;
    if (length_at(c->part, &length))
        return ERR_MALFORMED;
    if (!gather(c, in, CHAIN_HEAD_BYTES + length))
        return ERR_AGAIN;
    c->have = 0;
    *packet = bytes_of(c->part + CHAIN_HEAD_BYTES, length);
    return OK;
}

void chain_put(struct wr *w, struct bytes packet)
{
    CHECK(packet.n && packet.n <= LIMIT_DATAGRAM_BYTES);
    wr_u16(w, (uint16_t)packet.n);
    wr_bytes(w, packet);
}
