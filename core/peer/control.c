#include "core/peer/control.h"

#include <string.h>

#include "core/base/num.h"

enum { STARTUP, DRAIN, CRUISE, PROBE_RTT };

static const char *const state_names[] = {"startup", "drain", "cruise", "probe-rtt"};

enum {
    GAIN_ONE = 256,
    GAIN_STARTUP = 709, /* 4 ln 2 = 2.77: doubles the delivered rate each round */
    GAIN_DRAIN = 92,    /* its inverse */
    GAIN_WINDOW = 512,  /* twice the bandwidth-delay product: room for delayed acks */
    PHASES = 8,
    DRAIN_ROUNDS = 3, /* at the drain gain two empty a queue of a whole window */
    MIN_RTT_WINDOW_US = 10000000,
    PROBE_RTT_US = 200000,
    QUEUED_US = 10000, /* more than acknowledgements and timers explain */
    QUEUE_US = 40000,  /* standing queue that is worth giving bandwidth belief up for */
    FLOOR_BYTES_S = 4000,
};

static const uint16_t phase_gain[PHASES] = {320, 192, 256, 256, 256, 256, 256, 256};

enum { PACKET = 1200, WINDOW_FLOOR = 4 * PACKET };

static struct control_model *model(struct control *c)
{
    return (struct control_model *)c;
}

static uint64_t best_rate(const struct control_model *m)
{
    uint64_t best = 0;

    for (unsigned i = 0; i < CONTROL_ROUNDS; i++)
        best = num_max(best, m->rate[i]);
    return best;
}

static uint64_t bdp(const struct control_model *m, unsigned gain)
{
    uint64_t bytes = num_mul_div(m->head.bandwidth_bytes_s, m->head.min_rtt_us, 1000000);

    return num_mul_div(bytes, gain, GAIN_ONE);
}

/* All that is believed about bandwidth becomes `rate`: what was measured before the path changed
 * would otherwise keep the sender too fast for ten rounds. */
static void believe(struct control_model *m, uint64_t rate)
{
    rate = num_max(rate, FLOOR_BYTES_S);
    for (unsigned i = 0; i < CONTROL_ROUNDS; i++)
        m->rate[i] = rate;
    m->head.bandwidth_bytes_s = rate;
}

static void enter_cruise(struct control_model *m, uint64_t now_us)
{
    m->mode = CRUISE;
    m->phase = 2;
    m->phase_start_us = now_us;
}

/* By how much the least round trip of this round is above the least of all. */
static uint64_t excess_us(const struct control_model *m)
{
    if (m->round_min_rtt == UINT64_MAX || m->head.min_rtt_us == 0)
        return 0;
    return num_sub0(m->round_min_rtt, m->head.min_rtt_us);
}

/* What was ours of the queue is gone. If round trips are as long as before, it was no queue: the
 * path itself has become longer, and all that followed from its length is to be found out anew. */
static bool path_is_longer(struct control_model *m, uint64_t now_us, bool standing)
{
    if (m->verify_round == 0 || m->round < m->verify_round || m->mode == DRAIN)
        return false;
    m->verify_round = 0;
    if (!standing)
        return false;
    m->head.min_rtt_us = m->round_min_rtt;
    m->min_rtt_stamp_us = now_us;
    m->full = false;
    m->full_rate = 0;
    m->full_rounds = m->queued_rounds = 0;
    m->mode = STARTUP;
    return true;
}

static void enter_drain(struct control_model *m)
{
    m->full = true;
    m->mode = DRAIN;
    m->drain_round = m->round + DRAIN_ROUNDS;
}

static void grow_or_stop(struct control_model *m, bool queued)
{
    if (m->head.bandwidth_bytes_s >= m->full_rate + m->full_rate / 4) {
        m->full_rate = m->head.bandwidth_bytes_s;
        m->full_rounds = 0;
    } else if (++m->full_rounds >= 3 || queued) {
        enter_drain(m);
    }
}

static void end_round(struct control_model *m, uint64_t now_us)
{
    uint64_t total = m->round_acked + m->round_lost;
    uint64_t loss = total ? m->round_lost * 1000 / total : 0;
    bool queued = excess_us(m) > QUEUED_US;
    bool standing = excess_us(m) > num_clamp(m->head.min_rtt_us, QUEUED_US, QUEUE_US);

    m->queued_rounds = standing && !m->round_app_limited ? m->queued_rounds + 1 : 0;
    /* Loss alone is what bad links do; loss with a queue, or of a third of everything, is us. */
    bool overrun = (loss > 100 && queued) || loss > 330;
    if (path_is_longer(m, now_us, standing)) {
        /* as after a start */
    } else if (m->round_rate && ((overrun && m->round_rate < m->head.bandwidth_bytes_s) ||
                                 (m->queued_rounds >= 2 && m->verify_round == 0))) {
        m->queued_rounds = 0;
        believe(m, m->round_rate);
        enter_drain(m);
        m->verify_round = m->round + 2;
    } else if (!m->full && !m->round_app_limited) {
        grow_or_stop(m, queued);
    }
    m->phase_start_us = num_min(m->phase_start_us, now_us);
    m->round_acked = m->round_lost = m->round_rate = 0;
    m->round_min_rtt = UINT64_MAX;
    m->round_app_limited = false;
    m->round++;
    m->rate[m->round % CONTROL_ROUNDS] = 0;
    if (best_rate(m) == 0)
        believe(m, m->head.bandwidth_bytes_s);
}

static void take_rate(struct control_model *m, const struct control_sample *s)
{
    uint64_t *slot = &m->rate[m->round % CONTROL_ROUNDS];

    /* A sample that was short of data says only what the path does at least. */
    if (!s->app_limited || s->rate_bytes_s > m->head.bandwidth_bytes_s)
        *slot = num_max(*slot, s->rate_bytes_s);
    else
        *slot = num_max(*slot, m->head.bandwidth_bytes_s);
    if (!s->app_limited)
        m->round_rate = num_max(m->round_rate, s->rate_bytes_s);
    m->round_app_limited |= s->app_limited;
    m->head.bandwidth_bytes_s = best_rate(m);
}

static void take_rtt(struct control_model *m, const struct control_sample *s)
{
    bool stale = s->now_us - m->min_rtt_stamp_us > MIN_RTT_WINDOW_US;

    m->round_min_rtt = num_min(m->round_min_rtt, s->rtt_us);
    if (m->head.min_rtt_us == 0 || s->rtt_us <= m->head.min_rtt_us || stale) {
        if (stale && m->head.min_rtt_us && s->rtt_us > m->head.min_rtt_us + 2000 &&
            m->mode != PROBE_RTT && m->full) {
            m->resume_mode = CRUISE;
            m->mode = PROBE_RTT;
            m->probe_rtt_end_us = s->now_us + PROBE_RTT_US + m->head.min_rtt_us;
        }
        m->head.min_rtt_us = s->rtt_us;
        m->min_rtt_stamp_us = s->now_us;
    }
}

static void step_cruise(struct control_model *m, const struct control_sample *s)
{
    uint64_t elapsed = s->now_us - m->phase_start_us;
    unsigned gain = phase_gain[m->phase];
    bool done = elapsed > m->head.min_rtt_us;

    if (gain > GAIN_ONE)
        done = done && (s->in_flight_bytes >= bdp(m, gain) || s->lost_bytes ||
                        elapsed > 2 * m->head.min_rtt_us);
    else if (gain < GAIN_ONE)
        done = done || s->in_flight_bytes <= bdp(m, GAIN_ONE);
    if (done) {
        m->phase = (m->phase + 1) % PHASES;
        m->phase_start_us = s->now_us;
    }
}

static void step_mode(struct control_model *m, const struct control_sample *s)
{
    switch (m->mode) {
    case DRAIN:
        /* On a path that has become longer more is in flight however slowly we send. */
        if (s->in_flight_bytes > bdp(m, GAIN_ONE) && m->round < m->drain_round)
            break;
        enter_cruise(m, s->now_us);
        if (m->verify_round)
            m->verify_round = m->round + 2; /* by then all that is measured was sent after this */
        break;
    case CRUISE:
        step_cruise(m, s);
        break;
    case PROBE_RTT:
        if (s->now_us >= m->probe_rtt_end_us) {
            m->min_rtt_stamp_us = s->now_us;
            enter_cruise(m, s->now_us);
        }
        break;
    default:
        break;
    }
}

static void publish(struct control_model *m)
{
    unsigned gain = m->mode == STARTUP  ? GAIN_STARTUP
                    : m->mode == DRAIN  ? GAIN_DRAIN
                    : m->mode == CRUISE ? phase_gain[m->phase]
                                        : GAIN_ONE;
    uint64_t rate = m->head.bandwidth_bytes_s, initial = 10 * PACKET;

    m->head.state = state_names[m->mode];
    if (rate == 0 || m->head.min_rtt_us == 0) {
        /* Nothing is known yet: the initial window within a millisecond or one round trip. */
        m->head.window_bytes = initial;
        m->head.pacing_bytes_s =
            num_mul_div(initial * 3, 1000000, num_max(m->head.min_rtt_us, 1000));
        return;
    }
    m->head.pacing_bytes_s = num_max(FLOOR_BYTES_S, num_mul_div(rate, gain, GAIN_ONE));
    uint64_t window = bdp(m, GAIN_WINDOW);
    if (m->mode == PROBE_RTT)
        window = bdp(m, GAIN_ONE / 2);
    /* Acks of several packets at once must not stop a fast path with a tiny round trip. */
    window += m->mode == PROBE_RTT ? 0 : 3 * PACKET;
    m->head.window_bytes = num_max(window, m->full ? WINDOW_FLOOR : initial);
    if (!m->full)
        m->head.pacing_bytes_s =
            num_max(m->head.pacing_bytes_s, num_mul_div(initial, 1000000, m->head.min_rtt_us));
}

static void model_sample(struct control *c, const struct control_sample *s)
{
    struct control_model *m = model(c);

    m->round_acked += s->acked_bytes;
    m->round_lost += s->lost_bytes;
    if (s->rtt_us)
        take_rtt(m, s);
    if (s->rate_bytes_s)
        take_rate(m, s);
    if (s->round_start)
        end_round(m, s->now_us);
    step_mode(m, s);
    publish(m);
}

static void model_silence(struct control *c, uint64_t now_us)
{
    struct control_model *m = model(c);

    /* Keep what is known of the path, but do not count the silence as a long round trip. */
    m->min_rtt_stamp_us = now_us;
    m->round_min_rtt = UINT64_MAX;
    m->queued_rounds = 0;
}

static const struct control_ops model_ops = {"model", model_sample, model_silence};

void control_model_init(struct control_model *m, uint32_t packet_bytes, uint64_t now_us)
{
    memset(m, 0, sizeof *m);
    m->head.ops = &model_ops;
    m->min_rtt_stamp_us = m->phase_start_us = now_us;
    m->round_min_rtt = UINT64_MAX;
    m->mode = STARTUP;
    publish(m);
    m->head.window_bytes = 10ull * packet_bytes;
}

static void fixed_sample(struct control *c, const struct control_sample *s)
{
    if (s->rtt_us && (c->min_rtt_us == 0 || s->rtt_us < c->min_rtt_us))
        c->min_rtt_us = s->rtt_us;
}

static void fixed_silence(struct control *c, uint64_t now_us)
{
    (void)c;
    (void)now_us;
}

static const struct control_ops fixed_ops = {"fixed", fixed_sample, fixed_silence};

void control_fixed_init(struct control_model *m, uint64_t window_bytes, uint64_t pacing_bytes_s)
{
    memset(m, 0, sizeof *m);
    m->head.ops = &fixed_ops;
    m->head.window_bytes = window_bytes;
    m->head.pacing_bytes_s = pacing_bytes_s;
    m->head.state = "fixed";
}
