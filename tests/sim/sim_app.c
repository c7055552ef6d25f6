#include "tests/sim/sim_app.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "tests/sim/sim_pattern.h"

enum { CHUNK = 16384, TAG_BYTES = 8 };

void sim_app_init(struct sim_app *a, struct sim *s, const char *name, struct peer *peer,
                  bool client)
{
    *a = (struct sim_app){
        .sim = s, .name = name, .peer = peer, .client = client, .accept_key = true};
}

void sim_app_release(struct sim_app *a)
{
    for (size_t i = 0; i < a->flows; i++)
        heap_free(a->flow[i]);
    for (size_t i = 0; i < SIM_APP_SERIES; i++) {
        heap_free(a->series[i]);
        heap_free(a->received[i]);
    }
    a->flows = a->serieses = 0;
}

struct sim_app_flow *sim_app_write(struct sim_app *a, enum peer_class class, uint64_t total)
{
    struct sim_app_flow *f = heap_alloc(sizeof *f);

    CHECK(f && a->flows < SIM_APP_FLOWS);
    f->class = class;
    f->total = total;
    return a->flow[a->flows++] = f;
}

struct sim_app_series *sim_app_send(struct sim_app *a, enum peer_class class, uint32_t bytes,
                                    uint64_t every_us, uint64_t total)
{
    struct sim_app_series *s = heap_alloc(sizeof *s);

    CHECK(s && a->serieses < SIM_APP_SERIES && bytes >= TAG_BYTES && total < SIM_APP_MESSAGES);
    s->class = class;
    s->bytes = bytes;
    s->every_us = every_us;
    s->total = total;
    return a->series[a->serieses++] = s;
}

/* The two directions of a stream carry different patterns. */
static uint64_t stream_key(uint64_t id, bool from_client)
{
    return 1000 + 2 * id + from_client;
}

static uint64_t tag_of(size_t series, uint64_t number)
{
    return (uint64_t)(series + 1) << 32 | number;
}

/* ---- reading ---- */

static struct sim_app_incoming *incoming_of(struct sim_app *a, uint64_t id)
{
    for (size_t i = 0; i < a->incomings; i++)
        if (a->incoming[i].id == id)
            return &a->incoming[i];
    CHECK(a->incomings < SIM_APP_INCOMING);
    a->incoming[a->incomings] = (struct sim_app_incoming){.id = id};
    return &a->incoming[a->incomings++];
}

static struct sim_app_flow *flow_of(const struct sim_app *a, uint64_t id)
{
    for (size_t i = 0; i < a->flows; i++)
        if (a->flow[i]->open && a->flow[i]->id == id)
            return a->flow[i];
    return NULL;
}

/* The other end's stamps say how long these bytes were on the way. */
static void note_delay(struct sim_app *a, const struct sim_app_incoming *in)
{
    struct sim_app_flow *f = a->other ? flow_of(a->other, in->id) : NULL;

    if (f == NULL)
        return;
    for (; f->stamp_first < f->stamp_next; f->stamp_first++) {
        size_t i = f->stamp_first % SIM_APP_STAMPS;
        if (f->stamp[i].end > in->read)
            break;
        stat_add(&f->delay_us, sim_now_us(a->sim) - f->stamp[i].at_us);
    }
}

static void read_stream(struct sim_app *a, struct sim_app_incoming *in)
{
    struct bytes data;
    enum err e;

    while ((e = peer_stream_peek(a->peer, in->id, &data, &in->code)) == OK) {
        if (!sim_pattern_match(stream_key(in->id, !a->client), in->read, data)) {
            sim_fail(a->sim, "%s: stream %" PRIu64 " differs within %zu bytes at %" PRIu64, a->name,
                     in->id, data.n, in->read);
            return;
        }
        in->read += data.n;
        a->read_bytes += data.n;
        peer_stream_consume(a->peer, in->id, data.n);
        note_delay(a, in);
    }
    in->ended = e == ERR_END;
    in->reset = e == ERR_REFUSED;
    if (e != ERR_AGAIN && e != ERR_END && e != ERR_REFUSED)
        sim_fail(a->sim, "%s: stream %" PRIu64 " cannot be read: %s", a->name, in->id, err_text(e));
}

static void read_streams(struct sim_app *a)
{
    if (a->hold || a->peer == NULL)
        return;
    for (size_t i = 0; i < a->incomings; i++)
        if (!a->incoming[i].ended && !a->incoming[i].reset)
            read_stream(a, &a->incoming[i]);
}

static void take_message(struct sim_app *a, const struct peer_event *ev)
{
    size_t series = (size_t)ev->channel - SIM_APP_CHANNEL;
    uint64_t tag = ev->data.n >= TAG_BYTES ? num_get_le(ev->data.p, TAG_BYTES) : 0;
    uint64_t number = tag & UINT32_MAX;
    const struct sim_app_series *s =
        a->other && series < a->other->serieses ? a->other->series[series] : NULL;

    if (tag >> 32 != series + 1 || s == NULL || number >= s->sent || ev->data.n != s->bytes ||
        !sim_pattern_match(tag, 0, bytes_of(ev->data.p + TAG_BYTES, ev->data.n - TAG_BYTES))) {
        sim_fail(a->sim, "%s: a message that was never sent", a->name);
        return;
    }
    struct sim_app_received *r = a->received[series];
    if (r == NULL)
        r = a->received[series] = heap_alloc(sizeof *r);
    CHECK(r);
    if (r->seen[number / 8] & 1u << number % 8) {
        sim_fail(a->sim, "%s: message %" PRIu64 " came twice", a->name, number);
        return;
    }
    r->seen[number / 8] |= (uint8_t)(1u << number % 8);
    uint64_t now_us = sim_now_us(a->sim);
    stat_add(&r->delay_us, now_us - s->sent_us[number % SIM_APP_STAMPS]);
    if (r->count && number > r->newest)
        stat_add(&r->age_us, now_us - s->sent_us[r->newest % SIM_APP_STAMPS]);
    r->newest = num_max(r->newest, number);
    r->count++;
}

/* ---- events ---- */

static void take_end_of_message(struct sim_app *a, uint64_t tag, bool acked)
{
    size_t series = (size_t)(tag >> 32) - 1;

    if (series >= a->serieses || (tag & UINT32_MAX) >= a->series[series]->sent) {
        sim_fail(a->sim, "%s: the end of a message that was never sent", a->name);
        return;
    }
    struct sim_app_series *s = a->series[series];
    if (acked)
        s->acked++;
    else
        s->gone++;
    if (s->acked + s->gone > s->sent)
        sim_fail(a->sim, "%s: more messages have ended than were sent", a->name);
    const struct sim_app_received *r = a->other ? a->other->received[series] : NULL;
    uint64_t number = tag & UINT32_MAX;
    if (acked && a->other && (r == NULL || !(r->seen[number / 8] & 1u << number % 8)))
        sim_fail(a->sim, "%s: message %" PRIu64 " is acknowledged but did not come", a->name,
                 number);
}

static void take_connected(struct sim_app *a, const struct peer_event *ev)
{
    a->connected++;
    a->connected_us = sim_now_us(a->sim);
    a->roles = ev->roles;
    a->other_addr = ev->path;
    memcpy(a->other_key, ev->key, sizeof a->other_key);
    sim_note(a->sim, "%s is connected", a->name);
}

static void take_event(struct sim_app *a, uint64_t now_us, const struct peer_event *ev)
{
    if (a->extra.event && a->extra.event(a->extra.context, now_us, ev))
        return;
    switch (ev->kind) {
    case PEER_EVENT_HOST_KEY:
        a->asked++;
        memcpy(a->other_key, ev->key, sizeof a->other_key);
        if (a->accept_key)
            peer_accept_key(a->peer, now_us);
        else
            peer_close(a->peer, now_us, ERR_REFUSED, "unknown host key");
        break;
    case PEER_EVENT_CONNECTED:
        take_connected(a, ev);
        break;
    case PEER_EVENT_CLOSED:
        a->closed++;
        a->error = ev->error;
        snprintf(a->reason, sizeof a->reason, "%s", ev->reason);
        sim_note(a->sim, "%s is closed: %s: %s", a->name, err_text(ev->error), ev->reason);
        break;
    case PEER_EVENT_STREAM:
        incoming_of(a, ev->id);
        break;
    case PEER_EVENT_MESSAGE:
        take_message(a, ev);
        break;
    case PEER_EVENT_ACKED:
    case PEER_EVENT_GONE:
        take_end_of_message(a, ev->tag, ev->kind == PEER_EVENT_ACKED);
        break;
    case PEER_EVENT_PATH:
        a->moved++;
        a->other_addr = ev->path;
        break;
    case PEER_EVENT_PATH_CHANGED:
        a->path_news++;
        a->path_what |= ev->what;
        break;
    case PEER_EVENT_TOKEN:
        CHECK(ev->data.n <= sizeof a->token);
        memcpy(a->token, ev->data.p, ev->data.n);
        a->token_bytes = ev->data.n;
        a->token_ciphers = ev->ciphers;
        break;
    case PEER_EVENT_WRITABLE:
        if (flow_of(a, ev->id))
            flow_of(a, ev->id)->blocked = false;
        break;
    }
}

/* ---- writing ---- */

static bool is_ready(const struct sim_app *a)
{
    return a->peer && a->connected && !a->closed;
}

static void open_flow(struct sim_app *a, struct sim_app_flow *f, uint64_t now_us)
{
    enum err e = peer_stream_open(a->peer, f->class, f->padded, &f->id);

    if (e != OK) {
        sim_fail(a->sim, "%s: no stream: %s", a->name, err_text(e));
        return;
    }
    f->open = true;
    f->next_us = num_max(f->next_us, now_us);
}

/* Writes up to `most` bytes; gives how many were taken. */
static uint64_t write_some(struct sim_app *a, struct sim_app_flow *f, uint64_t most)
{
    uint8_t chunk[CHUNK];
    uint64_t done = 0;

    while (done < most) {
        /* Mostly there is room for a datagram or two. */
        size_t n = num_min(done ? sizeof chunk : 2048, most - done), taken = 0;
        sim_pattern_fill(stream_key(f->id, a->client), f->written, chunk, n);
        enum err e = peer_stream_write(a->peer, f->id, bytes_of(chunk, n), &taken);
        if (e != OK && e != ERR_END)
            sim_fail(a->sim, "%s: stream %" PRIu64 " takes nothing: %s", a->name, f->id,
                     err_text(e));
        f->written += taken;
        done += taken;
        f->blocked = taken < n;
        if (f->blocked)
            break;
    }
    if (done && f->stamp_next - f->stamp_first < SIM_APP_STAMPS) {
        size_t i = f->stamp_next++ % SIM_APP_STAMPS;
        f->stamp[i].end = f->written;
        f->stamp[i].at_us = sim_now_us(a->sim);
    }
    return done;
}

static void write_flow(struct sim_app *a, struct sim_app_flow *f, uint64_t now_us)
{
    if (!f->open)
        open_flow(a, f, now_us);
    if (!f->open || f->finished)
        return;
    if (f->every_us == 0 && !f->blocked)
        write_some(a, f, f->total - f->written);
    for (; f->every_us && now_us >= f->next_us && f->written < f->total; f->next_us += f->every_us)
        write_some(a, f, num_min(f->each_bytes, f->total - f->written));
    if (f->written < f->total)
        return;
    f->finished = true;
    if (peer_stream_finish(a->peer, f->id) != OK)
        sim_fail(a->sim, "%s: stream %" PRIu64 " cannot be finished", a->name, f->id);
}

static void send_message(struct sim_app *a, size_t series, uint64_t now_us)
{
    struct sim_app_series *s = a->series[series];
    uint64_t tag = tag_of(series, s->sent);
    uint8_t *data = heap_alloc(s->bytes);

    CHECK(data);
    num_put_le(data, TAG_BYTES, tag);
    sim_pattern_fill(tag, 0, data + TAG_BYTES, s->bytes - TAG_BYTES);
    struct peer_message m = {.class = s->class,
                             .channel = (uint8_t)(SIM_APP_CHANNEL + series),
                             .once = s->once,
                             .supersedes = s->key,
                             .deadline_us = s->deadline_us ? now_us + s->deadline_us : 0,
                             .tag = tag,
                             .data = bytes_of(data, s->bytes)};
    s->sent_us[s->sent % SIM_APP_STAMPS] = sim_now_us(a->sim);
    s->sent++;
    enum err e = peer_message_send(a->peer, &m, NULL);
    if (e == ERR_AGAIN || e == ERR_END)
        s->gone++; /* no room, or over: never sent */
    else if (e != OK)
        sim_fail(a->sim, "%s: no message: %s", a->name, err_text(e));
    heap_free(data);
}

static void write_all(struct sim_app *a, uint64_t now_us)
{
    for (size_t i = 0; i < a->flows; i++)
        write_flow(a, a->flow[i], now_us);
    for (size_t i = 0; i < a->serieses; i++) {
        struct sim_app_series *s = a->series[i];
        if (s->next_us == 0)
            s->next_us = now_us;
        for (; s->sent < s->total && now_us >= s->next_us; s->next_us += s->every_us)
            send_message(a, i, now_us);
    }
}

void sim_app_again(struct sim_app *a)
{
    a->asked = a->connected = a->closed = a->moved = 0;
    a->incomings = 0;
    for (size_t i = 0; i < a->flows; i++) {
        struct sim_app_flow *f = a->flow[i];
        f->open = f->finished = f->blocked = false;
        f->written = f->next_us = f->stamp_first = f->stamp_next = 0;
    }
    for (size_t i = 0; i < SIM_APP_SERIES; i++) {
        if (a->series[i])
            a->series[i]->sent = a->series[i]->acked = a->series[i]->gone = 0;
        heap_free(a->received[i]);
        a->received[i] = NULL;
    }
}

void sim_app_greet(struct sim_app *a, uint64_t now_us)
{
    struct peer_event ev;

    if (!peer_next_event(a->peer, &ev) || ev.kind != PEER_EVENT_CONNECTED)
        sim_fail(a->sim, "%s: the first event of a session is not its connection", a->name);
    else
        take_event(a, now_us, &ev);
}

void sim_app_work(struct sim_app *a, uint64_t now_us)
{
    struct peer_event ev;

    if (a->peer == NULL)
        return;
    while (peer_next_event(a->peer, &ev))
        take_event(a, now_us, &ev);
    read_streams(a);
    if (is_ready(a))
        write_all(a, now_us);
    if (is_ready(a) && a->extra.work)
        a->extra.work(a->extra.context, now_us);
}

uint64_t sim_app_deadline_us(const struct sim_app *a, uint64_t now_us)
{
    uint64_t at_us = UINT64_MAX;

    if (!is_ready(a))
        return at_us;
    if (a->extra.deadline_us)
        at_us = a->extra.deadline_us(a->extra.context, now_us);
    for (size_t i = 0; i < a->flows; i++)
        if (a->flow[i]->every_us && !a->flow[i]->finished)
            at_us = num_min(at_us, a->flow[i]->next_us);
    for (size_t i = 0; i < a->serieses; i++)
        if (a->series[i]->sent < a->series[i]->total)
            at_us = num_min(at_us, a->series[i]->next_us);
    return at_us;
}

uint64_t sim_app_read_of(const struct sim_app *a, size_t i)
{
    const struct sim_app_flow *f = a->flow[i];

    if (a->other && f->open)
        for (size_t k = 0; k < a->other->incomings; k++)
            if (a->other->incoming[k].id == f->id)
                return a->other->incoming[k].read;
    return 0;
}

uint64_t sim_app_waiting(const struct sim_app *a, enum peer_class class)
{
    uint64_t n = 0;

    for (size_t i = 0; i < a->flows; i++)
        if (a->flow[i]->class == class)
            n += a->flow[i]->written - sim_app_read_of(a, i);
    for (size_t i = 0; i < a->serieses; i++)
        if (a->series[i]->class == class)
            n += (a->series[i]->sent - a->series[i]->acked - a->series[i]->gone) *
                 a->series[i]->bytes;
    return n;
}

static bool has_ended(const struct sim_app *a, uint64_t id)
{
    for (size_t k = 0; k < a->incomings; k++)
        if (a->incoming[k].id == id)
            return a->incoming[k].ended;
    return false;
}

bool sim_app_is_done(const struct sim_app *a)
{
    if (a->other == NULL)
        return false;
    for (size_t i = 0; i < a->flows; i++)
        if (a->flow[i]->total != SIM_APP_ENDLESS &&
            (!a->flow[i]->finished || sim_app_read_of(a, i) != a->flow[i]->total ||
             !has_ended(a->other, a->flow[i]->id)))
            return false;
    for (size_t i = 0; i < a->serieses; i++)
        if (a->series[i]->sent < a->series[i]->total ||
            a->series[i]->acked + a->series[i]->gone < a->series[i]->total)
            return false;
    return true;
}

void sim_app_note(const struct sim_app *a, uint64_t now_us)
{
    struct peer_path p;

    for (size_t i = 0; i < a->flows; i++)
        sim_note(a->sim,
                 "%s flow %zu class %d: total %" PRId64 " written %" PRIu64 " read %" PRIu64,
                 a->name, i, (int)a->flow[i]->class, (int64_t)a->flow[i]->total,
                 a->flow[i]->written, sim_app_read_of(a, i));
    for (size_t i = 0; i < a->serieses; i++)
        sim_note(a->sim, "%s series %zu: sent %" PRIu64 " acked %" PRIu64 " gone %" PRIu64, a->name,
                 i, a->series[i]->sent, a->series[i]->acked, a->series[i]->gone);
    if (a->peer == NULL)
        return;
    peer_path(a->peer, now_us, &p);
    sim_note(a->sim,
             "%s path: %s, %" PRIu64 " bit/s, rtt %" PRIu64 " least %" PRIu64 " us, %" PRIu64
             " of %" PRIu64 " bytes in flight, lost %" PRIu64 " of %" PRIu64 ", rejected %" PRIu64,
             a->name, p.state, p.rate_bps, p.rtt_us, p.min_rtt_us, p.in_flight_bytes,
             p.window_bytes, p.lost_datagrams, p.sent_datagrams, p.rejected_datagrams);
}
