/* migrate_relay_far: the end of a relay that is called, and connects to sockets when asked to. */
#ifndef FARSPAN_MIGRATE_RELAY_FAR_H
#define FARSPAN_MIGRATE_RELAY_FAR_H

#include "core/run/run_migrate_relay.h"

/* Listens as `config` says until SIGTERM or SIGINT. Errors as run_migrate_relay. */
enum err migrate_relay_far_run(const struct run_migrate_relay_config *config,
                               struct run *run) MUST_USE;

#endif
