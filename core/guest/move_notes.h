/* move_notes: the folder in which a host keeps its notes of moves, one durable file each. */
#ifndef FARSPAN_MOVE_NOTES_H
#define FARSPAN_MOVE_NOTES_H

#include "core/guest/move_note.h"
#include "core/os/folder.h"

/* In its owner's storage. */
struct move_notes {
    char folder[FOLDER_PATH_CHARS];
    int pid;        /* of this process, which owns the notes that it writes ... */
    uint64_t ticks; /* ... and when it was started */
};

/* Finds this user's folder, and makes it when it is not there. ERR_NOT_FOUND: nothing says where;
 * ERR_SYSTEM (logged). */
enum err move_notes_open(struct move_notes *m) MUST_USE;

/* Writes the note, as this process's, in the place of an earlier one of its id, durably: after OK
 * it outlives the machine's power. ERR_SYSTEM (logged), ERR_MEMORY: an earlier one may be there
 * still. */
enum err move_notes_put(const struct move_notes *m, const struct move_note *n) MUST_USE;

/* Reads the note of that id. ERR_NOT_FOUND; ERR_MALFORMED, ERR_VERSION, ERR_SYSTEM (logged). */
enum err move_notes_get(const struct move_notes *m, const char *id, struct move_note *out) MUST_USE;

/* Reads the note of that id and makes it this process's. ERR_BUSY: another one works on it, which
 * is alive; else as move_notes_get and _put. */
enum err move_notes_take(const struct move_notes *m, const char *id,
                         struct move_note *out) MUST_USE;

/* Whether a process works on it that is alive and not this one. */
bool move_notes_owned(const struct move_notes *m, const struct move_note *n);

/* Takes the note of that id away; fine when there is none. */
void move_notes_drop(const struct move_notes *m, const char *id);

/* Calls fn(ctx, note) for each; those that cannot be read are left out (logged). Ends with the
 * first error that it gives. ERR_SYSTEM. */
enum err move_notes_each(const struct move_notes *m,
                         enum err (*fn)(void *ctx, const struct move_note *n), void *ctx) MUST_USE;

#endif
