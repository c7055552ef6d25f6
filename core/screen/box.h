/* box: rectangles that may lie anywhere, for drawing. */
#ifndef FARSPAN_BOX_H
#define FARSPAN_BOX_H

#include <stdbool.h>
#include <stdint.h>

/* The pixels x0 <= x < x1, y0 <= y < y1; empty when x1 <= x0 or y1 <= y0. */
struct box {
    int32_t x0, y0, x1, y1;
};

/* The box at x, y with that size. */
static inline struct box box_at(int32_t x, int32_t y, int32_t width, int32_t height)
{
    return (struct box){x, y, x + width, y + height};
}

/* Whether it has no pixel. */
static inline bool box_empty(struct box b)
{
    return b.x1 <= b.x0 || b.y1 <= b.y0;
}

/* Whether x, y is one of its pixels. */
static inline bool box_has(struct box b, int32_t x, int32_t y)
{
    return x >= b.x0 && x < b.x1 && y >= b.y0 && y < b.y1;
}

/* What both have in common; may be empty. */
static inline struct box box_meet(struct box a, struct box b)
{
    return (struct box){a.x0 > b.x0 ? a.x0 : b.x0, a.y0 > b.y0 ? a.y0 : b.y0,
                        a.x1 < b.x1 ? a.x1 : b.x1, a.y1 < b.y1 ? a.y1 : b.y1};
}

/* The smallest box around both; an empty one counts for nothing. */
static inline struct box box_join(struct box a, struct box b)
{
    if (box_empty(a))
        return b;
    if (box_empty(b))
        return a;
    return (struct box){a.x0 < b.x0 ? a.x0 : b.x0, a.y0 < b.y0 ? a.y0 : b.y0,
                        a.x1 > b.x1 ? a.x1 : b.x1, a.y1 > b.y1 ? a.y1 : b.y1};
}

/* The box grown (shrunk when negative) by `by` on every side. */
static inline struct box box_grow(struct box b, int32_t by)
{
    return (struct box){b.x0 - by, b.y0 - by, b.x1 + by, b.y1 + by};
}

#endif
