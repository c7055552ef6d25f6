#include "core/peer/control.h"

#include <string.h>

#include "core/base/num.h"

enum { STARTUP, DRAIN, CRUISE, PROBE_RTT, CHECK };

static const char *const state_names[] = {"startup", "drain", "cruise", "probe-rtt", "check"};

/* Gains are in 256ths. */
enum {
    GAIN_ONE = 256,
    GAIN_STARTUP = 709,   /* 4 ln 2 = 2.77: doubles the delivered rate each round */
    GAIN_DRAIN = 92,      /* its inverse */
    GAIN_WINDOW = 512,    /* twice the bandwidth-delay product: room for delayed acks */
    GAIN_TRY = 320,       /* 1.25: at most; what it may queue is bounded in time as well */
    GAIN_TRY_LEAST = 269, /* 1.05 */
    GAIN_TRY_MORE = 512,  /* after a success, and when there is too little to send to do harm */
    GAIN_YIELD = 192,     /* what a try has queued is let go */
};

enum {
    TRY,
    YIELD,
    STEADY,
    STEADY_TRIPS = 6,  /* round trips between two tries */
    GUESSED_TRIPS = 2, /* ... where what is believed was seen for too short a time */
};

enum {
    DRAIN_ROUNDS = 3, /* at the drain gain two empty a queue of a whole window */
    MIN_RTT_WINDOW_US = 10000000,
    MIN_RTT_RIVALS_US = 40000000, /* each of their losses shows it well enough */
    PROBE_RTT_US = 200000,
    AS_SHORT_US = 500, /* a round trip longer by no more shows that the path is as it was ... */
    AS_SHORT_MOST_US = 3000, /* ... on long paths */
    CHECK_SAME_US = 2500,    /* round trips that differ by less have not changed */
    QUEUED_US = 10000,       /* more than acknowledgements and timers explain */
    STANDING_US = 40000,
    CUSHION_RATE = 1250000, /* bytes a second; at this rate ... */
    CUSHION_US = 10000,     /* ... the queue that is wanted is so long */
    CUSHION_MOST_US = 16000,
    CUSHION_LEAST_US = 1000,
    INTERACTIVE_LUMP_US = 5000,
    TRY_QUEUE_US = 12000, /* a try queues no more */
    FLOOR_BYTES_S = 4000,
    PACKET = 1200,
    INITIAL_BYTES = 24 * PACKET,
    MODEST_BYTES = 10 * PACKET, /* RFC 6928 */
    WINDOW_FLOOR = 4 * PACKET,
    SPARE_BYTES = 3 * PACKET, /* so that what is acknowledged in pairs holds nothing up */
    OVERRUN_BYTES = 4 * PACKET,
    BRIEF_LEAST_US = 20000,
    TRAIN_BYTES = 8 * PACKET,
    BACK_MOST_US = 150000,
    BACK_ROUNDS = 3, /* so long it is looked how long the path is, after an outage */
    FOREIGN_FREE_US = 5000,
    FOREIGN_PART = 240, /* of 256 */
};

static struct control_model *model(struct control *c)
{
    return (struct control_model *)c;
}

static uint64_t best_of(const uint64_t *slots)
{
    uint64_t best = 0;

    for (unsigned i = 0; i < CONTROL_ROUNDS; i++)
        best = num_max(best, slots[i]);
    return best;
}

/* By how much the least of the last few round trips is above the least of all. A round's least says
 * so a whole round trip later. */
static uint64_t excess_now_us(const struct control_model *m)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < CONTROL_NEWEST; i++)
        least = num_min(least, m->newest_rtt[i]);
    return num_sub0(least, m->head.min_rtt_us);
}

static bool queued_now(const struct control_model *m)
{
    return excess_now_us(m) > num_clamp(m->head.min_rtt_us / 16, 1000, 6000);
}

/* The rate that sending follows from. */
static uint64_t working_rate(const struct control_model *m)
{
    if (m->mode != STARTUP || m->brimming)
        return m->head.bandwidth_bytes_s;
    return num_max(m->head.bandwidth_bytes_s, m->train_rate);
}

/* What must be sent for `bytes` to arrive. */
static uint64_t with_losses(const struct control_model *m, uint64_t bytes)
{
    return num_mul_div(bytes, 1000, 1000 - line_loss_share(&m->line));
}

static uint64_t bdp(const struct control_model *m, unsigned gain)
{
    /* What comes back late is in flight for as long. */
    uint64_t back_us = way_back_of_two_us(&m->way);
    uint64_t trip_us = m->head.min_rtt_us + num_min(back_us, m->head.min_rtt_us + BACK_MOST_US) +
                       m->foreign_us * FOREIGN_PART / 256;
    uint64_t bytes = num_mul_div(working_rate(m), trip_us, 1000000);

    return num_mul_div(bytes, gain, GAIN_ONE);
}

/* All that is believed about bandwidth becomes `rate`: what was measured before the path changed
 * would otherwise keep the sender too fast for ten rounds. */
static void believe(struct control_model *m, uint64_t rate)
{
    rate = num_max(rate, FLOOR_BYTES_S);
    /* What was held beside rivals on a path of twice the rate would fill this one. */
    m->rivalling &= rate > m->head.bandwidth_bytes_s / 2;
    for (unsigned i = 0; i < CONTROL_ROUNDS; i++) {
        m->rate[i] = rate;
        /* Lumps come of a time for which the way holds things up, at the rate that was. */
        m->extra[i] = num_min(
            m->extra[i], num_mul_div(m->extra[i], rate, num_max(m->head.bandwidth_bytes_s, 1)));
    }
    m->head.bandwidth_bytes_s = rate;
}

static uint64_t square_root(uint64_t v)
{
    uint64_t root = 0;

    for (uint64_t bit = 1ull << 31; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= v)
            root += bit;
    return root;
}

/* Whether short queues are worth some of the rate: somebody waits, and is not kept waiting by
 * others who fill the queue anyway. */
static bool hasty(const struct control_model *m)
{
    return m->head.interactive && m->foreign_us < FOREIGN_FREE_US;
}

/* What a path is to have queued while nothing is tried: it stays busy when ACKs come late, and the
 * next packet that is urgent hardly waits. It grows with the root of the rate, so that of flows
 * that share a queue the slower one has more of it for its rate, and gains (Swift, SIGCOMM 2020,
 * section 3.2, scales its targets so). */
static uint64_t cushion_bytes(const struct control_model *m)
{
    uint64_t rate = m->head.bandwidth_bytes_s;
    uint64_t bytes = square_root(rate * CUSHION_RATE) * CUSHION_US / 1000000;
    uint64_t most_us = num_clamp(m->head.min_rtt_us / 4, CUSHION_LEAST_US, CUSHION_MOST_US);

    if (hasty(m))
        bytes /= 4;

    return num_min(bytes, num_mul_div(rate, most_us, 1000000));
}

/* The gain of a first try: what it queues in a round trip stays short on long paths. */
static unsigned try_gain(const struct control_model *m)
{
    uint64_t queue_us = hasty(m) ? TRY_QUEUE_US / 2 : TRY_QUEUE_US;
    uint64_t more = num_mul_div(queue_us, GAIN_ONE, num_max(m->head.min_rtt_us, 1));

    return (unsigned)num_clamp(GAIN_ONE + more, GAIN_TRY_LEAST, GAIN_TRY);
}

static bool limited(const struct control_model *m)
{
    return m->limited_samples * 2 > m->samples;
}

static void enter_phase(struct control_model *m, unsigned phase, uint64_t now_us)
{
    m->phase = phase;
    m->phase_start_us = now_us;
    m->phase_rate = m->head.bandwidth_bytes_s;
}

/* A deep yield leaves no more of ours in flight than the path itself holds: what is queued then is
 * of others. */
static void enter_yield(struct control_model *m, bool deep, uint64_t now_us)
{
    m->deep = deep;
    m->yield_bytes = num_max(num_mul_div(m->last_rate, m->head.min_rtt_us, 1000000), WINDOW_FLOOR);
    enter_phase(m, YIELD, now_us);
}

static void enter_drain(struct control_model *m)
{
    m->full = true;
    m->success = false;
    m->mode = DRAIN;
    m->drain_round = m->round + DRAIN_ROUNDS;
}

static void enter_probe_rtt(struct control_model *m, uint64_t now_us)
{
    m->mode = PROBE_RTT;
    /* What is in flight must leave first: then the queue that was ours is gone. */
    m->probe_end_us = now_us + PROBE_RTT_US + 2 * m->head.min_rtt_us;
    m->probe_least = UINT64_MAX;
}

/* By how much the least round trip of this round is above the least of all. */
static uint64_t excess_us(const struct control_model *m)
{
    if (m->least_rtt == UINT64_MAX || m->head.min_rtt_us == 0)
        return 0;
    return num_sub0(m->least_rtt, m->head.min_rtt_us);
}

static void grow_or_stop(struct control_model *m, bool queued)
{
    if (m->head.bandwidth_bytes_s >= m->full_rate + m->full_rate / 4) {
        m->full_rate = m->head.bandwidth_bytes_s;
        m->full_rounds = 0;
        m->brimming &= queued;
    } else if (++m->full_rounds >= 3 || queued) {
        enter_drain(m);
    }
}

/* Whether the path has shown by loss that it delivers less than is believed. */
static bool overrun(const struct control_model *m, bool queued)
{
    uint64_t total = m->acked + m->lost, loss = total ? m->lost * 1000 / total : 0;
    uint64_t line = line_loss_share(&m->line);

    loss = num_sub0(loss, line) * 1000 / (1000 - line);

    /* Loss alone is what bad links do; loss with a queue, or of a third of everything, is us. A
     * round of a few packets proves nothing. */
    uint64_t enough = queued ? m->head.bandwidth_bytes_s : m->head.bandwidth_bytes_s / 4 * 3;
    return loss > (queued ? 100 : 330) && m->lost >= OVERRUN_BYTES && m->best_rate &&
           m->best_rate < enough;
}

static void begin_brief(struct control_model *m, uint64_t now_us)
{
    m->brief_start_us = now_us;
    m->brief_acked = m->brief_lost = 0;
    m->brief_least = UINT64_MAX;
}

/* A path that all at once delivers far less loses most of what is on the way, behind a queue: every
 * further half of a round trip at the old rate would be lost as well. */
static void take_brief(struct control_model *m, const struct control_sample *s)
{
    uint64_t span = s->now_us - m->brief_start_us;

    if (s->rtt_us)
        m->brief_least = num_min(m->brief_least, s->rtt_us);
    if (span < num_max(m->head.min_rtt_us / 2, BRIEF_LEAST_US) || m->brief_least == UINT64_MAX)
        return;
    uint64_t rate = num_mul_div(m->brief_acked, 1000000, span);
    bool collapsed = m->brief_least > m->head.min_rtt_us + QUEUED_US &&
                     m->brief_lost >= OVERRUN_BYTES && m->brief_lost > m->brief_acked / 2 &&
                     rate < m->head.bandwidth_bytes_s / 2;
    begin_brief(m, s->now_us);
    if (!collapsed || m->mode == PROBE_RTT)
        return;
    believe(m, rate / 8 * 7);
    m->queued_rounds = 0;
    m->guessed = true;
    m->capped_until_us =
        s->now_us + m->newest_rtt[(m->newest + CONTROL_NEWEST - 1) % CONTROL_NEWEST];
    enter_drain(m);
}

/* Over a try and a yield a queue becomes longer and shorter; a path that has become longer stays as
 * it is. */
static void take_span(struct control_model *m)
{
    m->span_least = num_min(m->span_least, excess_us(m));
    m->span_most = num_max(m->span_most, excess_us(m));
    m->span_rounds++;
    if (m->span_most - m->span_least > CHECK_SAME_US) {
        m->span_least = m->span_most = excess_us(m);
        m->span_rounds = m->span_yields = 0;
    }
}

static bool seems_longer(const struct control_model *m)
{
    /* Where the window is at its floor a try makes no difference, and what is spare stands. */
    uint64_t spare_us =
        bdp(m, GAIN_ONE) >= 2 * WINDOW_FLOOR
            ? 0
            : num_mul_div(SPARE_BYTES, 1000000, num_max(m->head.bandwidth_bytes_s, 1));

    return m->span_rounds >= STEADY_TRIPS && m->span_yields &&
           m->span_least > m->foreign_us + QUEUED_US + spare_us;
}

/* Round trips are long, and without loss there are four reasons: a queue of ours, one of others, a
 * path that has become longer, a receiver that is held up. With half as much in flight the first
 * becomes shorter by all that it can, the second somewhat shorter or longer, the others stay. */
static void enter_check(struct control_model *m, uint64_t in_flight)
{
    m->mode = CHECK;
    m->span_rounds = m->span_yields = 0;
    m->check_rtt = m->least_rtt;
    m->check_window = num_max(in_flight / 2, WINDOW_FLOOR);
    m->drain_round = m->round + 2; /* by then all that is measured was sent under this window */
}

/* The path has become longer: all that followed from its length is to be found out anew. */
static void begin_anew(struct control_model *m, uint64_t rtt_us, uint64_t now_us)
{
    way_changed(&m->way);
    m->head.min_rtt_us = rtt_us;
    m->min_rtt_stamp_us = now_us;
    m->full = false;
    m->full_rate = 0;
    m->full_rounds = 0;
    m->mode = STARTUP;
}

static void end_check(struct control_model *m, uint64_t now_us)
{
    if (m->least_rtt == UINT64_MAX)
        return;
    uint64_t ours_us = num_max(m->check_rtt / 2, m->head.min_rtt_us) + QUEUED_US;
    uint64_t slow_rate = m->slow_rate;

    m->queued_rounds = 0;
    m->slow_rate = 0;
    if (m->least_rtt < ours_us) {
        if (slow_rate && slow_rate < m->head.bandwidth_bytes_s / 5 * 4)
            believe(m, slow_rate);
        enter_drain(m);
    } else if (m->least_rtt > m->check_rtt + CHECK_SAME_US ||
               m->least_rtt + CHECK_SAME_US < m->check_rtt) {
        /* A queue that others have more of than we. */
        m->foreign_us = m->theirs_us = excess_us(m);
        m->crowd_until_us = now_us + MIN_RTT_WINDOW_US;
        m->mode = CRUISE;
        enter_phase(m, STEADY, now_us);
    } else {
        begin_anew(m, m->least_rtt, now_us);
    }
}

/* After an outage the path may be another, and nothing of ours is queued yet. */
static void see_whether_longer(struct control_model *m, uint64_t now_us)
{
    m->back_round = 0;
    if (m->probe_least != UINT64_MAX && m->mode != PROBE_RTT &&
        m->probe_least > m->head.min_rtt_us + m->foreign_us + QUEUED_US)
        begin_anew(m, m->probe_least, now_us);
}

static void note_marks(struct control_model *m)
{
    uint64_t share = m->acked ? num_min(num_mul_div(m->marked, 256, m->acked), 256) : 0;

    /* One marked packet is heard at once, what it says is forgotten slowly. */
    m->marked_share = (uint32_t)num_min((7 * m->marked_share + 7) / 8 + share / 8, 256);
    if (m->marked == 0)
        m->marked_share = m->marked_share * 7 / 8;
    m->marked = 0;
}

static void begin_round(struct control_model *m)
{
    m->was_limited = limited(m);
    note_marks(m);
    m->last_rate = m->best_rate;
    m->acked = m->lost = m->best_rate = 0;
    m->least_rtt = UINT64_MAX;
    way_begin_round(&m->way);
    m->samples = m->limited_samples = 0;
    m->round++;
    m->rate[m->round % CONTROL_ROUNDS] = 0;
    m->extra[m->round % CONTROL_ROUNDS] = 0;
    if (best_of(m->rate) == 0)
        believe(m, m->head.bandwidth_bytes_s);
}

/* How long the queue is that we leave, were the path ours alone. */
static uint64_t left_by_us(const struct control_model *m)
{
    return num_mul_div(cushion_bytes(m) + SPARE_BYTES, 1000000,
                       num_max(m->head.bandwidth_bytes_s, 1));
}

/* Others who fill the queue whatever we do would push us out. A part of what they keep there counts
 * as length of the path, so that we hold our own beside them. */
static void note_foreign(struct control_model *m)
{
    uint64_t left_us = num_sub0(excess_us(m), FOREIGN_FREE_US);

    /* ACKs that wait on the way back come in lumps, and what we send for them is a queue as well.
     */
    if (way_back_us(&m->way) > QUEUED_US)
        left_us = 0;
    m->suspect = left_us > 0;
    uint64_t theirs_us = m->deep ? left_us : 0;
    /* Only what stays is theirs: what comes and goes may be ours. */
    m->foreign_us = num_min((m->foreign_us + theirs_us) / 2, m->theirs_us);
    m->rivalling &= theirs_us > 0 || m->theirs_us > 0;
    m->theirs_us = theirs_us;
}

/* What a round that was neither a start nor an examination teaches. */
static void note_cruise(struct control_model *m, bool queued)
{
    if (m->round != m->calm_round) {
        line_loss_note(&m->line, false, m->acked, m->lost, bdp(m, GAIN_ONE));
        /* Where nothing is queued there is more to be had, and nobody to rival with. */
        m->rivalling &= m->phase == YIELD || excess_us(m) > FOREIGN_FREE_US;
        return;
    }
    note_foreign(m);
    if (!queued || m->rivalling)
        line_loss_note(&m->line, true, m->acked, m->lost, bdp(m, GAIN_ONE));
    else
        line_loss_doubt(&m->line);
}

static void end_round(struct control_model *m, const struct control_sample *s)
{
    bool queued = excess_us(m) > QUEUED_US;
    /* While a queue is let go little is delivered because little was sent. */
    bool standing = num_sub0(excess_us(m), m->foreign_us) >
                        num_clamp(m->head.min_rtt_us, QUEUED_US, STANDING_US) &&
                    m->mode != DRAIN && m->round >= m->clean_round;

    /* A round that was short of data says only what the path does at least. */
    if (limited(m) || m->samples == 0)
        m->rate[m->round % CONTROL_ROUNDS] = m->head.bandwidth_bytes_s;
    if (m->mode == CRUISE && m->least_rtt != UINT64_MAX) {
        note_cruise(m, queued);
        take_span(m);
    }
    if (m->least_rtt != UINT64_MAX) {
        m->usual_us = (7 * m->usual_us + excess_us(m)) / 8;
        m->queued_rounds = standing ? m->queued_rounds + 1 : 0;
    }
    m->slow_rate = standing && !limited(m) ? num_max(m->slow_rate, m->best_rate) : 0;
    if (m->mode != PROBE_RTT && overrun(m, queued)) {
        believe(m, m->best_rate);
        m->queued_rounds = 0;
        enter_drain(m);
    } else if (m->mode == CHECK) {
        if (m->round >= m->drain_round)
            end_check(m, s->now_us);
    } else if (!m->full && (m->queued_rounds >= 2 || !limited(m))) {
        grow_or_stop(m, queued);
    } else if (m->mode == CRUISE && !m->rivalling &&
               (s->now_us >= m->crowd_until_us || m->foreign_us == 0) &&
               (m->queued_rounds >= (limited(m) ? 4 : 2) || seems_longer(m))) {
        enter_check(m, s->in_flight_bytes + s->acked_bytes);
    }
    if (m->back_round && m->round >= m->back_round)
        see_whether_longer(m, s->now_us);
    begin_round(m);
}

static void take_rate(struct control_model *m, const struct control_sample *s)
{
    uint64_t *slot = &m->rate[m->round % CONTROL_ROUNDS], rate = s->rate_bytes_s;

    if (s->now_us < m->capped_until_us)
        rate = num_min(rate, m->head.bandwidth_bytes_s);
    *slot = num_max(*slot, rate);
    m->best_rate = num_max(m->best_rate, rate);
    m->samples++;
    m->limited_samples += s->app_limited;
    m->head.bandwidth_bytes_s = best_of(m->rate);
}

/* What comes acknowledged at once, beyond the rate, was held up on the way: as much more must be
 * in flight or the path runs dry meanwhile (BBR's ACK aggregation). */
static void take_lump(struct control_model *m, const struct control_sample *s)
{
    /* Between two losses what is acknowledged comes at the rate at which it was sent. */
    uint64_t due = with_losses(
        m, num_mul_div(m->head.bandwidth_bytes_s, s->now_us - m->lump_start_us, 1000000));

    if (m->lump_acked <= due) {
        m->lump_start_us = s->now_us;
        m->lump_acked = due = 0;
    }
    m->lump_acked += s->acked_bytes;
    uint64_t extra = num_min(num_sub0(m->lump_acked, due), bdp(m, GAIN_ONE));
    uint64_t *slot = &m->extra[m->round % CONTROL_ROUNDS];
    *slot = num_max(*slot, extra);
}

/* The rate samples of the draft span a round trip at least, and more after a pause: a start that
 * waits for them takes one and a half for each step. A quarter of a round trip is enough to see
 * that what was sent faster did arrive faster; how fast the path is, those samples say. */
static void take_train(struct control_model *m, const struct control_sample *s)
{
    uint64_t span = s->now_us - m->train_start_us, least = m->head.min_rtt_us / 4;

    if (m->mode != STARTUP || span > 3 * least) {
        m->train_start_us = s->now_us;
        m->train_acked = 0;
        return;
    }
    m->train_acked += s->acked_bytes;
    if (span < num_max(least, 1000) || m->train_acked < TRAIN_BYTES)
        return;
    m->train_rate = num_min(num_mul_div(m->train_acked, 1000000, span),
                            num_mul_div(m->head.bandwidth_bytes_s, GAIN_STARTUP, GAIN_ONE));
    m->train_start_us = s->now_us;
    m->train_acked = 0;
}

static void take_rtt(struct control_model *m, const struct control_sample *s)
{
    m->least_rtt = num_min(m->least_rtt, s->rtt_us);
    m->probe_least = num_min(m->probe_least, s->rtt_us);
    m->newest_rtt[m->newest++ % CONTROL_NEWEST] = s->rtt_us;
    m->brimming |= m->mode == STARTUP && queued_now(m);
    if (m->head.min_rtt_us == 0 ||
        s->rtt_us <= m->head.min_rtt_us +
                         num_clamp(m->head.min_rtt_us / 32, AS_SHORT_US, AS_SHORT_MOST_US)) {
        m->head.min_rtt_us =
            m->head.min_rtt_us ? num_min(m->head.min_rtt_us, s->rtt_us) : s->rtt_us;
        m->min_rtt_stamp_us = s->now_us;
    } else if (m->mode == CRUISE && s->now_us - m->min_rtt_stamp_us >
                                        (m->rivalling ? MIN_RTT_RIVALS_US : MIN_RTT_WINDOW_US)) {
        enter_probe_rtt(m, s->now_us);
    }
}

/* So little is on the way that trying for more at once does no harm, unless there is a queue. */
static bool tiny(const struct control_model *m)
{
    return bdp(m, GAIN_ONE) < WINDOW_FLOOR && excess_us(m) <= QUEUED_US;
}

/* What a try brings is seen in full only after two round trips, losses or not; a queue sooner. */
static bool goes_on(const struct control_model *m, const struct control_sample *s)
{
    bool filling = s->in_flight_bytes < bdp(m, try_gain(m));
    uint64_t most_us = m->foreign_us + QUEUED_US;
    bool queued = excess_us(m) > most_us || (s->rtt_us > m->head.min_rtt_us + most_us && !filling);

    return !s->ce_count && (!queued || (filling && !s->lost_bytes));
}

static void step_cruise(struct control_model *m, const struct control_sample *s)
{
    uint64_t elapsed = s->now_us - m->phase_start_us, trip = m->head.min_rtt_us + m->foreign_us;

    switch (m->phase) {
    case TRY:
        /* Who has little to send tries for as long as it takes to have more. */
        if ((elapsed <= trip && !s->ce_count) || s->app_limited)
            break;
        if (elapsed <= 2 * trip && goes_on(m, s))
            break;
        m->success = m->head.bandwidth_bytes_s >
                         num_mul_div(m->phase_rate, (GAIN_ONE + try_gain(m)) / 2, GAIN_ONE) &&
                     excess_us(m) <= m->foreign_us + QUEUED_US;
        if (m->success)
            enter_phase(m, TRY, s->now_us);
        else
            enter_yield(m, m->suspect, s->now_us);
        break;
    case YIELD:
        m->guessed = false;
        if (m->deep
                ? elapsed <= trip || (elapsed <= 2 * trip && s->in_flight_bytes > m->yield_bytes)
                : elapsed <= trip && s->in_flight_bytes > bdp(m, GAIN_ONE))
            break;
        m->calm_round = m->round + 1;
        m->span_yields++;
        enter_phase(m, STEADY, s->now_us);
        break;
    default:
        if (m->rivalling)
            break;
        if (elapsed > (m->guessed ? GUESSED_TRIPS : STEADY_TRIPS) * trip || s->app_limited ||
            (tiny(m) && elapsed > trip)) {
            enter_phase(m, TRY, s->now_us);
        }
    }
}

/* Whether the queue is longer than we have made it. */
static bool crowded(const struct control_model *m)
{
    uint64_t tried_us = m->phase == STEADY ? 0 : TRY_QUEUE_US;

    return m->foreign_us > 0 || line_loss_overflows(&m->line) ||
           excess_us(m) > left_by_us(m) + tried_us + FOREIGN_FREE_US;
}

/* Others who fill the queue until it overflows learn from losses alone what they may have; beside
 * them it is fair to do as they do. After each loss we let go of all that we queue: flows that all
 * do so find the queue empty, and know that they were among themselves. (Copa, NSDI 2018, section
 * 2.2, has two modes for the same reason, and tells them apart by whether queues ever empty.) */
static void step_rival(struct control_model *m, const struct control_sample *s)
{
    if (m->rivalling && (m->was_limited || m->mode == STARTUP || line_loss_share(&m->line)))
        m->rivalling = false;
    if (m->rivalling && m->mode == CRUISE && m->phase != YIELD)
        rival_ack(&m->rival, s->now_us, s->acked_bytes, num_max(s->rtt_us, m->head.min_rtt_us));
    if (!s->lost_bytes || s->vanished || m->mode != CRUISE || !crowded(m) || m->was_limited ||
        m->round < m->rival_round || line_loss_share(&m->line))
        return;
    if (m->rivalling)
        rival_loss(&m->rival, s->now_us);
    else
        rival_begin(&m->rival, s->now_us, num_max(m->steady_bytes, WINDOW_FLOOR));
    m->rivalling = true;
    m->rival_round = m->round + 3;
    enter_yield(m, true, s->now_us);
}

static void step_mode(struct control_model *m, const struct control_sample *s)
{
    switch (m->mode) {
    case DRAIN:
        /* On a path that has become longer more is in flight however slowly we send. */
        if (s->in_flight_bytes > bdp(m, GAIN_ONE) && m->round < m->drain_round)
            break;
        m->mode = CRUISE;
        m->calm_round = m->round + 1;
        m->clean_round = m->round + 2;
        enter_phase(m, STEADY, s->now_us);
        break;
    case CRUISE:
        step_cruise(m, s);
        break;
    case PROBE_RTT:
        if (s->now_us < m->probe_end_us || m->probe_least == UINT64_MAX)
            break;
        if (m->probe_least > m->head.min_rtt_us + CHECK_SAME_US)
            way_changed(&m->way);
        m->head.min_rtt_us = m->probe_least;
        m->min_rtt_stamp_us = s->now_us;
        m->mode = CRUISE;
        enter_phase(m, STEADY, s->now_us);
        break;
    default:
        break;
    }
}

static unsigned pacing_gain(const struct control_model *m)
{
    switch (m->mode) {
    case STARTUP:
        /* Beyond a queue there is nothing to be had, only to be measured out. */
        return m->brimming ? GAIN_TRY : GAIN_STARTUP;
    case DRAIN:
        return GAIN_DRAIN;
    case CRUISE:
        if (m->phase == TRY)
            return m->success || m->was_limited ? GAIN_TRY_MORE : try_gain(m);
        return m->phase == YIELD ? GAIN_YIELD : GAIN_ONE;
    default:
        return GAIN_ONE;
    }
}

static unsigned window_gain(const struct control_model *m)
{
    if (m->mode == STARTUP)
        return m->brimming ? GAIN_TRY : GAIN_WINDOW;
    if (m->mode != CRUISE || (m->phase == TRY && (m->success || m->was_limited)))
        return GAIN_WINDOW;
    return m->phase == TRY ? try_gain(m) : GAIN_ONE;
}

static void publish(struct control_model *m)
{
    uint64_t rate = m->head.bandwidth_bytes_s;

    m->head.state = m->rivalling && m->mode == CRUISE ? "rival" : state_names[m->mode];
    if (rate == 0 || m->head.min_rtt_us == 0) {
        /* Nothing is known yet: the initial window within half of what the handshake took. */
        m->head.window_bytes = INITIAL_BYTES;
        m->head.pacing_bytes_s = num_mul_div(
            INITIAL_BYTES, 1000000, num_max(num_max(m->head.min_rtt_us, m->hint_us) / 2, 500));
        return;
    }
    uint64_t pace = num_mul_div(working_rate(m), pacing_gain(m), GAIN_ONE);
    /* A yield shows which losses are not ours: it must not make up for them. */
    if (m->mode != CRUISE || m->phase != YIELD)
        pace = with_losses(m, pace);
    m->head.pacing_bytes_s = num_max(FLOOR_BYTES_S, pace);
    if (m->mode == PROBE_RTT) {
        m->head.window_bytes = num_max(bdp(m, GAIN_ONE / 2), WINDOW_FLOOR);
        return;
    }
    /* What waits on the way back is in flight for as long already. */
    uint64_t extra =
        num_sub0(best_of(m->extra), num_mul_div(rate, way_back_of_two_us(&m->way), 1000000));
    if (hasty(m) && m->mode == CRUISE)
        extra = num_min(extra, num_mul_div(rate, INTERACTIVE_LUMP_US, 1000000));
    uint64_t window = with_losses(m, bdp(m, window_gain(m))) + extra + SPARE_BYTES;
    if (m->mode == CRUISE)
        window += cushion_bytes(m);
    /* Where the way back is now longer, now shorter, a window for the shorter one holds tries below
     * what is believed already; the pace bounds them. */
    if (m->mode == CRUISE && m->phase == TRY && way_back_varies_us(&m->way) > QUEUED_US)
        window += num_mul_div(rate, num_min(way_back_varies_us(&m->way) / 2, m->head.min_rtt_us),
                              1000000);
    if (m->mode == CRUISE && m->phase == YIELD && m->deep) {
        window = num_min(window, m->yield_bytes);
    } else if (m->mode == CRUISE && m->rivalling) {
        /* The window alone decides; the pace only keeps it from leaving all at once. */
        window = m->rival.window_bytes;
        m->head.pacing_bytes_s =
            num_max(rate, num_mul_div(window, 1000000, m->head.min_rtt_us + m->foreign_us)) / 4 * 5;
    }
    /* Who marks wants a shorter queue than we would leave: up to all of ours, then some of the
     * rest. */
    uint64_t over = num_sub0(window, bdp(m, GAIN_ONE));
    window -= num_mul_div(over, m->marked_share, 256) +
              num_mul_div(window - over, m->marked_share, 4 * 256);
    if (m->mode == CHECK)
        window = num_min(window, m->check_window);
    /* Who has little to send may send a little at once: that is what a start is allowed as well. */
    bool modest = !m->full || (m->mode == CRUISE && m->was_limited);
    m->head.window_bytes = num_max(window, modest ? MODEST_BYTES : WINDOW_FLOOR);
    if (m->mode == CRUISE && m->phase == STEADY)
        m->steady_bytes = m->head.window_bytes;
    if (m->mode == CRUISE && m->phase == TRY && tiny(m))
        m->head.pacing_bytes_s =
            num_max(m->head.pacing_bytes_s, num_mul_div(WINDOW_FLOOR, 1000000, m->head.min_rtt_us));
    if (modest)
        m->head.pacing_bytes_s =
            num_max(m->head.pacing_bytes_s, num_mul_div(MODEST_BYTES, 1000000, m->head.min_rtt_us));
}

static void model_sample(struct control *c, const struct control_sample *sample)
{
    struct control_model *m = model(c);
    struct control_sample there = *sample, *s = &there;

    if (s->rtt_us)
        s->rtt_us = way_round_trip(&m->way, s->now_us, s->way_us, s->rtt_us, m->head.min_rtt_us);

    m->acked += s->acked_bytes;
    m->lost += s->lost_bytes;
    m->marked += s->ce_bytes;
    m->brief_acked += s->acked_bytes;
    m->brief_lost += s->lost_bytes;
    if (s->rtt_us)
        take_rtt(m, s);
    /* A path that was gone for a moment, or a NAT's binding, says nothing about the rate. */
    if (s->vanished && excess_now_us(m) <= num_max(STANDING_US, m->usual_us + 2 * QUEUED_US))
        m->lost = m->brief_lost = 0;
    if (s->rate_bytes_s)
        take_rate(m, s);
    take_lump(m, s);
    take_train(m, s);
    take_brief(m, s);
    step_rival(m, s);
    step_mode(m, s);
    if (s->round_start)
        end_round(m, s);
    publish(m);
}

static void model_silence(struct control *c, uint64_t now_us)
{
    struct control_model *m = model(c);

    /* Keep what is known of the path, but do not count the silence as a long round trip. */
    m->min_rtt_stamp_us = m->lump_start_us = now_us;
    m->lump_acked = 0;
    begin_brief(m, now_us);
    m->least_rtt = m->probe_least = UINT64_MAX;
    m->back_round = m->round + BACK_ROUNDS;
    m->queued_rounds = 0;
}

static const struct control_ops model_ops = {"model", model_sample, model_silence};

void control_model_init(struct control_model *m, uint64_t now_us)
{
    memset(m, 0, sizeof *m);
    m->head.ops = &model_ops;
    m->min_rtt_stamp_us = m->phase_start_us = m->lump_start_us = now_us;
    m->least_rtt = UINT64_MAX;
    way_init(&m->way);
    begin_brief(m, now_us);
    m->mode = STARTUP;
    publish(m);
}

void control_model_hint(struct control_model *m, uint64_t rtt_us)
{
    m->hint_us = rtt_us;
    publish(m);
}
