/* run_migrate_receive: takes in running guests that other hosts send. */
#ifndef FARSPAN_RUN_MIGRATE_RECEIVE_H
#define FARSPAN_RUN_MIGRATE_RECEIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/parse.h"
#include "core/run/run.h"

struct run_migrate_receive_config {
    struct parse_address listen;
    struct parse_address advertise; /* what its ticket names */
    const char *authorized;         /* a file of keys; NULL: the default one, if it is there */
    bool invite;                    /* let whoever has the ticket in as well */
    bool once;                      /* end with the first move */
    const char *qmp;   /* the monitor of a QEMU that waits for a guest; NULL: one is started ... */
    const char *dir;   /* ... with its disks and sockets in this folder */
    const char *rules; /* a file with command_rules; NULL: none */
    bool overwrite;    /* disks that are there are old copies of the guest's: they may be written
                        * over, and what they hold need not come */
    const char *on_prepared, *on_committed, *on_failed; /* programs; NULL: none */
    struct parse_list seeds; /* files that have much of what guests bring */
    uint64_t store_bytes;    /* so much of what comes is kept for others like it; 0: nothing is */
    uint64_t patience_us;    /* how long the source may be silent */
};

/* Listens until a signal, or with `once` until a move is over. What earlier processes have left
 * undecided is gone on with. Events: `listening`, `stage` (with the move's id), `result` (of a move
 * that is over here). With reasons: ERR_USAGE, ERR_BUSY, ERR_UNSUPPORTED (`once`: the guest did not
 * come), ERR_UNDECIDED (a guest stands here, and its source does not say whose it is), ERR_SYSTEM,
 * ERR_MEMORY. */
enum err run_migrate_receive(const struct run_migrate_receive_config *config,
                             struct run *run) MUST_USE;

#endif
