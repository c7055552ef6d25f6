/* content_index: finds blocks by their content. */
#ifndef FARSPAN_CONTENT_INDEX_H
#define FARSPAN_CONTENT_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

enum { CONTENT_ENTRIES_MOST = 4 << 20 }; /* 16 GiB of content; 64 to 80 MiB of memory at most */

/* Entries are numbered from 0 as they are added. In its owner's storage; zeroed it is empty. */
struct content_index {
    uint64_t *name;  /* owned: of each entry, content_print.h */
    uint32_t *table; /* owned: entries plus 1, by their names; 0: free */
    uint32_t n, room, slots;
};

/* Frees what it holds; it is empty then. */
void content_index_release(struct content_index *x);

/* Adds entry number x->n. ERR_LIMIT: there are CONTENT_ENTRIES_MOST; ERR_MEMORY: in both cases it
 * is not added. */
enum err content_index_add(struct content_index *x, uint64_t name) MUST_USE;

/* The first entry of that name; false: there is none. */
bool content_index_find(const struct content_index *x, uint64_t name, uint32_t *entry);

#endif
