/* x11_loan: spare keycodes and the key repeat of an X server, borrowed and surely given back. */
#ifndef FARSPAN_X11_LOAN_H
#define FARSPAN_X11_LOAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/screen/x11_conn.h"
#include "core/screen/x11_keymap.h"

enum {
    X11_LOAN_SLOTS = 32,
    /* A client looks a keycode up when it reads the event, in the mapping of that moment: a keycode
     * that was used keeps its meaning for so long. */
    X11_LOAN_REST_US = 500 * 1000
};

/* What is borrowed. It is noted in the property _FARSPAN_LOAN of the root window before it is
 * borrowed: pairs of keycode and keysym, and of 0 and 1 when the repeat is switched off. Who owns
 * the selection _FARSPAN_INPUT keeps that note; a note without an owner is that of a process that
 * was killed. The caller's storage. */
struct x11_loan {
    struct {
        uint8_t keycode;
        uint32_t keysym; /* 0: free */
        uint64_t used_us;
    } slot[X11_LOAN_SLOTS];
    size_t count;
    bool repeat_off;    /* by us; it was on */
    bool used;          /* since the last x11_loan_return */
    xcb_window_t owner; /* 0: another farspan keeps the note */
    xcb_atom_t note;
    uint16_t device;        /* the keyboard that XTEST types on */
    struct x11_keymap *map; /* of that */
};

/* Prepares `l` for the keyboard `device`, whose mapping goes to `map` (borrowed until
 * x11_loan_return, and read anew before every change), and gives back what a killed process has
 * left behind: mapped keycodes, keys held down, the repeat switched off. Waits for the server.
 * ERR_UNREACHABLE, ERR_MALFORMED, ERR_LIMIT, ERR_MEMORY. */
enum err x11_loan_init(struct x11_loan *l, struct x11_conn *x, uint16_t device,
                       struct x11_keymap *map) MUST_USE;

/* Reads the mapping: finds the spare keycodes, forgets those that others have taken. Waits for the
 * server. Errors as x11_loan_init. */
enum err x11_loan_refresh(struct x11_loan *l, struct x11_conn *x) MUST_USE;

/* The second half of x11_loan_refresh, with l->map just loaded. */
void x11_loan_learn(struct x11_loan *l);

/* Whether a keycode can be had now; else *when_us says when, UINT64_MAX for never. */
bool x11_loan_room(const struct x11_loan *l, uint64_t now_us, uint64_t *when_us);

/* Maps spare keycodes to the first of these keysyms, as many as there is room for, those unused for
 * longest first: all in one change, since programs read their whole mapping anew for each. *lent
 * says how many. Waits for the server. Errors as x11_loan_init. */
enum err x11_loan_lend(struct x11_loan *l, struct x11_conn *x, const uint32_t *keysyms,
                       size_t count, uint64_t now_us, size_t *lent) MUST_USE;

/* A key was pressed: when its keycode is a borrowed one it keeps its meaning for a while. */
void x11_loan_touch(struct x11_loan *l, uint8_t keycode, uint64_t now_us);

/* Switches the server's own repeat of keys off, when it is on. Waits for the server. */
void x11_loan_stop_repeat(struct x11_loan *l, struct x11_conn *x);

/* Switches the repeat on again, when x11_loan_stop_repeat has switched it off. */
void x11_loan_allow_repeat(struct x11_loan *l, struct x11_conn *x);

/* Gives everything back and removes the note; clients get a moment to look up what was typed last.
 * A gone server is fine. Waits for the server. */
void x11_loan_return(struct x11_loan *l, struct x11_conn *x);

#endif
