#include "tests/sim/sim_cubic.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

enum {
    RING = SIM_CUBIC_SEGMENTS,
    BLOCKS = 3,
    ACK_BYTES = 12 + 16 * BLOCKS, /* next, flags, blocks */
    ACK_MARKED = 8,               /* where the flag ECE is */
    SEG = 1000000, /* windows are in millionths of a segment: growth of a part each ACK adds up */
    INITIAL = 10,  /* RFC 6928 */
    THRESHOLD = 3,
    RTO_LEAST_US = 200000,
    RTO_FIRST_US = 1000000,
    RTO_MOST_US = 60000000,
    ACK_DELAY_US = 40000,
    HYSTART_SAMPLES = 8,
};

#define NO_BLOCK UINT64_MAX

enum segment_state { SEGMENT_OUT = 1, SEGMENT_SACKED, SEGMENT_LOST };

struct segment {
    uint64_t sent_us;
    uint8_t state;
    bool again; /* has been sent more than once */
};

struct sim_cubic_sender {
    struct sim *sim;
    struct addr to;
    uint64_t total, start_us;
    struct segment ring[RING]; /* una <= n < next */
    uint64_t una, next, pipe;
    uint64_t sacked_end; /* one past the highest sacked */
    uint64_t judged;     /* below it, what was sent once has been judged by THRESHOLD */
    uint64_t look;       /* no lost one below it */
    struct {
        uint64_t number, sent_us;
    } again[RING]; /* retransmissions in the order sent */
    uint64_t again_first, again_next;
    uint64_t newest_us; /* RACK: when the newest of what was delivered had been sent */

    /* times */
    uint64_t smoothed_us, variance_us, least_us, armed_us;
    unsigned backoff;

    /* congestion */
    uint64_t window, threshold; /* in SEG */
    uint64_t recover;           /* losses below it belong to a reduction that was made */
    bool recovering;
    uint64_t before_loss; /* W_max */
    uint64_t epoch_us;    /* 0: the next ACK begins one */
    uint64_t plateau_ms;  /* K */
    uint64_t estimate;    /* W_est */
    uint64_t round_end, round_least_us, last_least_us;
    unsigned round_samples;
    uint64_t timeouts, reductions, sent, resent;
    bool ecn; /* what it sends says that it knows of ECN */
};

struct sim_cubic_receiver {
    struct addr to;
    bool known;
    uint64_t got[RING / 64]; /* bits of numbers in next .. next + RING */
    uint64_t next, beyond;   /* in order so far; one past the highest */
    uint64_t block[BLOCKS];  /* numbers in the blocks to be told of, the newest first */
    unsigned unacked;
    bool now, marked; /* marked: something has come with CE that no ACK has told of */
    uint64_t ack_us;
};

/* ---- the receiver ---- */

static bool has(const struct sim_cubic_receiver *r, uint64_t n)
{
    return r->got[n % RING / 64] >> n % 64 & 1;
}

/* The run of numbers that have come around `n`. */
static void run_around(const struct sim_cubic_receiver *r, uint64_t n, uint64_t *from, uint64_t *to)
{
    for (*from = n; *from > r->next && has(r, *from - 1);)
        *from -= *from % 64 == 0 && *from - 64 >= r->next &&
                         r->got[(*from - 64) % RING / 64] == UINT64_MAX
                     ? 64
                     : 1;
    for (*to = n + 1; *to < r->beyond && has(r, *to);)
        *to += *to % 64 == 0 && *to + 64 <= r->beyond && r->got[*to % RING / 64] == UINT64_MAX ? 64
                                                                                               : 1;
}

/* The newest block is told of first, then those told of before that are not part of it. */
static void remember_block(struct sim_cubic_receiver *r, uint64_t n)
{
    uint64_t from, to, old[BLOCKS];
    size_t k = 0;

    run_around(r, n, &from, &to);
    memcpy(old, r->block, sizeof old);
    r->block[k++] = n;
    for (size_t i = 0; i < BLOCKS && k < BLOCKS; i++)
        if (old[i] >= r->next && (old[i] < from || old[i] >= to))
            r->block[k++] = old[i];
    while (k < BLOCKS)
        r->block[k++] = NO_BLOCK;
}

static void receiver_input(void *self, uint64_t now_us, const struct addr *from,
                           const struct addr *to, struct bytes data, uint8_t ecn)
{
    struct sim_cubic_receiver *r = self;
    uint64_t n = data.n >= 8 ? num_get_le(data.p, 8) : 0;

    (void)to;
    if (data.n != SIM_CUBIC_DATAGRAM)
        return;
    r->marked |= ecn == WAN_ECN_CE;
    r->to = *from;
    r->known = true;
    r->unacked++;
    if (r->unacked == 1)
        r->ack_us = now_us + ACK_DELAY_US;
    bool gap = r->beyond > r->next;
    if (n >= r->next && n < r->next + RING && !has(r, n)) {
        r->got[n % RING / 64] |= 1ull << n % 64;
        r->beyond = num_max(r->beyond, n + 1);
        for (; r->next < r->beyond && has(r, r->next); r->next++)
            r->got[r->next % RING / 64] &= ~(1ull << r->next % 64);
        if (n >= r->next)
            remember_block(r, n);
    } else {
        r->now = true;
    }
    /* Out of order or filling a gap: at once (RFC 5681, section 4.2). */
    r->now |= gap || r->beyond > r->next || r->unacked >= 2;
}

static size_t receiver_output(void *self, uint64_t now_us, uint8_t *space, size_t room,
                              struct addr *to, uint8_t *ecn)
{
    struct sim_cubic_receiver *r = self;
    uint8_t *at = space + 12;

    (void)room, (void)ecn;
    if (!r->known || r->unacked == 0 || (!r->now && now_us < r->ack_us))
        return 0;
    memset(space, 0, ACK_BYTES);
    num_put_le(space, 8, r->next);
    space[ACK_MARKED] = r->marked;
    for (size_t i = 0; i < BLOCKS; i++) {
        uint64_t first, end;
        if (r->block[i] < r->next || r->block[i] >= r->beyond)
            continue;
        run_around(r, r->block[i], &first, &end);
        num_put_le(at, 8, first);
        num_put_le(at + 8, 8, end);
        at += 16;
    }
    *to = r->to;
    r->unacked = 0;
    r->now = r->marked = false;
    return ACK_BYTES;
}

static uint64_t receiver_deadline(void *self, uint64_t now_us)
{
    const struct sim_cubic_receiver *r = self;

    return r->unacked == 0 ? UINT64_MAX : r->now ? now_us : r->ack_us;
}

/* ---- CUBIC ---- */

/* The largest whole number whose cube is at most `x`. */
static uint64_t cube_root(uint64_t x)
{
    uint64_t root = 0;

    for (uint64_t bit = 1ull << 21; bit; bit >>= 1) {
        uint64_t r = root | bit;
        if (r * r <= x / r)
            root = r;
    }
    return root;
}

/* RFC 9438, 4.6 and 4.7: the window falls to 0.7, and W_max further when it has not grown since. */
static void reduce(struct sim_cubic_sender *c)
{
    c->before_loss = c->window < c->before_loss ? c->window / 20 * 17 : c->window;
    c->threshold = num_max(c->window / 10 * 7, 2 * (uint64_t)SEG);
    c->epoch_us = 0;
    c->recover = c->next;
    c->reductions++;
}

/* W_cubic at `ms` after the epoch began: W_max + 0.4 (t - K)^3. */
static uint64_t cubic_at(const struct sim_cubic_sender *c, uint64_t ms)
{
    uint64_t d = ms > c->plateau_ms ? ms - c->plateau_ms : c->plateau_ms - ms;
    uint64_t cube = num_min(d, 200000);

    cube = cube * cube * cube / 2500;
    return ms > c->plateau_ms ? c->before_loss + cube : num_sub0(c->before_loss, cube);
}

static void grow(struct sim_cubic_sender *c, uint64_t now_us, uint64_t acked)
{
    if (c->window < c->threshold) {
        c->window += acked * SEG;
        return;
    }
    if (c->epoch_us == 0) {
        c->epoch_us = now_us;
        c->before_loss = num_max(c->before_loss, c->window);
        c->plateau_ms = cube_root((c->before_loss - c->window) * 2500);
        c->estimate = c->window;
    }
    uint64_t target = cubic_at(c, (now_us - c->epoch_us + c->smoothed_us) / 1000);
    target = num_clamp(target, c->window, c->window / 2 * 3);
    /* As Reno would with such a factor: 0.53 segments a round trip, 1 once it is where it was. */
    c->estimate += num_mul_div(acked * SEG, c->estimate < c->before_loss ? 529000 : SEG, c->window);
    c->window += num_mul_div(target - c->window, acked * SEG, c->window);
    c->window = num_max(c->window, c->estimate);
}

/* HyStart: slow start ends when round trips of this round are longer than those of the last. */
static void watch_start(struct sim_cubic_sender *c, uint64_t rtt_us)
{
    if (c->una >= c->round_end) {
        c->round_end = c->next;
        c->last_least_us = c->round_samples ? c->round_least_us : 0;
        c->round_samples = 0;
        c->round_least_us = UINT64_MAX;
    }
    c->round_least_us = num_min(c->round_least_us, rtt_us);
    if (++c->round_samples < HYSTART_SAMPLES || c->last_least_us == 0)
        return;
    if (c->round_least_us >= c->last_least_us + num_clamp(c->last_least_us / 8, 4000, 16000))
        c->threshold = num_min(c->threshold, c->window);
}

/* ---- what became of segments ---- */

static struct segment *segment(struct sim_cubic_sender *c, uint64_t n)
{
    return &c->ring[n % RING];
}

/* Once in a flight: segment `n` says that there is congestion. */
static void back_off(struct sim_cubic_sender *c, uint64_t n)
{
    if (n < c->recover)
        return;
    reduce(c);
    c->window = c->threshold;
    c->recovering = true;
}

static void lose(struct sim_cubic_sender *c, uint64_t n)
{
    struct segment *g = segment(c, n);

    if (g->state != SEGMENT_OUT)
        return;
    g->state = SEGMENT_LOST;
    c->pipe--;
    c->look = num_min(c->look, n);
    back_off(c, n);
}

/* The segment has arrived. */
static void deliver(struct sim_cubic_sender *c, uint64_t now_us, uint64_t n)
{
    struct segment *g = segment(c, n);

    if (g->state == SEGMENT_SACKED)
        return;
    if (g->state == SEGMENT_OUT)
        c->pipe--;
    g->state = SEGMENT_SACKED;
    /* Of what was sent again, an answer this early is that to the first (RFC 8985, 6.2). */
    if (!g->again || now_us - g->sent_us >= c->least_us)
        c->newest_us = num_max(c->newest_us, g->sent_us);
}

static void take_round_trip(struct sim_cubic_sender *c, uint64_t rtt_us)
{
    uint64_t off_us = rtt_us > c->smoothed_us ? rtt_us - c->smoothed_us : c->smoothed_us - rtt_us;

    c->least_us = c->least_us ? num_min(c->least_us, rtt_us) : rtt_us;
    c->variance_us = c->smoothed_us ? (3 * c->variance_us + off_us) / 4 : rtt_us / 2;
    c->smoothed_us = c->smoothed_us ? (7 * c->smoothed_us + rtt_us) / 8 : rtt_us;
    if (c->window < c->threshold)
        watch_start(c, rtt_us);
}

static void find_losses(struct sim_cubic_sender *c)
{
    for (; c->judged + THRESHOLD < c->sacked_end; c->judged++)
        if (c->judged >= c->una && !segment(c, c->judged)->again)
            lose(c, c->judged);
    /* A retransmission is lost when something sent later, by more than reordering, has come. */
    for (; c->again_first < c->again_next; c->again_first++) {
        uint64_t n = c->again[c->again_first % RING].number;
        uint64_t sent_us = c->again[c->again_first % RING].sent_us;
        bool gone =
            n < c->una || segment(c, n)->state != SEGMENT_OUT || segment(c, n)->sent_us != sent_us;
        if (!gone && sent_us + c->least_us / 4 >= c->newest_us)
            break;
        if (!gone)
            lose(c, n);
    }
}

static void take_blocks(struct sim_cubic_sender *c, uint64_t now_us, struct bytes data)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        uint64_t first = num_get_le(data.p + 12 + 16 * i, 8);
        uint64_t end = num_min(num_get_le(data.p + 20 + 16 * i, 8), c->next);
        for (uint64_t n = num_max(first, c->una); n < end; n++)
            deliver(c, now_us, n);
        c->sacked_end = num_max(c->sacked_end, end);
    }
}

static uint64_t rto_us(const struct sim_cubic_sender *c)
{
    uint64_t us = c->smoothed_us == 0 ? RTO_FIRST_US
                                      : c->smoothed_us + num_max(4 * c->variance_us, RTO_LEAST_US);

    return num_min(us << c->backoff, RTO_MOST_US);
}

static void sender_input(void *self, uint64_t now_us, const struct addr *from,
                         const struct addr *to, struct bytes data, uint8_t ecn)
{
    struct sim_cubic_sender *c = self;

    (void)from, (void)to, (void)ecn; /* ACKs are not ECT (RFC 3168, 6.1.4) */
    if (data.n != ACK_BYTES)
        return;
    uint64_t acked_to = num_min(num_get_le(data.p, 8), c->next), before = c->una;
    /* Who fills less than half of the window learns nothing about more. */
    bool filled = c->pipe * 2 * SEG >= c->window;
    if (acked_to > c->una) {
        const struct segment *last = segment(c, acked_to - 1);
        uint64_t rtt_us = last->again || last->state == SEGMENT_SACKED ? 0 : now_us - last->sent_us;
        for (; c->una < acked_to; c->una++)
            deliver(c, now_us, c->una);
        c->sacked_end = num_max(c->sacked_end, acked_to);
        c->look = num_max(c->look, c->una);
        if (rtt_us)
            take_round_trip(c, rtt_us);
        c->backoff = 0;
        c->armed_us = now_us;
    }
    take_blocks(c, now_us, data);
    if (c->ecn && data.p[ACK_MARKED] && c->una > 0)
        back_off(c, c->una - 1);
    find_losses(c);
    if (c->recovering && c->una >= c->recover)
        c->recovering = false;
    if (!c->recovering && c->una > before && filled)
        grow(c, now_us, c->una - before);
}

/* ---- sending ---- */

static void time_out(struct sim_cubic_sender *c, uint64_t now_us)
{
    c->timeouts++;
    if (c->backoff == 0 && c->una >= c->recover)
        reduce(c);
    c->recover = c->next;
    c->recovering = false;
    for (uint64_t n = c->una; n < c->next; n++)
        lose(c, n);
    c->again_first = c->again_next;
    c->window = SEG;
    c->backoff = c->backoff < 9 ? c->backoff + 1 : c->backoff;
    c->armed_us = now_us;
}

static size_t put_segment(struct sim_cubic_sender *c, uint64_t now_us, uint64_t n, uint8_t *space)
{
    struct segment *g = segment(c, n);

    if (c->pipe++ == 0)
        c->armed_us = now_us;
    g->sent_us = now_us;
    g->state = SEGMENT_OUT;
    c->sent++;
    memset(space, 0, SIM_CUBIC_DATAGRAM);
    num_put_le(space, 8, n);
    return SIM_CUBIC_DATAGRAM;
}

static size_t sender_output(void *self, uint64_t now_us, uint8_t *space, size_t room,
                            struct addr *to, uint8_t *ecn)
{
    struct sim_cubic_sender *c = self;

    (void)room;
    if (now_us < c->start_us)
        return 0;
    if (c->next > c->una && now_us >= c->armed_us + rto_us(c))
        time_out(c, now_us);
    if (c->pipe >= num_max(c->window / SEG, 1))
        return 0;
    *to = c->to;
    *ecn = WAN_ECN_NONE;
    while (c->look < c->next && segment(c, c->look)->state != SEGMENT_LOST)
        c->look++;
    if (c->look < c->next) {
        uint64_t n = c->look++;
        segment(c, n)->again = true;
        c->again[c->again_next % RING].number = n;
        c->again[c->again_next++ % RING].sent_us = now_us;
        c->again_first = num_max(c->again_first, num_sub0(c->again_next, RING));
        c->resent++;
        return put_segment(c, now_us, n, space);
    }
    if (c->next >= c->total || c->next - c->una >= RING)
        return 0;
    segment(c, c->next)->again = false;
    *ecn = c->ecn ? WAN_ECN_ECT0 : WAN_ECN_NONE; /* what is sent again is not (6.1.5) */
    return put_segment(c, now_us, c->next++, space);
}

static uint64_t sender_deadline(void *self, uint64_t now_us)
{
    const struct sim_cubic_sender *c = self;

    if (now_us < c->start_us)
        return c->start_us;
    return c->next > c->una ? c->armed_us + rto_us(c) : UINT64_MAX;
}

static const struct sim_ops sender_ops = {
    .input = sender_input, .output = sender_output, .deadline_us = sender_deadline};
static const struct sim_ops receiver_ops = {
    .input = receiver_input, .output = receiver_output, .deadline_us = receiver_deadline};

void sim_cubic_make(struct sim_cubic *c, struct sim *s, const struct addr *from,
                    const struct addr *to, uint64_t segments, uint64_t start_us)
{
    c->sender = heap_alloc(sizeof *c->sender);
    c->receiver = heap_alloc(sizeof *c->receiver);
    CHECK(c->sender && c->receiver);
    c->sender->sim = s;
    c->sender->to = *to;
    c->sender->total = segments;
    c->sender->start_us = start_us;
    c->sender->window = INITIAL * SEG;
    c->sender->threshold = UINT64_MAX;
    for (size_t i = 0; i < BLOCKS; i++)
        c->receiver->block[i] = NO_BLOCK;
    c->from = sim_node(s, "cubic", &sender_ops, c->sender, from);
    c->to = sim_node(s, "cubic's", &receiver_ops, c->receiver, to);
}

void sim_cubic_ecn(struct sim_cubic *c)
{
    c->sender->ecn = true;
}

void sim_cubic_end(struct sim_cubic *c)
{
    heap_free(c->sender);
    heap_free(c->receiver);
}

uint64_t sim_cubic_read_bytes(const struct sim_cubic *c)
{
    return c->receiver->next * SIM_CUBIC_SEGMENT;
}

bool sim_cubic_done(void *cubic)
{
    const struct sim_cubic *c = cubic;

    return c->sender->una >= c->sender->total;
}

void sim_cubic_note(const struct sim_cubic *c, struct sim *s)
{
    const struct sim_cubic_sender *d = c->sender;

    sim_note(s,
             "cubic: window %" PRIu64 " of %" PRIu64 ", in flight %" PRIu64 ", rtt %" PRIu64
             " us, sent %" PRIu64 " again %" PRIu64 ", reductions %" PRIu64 ", time-outs %" PRIu64,
             d->window / SEG, d->before_loss / SEG, d->pipe, d->smoothed_us, d->sent, d->resent,
             d->reductions, d->timeouts);
}
