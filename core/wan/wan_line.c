#include "core/wan/wan_line.h"

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

enum err wan_line_init(struct wan_line *l, size_t slots)
{
    *l = (struct wan_line){.heap_room = slots};
    l->heap = heap_array(slots, sizeof *l->heap);
    return l->heap ? OK : ERR_MEMORY;
}

void wan_line_release(struct wan_line *l)
{
    heap_free(l->heap);
    *l = (struct wan_line){0};
}

void wan_line_append(struct wan_line *l, struct wan_slot *s)
{
    s->next = NULL;
    if (l->first) {
        s->due_us = num_max(s->due_us, l->last->due_us);
        l->last->next = s;
    } else {
        l->first = s;
    }
    l->last = s;
}

static bool before(const struct wan_line_entry *a, const struct wan_line_entry *b)
{
    return a->due_us < b->due_us || (a->due_us == b->due_us && a->seq < b->seq);
}

void wan_line_insert(struct wan_line *l, struct wan_slot *s)
{
    struct wan_line_entry e = {s->due_us, s->seq, s};
    size_t i = l->heap_count++;

    CHECK(i < l->heap_room);
    for (; i > 0 && before(&e, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = e;
}

static struct wan_slot *heap_pop(struct wan_line *l)
{
    struct wan_slot *s = l->heap[0].slot;
    struct wan_line_entry e = l->heap[--l->heap_count];
    size_t i = 0;

    for (size_t k; (k = 2 * i + 1) < l->heap_count; i = k) {
        if (k + 1 < l->heap_count && before(&l->heap[k + 1], &l->heap[k]))
            k++;
        if (!before(&l->heap[k], &e))
            break;
        l->heap[i] = l->heap[k];
    }
    l->heap[i] = e;
    return s;
}

uint64_t wan_line_due_us(const struct wan_line *l)
{
    uint64_t due_us = l->first ? l->first->due_us : UINT64_MAX;

    return l->heap_count ? num_min(due_us, l->heap[0].due_us) : due_us;
}

struct wan_slot *wan_line_pop(struct wan_line *l)
{
    struct wan_slot *s = l->first;

    if (s == NULL)
        return heap_pop(l);
    struct wan_line_entry e = {s->due_us, s->seq, s};
    if (l->heap_count && before(&l->heap[0], &e))
        return heap_pop(l);
    l->first = s->next;
    return s;
}
