/* frame: what data packets carry: acknowledgements, stream bytes, message pieces, control. */
#ifndef FARSPAN_FRAME_H
#define FARSPAN_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/rd.h"
#include "core/base/wr.h"

/* Terms and meanings are those of RFC 9000 and 9221 where a frame exists there. */
enum frame_type {
    FRAME_PADDING = 0,
    FRAME_PING = 1,
    FRAME_ACK = 2,
    FRAME_STREAM = 3,
    FRAME_RESET_STREAM = 4,
    FRAME_STOP_SENDING = 5,
    FRAME_MAX_DATA = 6,
    FRAME_MAX_STREAM_DATA = 7,
    FRAME_MESSAGE = 8,
    FRAME_DROP_MESSAGE = 9,
    FRAME_PATH_CHALLENGE = 10,
    FRAME_PATH_RESPONSE = 11,
    FRAME_CLOSE = 12,
    FRAME_NEW_TOKEN = 13,
    FRAME_TYPES
};

enum { FRAME_PATH_BYTES = 8, FRAME_TOKEN_BYTES = 64 };

/* Packet numbers first..last, both included. */
struct frame_range {
    uint64_t first, last;
};

/* One frame taken apart; only the members of its type are set. Bytes are borrowed. */
struct frame {
    enum frame_type type;
    struct {                                        /* ACK */
        uint32_t count;                             /* ranges, the highest first */
        struct frame_range range[LIMIT_ACK_RANGES]; /* descending, at least one missing between */
        uint64_t delay_us;                          /* since the highest arrived ... */
        uint32_t arrival_us;                        /* ... by the receiver's clock, low 32 bits */
        uint64_t ect0, ce;                          /* packets seen so far with these marks */
    } ack;
    uint64_t id;       /* STREAM*, MAX_STREAM_DATA: stream; MESSAGE: message; DROP_MESSAGE: first */
    uint64_t offset;   /* STREAM, MESSAGE: where `data` belongs */
    uint64_t value;    /* MAX_*: the new limit; RESET_STREAM: the final size; DROP_MESSAGE: count */
    uint64_t code;     /* RESET_STREAM, STOP_SENDING, CLOSE: an error code */
    uint64_t total;    /* MESSAGE: its whole length */
    uint8_t channel;   /* MESSAGE: what it is about, the application's choice */
    bool fin;          /* STREAM: the stream ends after `data` */
    struct bytes data; /* STREAM, MESSAGE: content; PATH_*: 8 bytes; CLOSE: the reason; NEW_TOKEN */
};

/* Takes the next frame from `r`. ERR_END when nothing is left, ERR_MALFORMED (unknown types
 * included: both ends agreed on a version) and then nothing more can be read. */
enum err frame_next(struct rd *r, struct frame *out) MUST_USE;

/* Writes one frame; when it does not fit, w->full is set. STREAM and MESSAGE data are written
 * whole. */
void frame_put(struct wr *w, const struct frame *f);

/* Writes a STREAM frame of f->data.n bytes that the caller writes himself: gives their place. When
 * it does not fit, w->full is set. */
uint8_t *frame_put_stream(struct wr *w, const struct frame *f);

/* The bytes that a STREAM frame needs besides its data, for data of up to 16,383 bytes. */
size_t frame_stream_overhead(uint64_t id, uint64_t offset);

/* The same for a MESSAGE frame. */
size_t frame_message_overhead(uint64_t id, uint64_t offset, uint64_t total);

#endif
