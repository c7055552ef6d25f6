#include "core/run/trial_end.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"

enum {
    CHUNK_BYTES = 16384,
    AHEAD_BYTES = 1 << 17, /* queued before it can be sent, beside as much as is in flight */
    HEARD_BYTES = 4096,
    URGENT_BPS = 1000000,     /* of probes as urgent as input, which wait for no window */
    WAITING_BYTES = 16 << 20, /* beyond which a probe is left out */
    WINDOW_BYTES = 128 << 20,
    SESSION_BYTES = 192 << 20,
    BUFFER_BYTES = 128 << 20
};

void trial_end_init(struct trial_end *t, struct peer *p, struct trial_log *log)
{
    memset(t, 0, sizeof *t);
    t->peer = p;
    t->log = log;
    t->report_due_us = t->probe_due_us = UINT64_MAX;
    buf_init(&t->heard, HEARD_BYTES);
}

void trial_end_release(struct trial_end *t)
{
    buf_release(&t->heard);
}

struct peer_config trial_end_peer_config(void)
{
    return (struct peer_config){.stream_window_bytes = WINDOW_BYTES,
                                .session_window_bytes = SESSION_BYTES,
                                .stream_buffer_bytes = BUFFER_BYTES};
}

bool trial_end_sends(const struct trial_end *t)
{
    return (t->log != NULL) != t->ask.reverse;
}

/* ---- telling ---- */

static enum err tell(struct trial_end *t, const struct trial_record *r)
{
    uint8_t space[TRIAL_RECORD_BYTES + 8];
    struct wr w = wr_of(space, sizeof space);
    size_t taken;

    trial_put_record(&w, r);
    CHECK(!w.full);
    enum err e = peer_stream_write(t->peer, t->control, wr_done(&w), &taken);
    return e ? e : taken < w.n ? ERR_UNREACHABLE : OK;
}

static enum err tell_kind(struct trial_end *t, enum trial_record_kind kind)
{
    struct trial_record r = {.kind = kind};

    return tell(t, &r);
}

void trial_end_report(const struct trial_end *t, uint64_t now_us, uint64_t cpu_us,
                      struct trial_report *out)
{
    struct peer_path path;
    bool flowing = t->delivered_us && t->stage == TRIAL_RUNNING;

    peer_path(t->peer, now_us, &path);
    *out = (struct trial_report){
        .last = t->stage >= TRIAL_OVER,
        .clock_us = now_us,
        .begun_us = t->begun_us,
        .delivered_bytes = t->delivered_bytes,
        .gap_us = num_max(t->gap_us, flowing ? num_sub0(now_us, t->delivered_us) : 0),
        .probes_sent = t->probes_sent,
        .probes_received = t->probes_received,
        .cpu_us = num_sub0(cpu_us, t->cpu_begun_us),
        .rtt_us = path.rtt_us,
        .min_rtt_us = path.min_rtt_us,
        .loss_millionths = path.loss_millionths,
        .in_flight_bytes = path.in_flight_bytes,
        .window_bytes = path.window_bytes,
        .rate_bps = path.rate_bps,
        .sent_bytes = path.sent_bytes - t->path_begun.sent_bytes,
        .sent_datagrams = path.sent_datagrams - t->path_begun.sent_datagrams,
        .lost_datagrams = num_sub0(path.lost_datagrams, t->path_begun.lost_datagrams),
    };
    for (size_t i = 0; path.state && path.state[i] && i < TRIAL_STATE_CHARS; i++)
        out->state[i] = path.state[i];
}

static enum err tell_arrivals(struct trial_end *t)
{
    if (!t->arrivals.arrivals)
        return OK;
    t->arrivals.kind = TRIAL_ARRIVALS_OF;
    enum err e = tell(t, &t->arrivals);
    t->arrivals.arrivals = 0;
    return e;
}

static enum err tell_report(struct trial_end *t, uint64_t now_us, uint64_t cpu_us)
{
    struct trial_record r = {.kind = TRIAL_REPORT};
    enum err e = tell_arrivals(t);

    trial_end_report(t, now_us, cpu_us, &r.report);
    return e ? e : tell(t, &r);
}

/* ---- beginning and ending ---- */

enum err trial_end_ask(struct trial_end *t, const struct trial_ask *ask,
                       const uint8_t mark[TRIAL_MARK_BYTES])
{
    struct trial_record r = {.kind = TRIAL_ASK, .ask = *ask};
    enum err e = peer_stream_open(t->peer, PEER_INPUT, false, &t->control);

    if (e)
        return e;
    t->has_control = true;
    t->ask = *ask;
    t->stage = TRIAL_ASKED;
    memcpy(t->mark, mark, sizeof t->mark);
    memcpy(r.mark, mark, sizeof r.mark);
    return tell(t, &r);
}

void trial_end_ping(struct trial_end *t, uint64_t now_us)
{
    uint8_t space[32];
    struct wr w = wr_of(space, sizeof space);

    trial_put_ping(&w, &(struct trial_ping){.sent_us = now_us});
    struct peer_message m = {
        .class = PEER_INPUT, .channel = TRIAL_PING, .once = true, .data = wr_done(&w)};
    /* One that cannot be sent is like one that was lost: the next will do. */
    enum err e = peer_message_send(t->peer, &m, NULL);
    (void)e;
}

static enum err begin(struct trial_end *t, uint64_t now_us, uint64_t cpu_us)
{
    t->stage = TRIAL_RUNNING;
    t->cpu_begun_us = cpu_us;
    peer_path(t->peer, now_us, &t->path_begun);
    if (!t->log)
        t->report_due_us = now_us + t->ask.report_us;
    if (!trial_end_sends(t))
        return OK;
    if (t->ask.message_bytes)
        t->probe_due_us = now_us;
    if (!t->ask.bulk)
        return OK;
    enum err e = peer_stream_open(t->peer, PEER_BULK, false, &t->data);
    t->has_data = !e;
    return e;
}

enum err trial_end_go(struct trial_end *t, uint64_t now_us, uint64_t cpu_us)
{
    enum err e = tell_kind(t, TRIAL_GO);

    return e ? e : begin(t, now_us, cpu_us);
}

static void cease(struct trial_end *t, uint64_t now_us)
{
    if (t->delivered_us)
        t->gap_us = num_max(t->gap_us, num_sub0(now_us, t->delivered_us));
    t->stage = TRIAL_OVER;
    t->probe_due_us = t->report_due_us = UINT64_MAX;
    if (t->has_data && trial_end_sends(t))
        peer_stream_reset(t->peer, t->data, 0);
}

void trial_end_hold(struct trial_end *t)
{
    t->probe_due_us = UINT64_MAX;
}

enum err trial_end_stop(struct trial_end *t, uint64_t now_us)
{
    cease(t, now_us);
    return tell_kind(t, TRIAL_STOP);
}

/* ---- hearing ---- */

static enum err agree(struct trial_end *t, const struct trial_record *r)
{
    struct trial_record answer = {.kind = TRIAL_READY};

    t->ask = r->ask;
    t->stage = TRIAL_AGREED;
    memcpy(answer.mark, t->mark, sizeof answer.mark);
    return tell(t, &answer);
}

static enum err hear_caller(struct trial_end *t, uint64_t now_us, uint64_t cpu_us,
                            const struct trial_record *r)
{
    switch (r->kind) {
    case TRIAL_ASK:
        return t->stage == TRIAL_NEW ? agree(t, r) : ERR_MALFORMED;
    case TRIAL_GO:
        return t->stage == TRIAL_AGREED ? begin(t, now_us, cpu_us) : ERR_MALFORMED;
    case TRIAL_STOP:
        if (t->stage != TRIAL_RUNNING)
            return ERR_MALFORMED;
        cease(t, now_us);
        return tell_report(t, now_us, cpu_us);
    default:
        return ERR_MALFORMED;
    }
}

static void take_report(struct trial_end *t, const struct trial_report *r)
{
    t->far = *r;
    if (trial_end_sends(t))
        trial_log_delivered(t->log, trial_log_here_us(t->log, r->clock_us), r->delivered_bytes);
    else if (r->begun_us && !t->log->begun_us)
        t->log->begun_us = trial_log_here_us(t->log, r->begun_us);
    if (r->last)
        t->stage = TRIAL_TOLD;
}

static enum err hear_listener(struct trial_end *t, const struct trial_record *r)
{
    switch (r->kind) {
    case TRIAL_READY:
        if (t->stage != TRIAL_ASKED)
            return ERR_MALFORMED;
        t->log->one_clock = memcmp(r->mark, t->mark, sizeof t->mark) == 0;
        t->stage = TRIAL_AGREED;
        return OK;
    case TRIAL_REPORT:
        if (t->stage < TRIAL_RUNNING || (r->report.last && t->stage != TRIAL_OVER))
            return ERR_MALFORMED;
        take_report(t, &r->report);
        return OK;
    case TRIAL_ARRIVALS_OF:
        if (t->stage < TRIAL_RUNNING || !trial_end_sends(t))
            return ERR_MALFORMED;
        for (uint32_t i = 0; i < r->arrivals; i++)
            trial_log_arrived(t->log, r->arrival[i].late_us, true);
        return OK;
    default:
        return ERR_MALFORMED;
    }
}

static enum err hear(struct trial_end *t, uint64_t now_us, uint64_t cpu_us)
{
    struct trial_record r;
    struct bytes data;
    uint64_t code;
    size_t used;
    enum err e = OK;

    while (!e && peer_stream_peek(t->peer, t->control, &data, &code) == OK) {
        size_t n = num_min(data.n, t->heard.max - t->heard.n);
        e = buf_append(&t->heard, bytes_of(data.p, n));
        if (e)
            return e;
        peer_stream_consume(t->peer, t->control, n);
        while (!e && (e = trial_get_record(buf_bytes(&t->heard), &r, &used)) == OK) {
            buf_drop(&t->heard, used);
            if (r.kind)
                e = t->log ? hear_listener(t, &r) : hear_caller(t, now_us, cpu_us, &r);
        }
        e = e == ERR_AGAIN ? OK : e;
    }
    return e;
}

/* ---- payload ---- */

static enum err receive(struct trial_end *t, uint64_t now_us)
{
    struct bytes data;
    uint64_t code;
    bool any = false;

    while (peer_stream_peek(t->peer, t->data, &data, &code) == OK) {
        bool counts = t->stage <= TRIAL_RUNNING; /* it may overtake the word to begin */
        if (counts && !trial_payload_right(t->delivered_bytes, data))
            return ERR_VERIFY;
        peer_stream_consume(t->peer, t->data, data.n);
        t->delivered_bytes += counts ? data.n : 0;
        any |= counts;
    }
    if (!any)
        return OK;
    if (t->delivered_us)
        t->gap_us = num_max(t->gap_us, num_sub0(now_us, t->delivered_us));
    t->delivered_us = now_us;
    return OK;
}

enum err trial_end_fill(struct trial_end *t, uint64_t now_us)
{
    uint8_t chunk[CHUNK_BYTES];
    struct peer_path path;
    size_t taken = 0;

    if (t->stage != TRIAL_RUNNING || !t->has_data || !trial_end_sends(t))
        return OK;
    peer_path(t->peer, now_us, &path);
    uint64_t wanted = AHEAD_BYTES + path.in_flight_bytes;
    for (uint64_t has = peer_stream_unsent(t->peer, t->data); has < wanted; has += taken) {
        trial_payload(t->written_bytes, chunk, sizeof chunk);
        enum err e = peer_stream_write(t->peer, t->data, bytes_of(chunk, sizeof chunk), &taken);
        if (e)
            return e;
        t->written_bytes += taken;
        if (taken < sizeof chunk)
            break;
    }
    if (!t->begun_us && t->written_bytes)
        t->begun_us = now_us;
    if (t->log)
        t->log->begun_us = t->begun_us;
    return OK;
}

/* ---- messages ---- */

static enum err take_probe(struct trial_end *t, uint64_t now_us, struct bytes data)
{
    struct trial_probe p;
    enum err e = trial_get_probe(data, t->ask.message_bytes, &p);

    if (e)
        return e;
    int64_t late_us = (int64_t)(now_us - p.sent_us);
    if (t->log) {
        /* Those on their way when the last report came count as well. */
        trial_log_arrived(t->log, late_us, false);
        return OK;
    }
    if (t->stage > TRIAL_RUNNING)
        return OK;
    t->probes_received++;
    t->arrivals.arrival[t->arrivals.arrivals++] = (struct trial_arrival){p.sequence, late_us};
    return t->arrivals.arrivals == TRIAL_ARRIVALS ? tell_arrivals(t) : OK;
}

static enum err answer(struct trial_end *t, uint64_t now_us, struct bytes data)
{
    uint8_t space[32];
    struct wr w = wr_of(space, sizeof space);
    struct trial_ping p;
    enum err e = trial_get_ping(data, &p);

    if (e)
        return e;
    p.far_us = now_us;
    trial_put_ping(&w, &p);
    struct peer_message m = {
        .class = PEER_INPUT, .channel = TRIAL_PONG, .once = true, .data = wr_done(&w)};
    e = peer_message_send(t->peer, &m, NULL);
    return e == ERR_AGAIN ? OK : e; /* as if it were lost */
}

static enum err take_message(struct trial_end *t, uint64_t now_us, const struct peer_event *e)
{
    struct trial_ping p;

    if (e->channel == TRIAL_PING && !t->log)
        return answer(t, now_us, e->data);
    if (e->channel == TRIAL_PONG && t->log) {
        enum err err = trial_get_ping(e->data, &p);
        if (!err)
            trial_log_pong(t->log, now_us, &p);
        return err;
    }
    if (e->channel == TRIAL_PROBE && t->ask.message_bytes && !trial_end_sends(t))
        return take_probe(t, now_us, e->data);
    return ERR_MALFORMED;
}

/* What the probes are to the session. */
static enum peer_class probe_class(const struct trial_ask *a)
{
    return (uint64_t)a->message_bytes * 8000000 / a->message_us <= URGENT_BPS ? PEER_INPUT
                                                                              : PEER_TEXT;
}

/* Sends a probe that is due. One that finds no room any more is one that never arrives. */
static enum err send_probe(struct trial_end *t, uint64_t now_us)
{
    static uint8_t space[LIMIT_MESSAGE_BYTES];
    struct wr w = wr_of(space, sizeof space);
    struct trial_probe p = {.sequence = t->probes_sent++, .sent_us = now_us};
    struct peer_path path;

    if (!t->begun_us)
        t->begun_us = now_us;
    if (t->log)
        t->log->begun_us = t->begun_us;
    peer_path(t->peer, now_us, &path);
    if (path.queued_bytes > WAITING_BYTES)
        return OK;
    trial_put_probe(&w, &p, t->ask.message_bytes);
    struct peer_message m = {
        .class = probe_class(&t->ask), .channel = TRIAL_PROBE, .data = wr_done(&w)};
    enum err e = peer_message_send(t->peer, &m, NULL);
    return e == ERR_AGAIN ? OK : e;
}

/* ---- the session ---- */

static enum err take_stream(struct trial_end *t, uint64_t now_us, uint64_t cpu_us, uint64_t id)
{
    if (!t->has_control && !t->log) {
        t->has_control = true;
        t->control = id;
        peer_stream_prefer(t->peer, id, PEER_INPUT, false);
    }
    if (t->has_control && id == t->control)
        return hear(t, now_us, cpu_us);
    if (!t->has_data && t->ask.bulk && t->stage >= TRIAL_AGREED && !trial_end_sends(t)) {
        t->has_data = true;
        t->data = id;
    }
    return t->has_data && id == t->data ? receive(t, now_us) : ERR_MALFORMED;
}

enum err trial_end_event(struct trial_end *t, uint64_t now_us, uint64_t cpu_us,
                         const struct peer_event *e)
{
    if (e->kind == PEER_EVENT_MESSAGE)
        return take_message(t, now_us, e);
    if (e->kind == PEER_EVENT_STREAM)
        return take_stream(t, now_us, cpu_us, e->id);
    return OK;
}

enum err trial_end_work(struct trial_end *t, uint64_t now_us, uint64_t cpu_us)
{
    enum err e = OK;

    while (!e && t->probe_due_us <= now_us) {
        t->probe_due_us += t->ask.message_us;
        e = send_probe(t, now_us);
    }
    if (!e && t->report_due_us <= now_us) {
        t->report_due_us = num_max(t->report_due_us + t->ask.report_us, now_us);
        e = tell_report(t, now_us, cpu_us);
    }
    return e;
}

uint64_t trial_end_deadline_us(const struct trial_end *t)
{
    return num_min(t->probe_due_us, t->report_due_us);
}
