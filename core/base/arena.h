/* arena: many small allocations that end together. */
#ifndef FARSPAN_ARENA_H
#define FARSPAN_ARENA_H

#include <stddef.h>

struct arena {
    struct arena_chunk *chunks; /* owned */
    size_t used_bytes;          /* given out */
    size_t max_bytes;           /* never gives out more */
};

/* Prepares the caller's storage; allocates nothing. */
void arena_init(struct arena *a, size_t max_bytes);

/* Frees everything given out so far; the arena is empty and can be used again. */
void arena_release(struct arena *a);

/* Gives `bytes` zeroed bytes, aligned to 16, owned by the arena; NULL beyond its maximum or
 * without memory. */
void *arena_alloc(struct arena *a, size_t bytes);

#endif
