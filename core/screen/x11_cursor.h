/* x11_cursor: a remote pointer's shape as a cursor of an X server. */
#ifndef FARSPAN_X11_CURSOR_H
#define FARSPAN_X11_CURSOR_H

#include "core/screen/source.h"
#include "core/screen/x11_conn.h"

/* Gives the format of RENDER pictures with 8 bits each of alpha, red, green and blue; 0 when the
 * server has none. Waits for the server. */
uint32_t x11_cursor_format(struct x11_conn *x);

/* Makes a cursor of the shape of `p`, an empty one when it is not visible: in colour with `format`
 * of x11_cursor_format, black and white without (0). The caller frees it with xcb_free_cursor.
 * XCB_NONE when the server cannot have it. */
xcb_cursor_t x11_cursor_new(struct x11_conn *x, uint32_t format, const struct source_pointer *p);

#endif
