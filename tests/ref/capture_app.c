#include "tests/ref/capture_app.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

enum { CODE_RESET = 77, CODE_STOP = 78, CHUNK = 4096 };

void capture_app_init(struct capture_app *a, struct capture_file *file, uint8_t side,
                      uint32_t session, struct peer *peer, const struct capture_deeds *mine,
                      const struct capture_deeds *other)
{
    *a = (struct capture_app){
        .file = file, .mine = mine, .other = other, .peer = peer, .side = side, .session = session};
    rng_seed(&a->rng, 1000 * session + side);
}

/* ---- reading ---- */

static void abandon(struct capture_app *a, uint64_t now_us, uint64_t id, uint64_t code)
{
    peer_stream_reset(a->peer, id, code);
    capture_file_stream(a->file, CAPTURE_RESET, a->side, now_us, a->session, id, code);
    capture_file_stream(a->file, CAPTURE_STOPPED, a->side, now_us, a->session, id, code);
}

static struct capture_writing *writing_of(struct capture_app *a, uint64_t id)
{
    for (size_t i = 0; i < CAPTURE_FLOWS; i++)
        if (a->writing[i].open && a->writing[i].id == id)
            return &a->writing[i];
    for (size_t i = 0; i < a->replies; i++)
        if (a->reply[i].id == id)
            return &a->reply[i];
    return NULL;
}

static struct capture_reading *reading_of(struct capture_app *a, uint64_t id)
{
    for (size_t i = 0; i < a->readings; i++)
        if (a->reading[i].id == id)
            return &a->reading[i];
    CHECK(a->readings < CAPTURE_INCOMING);
    struct capture_reading *r = &a->reading[a->readings++];
    *r = (struct capture_reading){.id = id};
    if ((id & 1) != a->side) { /* the other has opened it: streams count in the plan's order */
        const struct capture_flow *f = &a->other->flow[id >> 1];
        r->stop_at = f->stop_at;
        CHECK(a->replies < CAPTURE_INCOMING);
        a->reply[a->replies++] =
            (struct capture_writing){.id = id, .open = true, .total = f->reply};
        peer_stream_prefer(a->peer, id, f->class, f->padded);
    }
    return r;
}

static void end_reading(struct capture_app *a, uint64_t now_us, struct capture_reading *r,
                        enum err e, uint64_t code)
{
    r->done = true;
    if (e == ERR_END)
        capture_file_stream(a->file, CAPTURE_READ_END, a->side, now_us, a->session, r->id, 0);
    else if (e == ERR_REFUSED)
        capture_file_stream(a->file, CAPTURE_READ_RESET, a->side, now_us, a->session, r->id, code);
    else
        CHECK(e == ERR_NOT_FOUND);
}

static void read_stream(struct capture_app *a, uint64_t now_us, struct capture_reading *r,
                        size_t *budget)
{
    struct bytes data;
    uint64_t code = 0;
    enum err e;

    while ((e = peer_stream_peek(a->peer, r->id, &data, &code)) == OK && *budget) {
        data.n = num_min(data.n, *budget);
        capture_file_bytes(a->file, CAPTURE_READ, a->side, now_us, a->session, r->id, data);
        peer_stream_consume(a->peer, r->id, data.n);
        r->read += (uint32_t)data.n;
        *budget -= data.n;
        if (r->stop_at && r->read >= r->stop_at) {
            struct capture_writing *w = writing_of(a, r->id);
            abandon(a, now_us, r->id, CODE_STOP);
            w->done = w->abandoned = r->done = true;
            return;
        }
    }
    if (e != OK && e != ERR_AGAIN)
        end_reading(a, now_us, r, e, code);
}

static void read_streams(struct capture_app *a, uint64_t now_us)
{
    size_t budget = a->mine->read_every_us ? a->mine->read_bytes : SIZE_MAX;

    if (now_us < a->next_read_us)
        return;
    a->next_read_us = now_us + a->mine->read_every_us;
    for (size_t i = 0; i < a->readings; i++)
        if (!a->reading[i].done)
            read_stream(a, now_us, &a->reading[i], &budget);
}

static void take_event(struct capture_app *a, uint64_t now_us, const struct peer_event *ev)
{
    switch (ev->kind) {
    case PEER_EVENT_HOST_KEY:
        peer_accept_key(a->peer, now_us);
        break;
    case PEER_EVENT_CONNECTED:
        a->connected = true;
        capture_file_connected(a->file, a->side, now_us, a->session);
        break;
    case PEER_EVENT_CLOSED:
        a->closed = true;
        capture_file_end(a->file, CAPTURE_OVER, a->side, now_us, a->session, ev->error, ev->reason);
        break;
    case PEER_EVENT_STREAM:
        (void)reading_of(a, ev->id);
        break;
    case PEER_EVENT_MESSAGE:
        capture_file_heard(a->file, a->side, now_us, a->session, ev->channel, ev->data);
        break;
    case PEER_EVENT_ACKED:
    case PEER_EVENT_GONE:
        a->series[ev->tag - 1].over++;
        break;
    case PEER_EVENT_TOKEN:
        CHECK(ev->data.n <= sizeof a->token);
        memcpy(a->token, ev->data.p, ev->data.n);
        a->token_bytes = ev->data.n;
        a->token_ciphers = ev->ciphers;
        break;
    default:
        break;
    }
}

/* ---- writing ---- */

static void write_some(struct capture_app *a, uint64_t now_us, struct capture_writing *w,
                       size_t limit)
{
    uint8_t space[CHUNK];
    size_t taken;

    while (limit && w->written < w->total) {
        size_t n = num_min(num_min(limit, sizeof space), w->total - w->written);
        rng_fill(&a->rng, space, n);
        enum err e = peer_stream_write(a->peer, w->id, bytes_of(space, n), &taken);
        if (e == ERR_NOT_FOUND || e == ERR_END) { /* the reader has stopped it */
            w->done = w->abandoned = true;
            return;
        }
        CHECK(e == OK);
        capture_file_bytes(a->file, CAPTURE_WROTE, a->side, now_us, a->session, w->id,
                           bytes_of(space, taken));
        w->written += (uint32_t)taken;
        limit -= taken;
        if (taken < n)
            return;
    }
}

static void finish(struct capture_app *a, uint64_t now_us, struct capture_writing *w)
{
    w->done = true;
    if (peer_stream_finish(a->peer, w->id) == OK)
        capture_file_stream(a->file, CAPTURE_FINISHED, a->side, now_us, a->session, w->id, 0);
    else
        w->abandoned = true;
}

static void write_flow(struct capture_app *a, uint64_t now_us, const struct capture_flow *f,
                       struct capture_writing *w)
{
    if (!w->open) {
        CHECK(peer_stream_open(a->peer, f->class, f->padded, &w->id) == OK);
        capture_file_stream(a->file, CAPTURE_OPENED, a->side, now_us, a->session, w->id, f->padded);
        w->open = true;
        w->total = f->bytes;
        w->next_us = now_us;
        (void)reading_of(a, w->id);
    }
    if (w->done || now_us < w->next_us)
        return;
    w->next_us = f->every_us ? w->next_us + f->every_us : 0;
    write_some(a, now_us, w, f->every_us ? f->each_bytes : SIZE_MAX);
    if (f->reset_at && w->written >= f->reset_at && !w->done) {
        abandon(a, now_us, w->id, CODE_RESET);
        w->done = w->abandoned = reading_of(a, w->id)->done = true;
    } else if (w->written == w->total && !w->done) {
        finish(a, now_us, w);
    }
}

static void say(struct capture_app *a, uint64_t now_us, size_t i)
{
    const struct capture_series *s = &a->mine->series[i];
    uint8_t *data = heap_alloc(s->bytes);
    uint64_t id;

    CHECK(data);
    rng_fill(&a->rng, data, s->bytes);
    struct peer_message m = {.class = s->class,
                             .channel = (uint8_t)(CAPTURE_CHANNEL + i),
                             .once = s->once,
                             .supersedes = s->supersedes ? 1 + i : 0,
                             .deadline_us = s->deadline_us ? now_us + s->deadline_us : 0,
                             .tag = 1 + i,
                             .data = bytes_of(data, s->bytes)};
    CHECK(peer_message_send(a->peer, &m, &id) == OK);
    capture_file_said(a->file, a->side, now_us, a->session, id, m.channel, m.data);
    heap_free(data);
    a->series[i].said++;
    a->series[i].next_us = now_us + s->every_us;
}

void capture_app_work(struct capture_app *a, uint64_t now_us)
{
    struct peer_event ev;

    if (a->peer == NULL)
        return;
    while (peer_next_event(a->peer, &ev))
        take_event(a, now_us, &ev);
    if (!a->connected || a->closed || a->closing)
        return;
    read_streams(a, now_us);
    for (size_t i = 0; i < CAPTURE_FLOWS; i++)
        if (a->mine->flow[i].bytes)
            write_flow(a, now_us, &a->mine->flow[i], &a->writing[i]);
    for (size_t i = 0; i < a->replies; i++) {
        struct capture_writing *w = &a->reply[i];
        if (!w->done)
            write_some(a, now_us, w, SIZE_MAX);
        if (!w->done && w->written == w->total)
            finish(a, now_us, w);
    }
    for (size_t i = 0; i < CAPTURE_SERIES; i++)
        if (a->series[i].said < a->mine->series[i].count && now_us >= a->series[i].next_us)
            say(a, now_us, i);
}

uint64_t capture_app_deadline_us(const struct capture_app *a, uint64_t now_us)
{
    uint64_t at_us = UINT64_MAX;

    if (a->peer == NULL || !a->connected || a->closed || a->closing)
        return at_us;
    for (size_t i = 0; i < CAPTURE_FLOWS; i++)
        if (a->mine->flow[i].every_us && !a->writing[i].done)
            at_us = num_min(at_us, a->writing[i].next_us);
    for (size_t i = 0; i < CAPTURE_SERIES; i++)
        if (a->series[i].said < a->mine->series[i].count)
            at_us = num_min(at_us, a->series[i].next_us);
    for (size_t i = 0; a->mine->read_every_us && i < a->readings; i++)
        if (!a->reading[i].done)
            at_us = num_min(at_us, a->next_read_us);
    return num_max(at_us, now_us);
}

static bool has_arrived(const struct capture_app *a, const struct capture_writing *w)
{
    return w->done && (w->abandoned || peer_stream_pending(a->peer, w->id) == 0);
}

bool capture_app_is_done(const struct capture_app *a)
{
    size_t streams = 0;

    if (!a->connected)
        return false;
    for (size_t i = 0; i < CAPTURE_FLOWS; i++) {
        streams += a->mine->flow[i].bytes > 0;
        streams += a->other->flow[i].bytes > 0;
        if (a->mine->flow[i].bytes && !has_arrived(a, &a->writing[i]))
            return false;
    }
    for (size_t i = 0; i < a->replies; i++)
        if (!has_arrived(a, &a->reply[i]))
            return false;
    for (size_t i = 0; i < a->readings; i++)
        if (!a->reading[i].done)
            return false;
    for (size_t i = 0; i < CAPTURE_SERIES; i++)
        if (a->series[i].said < a->mine->series[i].count || a->series[i].over < a->series[i].said)
            return false;
    return a->readings == streams;
}

void capture_app_close(struct capture_app *a, uint64_t now_us, enum err error, const char *reason)
{
    a->closing = true;
    capture_file_end(a->file, CAPTURE_CLOSED, a->side, now_us, a->session, error, reason);
    peer_close(a->peer, now_us, error, reason);
}
