#include "core/run/batch.h"

#include "core/base/num.h"

static void forget(struct batch *b)
{
    b->first = b->end = b->bytes = b->datagrams = 0;
}

uint8_t *batch_space(struct batch *b, size_t need, size_t *room)
{
    if (batch_empty(b))
        forget(b);
    *room = BATCH_BYTES - b->bytes;
    return *room >= need && b->end < BATCH_BURSTS ? b->data + b->bytes : NULL;
}

/* Whether `n` more bytes can ride in the last burst: only its last datagram may be shorter. */
static bool joins(const struct batch *b, uint32_t tag, const struct addr *peer,
                  const struct addr *local, uint8_t ecn, size_t n)
{
    if (batch_empty(b) || b->tag[b->end - 1] != tag)
        return false;
    const struct dgram_burst *last = &b->burst[b->end - 1];
    return n && n <= last->each && last->n == last->each * b->datagrams &&
           b->datagrams < DGRAM_SEGMENTS && last->n + n <= DGRAM_BURST_BYTES && last->ecn == ecn &&
           addr_equal(&last->peer, peer) && addr_equal(&last->local, local);
}

void batch_add(struct batch *b, uint32_t tag, const struct addr *peer, const struct addr *local,
               uint8_t ecn, size_t n)
{
    if (joins(b, tag, peer, local, ecn, n)) {
        b->burst[b->end - 1].n += n;
        b->datagrams++;
    } else {
        b->tag[b->end] = tag;
        b->burst[b->end++] = (struct dgram_burst){
            .peer = *peer, .local = *local, .p = b->data + b->bytes, .n = n, .each = n, .ecn = ecn};
        b->datagrams = 1;
    }
    b->bytes += n;
}

static size_t run_length(const struct batch *b)
{
    size_t i = b->first;

    while (i < b->end && b->tag[i] == b->tag[b->first])
        i++;
    return i - b->first;
}

enum err batch_send(struct batch *b, struct dgram *d)
{
    size_t done = 0;
    enum err e = dgram_send(d, b->burst + b->first, run_length(b), &done);

    b->first += done;
    /* What is left of a burst that was begun is no place to append to. */
    if (!batch_empty(b))
        b->datagrams = DGRAM_SEGMENTS;
    return e;
}

size_t batch_drop(struct batch *b)
{
    size_t n = 0;

    for (size_t left = run_length(b); left > 0; left--) {
        const struct dgram_burst *burst = &b->burst[b->first++];
        n += burst->n ? num_div_up(burst->n, burst->each) : 1;
    }
    return n;
}
