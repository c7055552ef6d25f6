/* wan_line: datagrams on their way, by due time: a list for those in order, a heap for the rest. */
#ifndef FARSPAN_WAN_LINE_H
#define FARSPAN_WAN_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/wan/wan_ring.h"

struct wan_line_entry {
    uint64_t due_us, seq;
    struct wan_slot *slot;
};

struct wan_line {
    struct wan_slot *first, *last; /* in order of due time; borrowed from the ring */
    struct wan_line_entry *heap;   /* owned */
    size_t heap_count, heap_room;
};

/* Allocates room for `slots` datagrams. ERR_MEMORY. */
enum err wan_line_init(struct wan_line *l, size_t slots) MUST_USE;

/* Frees its own memory; the slots are the ring's. */
void wan_line_release(struct wan_line *l);

/* Appends a slot that stays behind those appended before: its due time is raised to theirs where
 * it would be earlier. */
void wan_line_append(struct wan_line *l, struct wan_slot *s);

/* Inserts a slot that overtakes and is overtaken freely. */
void wan_line_insert(struct wan_line *l, struct wan_slot *s);

/* Due time of the next one; UINT64_MAX when empty. */
uint64_t wan_line_due_us(const struct wan_line *l);

/* Takes the next one out (the line is not empty); equal due times leave by `seq`. */
struct wan_slot *wan_line_pop(struct wan_line *l);

#endif
