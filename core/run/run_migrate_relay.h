/* run_migrate_relay: carries local sockets of QEMU or libvirt across a session: both ends of it. */
#ifndef FARSPAN_RUN_MIGRATE_RELAY_H
#define FARSPAN_RUN_MIGRATE_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/parse.h"
#include "core/run/run.h"

struct run_migrate_relay_config {
    struct parse_address listen;    /* be the far end, here */
    struct parse_address advertise; /* what its ticket names */
    const char *authorized;         /* a file of keys; NULL: the default one, if it is there */
    bool invite;                    /* let whoever has the ticket in as well */
    bool once;                      /* end with the first session */
    const char *target;             /* else: host, ticket, "-" or "@FILE" of the far end */
    bool accept_new;                /* take an unknown host's key */
    bool tcp;                       /* over TCP alone */
    uint64_t patience_us;           /* how long the other side may be silent */
    struct parse_list socket;       /* [NAME=]PATH */
};

/* The far end connects to its sockets when asked by name, until a signal ends it; the near end
 * listens on its own until the session ends. Events: `listening`, `connected`, `channel`, `closed`
 * (a channel), `result` at the near end. With reasons: ERR_USAGE, ERR_BUSY, ERR_EXISTS,
 * ERR_UNREACHABLE, ERR_REFUSED, ERR_SYSTEM, ERR_MEMORY. */
enum err run_migrate_relay(const struct run_migrate_relay_config *config, struct run *run) MUST_USE;

#endif
