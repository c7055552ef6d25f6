/* send_memory: memory on its way to another host: socket of QEMU, coder, channel. */
#ifndef FARSPAN_SEND_MEMORY_H
#define FARSPAN_SEND_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/guest/far_pace.h"
#include "core/guest/page_coder.h"
#include "core/os/folder.h"
#include "core/run/channel_socket.h"

/* What has gone. */
struct send_memory_counters {
    uint64_t raw_bytes;    /* as QEMU has written them */
    uint64_t packed_bytes; /* what they became on the stream */
    struct page_counters pages;
};

/* In its owner's storage, zeroed before it is opened. */
struct send_memory {
    struct channel_socket socket;   /* its end NULL: closed */
    struct page_coder *coder;       /* owned; NULL: it was never open */
    char folder[FOLDER_PATH_CHARS]; /* the coder's */
    struct send_memory_counters counters;
    struct far_pace pace;
    struct peer *peer; /* borrowed, while it is open */
    void (*kick)(void *ctx);
    void *kick_ctx; /* borrowed */
};

/* Opens a channel to the session's other end and a pair of sockets, QEMU's end of which goes to
 * *give. kick(ctx): something is to be sent. ERR_SYSTEM, ERR_MEMORY, ERR_NOT_FOUND, errors of
 * channels; send_memory_free is due all the same. */
enum err send_memory_open(struct send_memory *m, struct loop *l, struct peer *p,
                          void (*kick)(void *ctx), void *ctx, int *give) MUST_USE;

/* Closes QEMU's socket and the channel; what was counted stays. */
void send_memory_close(struct send_memory *m);

/* Frees all; fine when zeroed. */
void send_memory_free(struct send_memory *m);

/* Whether it is open. */
bool send_memory_is_open(const struct send_memory *m);

/* Whether that stream is its channel's. */
bool send_memory_has(const struct send_memory *m, uint64_t stream);

/* Something has come on the channel, or it takes more. When the other side takes no more, it is
 * closed, which QEMU takes as a failure. */
void send_memory_wake(struct send_memory *m);

/* As channel_end_strain; nothing when it is closed. */
void send_memory_strain(struct send_memory *m, bool strained);

/* Gives the channel what QEMU has written. Closes it when QEMU has, or when that fails: ERR_SYSTEM,
 * ERR_MEMORY. */
enum err send_memory_fill(struct send_memory *m, uint64_t now_us) MUST_USE;

/* The other host says that its QEMU has taken so much of the stream; never more than there is. */
void send_memory_taken(struct send_memory *m, uint64_t now_us, int64_t bytes);

/* Gives QEMU the SHUT: it goes on as it does when all is well, and its guest stands. False: it
 * cannot, and is closed. */
bool send_memory_shut(struct send_memory *m);

/* Whether QEMU has written all of the guest, and the channel has got it. */
bool send_memory_written(const struct send_memory *m);

/* What is coded and waits for the channel. */
uint64_t send_memory_waiting(const struct send_memory *m);

/* Brings the counters up to date. */
void send_memory_count(struct send_memory *m);

/* Adds the hash and the length of what QEMU has written to `j`; nothing when it was never open. */
void send_memory_digest(const struct send_memory *m, struct json *j);

/* Whether what the other side says of the stream (borrowed) is so. */
bool send_memory_same(const struct send_memory *m, const struct json_value *says);

#endif
