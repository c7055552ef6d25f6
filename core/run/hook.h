/* hook: the user's program, started once for each event, one at a time. */
#ifndef FARSPAN_HOOK_H
#define FARSPAN_HOOK_H

#include "core/base/err.h"
#include "core/os/child.h"
#include "core/run/loop.h"
#include "core/run/run.h"

enum {
    HOOK_WAITING = 64, /* events kept while one is worked on; more are dropped, and said */
    HOOK_LIMIT_US = 10 * 1000000 /* one that takes longer is ended */
};

struct hook;

/* Prepares to start the program `path` (borrowed). ERR_USAGE with a reason when it is none that can
 * be started, ERR_MEMORY. */
enum err hook_new(struct loop *l, const char *path, struct run *run, struct hook **out) MUST_USE;

/* Starts the program for an event, or has it wait for its turn. `event` (static) is its argument
 * and FARSPAN_EVENT; the variables of the borrowed `env` come beside it. NULL is fine. */
void hook_event(struct hook *h, const char *event, const struct child_env *env);

/* Runs the loop until every event has been worked on, for HOOK_LIMIT_US at the most. For the end of
 * a command, when nothing else is left on the loop. NULL is fine. */
void hook_drain(struct hook *h);

/* Takes it; what still runs is ended. NULL is fine. */
void hook_free(struct hook *h);

#endif
