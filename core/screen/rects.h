/* rects: a short list of rectangles that covers everything added to it. */
#ifndef FARSPAN_RECTS_H
#define FARSPAN_RECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/codec/pic.h"
#include "core/screen/source.h"

/* The caller's storage; all zero is an empty list. The rectangles may overlap. */
struct rects {
    struct rect r[SOURCE_MAX_RECTS];
    size_t count;
};

/* Adds `r`; an empty one is ignored. Rectangles are merged where that costs little area, and where
 * it costs least when the list is full. */
void rects_add(struct rects *l, struct rect r);

/* Forgets all. */
void rects_clear(struct rects *l);

/* The part of `r` inside width x height; an empty one when there is none. */
struct rect rects_clip(struct rect r, uint32_t width, uint32_t height);

/* Pixels in `r`. */
uint64_t rects_area(struct rect r);

#endif
