/* capture_world: a client and a listener in the simulator with everything written down. */
#ifndef FARSPAN_CAPTURE_WORLD_H
#define FARSPAN_CAPTURE_WORLD_H

#include "tests/ref/capture_plan.h"

/* Runs a plan and fills `file` (of the caller, prepared); NULL, or what went wrong, static. */
const char *capture_world_run(const struct capture_plan *plan, struct capture_file *file);

#endif
