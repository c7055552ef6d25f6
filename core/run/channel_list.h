/* channel_list: the channels of one end of a relay, of all its sessions. */
#ifndef FARSPAN_CHANNEL_LIST_H
#define FARSPAN_CHANNEL_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/limits.h"
#include "core/run/channel_socket.h"
#include "core/run/run.h"

/* One channel. */
struct channel_item {
    struct peer *peer; /* borrowed: whose it is */
    uint64_t number;   /* from 1: for people */
    bool told;         /* that it is open */
    bool held;         /* kept, even when it is over: its turn has not come */
    struct channel_socket socket;
};

/* What all of them carried. */
struct channel_totals {
    uint64_t channels, given_bytes, packed_bytes, taken_bytes;
};

/* The caller's storage; zeroed but for loop, run, kick and ctx it is ready. */
struct channel_list {
    struct loop *loop; /* borrowed */
    struct run *run;   /* borrowed */
    void (*kick)(void *ctx);
    void *ctx;
    struct channel_item *item[LIMIT_CHANNELS]; /* owned */
    size_t n;
    uint64_t last_number;
    struct channel_totals totals; /* of those that are gone */
};

/* Takes a channel's end of a session. ERR_LIMIT: too many; ERR_MEMORY; then the end is freed. */
enum err channel_list_add(struct channel_list *l, struct peer *p, struct channel_end *end,
                          struct channel_item **out) MUST_USE;

/* The channel with that stream, or NULL. */
struct channel_item *channel_list_find(const struct channel_list *l, const struct peer *p,
                                       uint64_t stream);

/* Gives every channel what its neighbour has written, in turns. */
void channel_list_fill(struct channel_list *l, uint64_t now_us);

/* Something has come for the channel, or it may send: hears and delivers, tells when it opens.
 * Errors of run_event. */
enum err channel_list_wake(struct channel_list *l, struct channel_item *c) MUST_USE;

/* Tells of the channels that are over, and lets go of them. Errors of run_event. */
enum err channel_list_sweep(struct channel_list *l) MUST_USE;

/* The session is gone: so are its channels. Errors of run_event. */
enum err channel_list_drop(struct channel_list *l, const struct peer *p) MUST_USE;

/* What all have carried so far. */
struct channel_totals channel_list_totals(const struct channel_list *l);

/* Closes all. */
void channel_list_release(struct channel_list *l);

#endif
