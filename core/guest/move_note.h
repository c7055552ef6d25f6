/* move_note: what a host notes of a move, so that whatever ends, nobody runs twice. */
#ifndef FARSPAN_MOVE_NOTE_H
#define FARSPAN_MOVE_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/limits.h"
#include "core/base/rng.h"
#include "core/crypt/key.h"

enum { MOVE_ID_CHARS = 16, MOVE_PATH_CHARS = 255 };

/* What a note says. */
enum move_stage {
    NOTE_MOVING,    /* source: the guest is its own, whatever came in between */
    NOTE_HANDED,    /* source: it has handed the guest over */
    NOTE_LOADING,   /* destination: it has begun to take a guest in */
    NOTE_PREPARED,  /* destination: it holds all of it, and may not let it go */
    NOTE_STARTING,  /* destination: the guest is its own, and was about to go */
    NOTE_RUNNING,   /* destination: it has gone */
    NOTE_ABANDONED, /* destination: it never will */
    NOTE_STAGES
};

/* One note. Text that others have chosen is fit to print. */
struct move_note {
    char id[MOVE_ID_CHARS + 1]; /* of the move: hexadecimal digits */
    enum move_stage stage;
    uint8_t peer[KEY_BYTES];             /* the other host's key: nobody else has a say in it */
    char target[LIMIT_REASON_CHARS + 1]; /* where the source reaches the destination; empty there */
    char guest[LIMIT_NAME_CHARS + 1];    /* its name */
    char qmp[MOVE_PATH_CHARS + 1];       /* the monitor of our QEMU */
    int pid;                             /* our QEMU ... */
    uint64_t started_ticks;              /* ... and when it was started: pids come back */
    int owner_pid;                       /* the farspan that works on it, or did, ... */
    uint64_t owner_ticks;                /* ... and when it was started */
    int64_t at_s;                        /* when this was noted, since 1970 */
    bool runs;                           /* the guest ran, and is to run where it is kept */
    bool ours;                           /* our QEMU was started by us, and is ours to end */
};

/* Makes an id from `rng`. */
void move_note_id(struct rng *rng, char id[MOVE_ID_CHARS + 1]);

/* Whether borrowed text is an id. */
bool move_note_id_right(const char *id);

/* Whether the note is a source's. */
bool move_note_of_source(const struct move_note *n);

/* The stage's name, static: `handed`. */
const char *move_note_stage(enum move_stage stage);

/* Appends the note as one line. ERR_MEMORY, ERR_LIMIT. */
enum err move_note_write(const struct move_note *n, struct buf *to) MUST_USE;

/* Reads what move_note_write has written. ERR_MALFORMED; ERR_VERSION: by a later version. */
enum err move_note_read(struct bytes text, struct move_note *out) MUST_USE;

#endif
