#include "core/screen/rects.h"

#include "core/base/num.h"

uint64_t rects_area(struct rect r)
{
    return (uint64_t)r.width * r.height;
}

static struct rect around(struct rect a, struct rect b)
{
    uint32_t x = (uint32_t)num_min(a.x, b.x), y = (uint32_t)num_min(a.y, b.y);
    uint32_t right = (uint32_t)num_max(a.x + a.width, b.x + b.width);
    uint32_t bottom = (uint32_t)num_max(a.y + a.height, b.y + b.height);

    return (struct rect){x, y, right - x, bottom - y};
}

/* Pixels that merging adds to what the two have alone. */
static uint64_t waste(struct rect a, struct rect b)
{
    return num_sub0(rects_area(around(a, b)), rects_area(a) + rects_area(b));
}

/* The entry that can take `r` at the least waste; the list is not empty. */
static size_t best_for(const struct rects *l, struct rect r)
{
    size_t best = 0;

    for (size_t i = 1; i < l->count; i++)
        if (waste(l->r[i], r) < waste(l->r[best], r))
            best = i;
    return best;
}

void rects_add(struct rects *l, struct rect r)
{
    /* A request for pixels costs about as much as moving a few thousand of them. */
    enum { CHEAP_PX = 4096 };

    if (rects_area(r) == 0)
        return;
    while (l->count > 0) {
        size_t i = best_for(l, r);
        if (l->count < SOURCE_MAX_RECTS && waste(l->r[i], r) > CHEAP_PX)
            break;
        /* What grew may now meet others: take it out and add it again. */
        r = around(l->r[i], r);
        l->r[i] = l->r[--l->count];
    }
    l->r[l->count++] = r;
}

void rects_clear(struct rects *l)
{
    l->count = 0;
}

struct rect rects_clip(struct rect r, uint32_t width, uint32_t height)
{
    if (r.x >= width || r.y >= height)
        return (struct rect){0};
    r.width = (uint32_t)num_min(r.width, width - r.x);
    r.height = (uint32_t)num_min(r.height, height - r.y);
    return r;
}
