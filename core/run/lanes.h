/* lanes: batches of packets on their way out in their order, large ones sealed by a worker. */
#ifndef FARSPAN_LANES_H
#define FARSPAN_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/os/dgram.h"
#include "core/run/loop.h"
#include "core/run/udp.h"

/* A batch is being filled while those before it are sealed. Small ones are sealed where they are
 * made: what is urgent waits for no worker but for those of batches before it. */
struct lanes;

/* `ready` is called in the loop's thread when a worker has sealed a batch. ERR_MEMORY. */
enum err lanes_new(struct loop *l, void (*ready)(void *ctx), void *ctx,
                   struct lanes **out) MUST_USE;

/* Waits for the workers; takes it. NULL is fine. */
void lanes_free(struct lanes *l);

/* Whether there is a batch to be filled: else all are with workers or wait to be sent. */
bool lanes_open(const struct lanes *l);

/* Where the next datagram is to be written, as batch_space; NULL when lanes_close is due or
 * !lanes_open. */
uint8_t *lanes_space(struct lanes *l, size_t need, size_t *room);

/* Adds the datagram that was written there. Its key is copied where it is used later. */
void lanes_add(struct lanes *l, const struct udp_out *o);

/* The batch is complete: it is sealed, or goes to a worker, and waits for lanes_send. Nothing
 * happens when it is empty. */
void lanes_close(struct lanes *l);

/* Sends what is sealed, in order. OK: all of it is gone; else as dgram_send. */
enum err lanes_send(struct lanes *l, struct dgram *d) MUST_USE;

/* Waits until everything is sealed; `ready` is called. Not within it. */
void lanes_settle(struct lanes *l);

#endif
