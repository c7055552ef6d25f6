#include "core/run/lanes.h"

#include "core/base/heap.h"
#include "core/crypt/crypt.h"
#include "core/run/batch.h"
#include "core/run/key_copies.h"
#include "core/run/pool.h"

enum {
    LANES = 3,
    PACKETS = 256, /* of a batch that are left unsealed */
    /* So many are worth a worker's waking up, and so are the next batch's then. */
    BULK_PACKETS = 64,
    /* Where there are so many, one more thread is worth a little more work in all. */
    SPARE_PROCESSORS = 4,
};

enum state { FREE, SEALING, READY };

/* A packet to be sealed. */
struct packet {
    uint8_t *p; /* borrowed from the batch */
    uint16_t n;
    uint8_t key;
    uint64_t number;
};

struct lane {
    struct pool_job job; /* the first member: it is the lane */
    struct lanes *owner;
    enum state state;
    uint32_t worth; /* packets in it that a worker should have */
    uint32_t packets;
    struct packet packet[PACKETS];
    struct key_copies keys; /* the session may be gone when they are used */
    struct batch batch;
};

struct lanes {
    struct loop *loop; /* borrowed */
    void (*ready)(void *ctx);
    void *ctx;
    struct pool *pool; /* owned; NULL until there is bulk, and where it has no processor */
    bool alone;        /* there will be none */
    bool spare;        /* also packets that are sealed quickly are for a worker */
    bool bulk;         /* the batch before was a large one */
    unsigned count;    /* lanes there are */
    unsigned first, closed;
    struct lane *lane[LANES]; /* owned */
};

static struct lane *filling(const struct lanes *l)
{
    return l->closed < l->count ? l->lane[(l->first + l->closed) % l->count] : NULL;
}

static void seal_all(struct lane *a)
{
    for (uint32_t i = 0; i < a->packets; i++)
        peer_seal(&a->keys.key[a->packet[i].key], a->packet[i].number, a->packet[i].p,
                  a->packet[i].n);
}

static void work(struct pool_job *job)
{
    seal_all((struct lane *)job);
}

static void sealed(struct lane *a)
{
    key_copies_wipe(&a->keys);
    a->packets = 0;
    a->state = READY;
}

static void done(struct pool_job *job)
{
    struct lane *a = (struct lane *)job;

    sealed(a);
    a->owner->ready(a->owner->ctx);
}

static bool add_lane(struct lanes *l)
{
    struct lane *a = heap_aligned(sizeof *a);

    if (!a)
        return false;
    a->job = (struct pool_job){.work = work, .done = done};
    a->owner = l;
    crypt_lock(a->keys.key, sizeof a->keys.key);
    l->lane[l->count++] = a;
    return true;
}

enum err lanes_new(struct loop *loop, void (*ready)(void *ctx), void *ctx, struct lanes **out)
{
    struct lanes *l = heap_alloc(sizeof *l);

    *out = l;
    if (!l)
        return ERR_MEMORY;
    unsigned processors = pool_processors();
    *l = (struct lanes){.loop = loop,
                        .ready = ready,
                        .ctx = ctx,
                        .alone = processors < 2,
                        .spare = processors >= SPARE_PROCESSORS};
    if (add_lane(l))
        return OK;
    heap_free(l);
    *out = NULL;
    return ERR_MEMORY;
}

void lanes_free(struct lanes *l)
{
    if (!l)
        return;
    pool_free(l->pool);
    for (unsigned i = 0; i < l->count; i++) {
        key_copies_wipe(&l->lane[i]->keys);
        heap_free(l->lane[i]);
    }
    heap_free(l);
}

/* Not all lanes or no worker do as well: then the loop seals. Called while no lane is closed. */
static void hire(struct lanes *l)
{
    while (!l->alone && l->count < LANES)
        l->alone = !add_lane(l);
    if (!l->alone)
        l->alone = pool_new(l->loop, 1, LANES, &l->pool) != OK;
}

bool lanes_open(const struct lanes *l)
{
    return filling(l) != NULL;
}

uint8_t *lanes_space(struct lanes *l, size_t need, size_t *room)
{
    struct lane *a = filling(l);

    return a && a->packets < PACKETS ? batch_space(&a->batch, need, room) : NULL;
}

void lanes_add(struct lanes *l, const struct udp_out *o)
{
    struct lane *a = filling(l);
    const struct peer_sealing *u = &o->left;
    uint8_t *p = a->batch.data + a->batch.bytes;
    bool worth = u->key && (l->spare || !seal_is_quick(u->key));
    uint8_t key = worth && l->bulk && l->pool ? key_copies_get(&a->keys, u) : KEY_COPIES;

    if (key < KEY_COPIES)
        a->packet[a->packets++] = (struct packet){p, (uint16_t)o->n, key, u->number};
    else if (u->key)
        peer_seal(u->key, u->number, p, o->n);
    a->worth += worth;
    batch_add(&a->batch, 0, &o->peer, &o->local, o->ecn, o->n);
}

void lanes_close(struct lanes *l)
{
    struct lane *a = filling(l);

    if (!a || batch_empty(&a->batch))
        return;
    l->bulk = a->worth >= BULK_PACKETS;
    a->worth = 0;
    if (l->bulk && !l->alone && !l->pool && l->closed == 0 && l->first == 0)
        hire(l);
    a->state = SEALING;
    l->closed++;
    if (!a->packets || !l->bulk || pool_submit(l->pool, &a->job)) {
        seal_all(a);
        sealed(a);
    }
}

enum err lanes_send(struct lanes *l, struct dgram *d)
{
    while (l->closed && l->lane[l->first]->state == READY) {
        struct lane *a = l->lane[l->first];
        enum err e = batch_send(&a->batch, d);
        if (e)
            return e;
        if (!batch_empty(&a->batch))
            continue;
        a->state = FREE;
        l->first = (l->first + 1) % l->count;
        l->closed--;
    }
    return OK;
}

void lanes_settle(struct lanes *l)
{
    if (l->pool)
        pool_drain(l->pool);
}
