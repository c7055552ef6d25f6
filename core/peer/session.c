#include "core/peer/session.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/peer/fate.h"

enum {
    MAX_EVENTS = 4 * LIMIT_MESSAGES,
    REPLAY_RANGES = 512,
    CLOSING_US = 3000000,
    UNLIMITED = 1 << 30
};

static void fill_defaults(struct peer_config *c, bool client)
{
    const struct peer_config standard = {
        .max_datagram_bytes = LIMIT_DATAGRAM_BYTES,
        .key_update_packets = 1 << 20,
        .idle_timeout_us = LIMIT_SESSION_IDLE_S * 1000000ull,
        .keepalive_us = client ? 450000 : 1000000,
        .stream_window_bytes = 1 << 20,
        .session_window_bytes = 16 << 20,
        .stream_buffer_bytes = 1 << 20,
    };

    if (!c->max_datagram_bytes)
        c->max_datagram_bytes = standard.max_datagram_bytes;
    c->max_datagram_bytes =
        (uint32_t)num_clamp(c->max_datagram_bytes, LIMIT_DATAGRAM_FLOOR, LIMIT_DATAGRAM_BYTES);
    if (!c->key_update_packets)
        c->key_update_packets = standard.key_update_packets;
    if (!c->idle_timeout_us || (c->without & PEER_WITHOUT_PATIENCE))
        c->idle_timeout_us = standard.idle_timeout_us;
    if (!c->keepalive_us)
        c->keepalive_us = standard.keepalive_us;
    if (!c->stream_window_bytes)
        c->stream_window_bytes = standard.stream_window_bytes;
    if (!c->session_window_bytes)
        c->session_window_bytes = standard.session_window_bytes;
    if (!c->stream_buffer_bytes)
        c->stream_buffer_bytes = standard.stream_buffer_bytes;
}

static void mail_ended(void *context, uint64_t tag, bool acked)
{
    struct peer_event e = {.kind = acked ? PEER_EVENT_ACKED : PEER_EVENT_GONE, .tag = tag};

    session_event(context, &e, NULL);
}

static bool grow_events(struct peer *p)
{
    uint32_t capacity = p->event_capacity ? p->event_capacity * 2 : 16;

    if (capacity > MAX_EVENTS)
        return false;
    struct session_event *ring = heap_array(capacity, sizeof *ring);
    if (!ring)
        return false;
    for (uint32_t i = 0; i < p->event_count; i++)
        ring[i] = p->event[(p->event_first + i) % p->event_capacity];
    heap_free(p->event);
    p->event = ring;
    p->event_first = 0;
    p->event_capacity = capacity;
    return true;
}

struct peer *session_new(const struct peer_config *config, const struct rng *rng, bool client,
                         uint64_t now_us)
{
    struct peer *p = heap_aligned(sizeof *p);

    if (!p)
        return NULL;
    /* There is always a place for the news that the session is up, or over. */
    if (!grow_events(p)) {
        heap_free(p);
        return NULL;
    }
    if (config)
        p->config = *config;
    fill_defaults(&p->config, client);
    p->rng = *rng;
    p->client = client;
    p->next_stream = client ? 0 : 1;
    p->remote_next = client ? 1 : 0;
    p->ack_due_us = p->next_expiry_us = p->idle_since_us = p->ask_us = UINT64_MAX;
    p->last_received_us = p->last_keepalive_us = p->newest_us = now_us;
    ranges_init(&p->received, REPLAY_RANGES);
    if (session_with(p, PEER_WITHOUT_CONTROL))
        control_model_init(&p->model, now_us);
    else
        control_fixed_init(&p->model, UNLIMITED, UNLIMITED);
    recovery_init(&p->recovery, &p->model.head, fate_tell, p);
    skipped_init(&p->recovery.skipped, &p->rng, p->config.without_skips);
    mtu_init(&p->mtu,
             session_with(p, PEER_WITHOUT_MTU) ? p->config.max_datagram_bytes
                                               : LIMIT_DATAGRAM_FLOOR,
             now_us);
    ecn_init(&p->recovery.ecn, now_us);
    if (!session_with(p, PEER_WITHOUT_ECN))
        p->recovery.ecn.state = ECN_OFF;
    p->recovery.ecn.unchecked = !session_with(p, PEER_WITHOUT_ECN_CHECK);
    if (p->recovery.ecn.unchecked)
        p->recovery.ecn.state = ECN_ON;
    struct path_view v = session_path(p);
    path_watch_init(&p->watch, &v);
    p->recovery.first_gap = !session_with(p, PEER_WITHOUT_REORDER);
    mail_out_init(&p->mail, mail_ended, p);
    /* All keys: from p->send to p->following. */
    crypt_lock(&p->send, offsetof(struct peer, has_previous) - offsetof(struct peer, send));
    rng_fill(&p->rng, p->own_cid, sizeof p->own_cid);
    return p;
}

void session_ready(struct peer *p, struct noise *n, const struct hello_params *other,
                   uint64_t now_us)
{
    noise_split(n, &p->send.current, &p->receive.current);
    memcpy(p->binding, noise_hash(n), sizeof p->binding);
    noise_wipe(n);
    seal_next(&p->receive.current, &p->following);
    p->other_params = *other;
    p->data_limit = other->max_data;
    p->data_told = p->config.session_window_bytes;
    p->recovery.max_ack_delay_us = num_min(other->max_ack_delay_us, 1000000);
    p->state = SESSION_READY;
    p->ready_us = now_us;
    p->last_received_us = now_us;
}

void session_hint(struct peer *p, uint64_t rtt_us)
{
    if (session_with(p, PEER_WITHOUT_CONTROL))
        control_model_hint(&p->model, num_min(rtt_us, 1000000));
}

void session_doubt_path(struct peer *p, uint64_t now_us)
{
    mtu_doubt(&p->mtu, now_us);
    if (session_with(p, PEER_WITHOUT_ECN))
        ecn_restart(&p->recovery.ecn, now_us, p->recovery.next);
}

struct path_view session_path(const struct peer *p)
{
    return (struct path_view){.heard_us = p->last_received_us,
                              .rate_bytes_s = p->model.head.bandwidth_bytes_s,
                              .rtt_us = p->recovery.smoothed_us,
                              .mtu_bytes = p->mtu.now_bytes,
                              .ecn = p->recovery.ecn.state};
}

void session_watch_path(struct peer *p, uint64_t now_us)
{
    if (p->state != SESSION_READY || !p->confirmed || !session_with(p, PEER_WITHOUT_WATCH))
        return;
    struct path_view v = session_path(p);
    uint32_t what = path_watch_look(&p->watch, now_us, &v);
    /* Whoever takes events seldom finds one, with all the news in it. */
    if (what && !p->path_news)
        session_event(p, &(struct peer_event){.kind = PEER_EVENT_PATH_CHANGED}, NULL);
    if (what & (PEER_PATH_SILENT | PEER_PATH_BACK))
        p->path_news &= ~(uint32_t)(PEER_PATH_SILENT | PEER_PATH_BACK);
    p->path_news |= what;
}

void session_event(struct peer *p, const struct peer_event *e, struct mail_parcel *parcel)
{
    if (p->event_count == p->event_capacity && !grow_events(p)) {
        mail_in_free(&p->inbox, parcel);
        /* The application must learn of the end at least: the newest event makes room for it. */
        struct session_event *last =
            &p->event[(p->event_first + p->event_count - 1) % p->event_capacity];
        if (last->event.kind == PEER_EVENT_CLOSED)
            return;
        mail_in_free(&p->inbox, last->parcel);
        *last = (struct session_event){.event = {.kind = PEER_EVENT_CLOSED, .error = ERR_MEMORY}};
        if (e->kind == PEER_EVENT_CLOSED)
            last->event = *e;
        else
            p->close_error = ERR_MEMORY;
        p->state = SESSION_CLOSED;
        return;
    }
    p->event[(p->event_first + p->event_count++) % p->event_capacity] =
        (struct session_event){*e, parcel};
}

void session_fail(struct peer *p, uint64_t now_us, enum err e, const char *reason, bool tell)
{
    if (p->state >= SESSION_CLOSING)
        return;
    bool can_tell = tell && p->state == SESSION_READY;
    p->state = can_tell ? SESSION_CLOSING : SESSION_CLOSED;
    p->close_due = can_tell;
    p->close_until_us = now_us + CLOSING_US;
    p->close_again_us = now_us;
    p->close_gap_us = num_clamp(recovery_probe_us(&p->recovery), SESSION_CLOSE_GAP_US, CLOSING_US);
    p->close_error = e;
    snprintf(p->close_reason, sizeof p->close_reason, "%s", reason);
    struct peer_event event = {.kind = PEER_EVENT_CLOSED, .error = e};
    memcpy(event.reason, p->close_reason, sizeof event.reason);
    session_event(p, &event, NULL);
}

struct stream *session_stream(const struct peer *p, uint64_t id)
{
    for (uint32_t i = 0; i < p->stream_count; i++)
        if (p->stream[i]->id == id)
            return p->stream[i];
    return NULL;
}

enum err session_add_stream(struct peer *p, uint64_t id, struct stream **out)
{
    uint32_t of_that_end = 0;

    for (uint32_t i = 0; i < p->stream_count; i++)
        of_that_end += (p->stream[i]->id & 1) == (id & 1);
    if (of_that_end == LIMIT_STREAMS / 2)
        return ERR_LIMIT;
    struct stream *s = heap_alloc(sizeof *s);
    if (!s)
        return ERR_MEMORY;
    stream_init(s, id, p->config.stream_buffer_bytes, p->config.stream_window_bytes,
                p->other_params.max_stream_data);
    s->class = PEER_BULK;
    p->stream[p->stream_count++] = s;
    *out = s;
    return OK;
}

void session_sweep_streams(struct peer *p)
{
    for (uint32_t i = 0; i < p->stream_count;) {
        struct stream *s = p->stream[i];
        if (!stream_done(s)) {
            i++;
            continue;
        }
        stream_release(s);
        heap_free(s);
        p->stream[i] = p->stream[--p->stream_count];
    }
}

void session_credit(struct peer *p, uint64_t n)
{
    p->data_consumed += n;
    if (p->data_consumed + p->config.session_window_bytes - p->data_told >=
        p->config.session_window_bytes / 2)
        p->limit_wanted = true;
}

void session_note_stream(struct peer *p, struct stream *s)
{
    struct bytes data;
    uint64_t code;

    if (s->in.noted || s->finished || stream_peek(s, &data, &code) == ERR_AGAIN)
        return;
    s->in.noted = true;
    session_event(p, &(struct peer_event){.kind = PEER_EVENT_STREAM, .id = s->id}, NULL);
}
