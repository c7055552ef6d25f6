/* migrate_relay_near: the end of a relay that calls, and listens on sockets. */
#ifndef FARSPAN_MIGRATE_RELAY_NEAR_H
#define FARSPAN_MIGRATE_RELAY_NEAR_H

#include "core/run/run_migrate_relay.h"

/* Calls config->target, and listens until the session ends or a signal comes. Errors as
 * run_migrate_relay. */
enum err migrate_relay_near_run(const struct run_migrate_relay_config *config,
                                struct run *run) MUST_USE;

#endif
