#include "core/codec/tile.h"

#include "core/base/check.h"
#include "core/base/heap.h"

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

struct tile *tile_new(struct tile_pool *p)
{
    struct tile *t = p->free;

    if (t) {
        p->free = t->next_free;
    } else {
        if (p->made >= p->max)
            return NULL;
        t = heap_aligned(sizeof *t);
        if (!t)
            return NULL;
        p->made++;
    }
    p->in_use++;
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
}
