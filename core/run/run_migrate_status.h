/* run_migrate_status: the moves that this host takes part in, or that were left undecided. */
#ifndef FARSPAN_RUN_MIGRATE_STATUS_H
#define FARSPAN_RUN_MIGRATE_STATUS_H

#include "core/run/run.h"

struct run_migrate_status_config {
    char unused; /* there is nothing to say */
};

/* One line, or one `move` event (id, side, stage, state, guest, peer, qmp, pid, at_s, process), for
 * each note. ERR_SYSTEM, ERR_MEMORY, ERR_NOT_FOUND (no folder), with reasons. */
enum err run_migrate_status(const struct run_migrate_status_config *config,
                            struct run *run) MUST_USE;

#endif
