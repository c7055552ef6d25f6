/* move: what two hosts say to each other about a guest that moves, record by record. */
#ifndef FARSPAN_MOVE_H
#define FARSPAN_MOVE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/wr.h"

/* The kinds. What a record says beside its kind is one JSON object (docs/protocol.md); members that
 * are not known are left out. */
enum move_kind {
    MOVE_OFFER = 1,     /* source, first: the guest, and what is wanted */
    MOVE_ASK = 2,       /* source, first: what became of a move */
    MOVE_ACCEPT = 3,    /* destination: its QEMU waits */
    MOVE_REFUSE = 4,    /* destination: no, and why; nothing has happened */
    MOVE_PREPARED = 5,  /* destination: all is here, and that is noted */
    MOVE_HANDOVER = 6,  /* source: it is yours, and that is noted */
    MOVE_STARTED = 7,   /* destination: it goes here */
    MOVE_ABANDONED = 8, /* destination: it never will, and that is noted */
    MOVE_LOST = 9,      /* destination: it was told to go, and what became of it is not known */
    MOVE_UNKNOWN = 10,  /* destination: there is no such move */
    MOVE_RUNS = 11,     /* source: it stays here; forget it */
    MOVE_DONE = 12,     /* source: nothing more will be asked; forget it */
    MOVE_TIME = 13,     /* source: what is your clock? */
    MOVE_CLOCK = 14,    /* destination: that is my clock */
    MOVE_CHECK = 15,    /* source, first: could that guest come? */
    MOVE_FOUND = 16,    /* destination: what stands in its way */
    MOVE_WHY = 17,      /* destination: why the guest will not come, before it ends anything */
    MOVE_TAKEN = 18,    /* destination: so much of the memory's stream QEMU has taken */
    MOVE_KINDS,
    MOVE_MAY_SKIP = 128 /* kinds from here on may be left out by who does not know them */
};

enum {
    MOVE_HEAD_BYTES = 4,
    MOVE_BODY_BYTES = 1 << 20 /* the most after a head */
};

/* One record. */
struct move_record {
    enum move_kind kind;
    struct bytes body; /* borrowed */
};

/* Encodes a head: the kind, and the length (at most MOVE_BODY_BYTES) of what follows. */
void move_put_head(struct wr *w, enum move_kind kind, size_t body_bytes);

/* Decodes the record at the start of `b`, *used bytes. ERR_AGAIN: not whole yet, *used is how many
 * bytes it needs at least; ERR_MALFORMED, ERR_VERSION: a kind that is not known and may not be left
 * out. One that may has kind MOVE_MAY_SKIP. */
enum err move_get(struct bytes b, struct move_record *out, size_t *used) MUST_USE;

#endif
