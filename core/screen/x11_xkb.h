/* x11_xkb: the keyboard of an X server: its mapping, its state, its locks. */
#ifndef FARSPAN_X11_XKB_H
#define FARSPAN_X11_XKB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/screen/x11_conn.h"
#include "core/screen/x11_keymap.h"

enum { X11_XKB_CORE = 0x100 }; /* the keyboard that clients see */

/* What XKB says about the keyboard that clients see. */
struct x11_xkb_state {
    uint8_t mods, base, latched, locked;
    uint8_t group, locked_group; /* in effect; the locked part of it */
    int8_t group_unlocked;       /* what keys held down and latches add to the locked group */
};

/* The id of the keyboard that XTEST types on (it has a mapping of its own, which becomes the core
 * keyboard's with its first key), X11_XKB_CORE when there is none. Waits for the server. */
uint16_t x11_xkb_find_test(struct x11_conn *x);

/* Asks for events about changes of the mapping of `device` and of the core keyboard. */
void x11_xkb_watch(struct x11_conn *x, uint16_t device);

/* Whether `e` says that a mapping may have changed. */
bool x11_xkb_is_change(const struct x11_conn *x, const xcb_generic_event_t *e);

/* Reads the mapping of `device` into `m`, which is released first. ERR_UNREACHABLE, ERR_MALFORMED,
 * ERR_LIMIT, ERR_MEMORY; `m` is then empty. Waits for the server. */
enum err x11_xkb_load(struct x11_conn *x, uint16_t device, struct x11_keymap *m) MUST_USE;

/* Reads the state of the core keyboard. ERR_UNREACHABLE. Waits for the server. */
enum err x11_xkb_state(struct x11_conn *x, struct x11_xkb_state *out) MUST_USE;

/* Makes `count` (> 0) changes to the mapping of `device`, which is `m` at this moment, in as few
 * requests as it takes: a program reads its mapping anew for each. ERR_MEMORY. */
enum err x11_xkb_change(struct x11_conn *x, uint16_t device, const struct x11_keymap *m,
                        const struct x11_keymap_change *changes, size_t count) MUST_USE;

/* Locks the modifiers `mods` among `affect`, lifts the other locks among these, and locks `group`
 * (< 0: leaves it). */
void x11_xkb_lock(struct x11_conn *x, uint8_t affect, uint8_t mods, int group);

/* Asks the server to repeat a key held down as presses without releases, for this connection. */
void x11_xkb_detectable_repeat(struct x11_conn *x);

/* Whether keycodes are evdev codes + 8, as on Linux. Waits for the server. */
bool x11_xkb_is_evdev(struct x11_conn *x);

#endif
