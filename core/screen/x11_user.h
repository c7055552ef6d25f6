/* x11_user: what the user of a window does with keyboard and mouse, as acts of input. */
#ifndef FARSPAN_X11_USER_H
#define FARSPAN_X11_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/screen/input.h"
#include "core/screen/x11_conn.h"
#include "core/screen/x11_keymap.h"
#include "core/screen/x11_view.h"

enum { X11_USER_QUEUE = 512 };

/* What a key combination asks of the window itself; it is not passed on. */
enum x11_user_wish {
    X11_USER_NONE,
    X11_USER_FULL_SCREEN, /* Ctrl+Alt+Return */
    X11_USER_STATUS       /* Ctrl+Alt+I */
};

/* One user; the caller's storage. */
struct x11_user {
    struct x11_keymap map;
    bool stale;            /* the mapping may have changed */
    bool evdev;            /* keycodes are evdev codes + 8 */
    uint32_t pressed[256]; /* by keycode: the keysym that its press was told as, 0: up */
    struct input_event queue[X11_USER_QUEUE];
    size_t first, queued;
};

/* Prepares `u` and reads the keyboard mapping. Waits for the server. */
void x11_user_init(struct x11_user *u, struct x11_conn *x);

/* Frees what it holds. */
void x11_user_release(struct x11_user *u);

/* Takes in one event of the window: keys, buttons, motion, focus; others are ignored. Keys carry
 * the keysym of the user's own layout, their release that of the press; wheel buttons become
 * scrolling; losing the focus releases everything. May wait for the server. */
enum x11_user_wish x11_user_take(struct x11_user *u, struct x11_conn *x,
                                 const struct x11_view *view, const xcb_generic_event_t *e);

/* The next act; false when there is none. */
bool x11_user_next(struct x11_user *u, struct input_event *out);

#endif
