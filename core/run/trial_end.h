/* trial_end: one end of a trial of a link: sends, checks and counts payload, tells and hears. */
#ifndef FARSPAN_TRIAL_END_H
#define FARSPAN_TRIAL_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/peer/peer.h"
#include "core/run/trial_log.h"
#include "core/wire/trial.h"

/* Where a trial is. */
enum trial_stage {
    TRIAL_NEW,     /* nothing asked for */
    TRIAL_ASKED,   /* the caller has asked */
    TRIAL_AGREED,  /* both know what is to be done */
    TRIAL_RUNNING, /* payload goes */
    TRIAL_OVER,    /* no more payload */
    TRIAL_TOLD     /* the caller has the last report */
};

/* One end, in the caller's storage. It knows the session and the time it is given, no socket. */
struct trial_end {
    struct peer *peer;     /* borrowed */
    struct trial_log *log; /* borrowed; NULL: this is the listening end */
    enum trial_stage stage;
    struct trial_ask ask;
    uint8_t mark[TRIAL_MARK_BYTES];
    uint64_t control, data; /* streams */
    bool has_control, has_data;
    struct buf heard; /* of the control stream, not a whole record yet */

    /* sending */
    uint64_t begun_us; /* when the first payload left; 0: not yet */
    uint64_t written_bytes, probes_sent, probe_due_us;
    /* receiving */
    uint64_t delivered_bytes, delivered_us, gap_us, probes_received;
    struct trial_record arrivals; /* not told yet */
    /* telling */
    uint64_t report_due_us, cpu_begun_us;
    struct peer_path path_begun;
    struct trial_report far; /* the caller: the last that came */
};

/* Prepares it for a session; `log` only at the caller. */
void trial_end_init(struct trial_end *t, struct peer *p, struct trial_log *log);

/* Frees what it holds. */
void trial_end_release(struct trial_end *t);

/* The settings that a session for trials wants: room for 1 Gbit/s over 300 ms. */
struct peer_config trial_end_peer_config(void);

/* The caller, connected: asks for a trial; `mark` says which clock this host has. Errors of
 * streams. */
enum err trial_end_ask(struct trial_end *t, const struct trial_ask *ask,
                       const uint8_t mark[TRIAL_MARK_BYTES]) MUST_USE;

/* The caller: a ping, whose answer goes to the log. It is dropped where it cannot be sent. */
void trial_end_ping(struct trial_end *t, uint64_t now_us);

/* The caller, once agreed: begins. `cpu_us`: what the process has used so far; so below. */
enum err trial_end_go(struct trial_end *t, uint64_t now_us, uint64_t cpu_us) MUST_USE;

/* The caller: no more payload from either end, and a last report is wanted. */
enum err trial_end_stop(struct trial_end *t, uint64_t now_us) MUST_USE;

/* Stops only the probes of this end: what is on its way may still arrive. */
void trial_end_hold(struct trial_end *t);

/* Takes an event of the session. ERR_MALFORMED, ERR_LIMIT: the other broke the protocol;
 * ERR_VERIFY: payload that is not what was sent; errors of streams. */
enum err trial_end_event(struct trial_end *t, uint64_t now_us, uint64_t cpu_us,
                         const struct peer_event *e) MUST_USE;

/* Sends what is due: probes, reports. */
enum err trial_end_work(struct trial_end *t, uint64_t now_us, uint64_t cpu_us) MUST_USE;

/* When trial_end_work has something to do; UINT64_MAX: never. */
uint64_t trial_end_deadline_us(const struct trial_end *t);

/* Queues payload of the stream as the path takes it; from the session's fill. */
enum err trial_end_fill(struct trial_end *t, uint64_t now_us) MUST_USE;

/* What this end sees now. */
void trial_end_report(const struct trial_end *t, uint64_t now_us, uint64_t cpu_us,
                      struct trial_report *out);

/* Whether the payload goes from this end to the other. */
bool trial_end_sends(const struct trial_end *t);

#endif
