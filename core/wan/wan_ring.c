#include "core/wan/wan_ring.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"

enum err wan_ring_init(struct wan_ring *r, size_t bytes)
{
    *r = (struct wan_ring){.room = bytes & ~(size_t)15};
    /* Not heap_aligned: that would touch all of it, and most links never fill theirs. */
    r->space = heap_array(r->room / 16, 16);
    return r->space ? OK : ERR_MEMORY;
}

void wan_ring_release(struct wan_ring *r)
{
    heap_free(r->space);
    *r = (struct wan_ring){0};
}

size_t wan_ring_slots(size_t bytes)
{
    return bytes / WAN_SLOT_MIN + 1;
}

static struct wan_slot *slot_at(struct wan_ring *r, size_t offset)
{
    return (struct wan_slot *)(void *)(r->space + offset);
}

/* Places a slot of `need` bytes at the head; the caller has made sure that it fits. */
static struct wan_slot *place(struct wan_ring *r, size_t need)
{
    struct wan_slot *s = slot_at(r, r->head);

    memset(s, 0, sizeof *s);
    s->slot_bytes = (uint32_t)need;
    r->used += need;
    r->head += need;
    if (r->head == r->room)
        r->head = 0;
    return s;
}

struct wan_slot *wan_ring_take(struct wan_ring *r, struct bytes data)
{
    size_t need = (sizeof(struct wan_slot) + data.n + 15) & ~(size_t)15;

    if (need < WAN_SLOT_MIN)
        need = WAN_SLOT_MIN;
    if (r->used == 0)
        r->head = r->tail = 0;
    size_t to_end = r->room - r->head;
    if (need > to_end) {
        /* A slot never wraps: the rest of the space becomes a gap (its length may be too short
         * for a header, so wan_ring_give knows gaps by the end of the space alone). */
        if (r->used + to_end + need > r->room)
            return NULL;
        if (to_end >= sizeof(struct wan_slot))
            slot_at(r, r->head)->slot_bytes = 0;
        r->used += to_end;
        r->head = 0;
    }
    if (r->used + need > r->room)
        return NULL;
    struct wan_slot *s = place(r, need);
    s->n = (uint32_t)data.n;
    if (data.n)
        memcpy(s->data, data.p, data.n);
    return s;
}

static void skip(struct wan_ring *r, size_t bytes)
{
    CHECK(bytes <= r->used);
    r->used -= bytes;
    r->tail += bytes;
    if (r->tail == r->room)
        r->tail = 0;
}

void wan_ring_give(struct wan_ring *r, struct wan_slot *s)
{
    CHECK(!s->given_back);
    s->given_back = true;
    while (r->used > 0) {
        size_t to_end = r->room - r->tail;
        struct wan_slot *oldest = slot_at(r, r->tail);
        if (to_end < sizeof(struct wan_slot) || oldest->slot_bytes == 0)
            skip(r, to_end);
        else if (oldest->given_back)
            skip(r, oldest->slot_bytes);
        else
            break;
    }
}
