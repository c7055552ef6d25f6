#include "core/base/arena.h"

#include <stdint.h>

#include "core/base/heap.h"
#include "core/base/num.h"

enum { CHUNK_BYTES = 64 * 1024, ALIGN = 16 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    _Alignas(ALIGN) uint8_t data[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){.max_bytes = max_bytes};
}

void arena_release(struct arena *a)
{
    for (struct arena_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        heap_free(c);
    }
    arena_init(a, a->max_bytes);
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    size_t need, total;

    if (!num_add(bytes, ALIGN - 1, &need))
        return NULL;
    need &= ~(size_t)(ALIGN - 1);
    if (!num_add(a->used_bytes, need, &total) || total > a->max_bytes)
        return NULL;
    struct arena_chunk *c = a->chunks;
    if (!c || c->size - c->used < need) {
        size_t size = num_max(CHUNK_BYTES, need);
        c = heap_alloc(sizeof *c + size);
        if (!c)
            return NULL;
        c->size = size;
        c->next = a->chunks;
        a->chunks = c;
    }
    void *p = c->data + c->used;
    c->used += need;
    a->used_bytes = total;
    return p;
}
