/* guest_qemu: a QEMU of this host and its guest: what it says of it, and whether it lives. */
#ifndef FARSPAN_GUEST_QEMU_H
#define FARSPAN_GUEST_QEMU_H

#include <stdbool.h>
#include <stdint.h>

#include "core/guest/guest_facts.h"
#include "core/run/dialog.h"
#include "core/run/loop.h"
#include "core/run/monitor.h"
#include "core/run/run.h"

/* Who it is for; all in the loop's thread. */
struct guest_qemu_owner {
    /* The facts are known, or are not, with a reason in `run`. */
    void (*ready)(void *ctx, enum err e);
    /* An event: name, data (may be NULL), QEMU's clock in us since 1970 (0: not said). */
    void (*told)(void *ctx, const char *name, const struct json_value *data, int64_t at_us);
    /* The monitor is lost after `ready`; nothing can be asked any more. `gone`: so is the process;
     * else it may be alive all the same. */
    void (*lost)(void *ctx, bool gone);
    void *ctx; /* borrowed */
};

/* In its owner's storage. */
struct guest_qemu {
    struct loop *loop; /* borrowed, as are run and path */
    struct run *run;
    const char *path;
    struct guest_qemu_owner owner;
    struct monitor *monitor; /* owned */
    struct dialog dialog;
    struct dialog_step step[GUEST_QUESTIONS + 1];
    struct guest_facts facts;
    int pid; /* 0: not known */
    uint64_t started_ticks;
    bool ready;
    struct loop_timer look; /* whether the process is gone */
    uint64_t give_up_us;
};

/* Connects to the monitor at `path` and asks for the facts. With a reason: ERR_USAGE,
 * ERR_NOT_FOUND, ERR_BUSY, ERR_SYSTEM, ERR_MEMORY; then there is nothing to close. */
enum err guest_qemu_open(struct guest_qemu *q, struct loop *l, const char *path,
                         const struct guest_qemu_owner *owner, struct run *run) MUST_USE;

/* Closes the monitor; QEMU stays. Fine when zeroed. */
void guest_qemu_close(struct guest_qemu *q);

/* Goes through a dialog, after `ready` and one at a time (dialog_begin); ended is called with
 * ERR_UNREACHABLE when there is no monitor. */
void guest_qemu_do(struct guest_qemu *q, const struct dialog_step *steps, size_t n,
                   void (*ended)(void *ctx, enum err e), void *ctx);

/* Has QEMU tell the network, so many times, where its guest is (RARP); it goes without that. */
void guest_qemu_announce(struct guest_qemu *q, unsigned rounds);

/* Asks the facts anew: `ready` again. */
void guest_qemu_ask(struct guest_qemu *q);

#endif
