/* run_migrate_check: what stands in the way of a move, and what it would take; nothing moves. */
#ifndef FARSPAN_RUN_MIGRATE_CHECK_H
#define FARSPAN_RUN_MIGRATE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/run/run.h"

struct run_migrate_check_config {
    const char *target; /* as run_migrate_send's */
    const char *qmp;
    const char *disks; /* "copy", "shared"; NULL: there must be none */
    uint64_t max_downtime_us;
    uint64_t for_us; /* how long the path is tried */
    bool accept_new, tcp;
};

/* Asks both QEMUs and the path. Events: `problem` (says), `result`. ERR_UNSUPPORTED: there are
 * problems, all of them told; else with a reason as run_migrate_send. */
enum err run_migrate_check(const struct run_migrate_check_config *config, struct run *run) MUST_USE;

#endif
