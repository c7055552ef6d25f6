#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"
#include "core/peer/pace.h"
#include "core/peer/session.h"

enum {
    PADDED_BYTES = 256, /* every packet with padded stream bytes has this plain size */
    ACK_MIN_ROOM = 32,
    KEY_PACKETS_MOST = 1 << 23, /* of AESGCM, well clear of the limits in RFC 9001, 6.6 */
    ASK_EVERY = 64, /* so many packets without content, and the next asks for an answer */
    IDLE_US = 500,
    SHARE_EVERY = 32,         /* one packet of so many goes to the least urgent first */
    INTERACTIVE_US = 2000000, /* so long after something urgent the next is expected */
    CHALLENGE_GAP_US = 100000,
    CLOSED_AGAIN_US = 1000000, /* the longest wait for the answer to a CLOSE */
    /* No packet has less in it: one is enough to be sent a challenge, byte for byte. */
    PLAIN_FLOOR = 1 + FRAME_PATH_BYTES,
    PATH_COST = PACKET_DATA_HEAD_BYTES + PLAIN_FLOOR + PACKET_TAG_BYTES
};

/* A packet being built. */
struct draft {
    struct wr w; /* plain text, behind the head */
    struct recovery_packet *record;
    uint64_t number;
    bool eliciting, padded, ranked;
    bool again; /* something in it was sent before */
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

static void update_key(struct peer *p, uint64_t number)
{
    struct session_keys *k = &p->send;

    /* Only once the other has surely seen the present generation. */
    if (!session_with(p, PEER_WITHOUT_REKEY) ||
        number - k->first_number < p->config.key_update_packets || !p->recovery.any_acked ||
        p->recovery.largest_acked < k->first_number)
        return;
    seal_next(&k->current, &k->current);
    k->phase++;
    k->first_number = number;
}

/* Closes the draft into `space`, whose plain part stands behind the head already; the sealing may
 * be left to the owner. */
static size_t seal(struct peer *p, struct draft *d, uint8_t *space)
{
    struct wr head = wr_of(space, PACKET_DATA_HEAD_BYTES);
    struct packet_data packet = {.phase = p->send.phase & 1, .number = (uint32_t)d->number};

    wr_zeros(&d->w, num_sub0(d->padded ? d->w.room : PLAIN_FLOOR, d->w.n));
    memcpy(packet.cid, p->other_cid, sizeof packet.cid);
    packet_encode_data(&packet, &head);
    size_t n = PACKET_DATA_HEAD_BYTES + d->w.n + PACKET_TAG_BYTES;
    if (p->unsealed)
        *p->unsealed = (struct peer_sealing){.key = &p->send.current,
                                             .session = num_get_le(p->own_cid, 8),
                                             .generation = p->send.phase,
                                             .number = d->number};
    else
        peer_seal(&p->send.current, d->number, space, n);
    return n;
}

static bool begin(struct peer *p, struct draft *d, uint8_t *space, size_t plain_room)
{
    *d = (struct draft){.w = wr_of(space + PACKET_DATA_HEAD_BYTES, plain_room)};
    if (recovery_prepare(&p->recovery, &d->record, &d->number))
        return false;
    update_key(p, d->number);
    return true;
}

/* Marks it, too, unless a time-out has just shown that something is wrong with this path. */
static void count_sent(struct peer *p, struct draft *d, uint32_t bytes)
{
    struct ecn *ecn = &p->recovery.ecn;

    mtu_sent(&p->mtu, bytes);
    if (ecn->state == ECN_ON && (p->recovery.probes == 0 || ecn->unchecked)) {
        d->record->marked = true;
        ecn_sent(ecn);
    }
}

static void commit(struct peer *p, struct draft *d, uint64_t now_us, uint8_t *space, size_t *n)
{
    *n = seal(p, d, space);
    if (!d->record->trial)
        count_sent(p, d, (uint32_t)*n);
    p->out_ecn = d->record->marked ? ECN_ECT0 : ECN_NONE;
    recovery_sent(&p->recovery, now_us, (uint16_t)*n, d->eliciting);
    p->unanswered = d->eliciting ? 0 : p->unanswered + 1;
}

/* A packet with one frame to an address that is not (yet) the peer's. */
static enum err send_aside(struct peer *p, uint64_t now_us, const struct frame *f, uint8_t *space,
                           size_t *n)
{
    struct draft d;

    if (!begin(p, &d, space, LIMIT_DATAGRAM_FLOOR - PACKET_DATA_HEAD_BYTES - PACKET_TAG_BYTES))
        return ERR_AGAIN;
    frame_put(&d.w, f);
    commit(p, &d, now_us, space, n);
    return OK;
}

/* How much plain text the next packet may have. What a probe time-out sends must get through
 * whatever has happened to the path. */
static size_t plain_room(const struct peer *p, size_t room)
{
    size_t most = p->recovery.probes ? LIMIT_DATAGRAM_FLOOR : p->mtu.now_bytes;

    return num_min(room, most) - PACKET_DATA_HEAD_BYTES - PACKET_TAG_BYTES;
}

/* A packet that carries nothing, to see what becomes of it. Its loss is no news of congestion and
 * delays nothing; when nothing else is acknowledged meanwhile, a PING asks. */
static enum err send_trial(struct peer *p, uint64_t now_us, uint32_t bytes, bool marked,
                           uint8_t *space, size_t *n)
{
    struct draft d;

    if (!begin(p, &d, space, bytes - PACKET_DATA_HEAD_BYTES - PACKET_TAG_BYTES))
        return ERR_AGAIN;
    d.record->trial = d.padded = true;
    d.record->marked = marked;
    frame_put(&d.w, &(struct frame){.type = FRAME_PING});
    p->ask_us = now_us + recovery_probe_us(&p->recovery);
    commit(p, &d, now_us, space, n);
    pace_sent(p, now_us, *n);
    return OK;
}

static enum err transmit_trial(struct peer *p, uint64_t now_us, uint8_t *space, size_t room,
                               size_t *n, struct addr *to)
{
    struct recovery *r = &p->recovery;
    uint32_t bytes = mtu_wanted(&p->mtu, now_us);

    /* The first packets prove who we are; that is not for something of no use to do. TCP has sizes
     * and marks of its own. */
    if (r->probes || !r->any_acked || p->remote.via == ADDR_TCP)
        return ERR_AGAIN;
    if (ecn_wanted(&r->ecn, now_us)) {
        *to = p->remote;
        ecn_tried(&r->ecn, r->next);
        return send_trial(p, now_us, PATH_COST, true, space, n);
    }
    if (!bytes || bytes > room)
        return ERR_AGAIN;
    *to = p->remote;
    mtu_probed(&p->mtu, r->next);
    return send_trial(p, now_us, bytes, false, space, n);
}

/* Elsewhere than to the peer goes no more than came from there, be it a question or an answer. */
static bool may_go(struct peer *p, const struct addr *to)
{
    if (!p->has_candidate || !addr_equal(to, &p->candidate) || p->candidate_budget < PATH_COST)
        return false;
    p->candidate_budget -= PATH_COST;
    return true;
}

static enum err transmit_path(struct peer *p, uint64_t now_us, uint8_t *space, size_t *n,
                              struct addr *to)
{
    if (p->aside.family != ADDR_NONE) {
        *to = p->aside;
        p->aside.family = ADDR_NONE;
        return send_aside(p, now_us, &(struct frame){.type = FRAME_PING}, space, n);
    }
    if (p->reply_due && !addr_equal(&p->reply_to, &p->remote)) {
        p->reply_due = false;
        *to = p->reply_to;
        if (may_go(p, to))
            return send_aside(p, now_us,
                              &(struct frame){.type = FRAME_PATH_RESPONSE,
                                              .data = bytes_of(p->reply, sizeof p->reply)},
                              space, n);
    }
    if (p->has_candidate && now_us >= p->candidate_until_us)
        p->has_candidate = p->challenge_due = false;
    if (p->has_candidate && now_us >= p->challenge_again_us)
        p->challenge_due = true;
    if (p->challenge_due && may_go(p, &p->candidate)) {
        p->challenge_due = false;
        p->challenge_again_us = now_us + CHALLENGE_GAP_US;
        *to = p->candidate;
        return send_aside(p, now_us,
                          &(struct frame){.type = FRAME_PATH_CHALLENGE,
                                          .data = bytes_of(p->challenge, sizeof p->challenge)},
                          space, n);
    }
    return ERR_AGAIN;
}

static enum err transmit_close(struct peer *p, uint64_t now_us, uint8_t *space, size_t *n,
                               struct addr *to)
{
    if (now_us >= p->close_until_us)
        p->state = SESSION_CLOSED;
    /* Nobody acknowledges it: it is repeated until the other's own comes back. */
    p->close_due |= !p->closed_by_other && now_us >= p->close_again_us;
    if (!p->close_due || p->state == SESSION_CLOSED || session_blocked(p))
        return ERR_AGAIN;
    p->close_due = false;
    p->close_next_us = now_us + SESSION_CLOSE_GAP_US;
    p->close_again_us = now_us + p->close_gap_us;
    p->close_gap_us = num_min(2 * p->close_gap_us, CLOSED_AGAIN_US);
    *to = p->remote;
    return send_aside(p, now_us,
                      &(struct frame){.type = FRAME_CLOSE,
                                      .code = (uint64_t)p->close_error,
                                      .data = bytes_of_string(p->close_reason)},
                      space, n);
}

static void run_timers(struct peer *p, uint64_t now_us)
{
    unsigned probes = 0;

    if (session_with(p, PEER_WITHOUT_PROBES)) {
        if (now_us >= recovery_deadline_us(&p->recovery)) {
            enum err e = recovery_timer(&p->recovery, now_us, &probes);
            if (e)
                session_fail(p, now_us, e, "out of memory", true);
        }
        p->probes_due = (unsigned)num_max(p->probes_due, probes);
        if (probes && p->recovery.probes == RECOVERY_SILENCE &&
            session_with(p, PEER_WITHOUT_BLACK_HOLE))
            mtu_doubt(&p->mtu, now_us);
        uint64_t quiet = num_max(p->last_received_us, p->last_keepalive_us);
        if (now_us >= quiet + p->config.keepalive_us && p->recovery.eliciting_in_flight == 0) {
            p->last_keepalive_us = now_us;
            p->ping_wanted = true;
        }
    }
    if (now_us >= repeat_deadline_us(&p->repeat) && repeat_run(&p->repeat, &p->recovery, now_us))
        session_fail(p, now_us, ERR_MEMORY, "out of memory", true);
    if (now_us >= p->ask_us) {
        p->ask_us = UINT64_MAX;
        p->ping_wanted |=
            (p->mtu.in_flight || p->recovery.ecn.in_flight) && p->recovery.eliciting_in_flight == 0;
    }
    if (now_us >= p->next_expiry_us)
        p->next_expiry_us = mail_expire(&p->mail, now_us);
    if (p->recovery.next - p->send.first_number >= KEY_PACKETS_MOST)
        session_fail(p, now_us, ERR_UNREACHABLE,
                     "the other side acknowledges nothing: the key is used up", true);
}

/* Samples taken after the application let the path lie idle say little about it. An owner that
 * makes its data only when asked for some leaves no time between the two. */
static void note_idleness(struct peer *p, const struct draft *d, uint64_t now_us)
{
    if (!d->eliciting)
        return;
    if (p->idle_since_us != UINT64_MAX && now_us - p->idle_since_us > IDLE_US)
        recovery_app_limited(&p->recovery);
    p->idle_since_us = UINT64_MAX;
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

/* Fills the draft with what is due, the most urgent first. Gives whether the window was used. */
static bool fill(struct peer *p, struct draft *d, uint64_t now_us)
{
    bool may_send = pace_allows(p, now_us) || p->probes_due;
    unsigned waiting = classes_waiting(p);

    if (now_us >= p->ack_due_us)
        put_ack(p, d, now_us);
    put_reply(p, d); /* who asks is there, whatever our own probes say */
    if (p->recovery.probes < RECOVERY_SILENCE || p->probes_due) {
        put_control(p, d);
        if (waiting & 1u << PEER_INPUT)
            put_class(p, d, PEER_INPUT);
    }
    bool urgent = d->eliciting;
    if (may_send)
        put_classes(p, d, waiting);
    if (!d->eliciting &&
        (p->probes_due || p->ping_wanted ||
         (d->record->frames && p->unanswered >= ASK_EVERY && p->recovery.eliciting_in_flight == 0)))
        (void)put(d, &(struct frame){.type = FRAME_PING});
    if (d->eliciting && p->ack_due_us != UINT64_MAX)
        put_ack(p, d, now_us);
    if (d->record->frames == 0 && may_send && p->idle_since_us == UINT64_MAX)
        p->idle_since_us = now_us;
    return d->eliciting && (may_send || !urgent);
}

enum err transmit_next(struct peer *p, uint64_t now_us, uint8_t *space, size_t room, size_t *n,
                       struct addr *to)
{
    struct draft d;

    if (p->state == SESSION_CLOSING)
        return transmit_close(p, now_us, space, n, to);
    if (!p->client && !p->confirmed)
        return ERR_AGAIN;
    if (session_blocked(p))
        return transmit_path(p, now_us, space, n, to);
    run_timers(p, now_us);
    if (p->state == SESSION_READY) {
        session_sweep_streams(p);
        if (transmit_path(p, now_us, space, n, to) == OK)
            return OK;
        if (!begin(p, &d, space, plain_room(p, room)))
            session_fail(p, now_us, ERR_MEMORY, "out of memory", true);
    }
    if (p->state != SESSION_READY)
        return transmit_close(p, now_us, space, n, to);
    bool paced = fill(p, &d, now_us);
    if (d.record->frames == 0)
        return transmit_trial(p, now_us, space, room, n, to);
    if (d.eliciting) {
        p->ping_wanted = false;
        p->probes_due = p->probes_due ? p->probes_due - 1 : 0;
    }
    note_idleness(p, &d, now_us);
    commit(p, &d, now_us, space, n);
    if (d.ranked && d.record->rank < PEER_BULK)
        p->urgent_us = now_us;
    p->model.head.interactive = now_us - p->urgent_us < INTERACTIVE_US;
    if (d.ranked && d.record->rank <= PEER_TEXT && session_with(p, PEER_WITHOUT_REPEAT))
        repeat_note(&p->repeat, &p->recovery, now_us, d.number, (uint16_t)*n, d.again);
    *to = p->remote;
    if (paced)
        pace_sent(p, now_us, *n);
    return OK;
}

static bool something_to_send(const struct peer *p)
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

static bool something_urgent(const struct peer *p)
{
    uint64_t allowance = num_sub0(p->data_limit, p->data_sent);

    if (p->reply_due)
        return true;
    if (p->probes_due || p->ping_wanted || p->limit_wanted || p->token_wanted ||
        p->mail.drop_head != p->mail.drop_tail || p->mail.first[PEER_INPUT])
        return p->recovery.probes < RECOVERY_SILENCE || p->probes_due || p->ping_wanted;
    for (uint32_t i = 0; i < p->stream_count; i++) {
        const struct stream *s = p->stream[i];
        if (s->in.limit_wanted || s->in.stop_wanted || s->out.reset_wanted ||
            (s->class == PEER_INPUT && stream_sendable(s, allowance)))
            return p->recovery.probes < RECOVERY_SILENCE;
    }
    return false;
}

static uint64_t path_deadline_us(const struct peer *p)
{
    if (p->reply_due && !addr_equal(&p->reply_to, &p->remote))
        return 0;
    if (!p->has_candidate)
        return UINT64_MAX;
    return p->candidate_budget < PATH_COST ? p->candidate_until_us
           : p->challenge_due              ? 0
                                           : p->challenge_again_us;
}

uint64_t transmit_deadline_us(const struct peer *p)
{
    const struct recovery *r = &p->recovery;
    uint64_t at = num_min(num_min(p->ack_due_us, p->next_expiry_us),
                          num_min(p->ask_us, repeat_deadline_us(&p->repeat)));

    if (!p->client && !p->confirmed)
        return UINT64_MAX;
    if (session_blocked(p))
        return path_deadline_us(p);
    if (something_urgent(p))
        return 0;
    if (session_with(p, PEER_WITHOUT_PROBES)) {
        at = num_min(at, recovery_deadline_us(r));
        if (r->eliciting_in_flight == 0)
            at = num_min(at, num_max(p->last_received_us, p->last_keepalive_us) +
                                 p->config.keepalive_us);
    }
    at = num_min(at, path_deadline_us(p));
    if (r->probes == 0 && r->any_acked && p->remote.via != ADDR_TCP)
        at = num_min(at, num_min(mtu_deadline_us(&p->mtu), ecn_deadline_us(&r->ecn)));
    if (something_to_send(p))
        at = num_min(at, pace_deadline_us(p));
    return at;
}
