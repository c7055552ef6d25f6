#include "core/codec/tile.h"

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

enum {
    LOOK_EVERY = 4096, /* tiles that come back: about a second of a busy desktop */
    SPARE = 32,        /* free tiles that are kept in any case */
    WORTH_TRIMMING = 16
};

void tile_pool_init(struct tile_pool *p, size_t max)
{
    *p = (struct tile_pool){.max = max};
}

void tile_pool_release(struct tile_pool *p)
{
    CHECK(p->in_use == 0);
    while (p->free) {
        struct tile *t = p->free;
        p->free = t->next_free;
        heap_free(t);
    }
    p->made = 0;
}

static struct tile *take_free(struct tile_pool *p)
{
    struct tile *t = p->free;

    p->free = t->next_free;
    return t;
}

/* Frees what was never needed since the last look, so that one burst, say after a loss, does not
 * cost its memory for ever. */
static void look(struct tile_pool *p)
{
    size_t n = num_sub0(p->least_free, SPARE);

    for (size_t i = 0; i < n; i++)
        heap_free(take_free(p));
    p->made -= n;
    if (n >= WORTH_TRIMMING)
        heap_trim();
    p->least_free = p->made - p->in_use;
    p->returns = 0;
}

struct tile *tile_new(struct tile_pool *p)
{
    struct tile *t;

    if (p->free) {
        t = take_free(p);
    } else {
        if (p->made >= p->max)
            return NULL;
        t = heap_aligned(sizeof *t);
        if (!t)
            return NULL;
        p->made++;
    }
    p->in_use++;
    p->least_free = num_min(p->least_free, p->made - p->in_use);
    t->next_free = NULL;
    t->digested = 0;
    t->refs = 1;
    return t;
}

struct tile *tile_ref(struct tile *t)
{
    CHECK(t->refs > 0);
    t->refs++;
    return t;
}

void tile_unref(struct tile_pool *p, struct tile *t)
{
    if (!t)
        return;
    CHECK(t->refs > 0);
    if (--t->refs)
        return;
    t->next_free = p->free;
    p->free = t;
    p->in_use--;
    if (++p->returns >= LOOK_EVERY)
        look(p);
}
