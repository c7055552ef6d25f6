#include "core/store/content_index.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"

enum { FIRST_ROOM = 4096 };

void content_index_release(struct content_index *x)
{
    heap_free(x->name);
    heap_free(x->table);
    *x = (struct content_index){0};
}

/* The place of a name: where it is, or would be. */
static uint32_t slot_of(const struct content_index *x, uint64_t name)
{
    uint32_t at = (uint32_t)name & (x->slots - 1);

    while (x->table[at] && x->name[x->table[at] - 1] != name)
        at = (at + 1) & (x->slots - 1);
    return at;
}

static enum err grow(struct content_index *x)
{
    uint32_t room = x->room ? x->room * 2 : FIRST_ROOM;

    if (room > CONTENT_ENTRIES_MOST)
        return ERR_LIMIT;
    struct content_index big = {.n = x->n, .room = room, .slots = room * 2};
    big.name = heap_array(big.room, sizeof *big.name);
    big.table = heap_array(big.slots, sizeof *big.table);
    if (!big.name || !big.table) {
        content_index_release(&big);
        return ERR_MEMORY;
    }
    if (x->n)
        memcpy(big.name, x->name, x->n * sizeof *x->name);
    for (uint32_t i = 0; i < x->n; i++) {
        uint32_t at = slot_of(&big, x->name[i]);
        if (!big.table[at])
            big.table[at] = i + 1;
    }
    content_index_release(x);
    *x = big;
    return OK;
}

enum err content_index_add(struct content_index *x, uint64_t name)
{
    enum err e = x->n == x->room ? grow(x) : OK;

    if (e)
        return e;
    uint32_t at = slot_of(x, name);
    x->name[x->n++] = name;
    if (!x->table[at])
        x->table[at] = x->n;
    return OK;
}

bool content_index_find(const struct content_index *x, uint64_t name, uint32_t *entry)
{
    if (!x->n)
        return false;
    uint32_t there = x->table[slot_of(x, name)];
    if (there)
        *entry = there - 1;
    return there;
}
