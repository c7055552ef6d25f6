/* receive_memory: memory that comes from another host: channel, decoder, socket of QEMU. */
#ifndef FARSPAN_RECEIVE_MEMORY_H
#define FARSPAN_RECEIVE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/base/reason.h"
#include "core/guest/page_decoder.h"
#include "core/guest/return_path.h"
#include "core/os/folder.h"
#include "core/run/channel_socket.h"

/* In its owner's storage, zeroed before it is opened. */
struct receive_memory {
    struct channel_socket socket;   /* its end NULL: the channel has not come, or is closed */
    struct loop *loop;              /* borrowed */
    bool waits;                     /* for the channel, with ... */
    int fd;                         /* ... our end of a pair of sockets: owned */
    struct page_decoder *decoder;   /* owned; NULL: it was never open */
    char folder[FOLDER_PATH_CHARS]; /* the decoder's */
    struct return_path back;        /* what QEMU says to the source's */
    uint64_t told_bytes, told_us;   /* of what QEMU has taken, to the source */
    char said_hash[2 * STREAM_HASH_BYTES + 1]; /* by the source; empty: nothing */
    int64_t said_bytes;
    void (*kick)(void *ctx);
    void *kick_ctx; /* borrowed */
};

/* Opens a pair of sockets, QEMU's end of which goes to *give; the channel is to come. kick(ctx):
 * something is to be sent. With a reason in `why`: ERR_SYSTEM, ERR_MEMORY, ERR_NOT_FOUND;
 * receive_memory_free is due all the same. */
enum err receive_memory_open(struct receive_memory *m, struct loop *l, void (*kick)(void *ctx),
                             void *ctx, int *give, struct reason *why) MUST_USE;

/* Closes QEMU's socket and the channel; what has come is known still. */
void receive_memory_close(struct receive_memory *m);

/* Frees all; fine when zeroed. */
void receive_memory_free(struct receive_memory *m);

/* Takes a channel's end whose name is known, when it waits for it; false: it is not taken. */
bool receive_memory_take(struct receive_memory *m, struct channel_end *end);

/* Something has come on a stream, or it takes more; false: it is not its channel's. */
bool receive_memory_wake(struct receive_memory *m, uint64_t stream);

/* Gives the channel what QEMU says to the source's, but for the SHUT (m->back), which is the
 * source's to give. Closes it when QEMU has, or the source, or when pages cannot be kept or make no
 * sense, with a reason in `why`. */
void receive_memory_fill(struct receive_memory *m, uint64_t now_us, struct reason *why);

/* Whether the source is to be told how much QEMU has taken; if so, that goes to *bytes and counts
 * as told. What waits here for QEMU the source cannot see otherwise. */
bool receive_memory_taken(struct receive_memory *m, uint64_t now_us, uint64_t *bytes);

/* Adds the hash and the length of what QEMU gets to `j`; nothing when it was never open. */
void receive_memory_digest(const struct receive_memory *m, struct json *j);

/* Keeps what the source says of the stream (borrowed; NULL: nothing). */
void receive_memory_hear(struct receive_memory *m, const struct json_value *says);

/* Whether what the source has said is so; true when it has said nothing: then it compares. */
bool receive_memory_same(const struct receive_memory *m);

#endif
