/* test_paint: the built-in desktop's state as pixels. */
#ifndef FARSPAN_TEST_PAINT_H
#define FARSPAN_TEST_PAINT_H

#include "core/screen/canvas.h"
#include "core/screen/test_desktop.h"

/* Draws the part of the desktop that lies in the canvas' clip: wallpaper, panel, windows from the
 * lowest to the highest. */
void test_paint_all(const struct test_desktop *d, struct canvas *c);

/* The box that the ball and its shadow cover at d->step. */
struct box test_paint_ball_box(const struct test_desktop *d);

#endif
