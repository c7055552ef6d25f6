/* stop: what SIGINT, SIGTERM and SIGHUP mean to a command. */
#ifndef FARSPAN_STOP_H
#define FARSPAN_STOP_H

#include "core/base/err.h"
#include "core/run/loop.h"
#include "core/run/run.h"

struct stop;

/* What the command does; both called in the loop's thread. */
struct stop_owner {
    /* SIGINT or SIGTERM has come, once: close cleanly and call loop_stop. NULL: loop_stop(0) is
     * called. A second signal of the kind ends the process at once. */
    void (*asked)(void *ctx);
    /* SIGHUP has come: read the key files again. NULL: SIGHUP is like SIGTERM. */
    void (*reread)(void *ctx);
    void *ctx; /* borrowed */
};

/* Watches the signals; the owner's functions are copied. With `run`, the signal is noted in
 * run->signal, so that the command exits 128+n; NULL for servers, which end 0. ERR_MEMORY. */
enum err stop_new(struct loop *l, const struct stop_owner *owner, struct run *run,
                  struct stop **out) MUST_USE;

/* Takes it, at the end of the work: a signal that has not come yet is ignored from now on, so that
 * how the work ended stays what the process says. NULL is fine. */
void stop_free(struct stop *s);

#endif
