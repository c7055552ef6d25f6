/* batch: datagrams gathered in fixed space, those of one size to one peer as one burst. */
#ifndef FARSPAN_BATCH_H
#define FARSPAN_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/os/dgram.h"

enum { BATCH_BYTES = 256 * 1024, BATCH_BURSTS = 256 };

/* What is to be sent, in order. Zeroed, it is empty. */
struct batch {
    size_t first, end;       /* bursts [first, end) are waiting */
    size_t bytes, datagrams; /* written so far; in the last burst */
    struct dgram_burst burst[BATCH_BURSTS];
    uint32_t tag[BATCH_BURSTS]; /* the owner's: which socket */
    uint8_t data[BATCH_BYTES];
};

/* Where the next datagram is to be written, and in *room how long it may be; NULL when there is no
 * place for one of `need` bytes. */
uint8_t *batch_space(struct batch *b, size_t need, size_t *room);

/* Adds the `n` bytes that were written to batch_space, for the socket `tag`; borrows the rest. It
 * rides in the last burst when size, addresses, ECN bits and socket fit. */
void batch_add(struct batch *b, uint32_t tag, const struct addr *peer, const struct addr *local,
               uint8_t ecn, size_t n);

/* Sends the bursts of the first one's tag that stand together; those that are gone are taken out.
 * As dgram_send. */
enum err batch_send(struct batch *b, struct dgram *d) MUST_USE;

/* Takes out the same bursts unsent; gives the number of datagrams in them. */
size_t batch_drop(struct batch *b);

/* Whether nothing is waiting. */
static inline bool batch_empty(const struct batch *b)
{
    return b->first == b->end;
}

#endif
