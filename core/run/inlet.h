/* inlet: datagrams on their way in, in their order, large batches opened by a worker. */
#ifndef FARSPAN_INLET_H
#define FARSPAN_INLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/os/dgram.h"
#include "core/run/loop.h"
#include "core/run/udp.h"

/* A batch is received while those before it are opened. Small ones, and what VAES opens quickly
 * where processors are few, are given as they came: the session opens them itself. */
struct inlet;

/* Who takes what has come; called in the loop's thread. */
struct inlet_owner {
    /* Takes up to INLET_LIST datagrams, in order. */
    void (*in)(void *ctx, const struct udp_in *in, size_t count);
    /* A worker is done: inlet_give is due. */
    void (*ready)(void *ctx);
    /* As udp_owner.opening; NULL: nothing is for a worker. */
    bool (*opening)(void *ctx, struct bytes datagram, struct peer_sealing *out);
    void *ctx;         /* borrowed, for in and ready */
    void *opening_ctx; /* borrowed */
};

enum { INLET_LIST = 64 };

/* The owner is copied. ERR_MEMORY. */
enum err inlet_new(struct loop *l, const struct inlet_owner *owner, struct inlet **out) MUST_USE;

/* Waits for the workers; what they have is dropped. Takes it; NULL is fine. */
void inlet_free(struct inlet *n);

/* Whether a batch can be received: else all places are with workers. */
bool inlet_open(const struct inlet *n);

/* Receives a batch, as dgram_receive; *count is that of its bursts. Only when inlet_open. */
enum err inlet_receive(struct inlet *n, struct dgram *d, size_t *count) MUST_USE;

/* Gives what is ready to the owner, in order. */
void inlet_give(struct inlet *n);

#endif
