/* x11_pointer: where an X server's pointer is and how it looks, without waiting for the answer. */
#ifndef FARSPAN_X11_POINTER_H
#define FARSPAN_X11_POINTER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/limits.h"
#include "core/screen/source.h"
#include "core/screen/x11_conn.h"

/* What is known and what has been asked. The caller's storage. */
struct x11_pointer {
    struct source_pointer now;         /* its image is `argb` */
    bool known;                        /* a position has come */
    bool stale;                        /* the shape has changed and was not asked for yet */
    unsigned asked_place, asked_shape; /* requests under way, 0 for none */
    uint64_t next_us, active_until_us, watched_until_us;
    uint32_t argb[LIMIT_POINTER_SIDE_PX * LIMIT_POINTER_SIDE_PX];
};

/* Prepares `p` and asks for the server's cursor events (XFIXES; without it the shape stays
 * unknown and invisible, the position is still told). */
void x11_pointer_init(struct x11_pointer *p, struct x11_conn *x);

/* Takes in one event of the connection. */
void x11_pointer_event(struct x11_pointer *p, const struct x11_conn *x,
                       const xcb_generic_event_t *e);

/* Something has happened on the screen: the position is asked for more often for a while. */
void x11_pointer_wake(struct x11_pointer *p, uint64_t now_us);

/* Somebody wants to know: the position is asked for from now on, until a second after the last such
 * call, so that a display that nobody looks at is left alone. */
void x11_pointer_watch(struct x11_pointer *p, uint64_t now_us);

/* Takes the answers that have come and asks for what is due. */
void x11_pointer_work(struct x11_pointer *p, struct x11_conn *x, uint64_t now_us);

/* When x11_pointer_work has something to ask again; UINT64_MAX: never. */
uint64_t x11_pointer_deadline_us(const struct x11_pointer *p);

#endif
