#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/utf8.h"
#include "core/peer/pace.h"
#include "core/peer/session.h"

enum {
    ACK_EVERY = 2,
    ACKS_A_TRIP = 4,
    CANDIDATE_US = 3000000, /* how long a new address has to prove itself */
    REPLAY_SPAN = 4096      /* packet numbers below the newest ACKed ACK that may still come */
};

/* Opens the packet into p->scratch with the generation of keys that its phase bit asks for. */
static enum err open_packet(struct peer *p, const struct packet_data *d, uint64_t number,
                            struct bytes head, struct bytes *plain)
{
    struct session_keys *k = &p->receive;
    bool same = d->phase == (k->phase & 1), older = number < k->first_number;
    const struct seal_key *key = same                       ? &k->current
                                 : older && p->has_previous ? &p->previous
                                                            : &p->following;

    if (d->sealed.n > sizeof p->scratch || (!same && older && !p->has_previous))
        return ERR_MALFORMED;
    enum err e = seal_open(key, number, head, d->sealed, p->scratch);
    if (e)
        return e;
    if (key == &p->following) {
        p->previous = k->current;
        p->has_previous = true;
        k->current = p->following;
        k->phase++;
        k->first_number = number;
        seal_next(&k->current, &p->following);
    } else if (same) {
        k->first_number = num_min(k->first_number, number);
    }
    *plain = bytes_of(p->scratch, d->sealed.n - PACKET_TAG_BYTES);
    return OK;
}

/* The same for a packet that was opened elsewhere, with a key that was the present one then. */
static enum err take_opened(struct peer *p, const struct receive_opened *o, uint64_t number,
                            struct bytes sealed, struct bytes *plain)
{
    struct session_keys *k = &p->receive;
    bool same = o->how->generation == k->phase;
    bool before = o->how->generation + 1 == k->phase && p->has_previous && number < k->first_number;

    if (!o->good || o->how->number != number || (!same && !before))
        return ERR_VERIFY;
    if (same)
        k->first_number = num_min(k->first_number, number);
    *plain = bytes_of(sealed.p, sealed.n - PACKET_TAG_BYTES);
    return OK;
}

bool receive_opening(const struct peer *p, struct bytes datagram, struct peer_sealing *out)
{
    struct packet_data d;

    if (!packet_is_data(datagram) || packet_decode_data(datagram, &d) ||
        memcmp(d.cid, p->own_cid, sizeof d.cid) != 0 || d.phase != (p->receive.phase & 1))
        return false;
    *out = (struct peer_sealing){.key = &p->receive.current,
                                 .session = num_get_le(p->own_cid, 8),
                                 .generation = p->receive.phase,
                                 .number = packet_full_number(d.number, p->newest_number + 1)};
    return true;
}

static bool seen_before(const struct peer *p, uint64_t number)
{
    if (!session_with(p, PEER_WITHOUT_REPLAY))
        return false;
    return number < p->received_floor || ranges_contain(&p->received, number, number + 1);
}

static void take_stream_frame(struct peer *p, uint64_t now_us, const struct frame *f, enum err *e)
{
    struct stream *s = session_stream(p, f->id);
    bool ours = (f->id & 1) == (p->client ? 0 : 1);
    uint64_t fresh = 0;

    if (!s && (ours ? f->id < p->next_stream : f->id < p->remote_next))
        return; /* of a stream that is over */
    if (!s && ours) {
        *e = ERR_MALFORMED;
        return;
    }
    if (!s) {
        if (f->id - p->remote_next > 2 * LIMIT_STREAMS) {
            *e = ERR_MALFORMED;
            return;
        }
        /* Streams are opened in order: what lies between exists from now on as well. */
        while (p->remote_next <= f->id) {
            *e = session_add_stream(p, p->remote_next, &s);
            if (*e == ERR_LIMIT)
                *e = ERR_AGAIN; /* it does not know yet that others are over here */
            if (*e)
                return;
            p->remote_next += 2;
        }
    }
    switch (f->type) {
    case FRAME_STREAM:
        *e = stream_receive(s, f, &fresh);
        break;
    case FRAME_RESET_STREAM:
        *e = stream_receive_reset(s, f, &fresh);
        break;
    case FRAME_STOP_SENDING:
        stream_reset(s, f->code);
        if (s->out.starved)
            session_event(p, &(struct peer_event){.kind = PEER_EVENT_WRITABLE, .id = s->id}, NULL);
        s->out.starved = false;
        return;
    default:
        s->out.limit = num_max(s->out.limit, f->value);
        return;
    }
    if (*e)
        return;
    p->data_received += fresh;
    if (p->data_received > p->data_told) {
        *e = ERR_MALFORMED;
        return;
    }
    session_credit(p, stream_discard(s));
    session_note_stream(p, s);
    (void)now_us;
}

static enum err take_message(struct peer *p, const struct frame *f)
{
    struct mail_parcel *whole;
    enum err e = mail_receive(&p->inbox, f, &whole);

    if (e || !whole)
        return e;
    struct peer_event event = {.kind = PEER_EVENT_MESSAGE,
                               .channel = whole->channel,
                               .id = whole->id,
                               .data = bytes_of(whole->data, whole->total)};
    session_event(p, &event, whole);
    return OK;
}

static void take_close(struct peer *p, uint64_t now_us, const struct frame *f)
{
    char reason[LIMIT_REASON_CHARS + 1];

    utf8_clean(f->data, reason, sizeof reason);
    session_fail(p, now_us, f->code < ERR_COUNT ? (enum err)f->code : ERR_UNREACHABLE, reason,
                 true);
    p->closed_by_other = true;
}

static enum err take_path_response(struct peer *p, uint64_t now_us, const struct frame *f)
{
    if (!p->has_candidate || memcmp(p->challenge, f->data.p, FRAME_PATH_BYTES) != 0)
        return OK;
    p->has_candidate = p->challenge_due = false;
    /* Where both ways work, two ends that follow each other would change places for ever. */
    if (addr_equal(&p->candidate, &p->wish))
        p->left = p->remote;
    p->remote = p->candidate;
    p->ping_wanted = true;
    session_doubt_path(p, now_us);
    path_watch_moved(&p->watch);
    struct peer_event e = {.kind = PEER_EVENT_PATH, .path = p->remote};
    session_event(p, &e, NULL);
    return recovery_moved(&p->recovery);
}

/* Takes one frame. ERR_AGAIN: it could not be kept, the packet must not be acknowledged; any other
 * error ends the session. */
static enum err take_frame(struct peer *p, uint64_t now_us, const struct addr *from,
                           const struct frame *f)
{
    uint64_t paced_bytes_s = p->model.head.pacing_bytes_s;
    enum err e = OK;

    switch (f->type) {
    case FRAME_ACK:
        e = recovery_ack(&p->recovery, now_us, f);
        pace_changed(p, now_us, paced_bytes_s);
        return e;
    case FRAME_STREAM:
    case FRAME_RESET_STREAM:
    case FRAME_STOP_SENDING:
    case FRAME_MAX_STREAM_DATA:
        take_stream_frame(p, now_us, f, &e);
        return e;
    case FRAME_MAX_DATA:
        p->data_limit = num_max(p->data_limit, f->value);
        return OK;
    case FRAME_MESSAGE:
        return take_message(p, f);
    case FRAME_DROP_MESSAGE:
        mail_receive_drop(&p->inbox, &(struct mail_drop){f->id, f->value});
        return OK;
    case FRAME_PATH_CHALLENGE:
        memcpy(p->reply, f->data.p, FRAME_PATH_BYTES);
        p->reply_to = *from;
        p->reply_due = true;
        session_doubt_path(p, now_us); /* it sees us elsewhere: we have moved, too */
        return OK;
    case FRAME_PATH_RESPONSE:
        return take_path_response(p, now_us, f);
    case FRAME_CLOSE:
        take_close(p, now_us, f);
        return OK;
    case FRAME_NEW_TOKEN:
        if (p->client && f->data.n <= sizeof p->token) {
            memcpy(p->token, f->data.p, f->data.n);
            p->token_bytes = f->data.n;
            struct peer_event event = {.kind = PEER_EVENT_TOKEN,
                                       .ciphers = p->server_ciphers,
                                       .data = bytes_of(p->token, p->token_bytes)};
            session_event(p, &event, NULL);
        }
        return OK;
    default:
        return OK;
    }
}

static bool elicits(enum frame_type t)
{
    return t != FRAME_ACK && t != FRAME_PADDING && t != FRAME_CLOSE;
}

/* What a packet wants in return. */
struct wants {
    bool ack;
    bool soon; /* a PING: somebody waits for nothing but the answer */
};

static enum err take_frames(struct peer *p, uint64_t now_us, const struct addr *from,
                            struct bytes plain, struct wants *wants)
{
    struct rd r = rd_of(plain);
    struct frame f;
    enum err e;

    *wants = (struct wants){.ack = false};
    while ((e = frame_next(&r, &f)) == OK) {
        wants->ack |= elicits(f.type);
        wants->soon |= f.type == FRAME_PING;
        e = take_frame(p, now_us, from, &f);
        if (e || p->state != SESSION_READY)
            return e;
    }
    return e == ERR_END ? OK : e;
}

/* ACKs answer to no congestion controller: where the way back is the slower one by far, one for
 * every second packet would fill it alone. A few in a round trip are all that the sender needs, and
 * on a way back that is full the round trip becomes longer. Who only
 * receives measures seldom, so that the mean alone would remember a long one for too long. */
static uint64_t ack_gap_us(const struct peer *p)
{
    if (!session_with(p, PEER_WITHOUT_ACK_GAP))
        return 0;
    uint64_t trip_us = num_min(p->recovery.smoothed_us, p->recovery.latest_us);
    return num_min(trip_us / ACKS_A_TRIP, SESSION_ACK_DELAY_US);
}

/* Remembers the number for ACKs and against replay; the set stays bounded by forgetting the lowest.
 */
static void remember(struct peer *p, uint64_t now_us, uint64_t number, struct wants wants)
{
    struct ranges *r = &p->received;
    bool gap = number != p->newest_number + 1;

    if (r->count == r->max) {
        p->received_floor = r->item[0].end;
        enum err e = ranges_remove(r, 0, p->received_floor);
        (void)e; /* the front never splits */
    }
    if (ranges_add(r, number, number + 1))
        return;
    if (number < p->told_floor) {
        p->told_floor = number;
        p->told_epoch++;
    }
    if (number >= p->newest_number) { /* equal: packet 0, as a number comes once */
        p->newest_number = number;
        p->newest_us = now_us;
    }
    if (p->newest_number > REPLAY_SPAN && p->received_floor < p->newest_number - REPLAY_SPAN) {
        uint64_t floor = p->newest_number - REPLAY_SPAN;
        if (!ranges_remove(r, 0, floor))
            p->received_floor = floor;
    }
    if (!wants.ack)
        return;
    p->unacked++;
    if (p->unacked >= ACK_EVERY || gap || wants.soon)
        p->ack_due_us = num_min(p->ack_due_us, num_max(now_us, p->acked_us + ack_gap_us(p)));
    else
        p->ack_due_us = num_min(p->ack_due_us, now_us + SESSION_ACK_DELAY_US);
}

/* The newest authentic packet came from elsewhere: the other may have moved. It must answer a
 * challenge at the new address before anything but that is sent there. */
static void follow(struct peer *p, uint64_t now_us, const struct addr *from, size_t bytes)
{
    if (!session_with(p, PEER_WITHOUT_PATH) ||
        (session_with(p, PEER_WITHOUT_LEFT) && addr_equal(from, &p->left)))
        return;
    if (!session_with(p, PEER_WITHOUT_VALIDATION)) {
        p->remote = *from;
        return;
    }
    if (p->has_candidate && addr_equal(&p->candidate, from)) {
        p->candidate_budget += bytes;
        return;
    }
    p->candidate = *from;
    p->has_candidate = p->challenge_due = true;
    p->candidate_budget = bytes;
    p->candidate_until_us = now_us + CANDIDATE_US;
    rng_fill(&p->rng, p->challenge, sizeof p->challenge);
}

/* Our end has said that it is over. Once the other's word for it has come too, nothing is left to
 * be said; anything else means that it has not heard ours, or we see its word again because it has
 * not heard the answer. */
static void receive_late(struct peer *p, uint64_t now_us, struct bytes plain)
{
    struct rd r = rd_of(plain);
    struct frame f;
    bool close = false;

    while (frame_next(&r, &f) == OK)
        close |= f.type == FRAME_CLOSE;
    if (close && !p->closed_by_other)
        p->state = SESSION_CLOSED;
    else if (close || !p->closed_by_other)
        p->close_due |= now_us >= p->close_next_us;
}

void receive_packet(struct peer *p, uint64_t now_us, const struct addr *from, struct bytes datagram,
                    uint8_t ecn, const struct receive_opened *opened)
{
    struct packet_data d;
    struct bytes plain;
    struct wants wants;

    if ((p->state != SESSION_READY && p->state != SESSION_CLOSING) ||
        packet_decode_data(datagram, &d) || memcmp(d.cid, p->own_cid, sizeof d.cid) != 0) {
        p->counters.rejected_datagrams++;
        return;
    }
    uint64_t number = packet_full_number(d.number, p->newest_number + 1);
    struct bytes head = bytes_of(datagram.p, PACKET_DATA_HEAD_BYTES);
    if (seen_before(p, number) || (opened ? take_opened(p, opened, number, d.sealed, &plain)
                                          : open_packet(p, &d, number, head, &plain))) {
        p->counters.rejected_datagrams++;
        return;
    }
    p->last_received_us = now_us;
    recovery_heard(&p->recovery);
    if (p->state == SESSION_CLOSING) {
        receive_late(p, now_us, plain);
        return;
    }
    p->ect0_seen += ecn == ECN_ECT0;
    p->ce_seen += ecn == ECN_CE;
    if (!p->confirmed && !p->client) {
        p->confirmed = true;
        p->remote = *from;
        session_hint(p, now_us - p->ready_us);
        struct peer_event e = {.kind = PEER_EVENT_CONNECTED, .roles = p->roles, .path = *from};
        memcpy(e.key, p->other_key, sizeof e.key);
        session_event(p, &e, NULL);
    }
    if (!addr_equal(from, &p->remote) && number > p->newest_number)
        follow(p, now_us, from, datagram.n);
    enum err e = take_frames(p, now_us, from, plain, &wants);
    if (e == ERR_AGAIN)
        return;
    if (e) {
        session_fail(p, now_us, e,
                     e == ERR_MEMORY       ? "out of memory"
                     : p->recovery.lied_to ? "the other side acknowledged what was never sent"
                                           : "the other side broke the protocol",
                     true);
        return;
    }
    remember(p, now_us, number, wants);
}
