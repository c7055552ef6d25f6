/* receive_disks: the disks of a guest that comes to this host, given to QEMU. */
#ifndef FARSPAN_RECEIVE_DISKS_H
#define FARSPAN_RECEIVE_DISKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/guest/disk_far.h"
#include "core/run/guest_qemu.h"
#include "core/run/nbd_socket.h"

struct receive_disks;

/* One of them. */
struct receive_disk {
    struct receive_disks *all;       /* borrowed */
    char name[LIMIT_NAME_CHARS + 1]; /* of channel and export: "farspan-disk-0" */
    const char *node;                /* borrowed: QEMU's */
    const char *file;                /* borrowed: for people */
    struct disk_far *far;            /* owned */
    struct channel_end *end;         /* owned; NULL: it has not come, or is over */
    struct nbd_socket socket;
    bool done;
};

/* Who they are for; all in the loop's thread. */
struct receive_disks_owner {
    void (*open)(void *ctx, enum err e);   /* QEMU takes them in, or does not, with a reason */
    void (*done)(void *ctx);               /* all is durable */
    void (*closed)(void *ctx, enum err e); /* after receive_disks_close: QEMU has them for itself */
    void (*failed)(void *ctx, const char *why);
    void (*kick)(void *ctx); /* something is to be sent */
    void *ctx;               /* borrowed */
};

/* In its owner's storage; zeroed there are none. */
struct receive_disks {
    struct loop *loop; /* borrowed, as is q */
    struct guest_qemu *q;
    struct receive_disks_owner owner;
    struct content_store *store; /* borrowed; NULL: none */
    size_t n;
    struct receive_disk disk[LIMIT_GUEST_DISKS];
    struct dialog_step step[4 + LIMIT_GUEST_DISKS];
    int give;       /* owned: the socket that QEMU is to listen on, until it has it */
    char path[108]; /* where that is; empty: nowhere */
    bool left;      /* QEMU has exports of a move that was not accepted, or was ended */
    bool failed, told_done;
};

/* Begins for those of `offered` that are written to, with QEMU's disks of the same names in
 * q->facts: open(ctx, ...) comes later, also when there are none. `id` names a socket in this
 * user's folder, `store` (borrowed, or NULL) has what need not come. ERR_SYSTEM, ERR_MEMORY,
 * ERR_NOT_FOUND; receive_disks_release is due all the same.
 */
enum err receive_disks_begin(struct receive_disks *r, struct loop *l, struct guest_qemu *q,
                             const struct guest_facts *offered, const char *id,
                             struct content_store *store,
                             const struct receive_disks_owner *owner) MUST_USE;

/* Takes a channel's end whose name is known; false: it is none of theirs, and is not taken. */
bool receive_disks_take(struct receive_disks *r, struct channel_end *end);

/* Something has come on a stream, or it takes more; false: it is none of theirs. */
bool receive_disks_wake(struct receive_disks *r, uint64_t stream);

/* Sends what is to be sent back. */
void receive_disks_fill(struct receive_disks *r, uint64_t now_us);

/* Whether all is durable; true when there are none. */
bool receive_disks_done(const struct receive_disks *r);

/* Has QEMU keep them to itself: closed(ctx, ...) comes, also when there are none. */
void receive_disks_close(struct receive_disks *r);

/* The session is over: nothing more comes. */
void receive_disks_cut(struct receive_disks *r);

/* Closes all. */
void receive_disks_release(struct receive_disks *r);

#endif
