#include "core/codec/block_history.h"

#include <string.h>
#include <xxhash.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/rd.h"
#include "core/base/wr.h"

struct block_history {
    uint32_t refs;
    uint32_t colour_count;
    uint8_t key[16];
    uint32_t colour[COLOUR_HISTORY]; /* oldest first */
    size_t n;
    uint8_t p[]; /* n bytes */
};

/* A payload taken apart; payloads are our own work, so what is malformed just counts as empty. */
struct part {
    struct rd colours;
    struct bytes content;
};

static struct part take_apart(struct bytes payload)
{
    struct rd r = rd_of(payload);
    struct part p = {.colours = {NULL, 0, false}};
    uint64_t count = rd_var(&r);

    if (count > COLOUR_NEW)
        return p;
    struct bytes colours = rd_bytes(&r, (size_t)count * 4);
    if (r.bad || r.left % 2)
        return p;
    p.colours = rd_of(colours);
    p.content = bytes_of(r.p, r.left);
    return p;
}

/* The newest colours in order of arrival, each once. It is a queue and nothing else decides, so
 * that payloads added one by one or all at once give the same. */
struct queue {
    uint32_t ring[COLOUR_HISTORY];
    uint32_t end; /* how many ever came */
    struct block_colours set;
    uint32_t when[COLOUR_SLOTS]; /* by slot of the set: the place in the queue */
};

/* Whether the colour is in the queue. */
static bool is_queued(const struct queue *q, uint32_t colour)
{
    uint16_t slot = block_colour_find(&q->set, colour);

    return slot != COLOUR_NONE && q->end - q->when[slot] <= COLOUR_HISTORY;
}

/* Forgets colours that have left the queue, for the set has no room for more. */
static void rebuild_set(struct queue *q)
{
    block_colour_reset(&q->set);
    for (uint32_t i = q->end - (uint32_t)num_min(q->end, COLOUR_HISTORY); i < q->end; i++)
        q->when[block_colour_add(&q->set, q->ring[i % COLOUR_HISTORY])] = i;
}

static void enqueue(struct queue *q, uint32_t colour)
{
    if (is_queued(q, colour))
        return;
    if (q->set.count == COLOUR_SLOTS / 2)
        rebuild_set(q);
    q->ring[q->end % COLOUR_HISTORY] = colour;
    q->when[block_colour_add(&q->set, colour)] = q->end++;
}

/* Adds the payloads' new colours to the parent's. */
static void merge_colours(struct block_history *h, struct queue *q,
                          const struct block_history *parent, const struct bytes *payloads,
                          size_t count)
{
    size_t known;
    const uint32_t *old = block_history_colours(parent, &known);

    block_colour_reset(&q->set);
    for (size_t i = 0; i < known; i++)
        enqueue(q, old[i]);
    for (size_t i = 0; i < count; i++) {
        struct rd r = take_apart(payloads[i]).colours;
        while (r.left)
            enqueue(q, rd_u32(&r));
    }
    h->colour_count = (uint32_t)num_min(q->end, COLOUR_HISTORY);
    for (uint32_t i = 0; i < h->colour_count; i++)
        h->colour[i] = q->ring[(q->end - h->colour_count + i) % COLOUR_HISTORY];
}

struct block_history *block_history_new(const struct block_history *parent,
                                        const struct bytes *payloads, size_t count)
{
    struct bytes old = block_history_tail(parent, SIZE_MAX);
    size_t total = old.n;

    for (size_t i = 0; i < count; i++)
        total += take_apart(payloads[i]).content.n;
    size_t skip = num_sub0(total, BLOCK_HISTORY_BYTES), n = total - skip;
    struct block_history *h = heap_alloc(sizeof *h + n);
    struct queue *q = heap_alloc(sizeof *q);
    if (!h || !q) {
        heap_free(h);
        heap_free(q);
        return NULL;
    }
    h->refs = 1;
    for (size_t i = 0; i <= count; i++) {
        struct bytes b = i ? take_apart(payloads[i - 1]).content : old;
        size_t drop = num_min(skip, b.n);

        if (b.n > drop)
            memcpy(h->p + h->n, b.p + drop, b.n - drop);
        h->n += b.n - drop;
        skip -= drop;
    }
    merge_colours(h, q, parent, payloads, count);
    heap_free(q);
    XXH64_hash_t seed = XXH3_64bits(h->colour, h->colour_count * sizeof h->colour[0]);
    XXH128_hash_t key = XXH3_128bits_withSeed(h->p, h->n, seed);
    memcpy(h->key, &key, sizeof h->key);
    return h;
}

struct block_history *block_history_ref(struct block_history *h)
{
    if (h)
        h->refs++;
    return h;
}

void block_history_unref(struct block_history *h)
{
    if (!h)
        return;
    CHECK(h->refs > 0);
    if (--h->refs == 0)
        heap_free(h);
}

struct bytes block_history_tail(const struct block_history *h, size_t max)
{
    size_t n = h ? num_min(h->n, max) : 0;

    return h ? bytes_of(h->p + h->n - n, n) : bytes_of(NULL, 0);
}

const uint32_t *block_history_colours(const struct block_history *h, size_t *count)
{
    *count = h ? h->colour_count : 0;
    return h ? h->colour : NULL;
}

void block_history_key(const struct block_history *h, uint8_t key[16])
{
    if (h)
        memcpy(key, h->key, 16);
    else
        memset(key, 0, 16);
}

enum err block_history_payload(const uint32_t *colours, size_t count, struct bytes content,
                               struct buf *payload)
{
    uint8_t head[8];
    struct wr w = wr_of(head, sizeof head);
    size_t n;

    if (!payload)
        return OK;
    wr_var(&w, count);
    n = w.n + count * 4 + content.n;
    enum err e = buf_reserve(payload, n);
    if (e)
        return e;
    w = wr_of(payload->p + payload->n, n);
    wr_var(&w, count);
    for (size_t i = 0; i < count; i++)
        wr_u32(&w, colours[i]);
    wr_bytes(&w, content);
    payload->n += n;
    return OK;
}
