/* receive_qemu: the QEMU that takes a guest in: made ready, told to, told to let it go. */
#ifndef FARSPAN_RECEIVE_QEMU_H
#define FARSPAN_RECEIVE_QEMU_H

#include <stdbool.h>

#include "core/guest/guest_capabilities.h"
#include "core/run/guest_qemu.h"

/* In its owner's storage. */
struct receive_qemu {
    struct guest_qemu q; /* opened by the owner */
    int give;            /* owned: QEMU's end of a pair of sockets; -1: none, or given */
    bool begun;          /* it was told to take the guest in */
    void (*ended)(void *ctx, enum err e);
    void *ctx; /* borrowed */
    struct guest_capabilities before;
};

/* Whether it waits for a guest, and can take in that of `offered` (borrowed). ERR_BUSY,
 * ERR_UNSUPPORTED, with a reason; with `tell` (else NULL), what is unsupported is no reason, but
 * every problem is told, as guest_facts_compare does. */
enum err receive_qemu_fits(const struct receive_qemu *s, const struct guest_facts *offered,
                           void (*tell)(void *ctx, const char *problem), void *ctx) MUST_USE;

/* Sets what a move needs, gives QEMU `give` and has it begin to take the guest in, which is not to
 * go by itself then; then ended(ctx). Errors of dialog_begin. */
void receive_qemu_begin(struct receive_qemu *s, void (*ended)(void *ctx, enum err e), void *ctx);

/* Lets the guest go, if it is one that `runs`; then ended(ctx). */
void receive_qemu_start(struct receive_qemu *s, bool runs, void (*ended)(void *ctx, enum err e),
                        void *ctx);

#endif
