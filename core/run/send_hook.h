/* send_hook: the user's program that hears when a guest stops to leave, and what became of it. */
#ifndef FARSPAN_SEND_HOOK_H
#define FARSPAN_SEND_HOOK_H

#include <stdbool.h>

#include "core/guest/move_note.h"
#include "core/run/hook.h"

/* In its owner's storage; zeroed there is none. */
struct send_hook {
    struct hook *hook;            /* owned; NULL: none */
    const struct move_note *note; /* borrowed: of whose move it is */
    bool stopped, told;           /* the guest has; what became of it was said */
};

/* Prepares to start `path` (borrowed; NULL: nothing) for the events `stopped` (the guest stands:
 * its network may be led to the destination), then `committed` (it goes there) or `failed` (it
 * stays, and goes on). ERR_USAGE with a reason, ERR_MEMORY. */
enum err send_hook_begin(struct send_hook *h, struct loop *l, const char *path,
                         const struct move_note *note, struct run *run) MUST_USE;

/* The guest has stopped. */
void send_hook_stopped(struct send_hook *h);

/* The guest goes on here, after it had stopped. */
void send_hook_back(struct send_hook *h);

/* The end: whether it was moved, and why not (borrowed). Nothing when that was said. */
void send_hook_end(struct send_hook *h, bool moved, const char *reason);

/* Frees all, once what was begun has been worked on. Fine when zeroed. */
void send_hook_release(struct send_hook *h);

#endif
