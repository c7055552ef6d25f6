/* send_qemu: the QEMU that gives its guest away: made ready, told to, asked how far it is. */
#ifndef FARSPAN_SEND_QEMU_H
#define FARSPAN_SEND_QEMU_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/guest/guest_capabilities.h"
#include "core/run/guest_qemu.h"

/* How far its migration is, as QEMU says (query-migrate). */
struct send_progress {
    uint64_t total_bytes, remaining_bytes, sent_bytes; /* of memory; sent: before compression */
    uint64_t dirty_bps;                                /* memory written anew, bits a second */
    uint64_t rounds;
};

/* In its owner's storage. */
struct send_qemu {
    struct guest_qemu q; /* opened by the owner */
    uint64_t rate_bps;   /* 0: as much as goes */
    int give;            /* owned: QEMU's end of a pair of sockets; -1: none, or given */
    void (*ended)(void *ctx, enum err e);
    void *ctx;                     /* borrowed */
    void (*progressed)(void *ctx); /* the progress is new; set by the owner */
    void *progress_ctx;            /* borrowed */

    struct send_progress progress;
    bool changed; /* something of the following has been set otherwise */
    struct guest_capabilities before;
    uint64_t before_downtime_ms, before_bandwidth_bytes;
};

/* Sets what a move needs (return-path, pause-before-switchover, events; nothing else but
 * auto-converge; a downtime limit that is met when nothing remains), gives QEMU `give` and has it
 * begin to migrate there; then ended(ctx). Errors of dialog_begin. */
void send_qemu_begin(struct send_qemu *s, void (*ended)(void *ctx, enum err e), void *ctx);

/* Asks how far it is; s->progress is new some time later. */
void send_qemu_ask(struct send_qemu *s);

/* Has it stop the guest when it looks next, however much remains. */
void send_qemu_switch(struct send_qemu *s);

/* Has it go on after pre-switchover. */
void send_qemu_go_on(struct send_qemu *s);

/* Has it give up migrating. Nothing when there is no monitor any more. */
void send_qemu_cancel(struct send_qemu *s);

/* Whether a migration has begun and not come to an end, when the facts were asked. */
bool send_qemu_migrates(const struct send_qemu *s);

/* Has the guest go on, if it ran before; then ended(ctx). */
void send_qemu_resume(struct send_qemu *s, void (*ended)(void *ctx, enum err e), void *ctx);

/* After a move that was not: sets what was set before, and makes sure that the guest goes on if it
 * ran; then ended(ctx). */
void send_qemu_restore(struct send_qemu *s, void (*ended)(void *ctx, enum err e), void *ctx);

/* Ends it; then ended(ctx). */
void send_qemu_quit(struct send_qemu *s, void (*ended)(void *ctx, enum err e), void *ctx);

#endif
