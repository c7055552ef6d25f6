/* script: acts of a user written down: fed as bytes, taken out one act at a time. */
#ifndef FARSPAN_SCRIPT_H
#define FARSPAN_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/screen/input.h"
#include "core/screen/script_line.h"

/* A script being carried out; the caller's storage. All fields are private. */
struct script {
    struct buf text; /* lines not yet carried out; those before `checked` are known to be good */
    size_t checked;  /* the end of the last good line */
    size_t begun;    /* the line being carried out */
    size_t next;     /* the line after it */
    uint64_t lines;  /* checked so far */
    bool finished;   /* no more bytes will come */
    bool failed;     /* a line was bad: nothing more is taken in */
    struct script_line line; /* the one being carried out */
    size_t done;             /* acts of it done, or bytes of the text typed */
    bool half;               /* the key or button of the last act is still down */
    bool waiting, syncing;
    uint64_t until_us; /* when waiting */
};

/* What script_next found. */
enum script_result {
    SCRIPT_ACT,  /* one act: send it, then ask again */
    SCRIPT_WAIT, /* nothing before script_deadline_us */
    SCRIPT_SYNC, /* nothing before script_synced */
    SCRIPT_MORE, /* nothing before more bytes are fed or the end is told */
    SCRIPT_END   /* all is done */
};

/* Prepares an empty script; allocates nothing. */
void script_init(struct script *s);

/* Frees what it holds. */
void script_release(struct script *s);

/* Takes in a copy of borrowed bytes and checks every line that they complete: a script fed whole
 * is checked whole before its first act. ERR_MALFORMED with what and where in *error; ERR_LIMIT,
 * also with *error, for lines longer than LIMIT_LINE_CHARS and for more than LIMIT_SCRIPT_BYTES not
 * yet carried out; ERR_MEMORY. After an error the good lines before can still be carried out. */
enum err script_feed(struct script *s, struct bytes data, struct script_error *error) MUST_USE;

/* Tells that no bytes will follow; a last line needs no newline. Errors as script_feed. */
enum err script_finish(struct script *s, struct script_error *error) MUST_USE;

/* The next act that is due at `now_us`: *out with SCRIPT_ACT. */
enum script_result script_next(struct script *s, uint64_t now_us, struct input_event *out);

/* When script_next has more to give after SCRIPT_WAIT; UINT64_MAX when it does not wait. */
uint64_t script_deadline_us(const struct script *s);

/* Tells that what `sync` waits for has happened. */
void script_synced(struct script *s);

#endif
