#include <string.h>

#include "core/base/num.h"
#include "core/peer/draft.h"
#include "core/peer/pace.h"

enum {
    KEY_PACKETS_MOST = 1 << 23, /* of AESGCM, well clear of the limits in RFC 9001, 6.6 */
    IDLE_US = 500,
    INTERACTIVE_US = 2000000, /* so long after something urgent the next is expected */
    CHALLENGE_GAP_US = 100000,
    CLOSED_AGAIN_US = 1000000, /* the longest wait for the answer to a CLOSE */
    /* No packet has less in it: one is enough to be sent a challenge, byte for byte. */
    PLAIN_FLOOR = 1 + FRAME_PATH_BYTES,
    PATH_COST = PACKET_DATA_HEAD_BYTES + PLAIN_FLOOR + PACKET_TAG_BYTES
};

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
    bool paced = draft_fill(p, &d, now_us, pace_allows(p, now_us) || p->probes_due);
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
    if (draft_urgent(p))
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
    if (draft_waits(p))
        at = num_min(at, pace_deadline_us(p));
    return at;
}
