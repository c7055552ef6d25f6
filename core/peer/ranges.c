#include "core/peer/ranges.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

void ranges_init(struct ranges *r, size_t max)
{
    *r = (struct ranges){.max = max};
}

void ranges_release(struct ranges *r)
{
    heap_free(r->item);
    ranges_init(r, r->max);
}

/* The first interval whose end is at least `n` (one that touches or lies behind it). */
static size_t find(const struct ranges *r, uint64_t n)
{
    size_t low = 0, high = r->count;

    /* Nearly all calls concern the newest numbers. */
    if (high && r->item[high - 1].end < n)
        return high;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->item[middle].end < n)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum err insert(struct ranges *r, size_t at, struct range new)
{
    if (r->count == r->max)
        return ERR_LIMIT;
    if (r->count == r->capacity) {
        size_t grown = num_min(r->max, num_max(8, r->capacity * 2));
        struct range *item = heap_resize(r->item, grown * sizeof *item);
        if (!item)
            return ERR_MEMORY;
        r->item = item;
        r->capacity = grown;
    }
    memmove(&r->item[at + 1], &r->item[at], (r->count - at) * sizeof *r->item);
    r->item[at] = new;
    r->count++;
    return OK;
}

enum err ranges_add(struct ranges *r, uint64_t begin, uint64_t end)
{
    if (begin >= end)
        return OK;
    size_t at = find(r, begin), last = at;
    if (at == r->count || r->item[at].begin > end)
        return insert(r, at, (struct range){begin, end});
    while (last + 1 < r->count && r->item[last + 1].begin <= end)
        last++;
    r->item[at].begin = num_min(r->item[at].begin, begin);
    r->item[at].end = num_max(r->item[last].end, end);
    memmove(&r->item[at + 1], &r->item[last + 1], (r->count - last - 1) * sizeof *r->item);
    r->count -= last - at;
    return OK;
}

enum err ranges_remove(struct ranges *r, uint64_t begin, uint64_t end)
{
    if (begin >= end)
        return OK;
    size_t at = find(r, begin + 1);
    if (at < r->count && r->item[at].begin < begin && r->item[at].end > end) {
        enum err e = insert(r, at, (struct range){r->item[at].begin, begin});
        if (!e)
            r->item[at + 1].begin = end;
        return e;
    }
    if (at < r->count && r->item[at].begin < begin)
        r->item[at++].end = begin;
    size_t keep = at;
    while (keep < r->count && r->item[keep].end <= end)
        keep++;
    if (keep < r->count && r->item[keep].begin < end)
        r->item[keep].begin = end;
    if (keep > at)
        memmove(&r->item[at], &r->item[keep], (r->count - keep) * sizeof *r->item);
    r->count -= keep - at;
    return OK;
}

bool ranges_contain(const struct ranges *r, uint64_t begin, uint64_t end)
{
    if (begin >= end)
        return true;
    size_t at = find(r, begin + 1);
    return at < r->count && r->item[at].begin <= begin && r->item[at].end >= end;
}

uint64_t ranges_size(const struct ranges *r)
{
    uint64_t n = 0;

    for (size_t i = 0; i < r->count; i++)
        n += r->item[i].end - r->item[i].begin;
    return n;
}

void ranges_fill_lowest_gap(struct ranges *r)
{
    CHECK(r->count > 1);
    r->item[1].begin = r->item[0].begin;
    memmove(&r->item[0], &r->item[1], (r->count - 1) * sizeof *r->item);
    r->count--;
}
