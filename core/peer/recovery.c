#include "core/peer/recovery.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

enum {
    FIRST_CAPACITY = 256,
    INITIAL_RTT_US = 100000,
    GRANULARITY_US = 1000,
    PROBE_GAP_US = 500000, /* while nothing arrives, probes are at most so far apart */
    REORDER_PACKETS = 3,
    RTT_MOST_US = 5000000, /* longer ones are those of somebody who was asleep */
    RECENT = 500,
    LOST_RUN = 12 /* packets in a row: full queues and policers let something through in between */
};

void recovery_init(struct recovery *r, struct control *control,
                   enum err (*fate)(void *context, struct recovery_packet *p, uint64_t number,
                                    enum recovery_fate fate),
                   void *context)
{
    memset(r, 0, sizeof *r);
    r->control = control;
    r->fate = fate;
    r->context = context;
    r->reorder_packets = REORDER_PACKETS;
}

void recovery_release(struct recovery *r)
{
    heap_free(r->ring);
    r->ring = NULL;
    r->capacity = 0;
}

static struct recovery_packet *at(const struct recovery *r, uint64_t number)
{
    return &r->ring[number & (r->capacity - 1)];
}

static bool grow(struct recovery *r)
{
    uint32_t capacity = r->capacity ? r->capacity * 2 : FIRST_CAPACITY;

    if (capacity > RECOVERY_MAX_PACKETS)
        return false;
    struct recovery_packet *ring = heap_array(capacity, sizeof *ring);
    if (!ring)
        return false;
    for (uint64_t n = r->oldest; n < r->next; n++)
        ring[n & (capacity - 1)] = *at(r, n);
    heap_free(r->ring);
    r->ring = ring;
    r->capacity = capacity;
    return true;
}

void recovery_sent(struct recovery *r, uint64_t now_us, uint16_t bytes, bool eliciting)
{
    struct recovery_packet *p = at(r, r->next);

    if (r->in_flight_bytes == 0)
        r->first_sent_us = r->delivered_us = now_us;
    p->sent_us = now_us;
    p->bytes = bytes;
    p->eliciting = eliciting;
    /* Nobody acknowledges packets without content, and nothing of them is ever sent again. */
    p->state = eliciting || p->trial ? RECOVERY_IN_FLIGHT : RECOVERY_ACKED;
    p->delivered = r->delivered;
    p->delivered_us = r->delivered_us;
    p->first_sent_us = r->first_sent_us;
    p->app_limited = r->app_limited_until > 0;
    r->next++;
    if (eliciting) {
        r->in_flight_bytes += bytes;
        r->rank_bytes[p->rank] += bytes;
        r->eliciting_in_flight++;
        r->last_eliciting_us = now_us;
    }
    r->recent_sent += eliciting;
    if (r->recent_sent > RECENT) {
        r->recent_sent /= 2;
        r->recent_lost /= 2;
    }
}

void recovery_app_limited(struct recovery *r)
{
    r->app_limited_until = num_max(1, r->delivered + r->in_flight_bytes);
}

static void update_rtt(struct recovery *r, uint64_t sample, uint64_t ack_delay)
{
    r->newest_us = sample = num_max(sample, 1);
    if (r->min_us == 0 || sample < r->min_us)
        r->min_us = sample;
    if (sample >= r->min_us + ack_delay)
        sample -= ack_delay;
    r->latest_us = sample;
    if (r->smoothed_us == 0) {
        r->smoothed_us = sample;
        r->variance_us = sample / 2;
        return;
    }
    uint64_t off = sample > r->smoothed_us ? sample - r->smoothed_us : r->smoothed_us - sample;
    r->variance_us = (3 * r->variance_us + off) / 4;
    r->smoothed_us = (7 * r->smoothed_us + sample) / 8;
}

static void leave_flight(struct recovery *r, struct recovery_packet *p)
{
    if (p->state == RECOVERY_IN_FLIGHT && p->eliciting) {
        r->in_flight_bytes -= p->bytes;
        r->rank_bytes[p->rank] -= p->bytes;
        r->eliciting_in_flight--;
    }
}

static enum err lose(struct recovery *r, struct recovery_packet *p, uint64_t number,
                     struct control_sample *s)
{
    leave_flight(r, p);
    p->state = RECOVERY_LOST;
    if (p->eliciting) {
        s->lost_bytes += p->bytes;
        r->lost_run = number - r->lost_last <= 2 ? r->lost_run + 1 : 1;
        r->lost_last = number;
        s->vanished |= r->lost_run > LOST_RUN;
        r->lost_packets++;
        r->recent_lost++;
    }
    return r->fate(r->context, p, number, RECOVERY_FATE_LOST);
}

/* Makes room in the ring for number r->next. */
static enum err make_room(struct recovery *r)
{
    enum err e = OK;

    while (r->oldest < r->next && at(r, r->oldest)->state == RECOVERY_ACKED)
        r->oldest++;
    if (r->next - r->oldest == r->capacity && !grow(r)) {
        struct control_sample ignored = {0};
        if (r->capacity == 0)
            return ERR_MEMORY;
        if (at(r, r->oldest)->state == RECOVERY_IN_FLIGHT)
            e = lose(r, at(r, r->oldest), r->oldest, &ignored);
        r->oldest++;
    }
    r->open = num_max(r->open, r->oldest);
    return e;
}

enum err recovery_prepare(struct recovery *r, struct recovery_packet **out, uint64_t *number)
{
    enum err e = make_room(r);

    if (!e && skipped_take(&r->skipped, r->next)) {
        /* As one that nobody waits for: it is never late, nor lost. */
        at(r, r->next++)->state = RECOVERY_ACKED;
        e = make_room(r);
    }
    if (e)
        return e;
    struct recovery_packet *p = at(r, r->next);
    p->state = RECOVERY_NONE;
    p->frames = 0;
    p->rank = 0;
    p->probed = p->trial = p->marked = false;
    *number = r->next;
    *out = p;
    return OK;
}

uint64_t recovery_urgent_bytes(const struct recovery *r, uint8_t rank)
{
    uint64_t bytes = 0;

    for (uint8_t i = 0; i <= rank; i++)
        bytes += r->rank_bytes[i];
    return bytes;
}

bool recovery_crowded(const struct recovery *r)
{
    return r->eliciting_in_flight >= RECOVERY_MAX_PACKETS / 2;
}

/* The rate at which the path delivered between the sending of `p` and now, from `p`'s snapshot. */
static void sample_rate(struct recovery *r, const struct recovery_packet *p, uint64_t now_us,
                        struct control_sample *s)
{
    uint64_t send_us = p->sent_us - p->first_sent_us, ack_us = now_us - p->delivered_us;
    uint64_t interval = num_max(send_us, ack_us);

    if (interval == 0 || (r->min_us && interval < r->min_us / 2))
        return;
    uint64_t rate = num_mul_div(r->delivered - p->delivered, 1000000, interval);
    if (rate >= s->rate_bytes_s) {
        s->rate_bytes_s = rate;
        s->app_limited = p->app_limited;
    }
}

static enum err acknowledge(struct recovery *r, struct recovery_packet *p, uint64_t number,
                            uint64_t now_us, struct control_sample *s)
{
    if (p->state == RECOVERY_LOST && !p->trial) {
        /* It was only late: be patient for longer, up to a round trip. */
        r->spurious++;
        r->recent_lost = num_sub0(r->recent_lost, 1);
        if (r->largest_acked > number)
            r->reorder_packets = num_clamp(r->largest_acked - number + 1, r->reorder_packets, 1024);
        uint64_t late = num_sub0(now_us - p->sent_us, r->smoothed_us);
        r->reorder_us = num_clamp(late + late / 4, r->reorder_us, num_max(r->smoothed_us, 1));
    } else {
        leave_flight(r, p);
        if (p->eliciting) {
            r->delivered += p->bytes;
            r->delivered_us = now_us;
            s->acked_bytes += p->bytes;
            r->acked_packets++;
            if (p->delivered >= r->round_end) {
                r->round_end = r->delivered;
                s->round_start = true;
            }
            if (r->app_limited_until && r->delivered > r->app_limited_until)
                r->app_limited_until = 0;
            sample_rate(r, p, now_us, s);
            r->first_sent_us = p->sent_us;
        }
    }
    p->state = RECOVERY_ACKED;
    return r->fate(r->context, p, number, RECOVERY_FATE_ACKED);
}

/* Packets leave in the order of their numbers, so the first that is not lost ends the search. */
static enum err detect_losses(struct recovery *r, uint64_t now_us, struct control_sample *s)
{
    uint64_t base = num_max(r->smoothed_us, r->newest_us);
    uint64_t patience = r->first_gap ? 0 : num_max(base + base / 8 + r->reorder_us, GRANULARITY_US);
    uint64_t packets = r->first_gap ? 1 : r->reorder_packets;

    r->loss_time_us = 0;
    for (; r->any_acked && r->open <= r->largest_acked; r->open++) {
        struct recovery_packet *p = at(r, r->open);
        if (p->state != RECOVERY_IN_FLIGHT)
            continue;
        if (r->open + packets > r->largest_acked && p->sent_us + patience > now_us) {
            r->loss_time_us = p->sent_us + patience;
            return OK;
        }
        enum err e = lose(r, p, r->open, s);
        if (e)
            return e;
    }
    return OK;
}

/* Lost packets are remembered for a while, so that a late acknowledgement is seen as one. */
static void forget(struct recovery *r, uint64_t now_us)
{
    while (r->oldest < r->next) {
        struct recovery_packet *p = at(r, r->oldest);
        bool late_enough = r->next - r->oldest > 2048 ||
                           now_us - p->sent_us > 2 * num_max(r->smoothed_us, INITIAL_RTT_US);
        if (p->state == RECOVERY_IN_FLIGHT || (p->state == RECOVERY_LOST && !late_enough))
            break;
        r->oldest++;
    }
    r->open = num_max(r->open, r->oldest);
}

static enum err finish(struct recovery *r, uint64_t now_us, struct control_sample *s)
{
    enum err e = detect_losses(r, now_us, s);

    if (e)
        return e;
    s->now_us = now_us;
    s->in_flight_bytes = r->in_flight_bytes;
    if (s->acked_bytes || s->lost_bytes)
        r->control->ops->sample(r->control, s);
    forget(r, now_us);
    return OK;
}

static void take_round_trip(struct recovery *r, uint64_t now_us, const struct frame *f,
                            struct control_sample *s)
{
    uint64_t highest = f->ack.range[0].last;

    if (r->any_acked && highest <= r->largest_acked)
        return;
    r->any_acked = true;
    r->largest_acked = highest;
    if (highest < r->oldest)
        return;
    /* Also of what counts as lost: where the way has become far longer all does, each time. And of
     * what nobody waits for: between two that both send it is the newest half of the time. */
    const struct recovery_packet *p = at(r, highest);
    if ((p->state != RECOVERY_IN_FLIGHT && p->state != RECOVERY_LOST &&
         (p->state != RECOVERY_ACKED || p->eliciting)) ||
        now_us - p->sent_us > RTT_MOST_US)
        return;
    s->rtt_us = num_max(1, now_us - p->sent_us);
    /* The clock that the other tells of wraps: the difference to the last way is small. */
    uint32_t way = f->ack.arrival_us - (uint32_t)p->sent_us;
    r->way_us += (int32_t)(way - (uint32_t)r->way_us);
    s->way_us = r->way_us;
    update_rtt(r, s->rtt_us, num_min(f->ack.delay_us, r->max_ack_delay_us));
}

/* Goes through the packets of all ranges, lowest first, but for those that the ACK before this one
 * told of: nearly all. */
static enum err take_ranges(struct recovery *r, uint64_t now_us, const struct frame *f,
                            struct control_sample *s, bool *progress)
{
    uint32_t k = r->told_count;

    for (uint32_t i = f->ack.count; i-- > 0;) {
        uint64_t n = num_max(f->ack.range[i].first, r->oldest);
        while (n <= f->ack.range[i].last) {
            while (k && r->told[k - 1].last < n)
                k--;
            if (k && r->told[k - 1].first <= n) {
                n = r->told[k - 1].last + 1;
                continue;
            }
            struct recovery_packet *p = at(r, n);
            if (p->state == RECOVERY_IN_FLIGHT || p->state == RECOVERY_LOST) {
                *progress = true;
                enum err e = acknowledge(r, p, n, now_us, s);
                if (e)
                    return e;
            }
            n++;
        }
    }
    memcpy(r->told, f->ack.range, f->ack.count * sizeof r->told[0]);
    r->told_count = f->ack.count;
    return OK;
}

enum err recovery_ack(struct recovery *r, uint64_t now_us, const struct frame *f)
{
    struct control_sample s = {0};
    bool progress = false, newer = !r->any_acked || f->ack.range[0].last > r->largest_acked;
    uint64_t acked = r->acked_packets;

    if (f->ack.range[0].last >= r->next || skipped_told(&r->skipped, f)) {
        r->lied_to = true;
        return ERR_MALFORMED;
    }
    take_round_trip(r, now_us, f, &s);
    enum err e = take_ranges(r, now_us, f, &s, &progress);
    if (e)
        return e;
    if (newer) {
        acked = r->acked_packets - acked;
        s.ce_count = ecn_report(&r->ecn, f->ack.ect0, f->ack.ce);
        s.ce_bytes = acked ? num_mul_div(s.acked_bytes, num_min(s.ce_count, acked), acked) : 0;
    }
    if (progress) {
        r->probes = 0;
        r->probe_base_us = 0;
    }
    return finish(r, now_us, &s);
}

uint64_t recovery_probe_us(const struct recovery *r)
{
    if (r->smoothed_us == 0)
        return 2 * INITIAL_RTT_US;
    return r->smoothed_us + num_max(4 * r->variance_us, GRANULARITY_US) + r->max_ack_delay_us;
}

static uint64_t probe_deadline(const struct recovery *r)
{
    uint64_t gap = recovery_probe_us(r);

    if (r->eliciting_in_flight == 0)
        return UINT64_MAX;
    /* One long round trip, or none for a while, must not make the wait for the first endless. */
    if (r->probes == 0) {
        uint64_t least = num_max(r->min_us, r->control->min_rtt_us);
        return r->last_eliciting_us + num_min(gap, num_max(PROBE_GAP_US, 2 * least));
    }
    gap = num_min(r->heard ? gap : gap << num_min(r->probes, 16), PROBE_GAP_US);
    return num_max(r->probe_base_us, 1) + gap;
}

void recovery_heard(struct recovery *r)
{
    r->heard = r->probes >= RECOVERY_SILENCE;
}

uint64_t recovery_deadline_us(const struct recovery *r)
{
    return r->loss_time_us ? num_min(r->loss_time_us, probe_deadline(r)) : probe_deadline(r);
}

enum err recovery_again(struct recovery *r, uint64_t number)
{
    if (number < r->oldest || number >= r->next || at(r, number)->state != RECOVERY_IN_FLIGHT ||
        at(r, number)->probed)
        return OK;
    at(r, number)->probed = true;
    return r->fate(r->context, at(r, number), number, RECOVERY_FATE_REPEATED);
}

/* Queues again what the oldest two packets in flight carried: one of them is likely what is
 * missing, and a probe that carries it saves a round trip. */
static enum err requeue_oldest(struct recovery *r, unsigned count)
{
    for (uint64_t n = r->open; n < r->next && count; n++) {
        struct recovery_packet *p = at(r, n);
        if (p->state != RECOVERY_IN_FLIGHT || !p->eliciting || p->probed)
            continue;
        p->probed = true;
        count--;
        enum err e = r->fate(r->context, p, n, RECOVERY_FATE_LOST);
        if (e)
            return e;
    }
    return OK;
}

/* Gives up all that is in flight, without a word to congestion control: when the path comes back,
 * what is newest goes first instead of what is oldest. */
static enum err lose_all(struct recovery *r)
{
    struct control_sample ignored = {0};

    for (uint64_t n = r->open; n < r->next; n++)
        if (at(r, n)->state == RECOVERY_IN_FLIGHT && at(r, n)->eliciting) {
            enum err e = lose(r, at(r, n), n, &ignored);
            if (e)
                return e;
        }
    return OK;
}

enum err recovery_moved(struct recovery *r)
{
    r->probes = 0;
    r->probe_base_us = 0;
    return lose_all(r);
}

enum err recovery_timer(struct recovery *r, uint64_t now_us, unsigned *probe)
{
    struct control_sample s = {0};

    *probe = 0;
    if (r->loss_time_us && now_us >= r->loss_time_us) {
        enum err e = finish(r, now_us, &s);
        if (e)
            return e;
    }
    if (now_us < probe_deadline(r))
        return OK;
    r->probes++;
    r->probe_base_us = now_us;
    r->heard = false;
    *probe = r->probes == 1 ? 2 : 1;
    if (r->probes < RECOVERY_SILENCE)
        return requeue_oldest(r, 2);
    r->control->ops->silence(r->control, now_us);
    return lose_all(r);
}
