/* seat: one viewer of a server: its feed, its control stream, its input, its exactness. */
#ifndef FARSPAN_SEAT_H
#define FARSPAN_SEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/peer/peer.h"
#include "core/screen/capture.h"
#include "core/screen/feed.h"
#include "core/screen/held.h"
#include "core/screen/input.h"
#include "core/screen/source.h"
#include "core/wire/desk.h"

/* A viewer's place. */
struct seat {
    struct seat *next;
    struct peer *peer; /* borrowed */
    struct feed *feed; /* owned */
    uint32_t without;  /* bits of enum without */
    uint32_t roles, number;
    bool control; /* its input is carried out */
    bool has_stream;
    uint64_t stream;
    struct buf heard;                        /* bytes of a record that is not whole yet */
    uint64_t input_seen;                     /* the last act's number */
    uint64_t input_us;                       /* when it was carried out */
    struct held held;                        /* what this viewer holds down */
    uint64_t held_us;                        /* when it was last heard of input */
    uint64_t claimed_input;                  /* the last exact claim: up to which input, */
    uint32_t claimed_epoch, claimed_version; /* and of which picture */
    uint32_t proven_version;                 /* what the viewer has confirmed */
    bool proven, acted;                      /* news: confirmed, carried out */
    uint8_t claimed_hash[DESK_HASH_BYTES];
    int32_t pointer_x, pointer_y;
    bool pointer_visible, pointer_known;
    uint32_t shape;         /* serial sent last */
    uint64_t paced_us;      /* --rate: nothing more before */
    uint64_t refused_input; /* acts without the right to them */
};

/* Who carries out what a viewer does. */
struct seat_owner {
    /* An act of a viewer that may control. */
    void (*input)(void *ctx, struct seat *s, uint64_t now_us, const struct input_event *e);
    void *ctx;
};

/* Makes a seat for a session that has just come up. `control`: its input is to be carried out. NULL
 * without memory. */
struct seat *seat_new(struct peer *p, const struct capture *c, bool control, uint32_t without);

/* Takes it and frees it. */
void seat_free(struct seat *s);

/* The viewer has opened a stream: the first one is for records. */
void seat_take_stream(struct seat *s, uint64_t id);

/* Reads the viewer's records. ERR_MALFORMED: the viewer breaks the protocol; ERR_MEMORY. */
enum err seat_hear(struct seat *s, uint64_t now_us, const struct seat_owner *owner) MUST_USE;

/* When the viewer has held something down and said nothing for too long; UINT64_MAX: it has not. */
uint64_t seat_silent_us(const struct seat *s);

/* Lets go of everything that this viewer holds down. */
void seat_let_go(struct seat *s, uint64_t now_us, const struct seat_owner *owner);

/* Queues updates while there is room: `rate_bps` at the most when it is not 0. ERR_MEMORY. */
enum err seat_fill(struct seat *s, uint64_t now_us, uint64_t rate_bps) MUST_USE;

/* After a capture: what is outdated is not to be sent again. */
void seat_outdate(struct seat *s);

/* Tells where the pointer is and what it looks like, as far as that is new. */
void seat_point(struct seat *s, const struct source_pointer *p);

/* What exactness needs next. */
enum seat_need {
    SEAT_NOTHING, /* all is said, or something is on its way */
    SEAT_LOOK     /* a whole capture, so that the newest picture may be claimed: from *when_us on */
};

/* Whether a whole capture is wanted, and when. */
enum seat_need seat_needs(const struct seat *s, const struct capture *c, uint64_t now_us,
                          uint64_t *when_us);

/* Claims the newest picture as exact when the viewer has all of it and it was captured as a whole.
 */
void seat_claim(struct seat *s, struct capture *c);

#endif
