/* x11_input: keys, pointer and wheel of a remote user, typed into an X server by XTEST. */
#ifndef FARSPAN_X11_INPUT_H
#define FARSPAN_X11_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/screen/input.h"
#include "core/screen/x11_conn.h"
#include "core/screen/x11_keymap.h"
#include "core/screen/x11_loan.h"

enum { X11_INPUT_HELD = 64, X11_INPUT_QUEUE = 16384 };

/* A key held down: what the user knows it by, and what was pressed for it. */
struct x11_input_held {
    uint32_t keysym, scancode;
    uint8_t keycode;
    bool modifier;
};

/* The state of one typist; the caller's storage. */
struct x11_input {
    bool usable; /* the server has XTEST and XKB */
    struct x11_keymap map;
    bool stale; /* the mapping may have changed */
    struct x11_loan loan;
    struct x11_input_held held[X11_INPUT_HELD];
    size_t held_count;
    uint32_t buttons; /* bit n: button n is down */
    struct input_event queue[X11_INPUT_QUEUE];
    size_t first, queued;
    uint64_t wait_until_us; /* the first of the queue waits for a spare keycode to have rested */
    bool gathered;          /* ... and has already waited for what comes with it */
    uint64_t last_key_us;
    bool said_full;
};

/* Prepares `in`; a server without XTEST or XKB (said once in the log) takes no input. Waits for the
 * server. */
void x11_input_init(struct x11_input *in, struct x11_conn *x);

/* Takes in one event of the connection. */
void x11_input_take(struct x11_input *in, const struct x11_conn *x, const xcb_generic_event_t *e);

/* Carries out `e` (borrowed), or queues it behind what has to wait. A key that the mapping lacks
 * gets a spare keycode, together with those that follow within 2 ms; a key that is down already is
 * a repeat. Waits for the server. */
void x11_input_act(struct x11_input *in, struct x11_conn *x, uint64_t now_us,
                   const struct input_event *e);

/* Carries out what is due. */
void x11_input_work(struct x11_input *in, struct x11_conn *x, uint64_t now_us);

/* When x11_input_work has something to do, UINT64_MAX for never. */
uint64_t x11_input_deadline_us(const struct x11_input *in);

/* Lets go of all that is held, restores what was changed at the server and frees the rest. An `in`
 * that is all zero is fine. Waits for the server. */
void x11_input_release(struct x11_input *in, struct x11_conn *x);

#endif
