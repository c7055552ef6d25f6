/* run_migrate_send: moves a running guest of this host to another one. */
#ifndef FARSPAN_RUN_MIGRATE_SEND_H
#define FARSPAN_RUN_MIGRATE_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/run/run.h"

struct run_migrate_send_config {
    const char *target; /* host, ticket, "-", "@FILE"; NULL: $FARSPAN_TICKET */
    const char *qmp;    /* the monitor of the guest's QEMU */
    const char *disks;  /* "copy", "shared" (both hosts have them); NULL: there must be none */
    uint64_t max_downtime_us; /* for what QEMU sends while the guest stands */
    uint64_t rate_bps;        /* of memory; 0: as much as goes */
    uint64_t patience_us;     /* how long the other host may be silent */
    bool safe, fast;          /* whether the destination must say that it has all; safe is usual */
    bool keep;                /* the source's QEMU stays, stopped, after the move */
    bool accept_new;          /* take an unknown host's key */
    bool tcp;                 /* over TCP alone */
    const char *hook;         /* a program that hears of it; NULL: none */
};

/* Moves the guest, and returns when it has been decided who runs it, or when that cannot be known
 * (ERR_UNDECIDED). A signal takes it back as long as it has not been handed over. Events: `guest`,
 * `connected`, `stage`, `progress`, `result`. With reasons: ERR_USAGE, ERR_NOT_FOUND, ERR_BUSY,
 * ERR_UNSUPPORTED, ERR_UNREACHABLE, ERR_REFUSED, ERR_UNDECIDED, ERR_SYSTEM, ERR_MEMORY. */
enum err run_migrate_send(const struct run_migrate_send_config *config, struct run *run) MUST_USE;

#endif
