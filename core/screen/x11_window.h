/* x11_window: a window as window managers know it: title, size, full screen, a line of text. */
#ifndef FARSPAN_X11_WINDOW_H
#define FARSPAN_X11_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/screen/x11_conn.h"

enum { X11_WINDOW_TEXT = 200 };

/* A window and what was last asked of it; the caller's storage. */
struct x11_window {
    xcb_window_t id, bar; /* the bar is a child at the bottom left that shows `text` */
    xcb_gcontext_t gc, bar_gc;
    bool mapped, full, bar_shown, has_font;
    uint16_t width, height;               /* as the server last told */
    uint16_t wanted_width, wanted_height; /* outside full screen */
    char text[X11_WINDOW_TEXT];
    xcb_atom_t protocols, delete_window, net_name, utf8, net_state, net_full, net_check;
};

/* Makes the window, not yet on the screen. Waits for the server. */
void x11_window_init(struct x11_window *w, struct x11_conn *x);

/* Asks for this size, but no larger than the screen, and brings the window to the screen when it is
 * not there. */
void x11_window_show(struct x11_window *w, struct x11_conn *x, uint16_t width, uint16_t height);

/* Sets the text of title and bar, printable UTF-8; the bar shows what is ASCII in it. */
void x11_window_set_text(struct x11_window *w, struct x11_conn *x, const char *text);

/* Goes to full screen or back: by the window manager, or by size where there is none. Waits for the
 * server. */
void x11_window_toggle_full(struct x11_window *w, struct x11_conn *x);

/* Shows or hides the bar. */
void x11_window_toggle_bar(struct x11_window *w, struct x11_conn *x);

/* Takes in an event: changes of size (true) and what is needed to draw the bar. */
bool x11_window_take(struct x11_window *w, struct x11_conn *x, const xcb_generic_event_t *e);

/* Whether the event is the user's wish to close the window. */
bool x11_window_is_close(const struct x11_window *w, const xcb_generic_event_t *e);

#endif
