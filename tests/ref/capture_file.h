/* capture_file: the records of a captured session, as tests/ref/session_capture.py reads them. */
#ifndef FARSPAN_CAPTURE_FILE_H
#define FARSPAN_CAPTURE_FILE_H

#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/buf.h"
#include "core/base/bytes.h"

enum capture_kind {
    CAPTURE_GIVEN = 1,
    CAPTURE_SENT,
    CAPTURE_ARRIVED,
    CAPTURE_OPENED,
    CAPTURE_WROTE,
    CAPTURE_FINISHED,
    CAPTURE_RESET,
    CAPTURE_STOPPED,
    CAPTURE_READ,
    CAPTURE_READ_END,
    CAPTURE_READ_RESET,
    CAPTURE_SAID,
    CAPTURE_HEARD,
    CAPTURE_CLOSED,
    CAPTURE_OVER,
    CAPTURE_CONNECTED
};

enum capture_what {
    CAPTURE_STATIC = 1,
    CAPTURE_EPHEMERAL,
    CAPTURE_INVITATION,
    CAPTURE_UPDATE_AFTER,
    CAPTURE_ADDRESS,
    CAPTURE_COOKIE_SEED,
    CAPTURE_CIPHERS
};

enum { CAPTURE_BYTES_MAX = 64 << 20, CAPTURE_SENT_MAX = 65536 };

/* A capture being written. */
struct capture_file {
    struct buf buf; /* owned */
    size_t sent;
    size_t at[CAPTURE_SENT_MAX]; /* where the bytes of each datagram sent begin ... */
    uint16_t bytes[CAPTURE_SENT_MAX];
    uint8_t side[CAPTURE_SENT_MAX]; /* ... and who sent it: 0 client, 1 server */
};

/* Prepares the caller's storage and writes the head. */
void capture_file_init(struct capture_file *f);

/* Frees what it holds. */
void capture_file_release(struct capture_file *f);

/* Something given: a secret or a figure, borrowed. */
void capture_file_given(struct capture_file *f, uint8_t side, enum capture_what what,
                        struct bytes data);

/* A datagram has left. */
void capture_file_sent(struct capture_file *f, uint8_t side, uint64_t now_us,
                       const struct addr *from, const struct addr *to, uint8_t ecn,
                       struct bytes data);

/* A datagram has come. */
void capture_file_arrived(struct capture_file *f, uint8_t side, uint64_t now_us,
                          const struct addr *from, const struct addr *to, uint8_t ecn,
                          struct bytes data);

/* Something that an application did with a stream: CAPTURE_OPENED (`value`: padded), _FINISHED,
 * _RESET, _STOPPED, _READ_RESET (`value`: the code) and _READ_END. */
void capture_file_stream(struct capture_file *f, enum capture_kind kind, uint8_t side,
                         uint64_t now_us, uint32_t session, uint64_t stream, uint64_t value);

/* Bytes of a stream that it wrote or read: CAPTURE_WROTE, CAPTURE_READ. */
void capture_file_bytes(struct capture_file *f, enum capture_kind kind, uint8_t side,
                        uint64_t now_us, uint32_t session, uint64_t stream, struct bytes data);

/* A message that it sent. */
void capture_file_said(struct capture_file *f, uint8_t side, uint64_t now_us, uint32_t session,
                       uint64_t number, uint8_t channel, struct bytes data);

/* A message that it was given. */
void capture_file_heard(struct capture_file *f, uint8_t side, uint64_t now_us, uint32_t session,
                        uint8_t channel, struct bytes data);

/* How a session ended: CAPTURE_CLOSED by this side, CAPTURE_OVER as it was told. */
void capture_file_end(struct capture_file *f, enum capture_kind kind, uint8_t side, uint64_t now_us,
                      uint32_t session, uint32_t error, const char *reason);

/* A session is connected. */
void capture_file_connected(struct capture_file *f, uint8_t side, uint64_t now_us,
                            uint32_t session);

#endif
