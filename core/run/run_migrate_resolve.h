/* run_migrate_resolve: decides a move that was cut off when nobody could know whose it is. */
#ifndef FARSPAN_RUN_MIGRATE_RESOLVE_H
#define FARSPAN_RUN_MIGRATE_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/run/run.h"

struct run_migrate_resolve_config {
    const char *id;
    const char *target;    /* where the destination is now; NULL: where the note says */
    bool keep_source;      /* a person knows that the destination does not run it */
    bool keep_destination; /* a person knows that the source does not run it */
    bool accept_new, tcp;  /* as call_config says */
    uint64_t patience_us;  /* how long the other host is asked */
};

/* At the source: asks the destination, and does what follows from the answer; at either host with
 * one of `keep_...`: does that. Events: `result` (id, outcome). With reasons: ERR_USAGE,
 * ERR_NOT_FOUND (no such move here), ERR_BUSY (another process works on it), ERR_UNDECIDED (still),
 * ERR_UNSUPPORTED, ERR_UNREACHABLE, ERR_SYSTEM, ERR_MEMORY. */
enum err run_migrate_resolve(const struct run_migrate_resolve_config *config,
                             struct run *run) MUST_USE;

#endif
