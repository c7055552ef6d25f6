#include "core/run/inlet.h"

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/run/key_copies.h"
#include "core/run/pool.h"

enum {
    PLACES = 3,
    PACKETS = DGRAM_BATCH * DGRAM_SEGMENTS,
    /* As in lanes.c: what is worth a worker, and where also what is quick is. */
    BULK_PACKETS = 64,
    SPARE_PROCESSORS = 4,
};

/* A datagram for the worker. */
struct packet {
    uint8_t *p; /* borrowed from the space; NULL: it stays as it came */
    uint16_t n;
    uint8_t key;
    bool good;
    struct peer_sealing how;
};

/* A batch. */
struct place {
    struct pool_job job; /* the first member: it is the place */
    struct inlet *owner;
    bool busy;                 /* with a worker */
    struct dgram_space *space; /* owned */
    struct dgram_burst burst[DGRAM_BATCH];
    size_t bursts;
    struct key_copies keys;
    uint32_t packets;              /* 0: nothing in it is opened */
    struct packet packet[PACKETS]; /* one a datagram */
};

struct inlet {
    struct loop *loop; /* borrowed */
    struct inlet_owner owner;
    struct pool *pool; /* owned; NULL until there is bulk */
    bool alone, spare; /* as in lanes.c */
    bool ending;
    unsigned count, first, taken; /* places there are; [first, first + taken) hold something */
    struct place *place[PLACES];  /* owned */
};

static void work(struct pool_job *job)
{
    struct place *a = (struct place *)job;

    for (uint32_t i = 0; i < a->packets; i++) {
        struct packet *k = &a->packet[i];
        k->good = k->p && peer_open(&a->keys.key[k->key], k->how.number, k->p, k->n);
    }
}

static void done(struct pool_job *job)
{
    struct place *a = (struct place *)job;

    key_copies_wipe(&a->keys);
    a->busy = false;
    if (!a->owner->ending)
        a->owner->owner.ready(a->owner->owner.ctx);
}

static bool add_place(struct inlet *n)
{
    struct place *a = heap_aligned(sizeof *a);

    if (!a)
        return false;
    a->job = (struct pool_job){.work = work, .done = done};
    a->owner = n;
    a->space = dgram_space_new();
    if (!a->space) {
        heap_free(a);
        return false;
    }
    crypt_lock(a->keys.key, sizeof a->keys.key);
    n->place[n->count++] = a;
    return true;
}

enum err inlet_new(struct loop *l, const struct inlet_owner *owner, struct inlet **out)
{
    struct inlet *n = heap_alloc(sizeof *n);
    unsigned processors = pool_processors();

    *out = n;
    if (!n)
        return ERR_MEMORY;
    *n = (struct inlet){.loop = l,
                        .owner = *owner,
                        .alone = processors < 2 || !owner->opening,
                        .spare = processors >= SPARE_PROCESSORS};
    if (add_place(n))
        return OK;
    heap_free(n);
    *out = NULL;
    return ERR_MEMORY;
}

void inlet_free(struct inlet *n)
{
    if (!n)
        return;
    n->ending = true;
    pool_free(n->pool);
    for (unsigned i = 0; i < n->count; i++) {
        key_copies_wipe(&n->place[i]->keys);
        dgram_space_free(n->place[i]->space);
        heap_free(n->place[i]);
    }
    heap_free(n);
}

/* Not all places or no worker do as well: then the loop opens. Only while one place is taken, the
 * first. */
static void hire(struct inlet *n)
{
    while (!n->alone && n->count < PLACES)
        n->alone = !add_place(n);
    if (!n->alone)
        n->alone = pool_new(n->loop, 1, PLACES, &n->pool) != OK;
}

bool inlet_open(const struct inlet *n)
{
    return n->taken < n->count;
}

/* Looks at a datagram; false when the batch is not for a worker. */
static bool note(struct inlet *n, struct place *a, const uint8_t *p, size_t bytes)
{
    struct packet *k = &a->packet[a->packets++];

    *k = (struct packet){.n = (uint16_t)bytes};
    if (bytes > LIMIT_DATAGRAM_BYTES ||
        !n->owner.opening(n->owner.opening_ctx, bytes_of(p, bytes), &k->how))
        return true;
    if (!n->spare && seal_is_quick(k->how.key))
        return false;
    k->key = key_copies_get(&a->keys, &k->how);
    k->how.key = NULL;
    /* The space is ours to write to. */
    k->p = k->key < KEY_COPIES ? (uint8_t *)(uintptr_t)p : NULL;
    return true;
}

/* Whether the batch goes to a worker. */
static bool hand_over(struct inlet *n, struct place *a)
{
    size_t datagrams = 0, worth = 0;
    bool wanted = true;

    for (size_t i = 0; i < a->bursts; i++)
        datagrams += a->burst[i].n ? num_div_up(a->burst[i].n, a->burst[i].each) : 1;
    if (n->alone || datagrams < BULK_PACKETS || datagrams > PACKETS)
        return false;
    for (size_t i = 0; i < a->bursts && wanted; i++) {
        const struct dgram_burst *b = &a->burst[i];
        size_t at = 0;
        do {
            wanted = note(n, a, b->p + at, num_min(b->each, b->n - at));
            worth += a->packet[a->packets - 1].p != NULL;
            at += b->each;
        } while (at < b->n && wanted);
    }
    if (wanted && worth >= BULK_PACKETS && !n->pool)
        hire(n);
    a->busy = wanted && worth >= BULK_PACKETS && n->pool && !pool_submit(n->pool, &a->job);
    if (!a->busy) {
        a->packets = 0;
        key_copies_wipe(&a->keys);
    }
    return a->busy;
}

enum err inlet_receive(struct inlet *n, struct dgram *d, size_t *count)
{
    struct place *a = n->place[(n->first + n->taken) % n->count];
    enum err e = dgram_receive(d, a->space, a->burst, count);

    a->bursts = *count;
    a->packets = 0;
    if (*count) {
        (void)hand_over(n, a);
        n->taken++;
    }
    return e;
}

static void give(struct inlet *n, const struct place *a)
{
    struct udp_in list[INLET_LIST];
    size_t count = 0, index = 0;

    for (size_t i = 0; i < a->bursts; i++) {
        const struct dgram_burst *b = &a->burst[i];
        size_t at = 0;
        do {
            size_t bytes = num_min(b->each, b->n - at);
            const struct packet *k = a->packets ? &a->packet[index++] : NULL;
            list[count++] = (struct udp_in){.peer = b->peer,
                                            .local = b->local,
                                            .ecn = b->ecn,
                                            .data = bytes_of(b->p + at, bytes),
                                            .opened = k && k->p ? &k->how : NULL,
                                            .good = k && k->good};
            at += bytes;
            if (count == INLET_LIST || at == b->n) {
                n->owner.in(n->owner.ctx, list, count);
                count = 0;
            }
        } while (at < b->n);
    }
}

void inlet_give(struct inlet *n)
{
    while (n->taken && !n->place[n->first]->busy) {
        give(n, n->place[n->first]);
        n->first = (n->first + 1) % n->count;
        n->taken--;
    }
}
