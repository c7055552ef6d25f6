/* x11_view: the part of a picture that a window shows. */
#ifndef FARSPAN_X11_VIEW_H
#define FARSPAN_X11_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/codec/pic.h"

/* A picture in a window, one pixel for one pixel. Where the window is the larger one the picture
 * stands in its middle; where it is the smaller one the window shows the part that lies where the
 * pointer is: its left edge when the pointer is at the left edge, and so on. */
struct x11_view {
    uint32_t picture_width, picture_height;
    uint32_t window_width, window_height;
    int32_t pointer_x, pointer_y; /* in the window */
};

/* Where the picture's first pixel lies in the window. */
void x11_view_origin(const struct x11_view *v, int32_t *x, int32_t *y);

/* The pixel of the picture at a place of the window, the nearest one for places outside. */
void x11_view_to_picture(const struct x11_view *v, int32_t window_x, int32_t window_y, int32_t *x,
                         int32_t *y);

/* The part of a rectangle of the picture that the window shows; empty when there is none. */
struct rect x11_view_visible(const struct x11_view *v, struct rect r);

#endif
