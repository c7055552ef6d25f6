/* capture_app: an application at one end of a session that is captured: traffic by a plan. */
#ifndef FARSPAN_CAPTURE_APP_H
#define FARSPAN_CAPTURE_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/peer/peer.h"
#include "tests/ref/capture_file.h"

enum {
    CAPTURE_FLOWS = 6,
    CAPTURE_SERIES = 4,
    CAPTURE_INCOMING = 16,
    CAPTURE_TOKEN_BYTES = 64,
    CAPTURE_CHANNEL = 30, /* of the first series */
};

/* A stream that an end opens. */
struct capture_flow {
    enum peer_class class;
    bool padded;
    uint32_t bytes;      /* then it is finished; 0: there is no such flow */
    uint32_t each_bytes; /* so much at once ... */
    uint64_t every_us;   /* ... and so often; 0: as much as the stream takes */
    uint32_t reset_at;   /* the writer abandons it after so many; 0: never */
    uint32_t stop_at;    /* the reader abandons it after so many; 0: never */
    uint32_t reply;      /* bytes that the reader writes on it */
};

/* Messages that an end sends. */
struct capture_series {
    enum peer_class class;
    uint32_t bytes, count; /* 0: there is no such series */
    uint64_t every_us, deadline_us;
    bool supersedes, once;
};

/* What one end does. */
struct capture_deeds {
    struct capture_flow flow[CAPTURE_FLOWS];
    struct capture_series series[CAPTURE_SERIES];
    uint32_t read_bytes;    /* it reads at most so much ... */
    uint64_t read_every_us; /* ... so often; 0: all at once */
};

struct capture_writing {
    uint64_t id, next_us;
    uint32_t written, total;
    bool open, done, abandoned;
};

struct capture_reading {
    uint64_t id;
    uint32_t read, stop_at;
    bool done;
};

/* One end. */
struct capture_app {
    struct capture_file *file;                /* borrowed */
    const struct capture_deeds *mine, *other; /* borrowed: what it does and what the other does */
    struct peer *peer;                        /* borrowed; NULL: none */
    uint8_t side;
    uint32_t session;
    struct rng rng; /* what it says */
    struct capture_writing writing[CAPTURE_FLOWS], reply[CAPTURE_INCOMING];
    struct capture_reading reading[CAPTURE_INCOMING];
    size_t replies, readings;
    struct {
        uint64_t next_us;
        uint32_t said, over;
    } series[CAPTURE_SERIES];
    uint64_t next_read_us;
    bool connected, closed, closing;
    uint8_t token[CAPTURE_TOKEN_BYTES];
    size_t token_bytes;
    uint8_t token_ciphers;
};

/* Prepares the caller's storage for an end of `peer`. */
void capture_app_init(struct capture_app *a, struct capture_file *file, uint8_t side,
                      uint32_t session, struct peer *peer, const struct capture_deeds *mine,
                      const struct capture_deeds *other);

/* Its turn: takes events, reads, writes. */
void capture_app_work(struct capture_app *a, uint64_t now_us);

/* When it wants the next one. */
uint64_t capture_app_deadline_us(const struct capture_app *a, uint64_t now_us);

/* Whether all that it wrote has arrived and all that it said has arrived or is given up. */
bool capture_app_is_done(const struct capture_app *a);

/* Ends the session. */
void capture_app_close(struct capture_app *a, uint64_t now_us, enum err error, const char *reason);

#endif
