/* held: the keys and buttons that one user holds down. */
#ifndef FARSPAN_HELD_H
#define FARSPAN_HELD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/screen/input.h"
#include "core/wire/desk.h"

enum { HELD_MAX = DESK_MAX_HELD };

/* What is down, in the order of its pressing. A zeroed struct is nobody's hand. A key is known by
 * its scancode, without one by its keysym. */
struct held {
    struct input_event down[HELD_MAX];
    size_t count;
};

/* Follows one act of the user. False when it means nothing: a release of what is not down, or a
 * press beyond HELD_MAX; a press of what is down is a repeat, and means something. INPUT_RELEASE is
 * for the caller to take apart (held_let_go). */
bool held_follow(struct held *h, const struct input_event *e);

/* Whether the key or button of `e` is down. */
bool held_has(const struct held *h, const struct input_event *e);

/* Takes out what was pressed last, as the act that lets go of it; false when nothing is down. */
bool held_let_go(struct held *h, struct input_event *out);

/* Whether `e` is the key of a modifier that acts only while it is down (Shift, not Caps Lock). */
bool held_is_modifier(const struct input_event *e);

/* Puts what is down into a record (DESK_HELD). */
void held_tell(const struct held *h, struct desk_record *r);

/* Takes it out of one again. */
void held_hear(struct held *h, const struct desk_record *r);

#endif
