/* run_version: says what this build is made of and which formats it speaks. */
#ifndef FARSPAN_RUN_VERSION_H
#define FARSPAN_RUN_VERSION_H

#include "core/run/run.h"

struct run_version_config {
    bool licenses; /* the notices instead of the version */
};

/* Prints the version, with JSON also every wire and file format as {"name": {"major": N}}, or the
 * licence notices. ERR_MEMORY, ERR_SYSTEM when stdout fails. */
enum err run_version(const struct run_version_config *config, struct run *run) MUST_USE;

#endif
