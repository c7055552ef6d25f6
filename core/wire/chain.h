/* chain: packets one after another in a stream of bytes, each behind its length. */
#ifndef FARSPAN_CHAIN_H
#define FARSPAN_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/wr.h"

enum { CHAIN_HEAD_BYTES = 2, CHAIN_LINK_BYTES = CHAIN_HEAD_BYTES + LIMIT_DATAGRAM_BYTES };

/* One direction being read. Zeroed, it stands at its beginning. */
struct chain {
    size_t have; /* bytes of a link that is not whole yet */
    uint8_t part[CHAIN_LINK_BYTES];
};

/* Takes bytes off the front of *in (borrowed) until a packet is whole: OK with *packet, borrowed
 * from either until the next call. ERR_AGAIN: all bytes are taken, none is whole. ERR_MALFORMED:
 * a length of 0 or above LIMIT_DATAGRAM_BYTES; nothing of what follows can be read. */
enum err chain_next(struct chain *c, struct bytes *in, struct bytes *packet) MUST_USE;

/* Writes one packet of 1 to LIMIT_DATAGRAM_BYTES bytes (borrowed) behind its length. */
void chain_put(struct wr *w, struct bytes packet);

#endif
