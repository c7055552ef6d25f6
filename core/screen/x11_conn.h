/* x11_conn: a connection to an X server that waits only for a bounded time. */
#ifndef FARSPAN_X11_CONN_H
#define FARSPAN_X11_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xcb/xcb.h>

#include "core/base/err.h"

enum {
    X11_PATIENCE_MS = 10000, /* an X server silent for longer counts as gone */
    X11_DISPLAY_CHARS = 80
};

/* One connection. The extensions that the server has, minus those named in the environment variable
 * FARSPAN_X11_WITHOUT (a comma-separated list of shm, damage, xfixes, xtest, render). */
struct x11_conn {
    xcb_connection_t *c;
    xcb_screen_t *screen;            /* borrowed from the connection */
    char display[X11_DISPLAY_CHARS]; /* as people write it */
    bool gone;                       /* said so once in the log */
    bool shm, damage, xfixes, xtest, xkb, render;
    uint8_t damage_event, xfixes_event, xkb_event; /* first event number of each */
    /* Takes in one event (borrowed); must not wait for the server. */
    void (*on_event)(void *owner, const xcb_generic_event_t *e);
    void *owner;
};

/* Writes the form of `display` (NULL: $DISPLAY) in which libxcb connects without a name service:
 * "unix:N[.S]" for ":N", "unix:N"; a numeric address and "localhost" for TCP. ERR_USAGE: neither
 * given nor set, or not such a name; why goes to `reason` (`room` bytes). */
enum err x11_conn_name(const char *display, char out[X11_DISPLAY_CHARS], char *reason,
                       size_t room) MUST_USE;

/* Connects to `display` (NULL: $DISPLAY), finds the extensions and demands what pixels need: a root
 * window of depth 24, 32 bits a pixel, little-endian, red 0xff0000, green 0xff00, blue 0xff.
 * ERR_USAGE, ERR_UNREACHABLE, ERR_UNSUPPORTED, each with a sentence in `reason`. */
enum err x11_conn_open(struct x11_conn *x, const char *display, char *reason, size_t room) MUST_USE;

/* Closes the connection; an unopened or closed one is fine. */
void x11_conn_close(struct x11_conn *x);

/* Sends what is queued and gives every event that has come to on_event. ERR_UNREACHABLE: the server
 * has gone, which is logged once. */
enum err x11_conn_pump(struct x11_conn *x) MUST_USE;

/* Waits at most `patience_ms` for the answer to request `sequence`, taking in events meanwhile.
 * OK: *reply is the caller's to drop, or NULL when the server answered with an error (logged at
 * debug level, its code in *error unless NULL). ERR_AGAIN: not yet. ERR_UNREACHABLE. */
enum err x11_conn_reply(struct x11_conn *x, unsigned sequence, uint32_t patience_ms, void **reply,
                        uint8_t *error) MUST_USE;

/* As x11_conn_reply with the whole patience: NULL for errors and a server that does not answer,
 * which then counts as gone. */
void *x11_conn_demand(struct x11_conn *x, unsigned sequence);

/* Takes in events for `ms` and does nothing else. */
void x11_conn_linger(struct x11_conn *x, uint32_t ms);

/* Frees a reply, error or event that libxcb gave (it has a heap of its own); NULL is fine. */
void x11_conn_drop(void *from_xcb);

/* Gives the atom called `name`, or XCB_ATOM_NONE. Waits for the server. */
xcb_atom_t x11_conn_atom(struct x11_conn *x, const char *name);

#endif
