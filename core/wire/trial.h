/* trial: what two ends of a trial of their link say to each other: records, messages, payload. */
#ifndef FARSPAN_TRIAL_H
#define FARSPAN_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/wr.h"

/* Channels of messages. */
enum trial_channel {
    TRIAL_PING = 1, /* caller: struct trial_ping */
    TRIAL_PONG = 2, /* listener: the same, with its own time */
    TRIAL_PROBE = 3 /* sender of the payload: struct trial_probe and bytes up to the size asked */
};

enum {
    TRIAL_MARK_BYTES = 16,
    TRIAL_STATE_CHARS = 15,
    TRIAL_ARRIVALS = 32,
    TRIAL_RECORD_BYTES = 640, /* the longest body */
    TRIAL_PROBE_BYTES = 16,   /* the shortest probe */
    TRIAL_REPORT_MIN_US = 10000,
    TRIAL_MESSAGE_MIN_US = 100,
    TRIAL_TIME_MAX_US = 1000000000 /* of what is asked for: 1000 s */
};

/* Records on the control stream, which the caller opens; each a kind, a length and a body. */
enum trial_record_kind {
    TRIAL_ASK = 1,        /* caller, first: what is to be tried */
    TRIAL_READY = 2,      /* listener: agreed */
    TRIAL_GO = 3,         /* caller: begin */
    TRIAL_STOP = 4,       /* caller: enough; a last report is wanted */
    TRIAL_REPORT = 5,     /* listener: what it sees, every report_us */
    TRIAL_ARRIVALS_OF = 6 /* listener: probes that came */
};

/* What is to be tried. */
struct trial_ask {
    bool reverse;           /* the listener sends */
    bool bulk;              /* a stream without an end */
    uint32_t message_bytes; /* 0: no probes; else TRIAL_PROBE_BYTES .. LIMIT_MESSAGE_BYTES */
    uint64_t message_us;    /* from probe to probe: TRIAL_MESSAGE_MIN_US .. TRIAL_TIME_MAX_US */
    uint64_t report_us;     /* TRIAL_REPORT_MIN_US .. TRIAL_TIME_MAX_US */
};

/* What one end sees of a trial; all counts since it began, times on its own clock. */
struct trial_report {
    bool last;
    uint64_t clock_us;        /* when this was so */
    uint64_t begun_us;        /* when its first payload left; 0: none yet, or it does not send */
    uint64_t delivered_bytes; /* of the stream, read by it in order and found right */
    uint64_t gap_us;          /* the longest time without such bytes after the first */
    uint64_t probes_sent, probes_received;
    uint64_t cpu_us; /* of the whole process */
    uint64_t rtt_us, min_rtt_us, loss_millionths, in_flight_bytes, window_bytes, rate_bps;
    uint64_t sent_bytes, sent_datagrams, lost_datagrams;
    char state[TRIAL_STATE_CHARS + 1]; /* the controller's word: small letters, '-' and '_' */
};

/* A probe that came: how much later by the receiver's clock than it left by the sender's. */
struct trial_arrival {
    uint64_t sequence;
    int64_t late_us; /* without any correction of the clocks: may be negative */
};

/* One record. */
struct trial_record {
    enum trial_record_kind kind;
    struct trial_ask ask;           /* ASK */
    uint8_t mark[TRIAL_MARK_BYTES]; /* ASK, READY: the same at both ends when their clock is one */
    struct trial_report report;     /* REPORT */
    uint32_t arrivals;              /* ARRIVALS_OF */
    struct trial_arrival arrival[TRIAL_ARRIVALS];
};

/* Encodes a record: a kind, a length and at most TRIAL_RECORD_BYTES. */
void trial_put_record(struct wr *w, const struct trial_record *r);

/* Takes the first record from stream bytes and says how many bytes it used. ERR_AGAIN: incomplete;
 * ERR_MALFORMED; ERR_LIMIT: it asks for what is beyond the limits above. A kind that is not known
 * gives OK with kind 0: to be passed over. */
enum err trial_get_record(struct bytes b, struct trial_record *out, size_t *used) MUST_USE;

/* A ping or its answer. */
struct trial_ping {
    uint64_t sent_us; /* the caller's clock */
    uint64_t far_us;  /* the listener's; 0 in a ping */
};

/* Encodes a ping. */
void trial_put_ping(struct wr *w, const struct trial_ping *p);

/* Takes it apart. ERR_MALFORMED. */
enum err trial_get_ping(struct bytes b, struct trial_ping *out) MUST_USE;

/* The head of a probe. */
struct trial_probe {
    uint64_t sequence; /* counts from 0 */
    uint64_t sent_us;  /* the sender's clock */
};

/* Encodes a probe of `size` >= TRIAL_PROBE_BYTES bytes: the head, then payload from offset 0. */
void trial_put_probe(struct wr *w, const struct trial_probe *p, size_t size);

/* Takes it apart. ERR_MALFORMED when it has not `size` bytes, ERR_VERIFY when its payload differs.
 */
enum err trial_get_probe(struct bytes b, size_t size, struct trial_probe *out) MUST_USE;

/* Writes `n` bytes of payload as they stand from `offset` of the stream: each 8 bytes are a word
 * that follows from their place, so that bytes left out, doubled or moved are found. */
void trial_payload(uint64_t offset, uint8_t *to, size_t n);

/* Whether these are the bytes of the payload from `offset` on. */
bool trial_payload_right(uint64_t offset, struct bytes b);

#endif
