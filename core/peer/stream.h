/* stream: ordered bytes both ways, with what was sent, lost and received of them. */
#ifndef FARSPAN_STREAM_H
#define FARSPAN_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/peer/ranges.h"
#include "core/wire/frame.h"

/* A byte ring whose bytes have absolute offsets: offset o lives at o % capacity. */
struct stream_ring {
    uint8_t *p; /* owned */
    size_t capacity;
};

/* The sending half. Offsets: base <= (lost, in flight) < next <= end. */
struct stream_out {
    struct stream_ring ring;
    uint64_t base;       /* everything before it is acknowledged and gone */
    uint64_t next;       /* everything before it was sent at least once */
    uint64_t end;        /* everything before it was written */
    uint64_t limit;      /* the other's flow-control limit */
    uint64_t max_buffer; /* end - base never exceeds it */
    struct ranges acked; /* beyond base */
    struct ranges lost;  /* to be sent again */
    bool fin, fin_sent, fin_acked;
    bool reset, reset_acked, reset_wanted;
    uint64_t reset_code;
    uint64_t repeated; /* everything before it was queued once more than losses asked for */
    bool starved;      /* a write was cut short */
};

/* The receiving half. */
struct stream_in {
    struct stream_ring ring;
    uint64_t base;  /* consumed by the application */
    uint64_t limit; /* the last limit told to the other */
    uint64_t window;
    uint64_t highest;       /* one past the last byte seen */
    struct ranges received; /* beyond base */
    bool fin_known;
    uint64_t fin_at;
    bool reset;
    uint64_t reset_code;
    bool stopped; /* nobody will read: what comes is counted and dropped */
    uint64_t stop_code;
    bool stop_wanted;  /* a STOP_SENDING is due */
    bool noted;        /* the application was told and has not read to the end since */
    bool limit_wanted; /* a MAX_STREAM_DATA is due */
};

/* Both halves. */
struct stream {
    uint64_t id;
    uint8_t class;
    bool padded;
    bool local;    /* opened by this end */
    bool finished; /* the application has read the end, or has reset it */
    struct stream_out out;
    struct stream_in in;
};

/* Prepares the caller's storage; allocates nothing. */
void stream_init(struct stream *s, uint64_t id, uint64_t buffer, uint64_t window,
                 uint64_t send_limit);

/* Frees what it holds. */
void stream_release(struct stream *s);

/* Appends up to data.n bytes to the sending half; gives how many. Grows the ring as needed; less is
 * taken when its maximum is reached or memory is short. */
size_t stream_write(struct stream *s, struct bytes data);

/* The next piece to send: f->data.n <= `room` bytes at f->offset (f->data.p is not set: see
 * stream_copy), with fin set where it ends; lost pieces first, then new ones within `allowance`
 * (session flow control; lowered by what is taken). False when there is nothing to send. */
bool stream_take(struct stream *s, struct frame *f, size_t room, uint64_t *allowance);

/* Copies a piece that stream_take gave to `to`. */
void stream_copy(const struct stream *s, const struct frame *f, uint8_t *to);

/* Whether stream_take would give something. */
bool stream_sendable(const struct stream *s, uint64_t allowance);

/* Abandons the sending half: RESET_STREAM is due unless the other has all of it. */
void stream_reset(struct stream *s, uint64_t code);

/* Abandons the receiving half: STOP_SENDING is due unless its end is known. */
void stream_stop(struct stream *s, uint64_t code);

/* Drops what is buffered of a receiving half that was reset or stopped, and gives for how many
 * bytes of it the session's flow control has not been credited yet. 0 for any other. */
uint64_t stream_discard(struct stream *s);

/* A sent piece was acknowledged. ERR_MEMORY, ERR_LIMIT: the session cannot go on. */
enum err stream_acked(struct stream *s, uint64_t offset, uint64_t n, bool fin) MUST_USE;

/* A sent piece was lost: what of it is not acknowledged will be sent again. Errors as stream_acked.
 */
enum err stream_lost(struct stream *s, uint64_t offset, uint64_t n, bool fin) MUST_USE;

/* A sent piece is to be sent once more although it may well arrive; done once for each byte. Errors
 * as stream_acked. */
enum err stream_repeat(struct stream *s, uint64_t offset, uint64_t n, bool fin) MUST_USE;

/* Takes a STREAM frame in. *fresh: how far the highest offset moved (for session flow control).
 * ERR_MALFORMED: the other breaks a limit or contradicts itself; ERR_AGAIN: cannot be kept now,
 * treat the packet as lost. */
enum err stream_receive(struct stream *s, const struct frame *f, uint64_t *fresh) MUST_USE;

/* Takes a RESET_STREAM in; *fresh as above. ERR_MALFORMED. */
enum err stream_receive_reset(struct stream *s, const struct frame *f, uint64_t *fresh) MUST_USE;

/* The contiguous bytes at the front, borrowed; OK, ERR_AGAIN, ERR_END or ERR_REFUSED (*code). */
enum err stream_peek(const struct stream *s, struct bytes *data, uint64_t *code) MUST_USE;

/* Drops `n` bytes that peek has shown; nothing when the stream was reset in between. */
void stream_consume(struct stream *s, size_t n);

/* Whether both directions are over and nothing needs to be sent or read any more. */
bool stream_done(const struct stream *s);

#endif
