/* link_call: the near end of a trial of a link: asks for it, runs it, and tells what came of it. */
#ifndef FARSPAN_LINK_CALL_H
#define FARSPAN_LINK_CALL_H

#include "core/run/run_link.h"

/* Tries the link to config->target once. Errors as run_link; a signal ends it early, with the
 * result so far. */
enum err link_call_run(const struct run_link_config *config, struct run *run) MUST_USE;

#endif
