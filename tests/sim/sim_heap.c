#include "tests/sim/sim_heap.h"

#include "core/base/check.h"
#include "core/base/heap.h"

static int before(const struct sim_heap *h, size_t a, size_t b)
{
    return h->due_us[a] < h->due_us[b] || (h->due_us[a] == h->due_us[b] && a < b);
}

static void put(struct sim_heap *h, size_t at, size_t source)
{
    h->order[at] = source;
    h->place[source] = at;
}

static void sift(struct sim_heap *h, size_t at)
{
    size_t source = h->order[at];

    for (; at > 0 && before(h, source, h->order[(at - 1) / 2]); at = (at - 1) / 2)
        put(h, at, h->order[(at - 1) / 2]);
    for (size_t k; (k = 2 * at + 1) < h->count; at = k) {
        if (k + 1 < h->count && before(h, h->order[k + 1], h->order[k]))
            k++;
        if (!before(h, h->order[k], source))
            break;
        put(h, at, h->order[k]);
    }
    put(h, at, source);
}

size_t sim_heap_add(struct sim_heap *h)
{
    if (h->count == h->room) {
        h->room = h->room ? 2 * h->room : 16;
        h->due_us = heap_resize(h->due_us, h->room * sizeof *h->due_us);
        h->place = heap_resize(h->place, h->room * sizeof *h->place);
        h->order = heap_resize(h->order, h->room * sizeof *h->order);
        CHECK(h->due_us && h->place && h->order);
    }
    size_t source = h->count++;
    h->due_us[source] = UINT64_MAX;
    put(h, source, source);
    sift(h, source);
    return source;
}

void sim_heap_set(struct sim_heap *h, size_t source, uint64_t due_us)
{
    h->due_us[source] = due_us;
    sift(h, h->place[source]);
}

size_t sim_heap_first(const struct sim_heap *h)
{
    CHECK(h->count > 0);
    return h->order[0];
}

void sim_heap_release(struct sim_heap *h)
{
    heap_free(h->due_us);
    heap_free(h->place);
    heap_free(h->order);
    *h = (struct sim_heap){0};
}
