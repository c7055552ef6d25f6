/* sim_heap: which source of events is next: a binary heap with a place for each source. */
#ifndef FARSPAN_SIM_HEAP_H
#define FARSPAN_SIM_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* Sources are numbered from 0; each has one time, UINT64_MAX when it waits for nothing. */
struct sim_heap {
    uint64_t *due_us; /* by source; owned */
    size_t *place;    /* by source: its index in order; owned */
    size_t *order;    /* the heap of sources; owned */
    size_t count, room;
};

/* Adds a source that waits for nothing yet; gives its number. Aborts without memory. */
size_t sim_heap_add(struct sim_heap *h);

/* Sets a source's time. */
void sim_heap_set(struct sim_heap *h, size_t source, uint64_t due_us);

/* The source with the least time, of equal ones the least number; the heap is not empty. */
size_t sim_heap_first(const struct sim_heap *h);

/* Frees its memory. */
void sim_heap_release(struct sim_heap *h);

#endif
