/* link_rows: tries links of our own, row by row, and prints what was seen beside what is hoped. */
#ifndef FARSPAN_LINK_ROWS_H
#define FARSPAN_LINK_ROWS_H

#include "core/run/run_link.h"

/* Tries the rows that `config` names, all without names; a miss is no failure. Events: `row`.
 * Errors as link_lab_try, ERR_USAGE for a name that no row has; a signal ends it, with run->signal
 * set. */
enum err link_rows_run(const struct run_link_config *config, struct run *run) MUST_USE;

/* Prints the names of the rows and what they are; events: `row`. */
enum err link_rows_list(struct run *run) MUST_USE;

#endif
