/* send_disks: the disks of a guest that leaves this host: QEMU mirrors them, they go over, they are
 * proven to be there. */
#ifndef FARSPAN_SEND_DISKS_H
#define FARSPAN_SEND_DISKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/guest/disk_near.h"
#include "core/run/guest_qemu.h"
#include "core/run/nbd_socket.h"

struct send_disks;

/* One of them. */
struct send_disk {
    struct send_disks *all;          /* borrowed */
    const struct guest_disk *disk;   /* borrowed */
    char name[LIMIT_NAME_CHARS + 1]; /* of channel, job, node and descriptor: "farspan-disk-0" */
    struct disk_near *near;          /* owned */
    struct channel_end *end;         /* owned */
    struct nbd_socket socket;
    int give; /* owned: QEMU's end, until it has it */
    bool added, mirrors, ready, drained;
};

/* Who they are for; all in the loop's thread. */
struct send_disks_owner {
    void (*ready)(void *ctx);   /* both sides are nearly the same: the rest can move */
    void (*drained)(void *ctx); /* after send_disks_stop: QEMU has written all */
    void (*failed)(void *ctx, const char *why); /* one cannot be carried any more */
    void (*kick)(void *ctx);                    /* something is to be sent */
    void *ctx;                                  /* borrowed */
};

/* In its owner's storage; zeroed there are none. */
struct send_disks {
    struct loop *loop; /* borrowed, as are q and peer */
    struct guest_qemu *q;
    struct send_disks_owner owner;
    const struct known_list *known; /* borrowed */
    size_t n;
    struct send_disk disk[LIMIT_GUEST_DISKS];
    struct dialog_step step[4 * LIMIT_GUEST_DISKS];
    size_t step_disk[4 * LIMIT_GUEST_DISKS]; /* whose step it is */
    bool stopping, failed, told_ready, told_drained;
    uint64_t total_bytes, remaining_bytes; /* of the mirrors' first round, as QEMU said last */
    void (*ended)(void *ctx, enum err e);  /* of send_disks_restore */
    void *ended_ctx;
};

/* Begins with those of q->facts that the guest writes to; what is `known` (borrowed) at the
 * destination is only named. ERR_SYSTEM, ERR_MEMORY, errors of
 * channels; send_disks_release is due all the same. */
enum err send_disks_begin(struct send_disks *s, struct loop *l, struct guest_qemu *q,
                          struct peer *p, const struct known_list *known,
                          const struct send_disks_owner *owner) MUST_USE;

/* An event of QEMU's. */
void send_disks_told(struct send_disks *s, const char *name, const struct json_value *data);

/* Asks QEMU how far the mirrors are; s->remaining_bytes is new some time later. */
void send_disks_ask(struct send_disks *s);

/* Something has come on a stream, or it takes more; false: it is none of theirs. */
bool send_disks_wake(struct send_disks *s, uint64_t stream);

/* As channel_end_strain, all of them. */
void send_disks_strain(struct send_disks *s, bool strained);

/* Gives the channels what QEMU has written. */
void send_disks_fill(struct send_disks *s, uint64_t now_us);

/* The guest stands: what is left is written, and then the mirrors end. There is one at least. */
void send_disks_stop(struct send_disks *s);

/* The session is over: nothing more goes. */
void send_disks_cut(struct send_disks *s);

/* QEMU goes on without the mirrors; then ended(ctx, ...). */
void send_disks_restore(struct send_disks *s, void (*ended)(void *ctx, enum err e), void *ctx);

/* As that for mirrors that an earlier process has left to this QEMU, if there are any; s is to be
 * begun with afterwards. */
void send_disks_tidy(struct send_disks *s, struct guest_qemu *q,
                     void (*ended)(void *ctx, enum err e), void *ctx);

/* What has gone. */
struct send_disks_count {
    uint64_t written_bytes; /* by QEMU, without what it says are zeroes; known_bytes of it ... */
    uint64_t known_bytes;   /* ... the destination had */
    uint64_t packed_bytes;  /* on the streams */
};

/* Gives how much has gone. */
struct send_disks_count send_disks_count(const struct send_disks *s);

/* Closes all. */
void send_disks_release(struct send_disks *s);

#endif
