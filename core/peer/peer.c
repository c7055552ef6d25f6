#include "core/peer/peer.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/peer/session.h"

enum err peer_new(const struct peer_config *config, const struct peer_dial *dial,
                  const struct rng *rng, uint64_t now_us, struct peer **out)
{
    struct peer *p = session_new(config, rng, true, now_us);
    enum err e = p ? dial_start(p, dial, now_us) : ERR_MEMORY;

    if (e) {
        peer_free(p);
        p = NULL;
    }
    *out = p;
    return e;
}

void peer_accept_key(struct peer *p, uint64_t now_us)
{
    dial_accept(p, now_us);
}

void peer_free(struct peer *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->stream_count; i++) {
        stream_release(p->stream[i]);
        heap_free(p->stream[i]);
    }
    mail_out_release(&p->mail);
    mail_in_release(&p->inbox);
    recovery_release(&p->recovery);
    ranges_release(&p->received);
    for (uint32_t i = 0; i < p->event_count; i++)
        mail_in_free(&p->inbox, p->event[(p->event_first + i) % p->event_capacity].parcel);
    heap_free(p->event);
    mail_in_free(&p->inbox, p->shown);
    if (p->dial) {
        crypt_wipe(p->dial, sizeof *p->dial);
        heap_free(p->dial);
    }
    seal_wipe(&p->send.current);
    seal_wipe(&p->receive.current);
    seal_wipe(&p->previous);
    seal_wipe(&p->following);
    heap_free(p);
}

void peer_try(struct peer *p, uint64_t now_us, const struct addr *to)
{
    p->wish = *to;
    if (addr_equal(to, &p->left))
        p->left = (struct addr){.family = ADDR_NONE};
    if (p->dial)
        dial_try(p, now_us, to);
    else if (p->state == SESSION_READY && addr_equal(to, &p->remote))
        p->ping_wanted = true;
    else if (p->state == SESSION_READY)
        p->aside = *to;
}

void peer_block(struct peer *p, const struct addr *to, bool full)
{
    if (full)
        p->full = *to;
    else if (addr_equal(&p->full, to))
        p->full = (struct addr){.family = ADDR_NONE};
}

bool peer_next_event(struct peer *p, struct peer_event *out)
{
    mail_in_free(&p->inbox, p->shown);
    p->shown = NULL;
    if (p->event_count == 0)
        return false;
    struct session_event *e = &p->event[p->event_first];
    *out = e->event;
    p->shown = e->parcel;
    p->event_first = (p->event_first + 1) % p->event_capacity;
    p->event_count--;
    if (out->kind == PEER_EVENT_PATH_CHANGED) {
        out->what = p->path_news;
        p->path_news = 0;
    }
    return true;
}

bool peer_has_event(const struct peer *p)
{
    return p->event_count > 0;
}

void peer_close(struct peer *p, uint64_t now_us, enum err error, const char *reason)
{
    session_fail(p, now_us, error, reason, true);
}

bool peer_closed(const struct peer *p)
{
    return p->state >= SESSION_CLOSING;
}

bool peer_over(const struct peer *p)
{
    return p->state == SESSION_CLOSED ||
           (p->state == SESSION_CLOSING && p->closed_by_other && !p->close_due);
}

void peer_input(struct peer *p, uint64_t now_us, const struct addr *from, struct bytes datagram,
                uint8_t ecn)
{
    if (p->state == SESSION_CLOSED)
        return;
    p->now_us = now_us;
    p->counters.received_datagrams++;
    p->counters.received_bytes += datagram.n;
    if (packet_is_data(datagram))
        receive_packet(p, now_us, from, datagram, ecn, NULL);
    else
        dial_input(p, now_us, from, datagram);
    session_watch_path(p, now_us);
}

bool peer_opening(const struct peer *p, struct bytes datagram, struct peer_sealing *out)
{
    return p->state == SESSION_READY && receive_opening(p, datagram, out);
}

bool peer_open(const struct seal_key *key, uint64_t number, uint8_t *packet, size_t n)
{
    CHECK(n >= PACKET_DATA_HEAD_BYTES + PACKET_TAG_BYTES);
    uint8_t *sealed = packet + PACKET_DATA_HEAD_BYTES;

    return seal_open(key, number, bytes_of(packet, PACKET_DATA_HEAD_BYTES),
                     bytes_of(sealed, n - PACKET_DATA_HEAD_BYTES), sealed) == OK;
}

void peer_input_opened(struct peer *p, uint64_t now_us, const struct addr *from,
                       struct bytes datagram, uint8_t ecn, const struct peer_sealing *how,
                       bool good)
{
    if (p->state == SESSION_CLOSED)
        return;
    p->now_us = now_us;
    p->counters.received_datagrams++;
    p->counters.received_bytes += datagram.n;
    receive_packet(p, now_us, from, datagram, ecn, &(struct receive_opened){how, good});
    session_watch_path(p, now_us);
}

static void check_silence(struct peer *p, uint64_t now_us)
{
    if (now_us - p->last_received_us < p->config.idle_timeout_us)
        return;
    session_fail(p, now_us, ERR_UNREACHABLE, "nothing was heard from the other side for too long",
                 false);
}

enum err peer_output(struct peer *p, uint64_t now_us, uint8_t *space, size_t room, size_t *n,
                     struct addr *to)
{
    enum err e;

    CHECK(room >= LIMIT_DATAGRAM_BYTES);
    p->now_us = now_us;
    p->out_ecn = ECN_NONE;
    switch (p->state) {
    case SESSION_HELLO:
    case SESSION_INIT:
        e = dial_output(p, now_us, space, room, n, to);
        break;
    case SESSION_READY:
        check_silence(p, now_us);
        session_watch_path(p, now_us);
        e = p->state == SESSION_READY ? transmit_next(p, now_us, space, room, n, to) : ERR_AGAIN;
        break;
    case SESSION_CLOSING:
        e = transmit_next(p, now_us, space, room, n, to);
        break;
    default:
        e = ERR_AGAIN;
    }
    if (e)
        return e;
    p->counters.sent_datagrams++;
    p->counters.sent_bytes += *n;
    return OK;
}

enum err peer_output_unsealed(struct peer *p, uint64_t now_us, uint8_t *space, size_t room,
                              size_t *n, struct addr *to, struct peer_sealing *left)
{
    *left = (struct peer_sealing){0};
    p->unsealed = left;
    enum err e = peer_output(p, now_us, space, room, n, to);
    p->unsealed = NULL;
    return e;
}

void peer_seal(const struct seal_key *key, uint64_t number, uint8_t *packet, size_t n)
{
    CHECK(n >= PACKET_DATA_HEAD_BYTES + PACKET_TAG_BYTES);
    uint8_t *plain = packet + PACKET_DATA_HEAD_BYTES;

    seal_close(key, number, bytes_of(packet, PACKET_DATA_HEAD_BYTES),
               bytes_of(plain, n - PACKET_DATA_HEAD_BYTES - PACKET_TAG_BYTES), plain);
}

uint8_t peer_output_ecn(const struct peer *p)
{
    return p->out_ecn;
}

uint64_t peer_deadline_us(const struct peer *p, uint64_t now_us)
{
    struct path_view v;
    uint64_t at;

    switch (p->state) {
    case SESSION_HELLO:
    case SESSION_INIT:
        return dial_deadline_us(p);
    case SESSION_READY:
        at = num_min(transmit_deadline_us(p), p->last_received_us + p->config.idle_timeout_us);
        v = session_path(p);
        if (p->confirmed && session_with(p, PEER_WITHOUT_WATCH))
            at = num_min(at, path_watch_deadline_us(&p->watch, &v));
        if (p->aside.family != ADDR_NONE)
            return now_us;
        return num_max(at, now_us);
    case SESSION_CLOSING:
        if (session_blocked(p))
            return num_max(now_us, p->close_until_us);
        if (p->close_due)
            return now_us;
        return p->closed_by_other ? p->close_until_us
                                  : num_max(now_us, num_min(p->close_until_us, p->close_again_us));
    default:
        return UINT64_MAX;
    }
}

const uint8_t *peer_binding(const struct peer *p)
{
    return p->binding;
}

void peer_path(const struct peer *p, uint64_t now_us, struct peer_path *out)
{
    static const char *const ecn_names[] = {"testing", "on", "off"};
    const struct recovery *r = &p->recovery;

    *out = p->counters;
    out->remote = p->remote;
    out->answered = !p->dial || p->dial->answered;
    out->connected = p->state == SESSION_READY && p->confirmed;
    out->rate_bps = p->model.head.bandwidth_bytes_s * 8;
    out->rtt_us = r->smoothed_us;
    out->rtt_variance_us = r->variance_us;
    out->min_rtt_us = p->model.head.min_rtt_us ? p->model.head.min_rtt_us : r->min_us;
    out->loss_millionths = r->recent_sent ? r->recent_lost * 1000000 / r->recent_sent : 0;
    out->ecn = ecn_names[r->ecn.state];
    out->ce_marks = r->ecn.ce;
    out->mtu_bytes = p->mtu.now_bytes;
    out->in_flight_bytes = r->in_flight_bytes;
    out->window_bytes = p->model.head.window_bytes;
    out->queued_bytes = mail_queued_bytes(&p->mail, PEER_BULK);
    out->unsent_bytes = 0;
    for (uint32_t i = 0; i < p->stream_count; i++)
        out->unsent_bytes += p->stream[i]->out.end - p->stream[i]->out.next;
    out->silent_us = num_sub0(now_us, p->last_received_us);
    out->silent = out->connected && out->silent_us >= PATH_WATCH_SILENT_US;
    out->state = p->model.head.state;
    out->lost_datagrams = r->lost_packets;
    out->spurious_datagrams = r->spurious;
    out->delivered_bytes = r->delivered;
    out->key_updates = p->send.phase;
}

uint64_t peer_room(const struct peer *p, uint64_t now_us, uint64_t horizon_us,
                   enum peer_class class)
{
    const struct control *c = &p->model.head;
    enum peer_class least = session_with(p, PEER_WITHOUT_CLASSES) ? class : PEER_BULK;
    uint64_t window = num_sub0(c->window_bytes, recovery_urgent_bytes(&p->recovery, least));
    uint64_t behind = num_sub0(p->next_send_us, now_us);
    uint64_t paced = num_mul_div(c->pacing_bytes_s, num_sub0(horizon_us, behind), 1000000);

    if (p->state != SESSION_READY || p->recovery.probes >= 2 || session_blocked(p))
        return 0;
    return num_sub0(num_min(window, num_max(paced, 1)), mail_queued_bytes(&p->mail, least));
}

enum err peer_stream_open(struct peer *p, enum peer_class class, bool padded, uint64_t *id)
{
    struct stream *s;

    if (p->state != SESSION_READY)
        return ERR_END;
    enum err e = session_add_stream(p, p->next_stream, &s);
    if (e)
        return e;
    p->next_stream += 2;
    s->class = (uint8_t) class;
    s->padded = padded;
    s->local = true;
    *id = s->id;
    return OK;
}

void peer_stream_prefer(struct peer *p, uint64_t id, enum peer_class class, bool padded)
{
    struct stream *s = session_stream(p, id);

    if (s) {
        s->class = (uint8_t) class;
        s->padded = padded;
    }
}

enum err peer_stream_write(struct peer *p, uint64_t id, struct bytes data, size_t *taken)
{
    struct stream *s = session_stream(p, id);

    *taken = 0;
    if (!s)
        return ERR_NOT_FOUND;
    if (p->state != SESSION_READY || s->out.fin || s->out.reset)
        return ERR_END;
    *taken = stream_write(s, data);
    return OK;
}

enum err peer_stream_finish(struct peer *p, uint64_t id)
{
    struct stream *s = session_stream(p, id);

    if (!s)
        return ERR_NOT_FOUND;
    s->out.fin = true;
    return OK;
}

void peer_stream_reset(struct peer *p, uint64_t id, uint64_t code)
{
    struct stream *s = session_stream(p, id);

    if (!s)
        return;
    s->finished = true;
    stream_reset(s, code);
    stream_stop(s, code);
    session_credit(p, stream_discard(s));
}

enum err peer_stream_peek(struct peer *p, uint64_t id, struct bytes *data, uint64_t *code)
{
    struct stream *s = session_stream(p, id);

    if (!s)
        return ERR_NOT_FOUND;
    enum err e = stream_peek(s, data, code);
    if (e)
        s->in.noted = false;
    if (e == ERR_END || e == ERR_REFUSED)
        s->finished = true;
    return e;
}

void peer_stream_consume(struct peer *p, uint64_t id, size_t n)
{
    struct stream *s = session_stream(p, id);

    if (!s)
        return;
    uint64_t before = s->in.base;
    stream_consume(s, n);
    session_credit(p, s->in.base - before);
}

uint64_t peer_stream_pending(const struct peer *p, uint64_t id)
{
    const struct stream *s = session_stream(p, id);

    return s ? s->out.end - s->out.base : 0;
}

uint64_t peer_stream_unsent(const struct peer *p, uint64_t id)
{
    const struct stream *s = session_stream(p, id);

    return s ? s->out.end - s->out.next : 0;
}

enum err peer_message_send(struct peer *p, const struct peer_message *m, uint64_t *id)
{
    if (p->state != SESSION_READY)
        return ERR_END;
    enum err e = mail_send(&p->mail, m, !session_with(p, PEER_WITHOUT_SUPERSEDE), id);
    if (!e && m->deadline_us)
        p->next_expiry_us = num_min(p->next_expiry_us, m->deadline_us);
    return e;
}

void peer_message_cancel(struct peer *p, uint64_t id)
{
    if (session_with(p, PEER_WITHOUT_SUPERSEDE))
        mail_cancel(&p->mail, id);
}

void peer_message_forsake(struct peer *p, uint64_t id)
{
    if (session_with(p, PEER_WITHOUT_SUPERSEDE))
        mail_forsake(&p->mail, id);
}
