/* link_host: the far end of trials of a link: listens, and serves several callers at once. */
#ifndef FARSPAN_LINK_HOST_H
#define FARSPAN_LINK_HOST_H

#include "core/run/run_link.h"

/* Listens as `config` says until SIGTERM or SIGINT. Errors as run_link. */
enum err link_host_run(const struct run_link_config *config, struct run *run) MUST_USE;

#endif
