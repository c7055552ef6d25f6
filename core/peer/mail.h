/* mail: messages on their way out in pieces, and pieces coming in until a message is whole. */
#ifndef FARSPAN_MAIL_H
#define FARSPAN_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/peer/peer.h"
#include "core/peer/ranges.h"
#include "core/wire/frame.h"

/* One message being sent. */
struct mail_letter {
    struct mail_letter *next, *previous; /* of its class, while something is left to send */
    uint64_t id, tag, key, deadline_us;
    uint8_t class, channel;
    bool once;  /* a loss ends it */
    bool stale; /* nothing more of it is sent */
    bool listed;
    uint32_t total, sent;        /* bytes, and how many were sent at least once */
    uint32_t repeated;           /* what is before it was queued once more than losses ask for */
    bool lost_once;              /* since then, and has been queued but once more for that */
    struct ranges lost, missing; /* to be sent again; not yet acknowledged */
    uint8_t data[];
};

/* Messages that the other must stop waiting for. */
struct mail_drop {
    uint64_t first, count;
};

/* All messages being sent: letter with id i is in slot i % LIMIT_MESSAGES, so that a message whose
 * id is LIMIT_MESSAGES below one that was sent is over. */
struct mail_out {
    struct mail_letter *slot[LIMIT_MESSAGES];
    struct mail_letter *first[PEER_CLASSES], *last[PEER_CLASSES];
    uint64_t next_id;
    uint64_t queued_bytes[PEER_CLASSES];   /* never sent yet */
    uint64_t held_bytes;                   /* of all letters */
    struct mail_drop drop[LIMIT_MESSAGES]; /* a ring */
    uint64_t drop_head, drop_tail;
    /* Told of each message that ended: acked or gone. */
    void (*ended)(void *context, uint64_t tag, bool acked);
    void *context;
};

/* A message coming in. */
struct mail_parcel {
    uint64_t id;
    uint8_t channel;
    uint32_t total;
    struct ranges have;
    uint8_t data[];
};

/* All messages coming in. Ids below next - LIMIT_MESSAGES are over; each of the others has the slot
 * id % LIMIT_MESSAGES. */
struct mail_in {
    struct mail_parcel *slot[LIMIT_MESSAGES]; /* incomplete */
    uint8_t done[LIMIT_MESSAGES / 8];         /* delivered or dropped */
    uint64_t next;                            /* one past the highest id seen */
    size_t held_bytes;                        /* incomplete, or whole and not freed yet */
};

/* Prepares the caller's storage, which must be zero already: it is large, and most of it is never
 * touched. */
void mail_out_init(struct mail_out *m, void (*ended)(void *context, uint64_t tag, bool acked),
                   void *context);

/* Frees all letters; nobody is told. */
void mail_out_release(struct mail_out *m);

/* Queues a copy, giving up what it supersedes (`keep_stale`: not). Errors as peer_message_send. */
enum err mail_send(struct mail_out *m, const struct peer_message *message, bool keep_stale,
                   uint64_t *id) MUST_USE;

/* Gives `id` up: nothing of it is sent any more. Told as acked if it arrives all the same, else as
 * gone. */
void mail_cancel(struct mail_out *m, uint64_t id);

/* From now on what is lost of `id` is not sent again: the first loss ends it. */
void mail_forsake(struct mail_out *m, uint64_t id);

/* Gives up all whose deadline has passed before anything of them was sent. Gives the next deadline,
 * UINT64_MAX when there is none. */
uint64_t mail_expire(struct mail_out *m, uint64_t now_us);

/* Bytes never sent yet, of `class` and those before it. */
uint64_t mail_queued_bytes(const struct mail_out *m, enum peer_class class);

/* The next piece of class `class` for at most `room` bytes of frame: fills `f`, data borrowed from
 * the letter, fin set when it had been sent before. False when there is none or it does not fit. */
bool mail_take(struct mail_out *m, enum peer_class class, size_t room, struct frame *f);

/* A piece was acknowledged. ERR_MEMORY. */
enum err mail_acked(struct mail_out *m, uint64_t id, uint64_t offset, uint64_t n) MUST_USE;

/* A piece is to be sent once more although it may well arrive. Nothing happens when that was done
 * for it already, or the message is long, given up, or one that is sent once. ERR_MEMORY. */
enum err mail_repeat(struct mail_out *m, uint64_t id, uint64_t offset, uint64_t n) MUST_USE;

/* A piece was lost (`resend`: it is to be sent again). ERR_MEMORY. */
enum err mail_lost(struct mail_out *m, uint64_t id, uint64_t offset, uint64_t n,
                   bool resend) MUST_USE;

/* The next messages that the other must be told to drop; false when there are none. */
bool mail_take_drop(struct mail_out *m, struct mail_drop *drop);

/* Puts messages back whose DROP_MESSAGE was lost or did not fit. */
void mail_again_drop(struct mail_out *m, const struct mail_drop *drop);

/* Frees what is incomplete; storage of zeros is a prepared one. */
void mail_in_release(struct mail_in *m);

/* Frees a whole parcel of mail_receive; NULL is fine. */
void mail_in_free(struct mail_in *m, struct mail_parcel *whole);

/* Takes a piece in. OK with *whole set to a parcel (the caller's: mail_in_free) when the message is
 * complete, else NULL; ERR_MALFORMED when it contradicts earlier pieces; ERR_AGAIN when it cannot
 * be kept now. */
enum err mail_receive(struct mail_in *m, const struct frame *f,
                      struct mail_parcel **whole) MUST_USE;

/* The other gives messages up. */
void mail_receive_drop(struct mail_in *m, const struct mail_drop *drop);

#endif
