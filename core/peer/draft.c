#include "core/peer/draft.h"

#include "core/base/check.h"
#include "core/base/num.h"

enum {
    PADDED_BYTES = 256, /* every packet with padded stream bytes has this plain size */
    ACK_MIN_ROOM = 32,
    ASK_EVERY = 64,   /* so many packets without content, and the next asks for an answer */
    SHARE_EVERY = 32, /* one packet of so many goes to the least urgent first */
    AT_ONCE_BYTES = 10 * LIMIT_DATAGRAM_FLOOR /* RFC 6928 */
};

_Static_assert((int)PEER_CLASSES <= (int)RECOVERY_RANKS,
               "a packet's rank is its most urgent class");

static bool full(const struct draft *d)
{
    return d->record->frames == RECOVERY_FRAMES;
}

static void note(struct draft *d, const struct frame *f)
{
    d->record->frame[d->record->frames++] = (struct recovery_frame){
        .type = (uint8_t)f->type,
        .fin = f->fin,
        .length = (uint16_t)(f->type == FRAME_DROP_MESSAGE ? f->value : f->data.n),
        .id = f->id,
        .offset = f->offset,
    };
    d->eliciting |= f->type != FRAME_ACK;
}

/* Appends a frame that may be left out when there is no room; false then. */
static bool put(struct draft *d, const struct frame *f)
{
    struct wr before = d->w;

    if (full(d))
        return false;
    frame_put(&d->w, f);
    if (d->w.full) {
        d->w = before;
        return false;
    }
    note(d, f);
    return true;
}

/* Tells of what has come and the other may not know to have come. */
static void put_ack(struct peer *p, struct draft *d, uint64_t now_us)
{
    const struct ranges *r = &p->received;
    struct frame f;
    uint32_t n = 0;

    if (wr_left(&d->w) < ACK_MIN_ROOM || full(d))
        return;
    f.type = FRAME_ACK;
    f.ack.delay_us = num_sub0(now_us, p->newest_us);
    f.ack.arrival_us = (uint32_t)p->newest_us;
    f.ack.ect0 = p->ect0_seen;
    f.ack.ce = p->ce_seen;
    for (; n < LIMIT_ACK_RANGES && n < r->count; n++) {
        const struct range *from = &r->item[r->count - 1 - n];
        if (from->end <= p->told_floor)
            break;
        f.ack.range[n] = (struct frame_range){num_max(from->begin, p->told_floor), from->end - 1};
    }
    bool all = n < LIMIT_ACK_RANGES;
    /* Where there is little room the newest ones must do. */
    for (f.ack.count = n; f.ack.count; f.ack.count /= 2, all = false) {
        struct wr before = d->w;
        frame_put(&d->w, &f);
        if (!d->w.full)
            break;
        d->w = before;
    }
    if (n && !f.ack.count)
        return;
    p->ack_due_us = UINT64_MAX;
    p->unacked = 0;
    p->acked_us = now_us;
    if (n)
        d->record->frame[d->record->frames++] =
            (struct recovery_frame){.type = FRAME_ACK,
                                    .length = p->told_epoch,
                                    .offset = all ? f.ack.range[0].last + 1 : 0};
}

static void put_stream_control(struct peer *p, struct draft *d)
{
    for (uint32_t i = 0; i < p->stream_count; i++) {
        struct stream *s = p->stream[i];
        if (s->in.limit_wanted) {
            uint64_t limit = s->in.base + s->in.window;
            if (!put(d,
                     &(struct frame){.type = FRAME_MAX_STREAM_DATA, .id = s->id, .value = limit}))
                return;
            s->in.limit = limit;
            s->in.limit_wanted = false;
        }
        if (s->in.stop_wanted) {
            if (!put(d, &(struct frame){
                            .type = FRAME_STOP_SENDING, .id = s->id, .code = s->in.stop_code}))
                return;
            s->in.stop_wanted = false;
        }
        if (s->out.reset_wanted) {
            if (!put(d, &(struct frame){.type = FRAME_RESET_STREAM,
                                        .id = s->id,
                                        .code = s->out.reset_code,
                                        .value = s->out.next}))
                return;
            s->out.reset_wanted = false;
        }
    }
}

static void put_reply(struct peer *p, struct draft *d)
{
    if (p->reply_due && addr_equal(&p->reply_to, &p->remote) &&
        put(d, &(struct frame){.type = FRAME_PATH_RESPONSE,
                               .data = bytes_of(p->reply, sizeof p->reply)}))
        p->reply_due = false;
}

static void put_control(struct peer *p, struct draft *d)
{
    struct mail_drop drop;

    if (p->token_wanted && put(d, &(struct frame){.type = FRAME_NEW_TOKEN,
                                                  .data = bytes_of(p->token, p->token_bytes)}))
        p->token_wanted = false;
    if (p->limit_wanted) {
        uint64_t limit = p->data_consumed + p->config.session_window_bytes;
        if (put(d, &(struct frame){.type = FRAME_MAX_DATA, .value = limit})) {
            p->data_told = limit;
            p->limit_wanted = false;
        }
    }
    put_stream_control(p, d);
    while (!full(d) && wr_left(&d->w) > ACK_MIN_ROOM && mail_take_drop(&p->mail, &drop))
        if (!put(d, &(struct frame){
                        .type = FRAME_DROP_MESSAGE, .id = drop.first, .value = drop.count})) {
            mail_again_drop(&p->mail, &drop);
            break;
        }
}

static bool put_stream(struct peer *p, struct draft *d, struct stream *s)
{
    size_t overhead = frame_stream_overhead(s->id, s->out.next);
    uint64_t allowance =
        session_with(p, PEER_WITHOUT_FLOW) ? num_sub0(p->data_limit, p->data_sent) : UINT64_MAX / 2;
    uint64_t before = allowance;
    size_t left = num_min(wr_left(&d->w), s->padded ? num_sub0(PADDED_BYTES, d->w.n) : SIZE_MAX);
    struct frame f;

    if (full(d) || left <= overhead)
        return false;
    if (!session_with(p, PEER_WITHOUT_FLOW))
        s->out.limit = UINT64_MAX / 2;
    if (!stream_take(s, &f, left - overhead, &allowance))
        return false;
    p->data_sent += before - allowance;
    uint8_t *place = frame_put_stream(&d->w, &f);
    CHECK(place);
    stream_copy(s, &f, place);
    note(d, &f);
    /* Whatever else goes into this packet must not make it longer than its like. */
    if (s->padded) {
        d->padded = true;
        d->w.room = PADDED_BYTES;
    }
    return true;
}

/* Streams of a class take turns; gives whether there was anything. */
static bool put_streams(struct peer *p, struct draft *d, enum peer_class class, bool all)
{
    uint32_t begin = p->turn[class] < p->stream_count ? p->turn[class] : 0;
    bool any = false;

    for (uint32_t i = 0; i < p->stream_count && !full(d); i++) {
        uint32_t at = begin + i - (begin + i < p->stream_count ? 0 : p->stream_count);
        if ((!all && p->stream[at]->class != class) || !put_stream(p, d, p->stream[at]))
            continue;
        p->turn[class] = at + 1;
        any = true;
    }
    return any;
}

static bool put_mail(struct peer *p, struct draft *d, enum peer_class class)
{
    bool any = false;
    struct frame f;

    while (!full(d) && mail_take(&p->mail, class, wr_left(&d->w), &f)) {
        frame_put(&d->w, &f);
        CHECK(!d->w.full);
        note(d, &f);
        d->again |= f.fin;
        any = true;
    }
    return any;
}

/* Sends of one class, as far as flow control goes: streams and messages go first by turns. */
static void put_class(struct peer *p, struct draft *d, enum peer_class class)
{
    bool all = !session_with(p, PEER_WITHOUT_CLASSES), any = false, mail = p->mail_turn[class];

    for (int turn = 0; turn < 2; turn++, mail = !mail) {
        if (!mail)
            any |= put_streams(p, d, class, all);
        else if (!all)
            any |= put_mail(p, d, class);
        else
            for (enum peer_class c = PEER_INPUT; c < PEER_CLASSES; c++)
                any |= put_mail(p, d, c);
    }
    p->mail_turn[class] ^= any;
    if (any)
        d->record->rank = (uint8_t)(d->ranked ? num_min(d->record->rank, class) : (uint64_t) class);
    d->ranked |= any;
}

/* One bit a class that has something to send: most have nothing, and a packet costs less than to
 * ask each stream and queue on behalf of every class. */
static unsigned classes_waiting(const struct peer *p)
{
    uint64_t allowance = num_sub0(p->data_limit, p->data_sent);
    unsigned waiting = 0;

    if (!session_with(p, PEER_WITHOUT_CLASSES) || !session_with(p, PEER_WITHOUT_FLOW))
        return ~0u;
    for (unsigned c = 0; c < PEER_CLASSES; c++)
        waiting |= (unsigned)(p->mail.first[c] != NULL) << c;
    for (uint32_t i = 0; i < p->stream_count; i++)
        if (stream_sendable(p->stream[i], allowance))
            waiting |= 1u << p->stream[i]->class;
    return waiting;
}

/* What waits for the window, the most urgent first; but of some packets the least urgent has the
 * first choice, so that it never starves. */
static void put_classes(struct peer *p, struct draft *d, unsigned waiting)
{
    bool last_first = p->classed % SHARE_EVERY == SHARE_EVERY - 1;

    for (unsigned i = PEER_CURSOR; i < PEER_CLASSES && !d->padded && !full(d); i++) {
        unsigned c = last_first ? PEER_CURSOR + PEER_BULK - i : i;
        if (waiting & 1u << c)
            put_class(p, d, c);
    }
    p->classed += d->ranked;
}

/* Input waits for no window and no pace, as long as it is as little as input is: whatever has been
 * waiting for a path to come back would fill its queue at once, and keep the next key press. */
static bool input_at_once(const struct peer *p)
{
    return !session_with(p, PEER_WITHOUT_CLASSES) ||
           recovery_urgent_bytes(&p->recovery, PEER_INPUT) < AT_ONCE_BYTES;
}

bool draft_fill(struct peer *p, struct draft *d, uint64_t now_us, bool may_send)
{
    unsigned waiting = classes_waiting(p);

    if (now_us >= p->ack_due_us)
        put_ack(p, d, now_us);
    put_reply(p, d); /* who asks is there, whatever our own probes say */
    if (p->recovery.probes < RECOVERY_SILENCE || p->probes_due) {
        put_control(p, d);
        if (waiting & 1u << PEER_INPUT && (may_send || input_at_once(p)))
            put_class(p, d, PEER_INPUT);
    }
    bool urgent = d->eliciting;
    /* Where others fill the queue to its end what is small finds room in it, not what is large. */
    if (p->recovery.probes >= RECOVERY_SILENCE)
        waiting &= ~(1u << PEER_REFINE | 1u << PEER_BULK);
    if (may_send)
        put_classes(p, d, waiting);
    if (!d->eliciting &&
        (p->probes_due || p->ping_wanted ||
         (d->record->frames && p->unanswered >= ASK_EVERY && p->recovery.eliciting_in_flight == 0)))
        (void)put(d, &(struct frame){.type = FRAME_PING});
    /* Where ours are lost, so may be what told of theirs. */
    if (d->eliciting && (p->ack_due_us != UINT64_MAX || p->recovery.probes))
        put_ack(p, d, now_us);
    if (d->record->frames == 0 && may_send && p->idle_since_us == UINT64_MAX)
        p->idle_since_us = now_us;
    return d->eliciting && (may_send || !urgent);
}

bool draft_waits(const struct peer *p)
{
    uint64_t allowance = num_sub0(p->data_limit, p->data_sent);

    for (int c = 0; c < PEER_CLASSES; c++)
        if (p->mail.first[c])
            return true;
    for (uint32_t i = 0; i < p->stream_count; i++)
        if (stream_sendable(p->stream[i], allowance))
            return true;
    return false;
}

bool draft_urgent(const struct peer *p)
{
    uint64_t allowance = num_sub0(p->data_limit, p->data_sent);

    if (p->reply_due)
        return true;
    bool input = input_at_once(p);
    if (p->probes_due || p->ping_wanted || p->limit_wanted || p->token_wanted ||
        p->mail.drop_head != p->mail.drop_tail || (input && p->mail.first[PEER_INPUT]))
        return p->recovery.probes < RECOVERY_SILENCE || p->probes_due || p->ping_wanted;
    for (uint32_t i = 0; i < p->stream_count; i++) {
        const struct stream *s = p->stream[i];
        if (s->in.limit_wanted || s->in.stop_wanted || s->out.reset_wanted ||
            (input && s->class == PEER_INPUT && stream_sendable(s, allowance)))
            return p->recovery.probes < RECOVERY_SILENCE;
    }
    return false;
}
