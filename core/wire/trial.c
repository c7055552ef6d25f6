#include "core/wire/trial.h"

#include <string.h>

#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/base/rd.h"

/* ---- payload ---- */

/* Odd, so that no word comes twice: word i of the payload is (i + 1) * STEP, little-endian. */
#define STEP 0x9e3779b97f4a7c15u

static uint8_t payload_byte(uint64_t offset)
{
    return (uint8_t)((offset / 8 + 1) * STEP >> offset % 8 * 8);
}

void trial_payload(uint64_t offset, uint8_t *to, size_t n)
{
    size_t i = 0;

    for (; i < n && (offset + i) % 8; i++)
        to[i] = payload_byte(offset + i);
    uint64_t word = ((offset + i) / 8 + 1) * STEP;
    for (; i + 8 <= n; i += 8, word += STEP)
        num_put_le(to + i, 8, word);
    for (; i < n; i++)
        to[i] = payload_byte(offset + i);
}

bool trial_payload_right(uint64_t offset, struct bytes b)
{
    uint64_t wrong = 0;
    size_t i = 0;

    for (; i < b.n && (offset + i) % 8; i++)
        wrong |= b.p[i] ^ payload_byte(offset + i);
    uint64_t word = ((offset + i) / 8 + 1) * STEP;
    for (; i + 8 <= b.n; i += 8, word += STEP)
        wrong |= num_get_le(b.p + i, 8) ^ word;
    for (; i < b.n; i++)
        wrong |= b.p[i] ^ payload_byte(offset + i);
    return !wrong;
}

/* ---- messages ---- */

void trial_put_ping(struct wr *w, const struct trial_ping *p)
{
    wr_u64(w, p->sent_us);
    wr_u64(w, p->far_us);
}

enum err trial_get_ping(struct bytes b, struct trial_ping *out)
{
    struct rd r = rd_of(b);

    out->sent_us = rd_u64(&r);
    out->far_us = rd_u64(&r);
    return rd_done(&r);
}

void trial_put_probe(struct wr *w, const struct trial_probe *p, size_t size)
{
    wr_u64(w, p->sequence);
    wr_u64(w, p->sent_us);
    uint8_t *rest = wr_space(w, size - TRIAL_PROBE_BYTES);
    if (rest)
        trial_payload(0, rest, size - TRIAL_PROBE_BYTES);
}

enum err trial_get_probe(struct bytes b, size_t size, struct trial_probe *out)
{
    struct rd r = rd_of(b);

    out->sequence = rd_u64(&r);
    out->sent_us = rd_u64(&r);
    if (r.bad || b.n != size)
        return ERR_MALFORMED;
    return trial_payload_right(0, bytes_of(r.p, r.left)) ? OK : ERR_VERIFY;
}

/* ---- records ---- */

/* Signed numbers with the sign in the lowest bit, so that small ones stay short. */
static uint64_t fold(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static int64_t unfold(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static bool read_flag(struct rd *r)
{
    uint8_t v = rd_u8(r);

    r->bad |= v > 1;
    return v;
}

static void put_ask(struct wr *w, const struct trial_ask *a)
{
    wr_u8(w, a->reverse);
    wr_u8(w, a->bulk);
    wr_var(w, a->message_bytes);
    wr_var(w, a->message_us);
    wr_var(w, a->report_us);
}

static void get_ask(struct rd *r, struct trial_ask *a)
{
    a->reverse = read_flag(r);
    a->bulk = read_flag(r);
    uint64_t bytes = rd_var(r);
    a->message_bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
    a->message_us = rd_var(r);
    a->report_us = rd_var(r);
}

static enum err check_ask(const struct trial_ask *a)
{
    if (!a->bulk && !a->message_bytes)
        return ERR_MALFORMED;
    if (a->message_bytes && a->message_bytes < TRIAL_PROBE_BYTES)
        return ERR_MALFORMED;
    if (a->message_bytes && a->message_us < TRIAL_MESSAGE_MIN_US)
        return ERR_LIMIT;
    if (a->message_bytes > LIMIT_MESSAGE_BYTES || a->message_us > TRIAL_TIME_MAX_US ||
        a->report_us < TRIAL_REPORT_MIN_US || a->report_us > TRIAL_TIME_MAX_US)
        return ERR_LIMIT;
    return OK;
}

/* The numbers of a report, in the order of the wire. */
enum { REPORT_NUMBERS = 16 };

static void report_numbers(struct trial_report *r, uint64_t *n[REPORT_NUMBERS])
{
    uint64_t *all[REPORT_NUMBERS] = {
        &r->clock_us,    &r->begun_us,        &r->delivered_bytes, &r->gap_us,
        &r->probes_sent, &r->probes_received, &r->cpu_us,          &r->rtt_us,
        &r->min_rtt_us,  &r->loss_millionths, &r->in_flight_bytes, &r->window_bytes,
        &r->rate_bps,    &r->sent_bytes,      &r->sent_datagrams,  &r->lost_datagrams,
    };

    memcpy(n, all, sizeof all);
}

static void put_report(struct wr *w, const struct trial_report *r)
{
    struct trial_report copy = *r;
    uint64_t *n[REPORT_NUMBERS];

    report_numbers(&copy, n);
    wr_u8(w, r->last);
    for (size_t i = 0; i < REPORT_NUMBERS; i++)
        wr_var(w, *n[i]);
    wr_sized(w, bytes_of_string(r->state));
}

static void get_report(struct rd *b, struct trial_report *r)
{
    uint64_t *n[REPORT_NUMBERS];

    report_numbers(r, n);
    r->last = read_flag(b);
    for (size_t i = 0; i < REPORT_NUMBERS; i++)
        *n[i] = rd_var(b);
    struct bytes state = rd_sized(b, TRIAL_STATE_CHARS);
    for (size_t i = 0; i < state.n; i++) {
        char c = (char)state.p[i];
        b->bad |= (c < 'a' || c > 'z') && c != '-' && c != '_';
        r->state[i] = c;
    }
}

static void get_arrivals(struct rd *b, struct trial_record *r)
{
    uint64_t count = rd_var(b);

    if (count > TRIAL_ARRIVALS) {
        b->bad = true;
        return;
    }
    r->arrivals = (uint32_t)count;
    for (uint32_t i = 0; i < r->arrivals; i++) {
        r->arrival[i].sequence = rd_var(b);
        r->arrival[i].late_us = unfold(rd_var(b));
    }
}

static void put_body(struct wr *w, const struct trial_record *r)
{
    switch (r->kind) {
    case TRIAL_ASK:
        put_ask(w, &r->ask);
        /* fall through */
    case TRIAL_READY:
        wr_bytes(w, bytes_of(r->mark, sizeof r->mark));
        break;
    case TRIAL_GO:
    case TRIAL_STOP:
        break;
    case TRIAL_REPORT:
        put_report(w, &r->report);
        break;
    case TRIAL_ARRIVALS_OF:
        wr_var(w, r->arrivals);
        for (uint32_t i = 0; i < r->arrivals; i++) {
            wr_var(w, r->arrival[i].sequence);
            wr_var(w, fold(r->arrival[i].late_us));
        }
        break;
    }
}

void trial_put_record(struct wr *w, const struct trial_record *r)
{
    uint8_t space[TRIAL_RECORD_BYTES];
    struct wr body = wr_of(space, sizeof space);

    put_body(&body, r);
    w->full |= body.full;
    wr_u8(w, (uint8_t)r->kind);
    wr_sized(w, wr_done(&body));
}

static void get_body(struct rd *b, struct trial_record *r)
{
    switch (r->kind) {
    case TRIAL_ASK:
        get_ask(b, &r->ask);
        /* fall through */
    case TRIAL_READY:
        rd_copy(b, r->mark, sizeof r->mark);
        break;
    case TRIAL_GO:
    case TRIAL_STOP:
        break;
    case TRIAL_REPORT:
        get_report(b, &r->report);
        break;
    case TRIAL_ARRIVALS_OF:
        get_arrivals(b, r);
        break;
    }
}

enum err trial_get_record(struct bytes b, struct trial_record *out, size_t *used)
{
    struct rd r = rd_of(b);

    memset(out, 0, sizeof *out);
    uint8_t kind = rd_u8(&r);
    uint64_t n = rd_var(&r);
    if (r.bad)
        return ERR_AGAIN;
    if (n > TRIAL_RECORD_BYTES)
        return ERR_MALFORMED;
    struct rd body = rd_of(rd_bytes(&r, (size_t)n));
    if (r.bad)
        return ERR_AGAIN;
    *used = b.n - r.left;
    if (kind < TRIAL_ASK || kind > TRIAL_ARRIVALS_OF)
        return OK;
    out->kind = (enum trial_record_kind)kind;
    get_body(&body, out);
    enum err e = rd_done(&body);
    return !e && out->kind == TRIAL_ASK ? check_ask(&out->ask) : e;
}
