/* control: how fast and how much a path takes: congestion controllers behind one shape. */
#ifndef FARSPAN_CONTROL_H
#define FARSPAN_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/peer/line_loss.h"
#include "core/peer/rival.h"
#include "core/peer/way.h"

/* What one acknowledgement taught, as in draft-cheng-iccrg-delivery-rate-estimation. */
struct control_sample {
    uint64_t now_us;
    uint64_t rate_bytes_s;    /* delivery rate, 0 when there is no valid sample */
    uint64_t rtt_us;          /* the newest round trip, 0 when none ... */
    int64_t way_us;           /* ... and its way there, plus a constant that nobody knows */
    uint64_t acked_bytes;     /* newly acknowledged */
    uint64_t lost_bytes;      /* newly declared lost */
    uint64_t ce_count;        /* packets newly told of that met a queue (ECN-CE) ... */
    uint64_t ce_bytes;        /* ... and about how much that is of what was acknowledged */
    uint64_t in_flight_bytes; /* after both */
    bool vanished;            /* they were many in a row, as when a path goes away for a moment */
    bool app_limited;         /* the sender had nothing more to send when it was sent */
    bool round_start;         /* a packet sent after the last round's start was acknowledged */
};

struct control;

/* What every controller implements. */
struct control_ops {
    const char *name;
    /* An acknowledgement or a loss was processed. */
    void (*sample)(struct control *c, const struct control_sample *s);
    /* Several probe time-outs in a row: the path may have gone away or changed. */
    void (*silence)(struct control *c, uint64_t now_us);
};

/* The head that all controllers share: what the sender reads. */
struct control {
    const struct control_ops *ops;
    uint64_t window_bytes;      /* the most in flight */
    uint64_t pacing_bytes_s;    /* the rate to send at */
    uint64_t bandwidth_bytes_s; /* what the path is believed to deliver; 0 when not known */
    uint64_t min_rtt_us;        /* the path's round trip without queues; 0 when not known */
    const char *state;          /* a word for people, static */
    bool interactive;           /* set by the sender: somebody waits for what it sends */
};

enum { CONTROL_ROUNDS = 10, CONTROL_NEWEST = 4 };

/* A model of bottleneck bandwidth and round trip in the manner of BBR
 * (draft-cardwell-iccrg-bbr-congestion-control-02), for senders that mostly have little to send and
 * receivers that are now and then held up: what is believed of the path falls only on evidence that
 * it delivers less than was believed, with loss or a queue beside it; and what was tried with
 * success is tried again at once. */
struct control_model {
    struct control head;
    uint64_t rate[CONTROL_ROUNDS];  /* the best sample of each of the last rounds */
    uint64_t extra[CONTROL_ROUNDS]; /* bytes acknowledged at once beyond what was due, likewise */
    uint64_t round;
    unsigned mode;

    /* this round */
    uint64_t acked, lost, best_rate, least_rtt;
    uint32_t samples, limited_samples;
    bool was_limited; /* the last round was mostly short of data */

    /* start-up */
    uint64_t full_rate;                  /* the best so far */
    unsigned full_rounds;                /* rounds without growth */
    uint64_t hint_us;                    /* the handshake's round trip; 0: not known */
    uint64_t newest_rtt[CONTROL_NEWEST]; /* a ring of the last samples, 0: none yet */
    unsigned newest;
    bool brimming; /* a queue was seen: no faster */
    uint64_t train_start_us,
        train_acked;     /* what is acknowledged in a quarter of a round trip ... */
    uint64_t train_rate; /* ... and the rate that follows: for the start alone */
    bool full;           /* the path has been filled once */

    /* half of a round trip, for what cannot wait for its end */
    uint64_t brief_start_us, brief_acked, brief_lost, brief_least;
    bool guessed;             /* the bandwidth was seen for no longer than that */
    uint64_t capped_until_us; /* what is measured until then began before the rate fell */

    /* others in the queue */
    bool suspect, deep;      /* the last yield left a queue; this one lets go of all of ours */
    uint64_t yield_bytes;    /* what is in flight in a deep yield */
    uint64_t foreign_us;     /* the queue that is left then: that of others ... */
    uint64_t theirs_us;      /* ... and what was left at the last yield */
    uint64_t crowd_until_us; /* until then a long round trip is no reason to doubt the path */
    bool rivalling;          /* they fill it until it overflows: we are one of them */
    struct rival rival;
    uint64_t rival_round;  /* losses before it belong to the last one */
    uint64_t steady_bytes; /* the last window that was neither a try's nor a yield's */
    uint64_t last_rate;    /* the best delivered in the last round */

    /* a standing queue */
    uint64_t span_least, span_most; /* the excess of the last rounds, which hardly differed ... */
    unsigned span_rounds, span_yields; /* ... so many, and yields between them */
    uint64_t usual_us; /* by how much round trips are usually above the least, of late */
    unsigned queued_rounds;
    uint64_t clean_round; /* from then on what is measured was not sent slowly on purpose */
    uint64_t slow_rate;   /* the best delivered in those rounds */
    uint64_t drain_round; /* when to stop draining, or to end the check, at the latest */
    uint64_t check_rtt;   /* with half of what is in flight: does the round trip fall below this? */
    uint64_t check_window;

    /* the round trip without queues */
    uint64_t min_rtt_stamp_us;
    struct way way;
    uint64_t probe_end_us, probe_least; /* while it is measured */
    uint64_t back_round;                /* ... and after an outage, until then; 0: not now */

    /* trying for more */
    unsigned phase;
    uint64_t phase_start_us, phase_rate;
    bool success; /* the last try found more */

    /* what gets lost whatever we send */
    uint64_t calm_round; /* what is acknowledged in it was sent in a yield */
    struct line_loss line;

    /* marks of a queue: this round's bytes, and their share of late, of 256 (DCTCP, RFC 8257) */
    uint64_t marked;
    uint32_t marked_share;

    /* acknowledgements in lumps */
    uint64_t lump_start_us, lump_acked;
};

/* Prepares the caller's storage with an initial window of 24 packets. */
void control_model_init(struct control_model *m, uint64_t now_us);

/* The handshake took `rtt_us`: the initial window leaves within half of that. */
void control_model_hint(struct control_model *m, uint64_t rtt_us);

/* A controller that never changes: for the tests that show what the model is worth. */
void control_fixed_init(struct control_model *m, uint64_t window_bytes, uint64_t pacing_bytes_s);

#endif
