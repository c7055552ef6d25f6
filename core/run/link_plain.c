#include "core/run/link_plain.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/os/clock.h"
#include "core/os/plain.h"

enum {
    CHUNK_BYTES = 65536,
    MESSAGE_BYTES = 1024, /* that rows have, at the most */
    CHUNKS = 32,          /* moved in one turn at the most */
    LOOK_US = 20000,
    EVERY_US = 20000,
    CONNECT_US = 10000000,
    STRAGGLERS_US = 2000000
};

/* One connection with its two ends. */
struct wire {
    struct link_plain *plain;
    int near, far; /* -1: not there */
    struct loop_io *near_io, *far_io;
};

struct link_plain {
    struct loop *loop;
    struct link_lab_setup setup;
    const char *control; /* borrowed */
    struct addr to;      /* where the far end listens */
    int listening;
    struct loop_io *door;
    struct wire stream, words; /* the latter for messages */
    bool wants_words;
    struct loop_timer look, window, probe, end;
    struct link_lab_seen seen;
    struct stat_hist delay_us;
    uint64_t started_us, begun_us, cpu_us;
    uint64_t delivered_bytes, probes_due, probes_written, probes_came;
    size_t unsent, partial; /* bytes of a message: still to be sent, and come already */
    uint8_t out[CHUNK_BYTES], in[CHUNK_BYTES];
    uint8_t word[MESSAGE_BYTES]; /* what has come of a message; `in` is the stream's */
    struct plain_path path; /* the newest look at the stream, or at the messages alone */
    bool over;
    enum err failure;
};

static uint64_t since_us(const struct link_plain *p)
{
    return loop_refresh_us(p->loop) - p->begun_us;
}

static void finish(struct link_plain *p, enum err e)
{
    if (p->over)
        return;
    p->over = true;
    p->failure = e;
    if (p->begun_us)
        trial_log_delivered(&p->seen.log, since_us(p), p->delivered_bytes);
    p->cpu_us = clock_cpu_us() - p->cpu_us;
    /* What is ready and not looked after any more would keep the loop turning. */
    struct loop_io *all[] = {p->door, p->stream.near_io, p->stream.far_io, p->words.near_io,
                             p->words.far_io};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (all[i])
            loop_io_want(all[i], 0);
    loop_timer_set(&p->look, LOOP_NEVER);
    loop_timer_set(&p->window, LOOP_NEVER);
    loop_leave(p->loop);
}

/* ---- the stream ---- */

static void on_stream_room(void *ctx, unsigned events)
{
    struct wire *w = ctx;
    struct link_plain *p = w->plain;
    enum err e = OK;
    size_t taken;

    (void)events;
    for (int i = 0; i < CHUNKS && !e; i++)
        e = plain_send(w->near, bytes_of(p->out, sizeof p->out), &taken);
    if (e && e != ERR_AGAIN)
        finish(p, e);
}

static void on_stream_data(void *ctx, unsigned events)
{
    struct wire *w = ctx;
    struct link_plain *p = w->plain;
    enum err e = OK;
    size_t n;

    (void)events;
    for (int i = 0; i < CHUNKS && !e; i++) {
        e = plain_receive(w->far, p->in, sizeof p->in, &n);
        p->delivered_bytes += n;
    }
    if (e && e != ERR_AGAIN)
        finish(p, e);
}

/* ---- messages ---- */

/* A message is when it was due and zeros; it is due again every EVERY_US, sent or not. */
static void send_words(struct link_plain *p)
{
    uint32_t size = p->setup.row->message_bytes;
    uint8_t message[MESSAGE_BYTES] = {0};
    size_t taken;

    while (p->unsent || p->probes_written < p->probes_due) {
        if (!p->unsent)
            p->unsent = size;
        num_put_le(message, 8, p->begun_us + p->probes_written * EVERY_US);
        enum err e =
            plain_send(p->words.near, bytes_of(message + size - p->unsent, p->unsent), &taken);
        if (e && e != ERR_AGAIN)
            finish(p, e);
        p->unsent -= taken;
        p->probes_written += !p->unsent;
        if (e)
            break;
    }
    loop_io_want(p->words.near_io, p->unsent && !p->over ? LOOP_WRITE : 0);
}

static void on_words_room(void *ctx, unsigned events)
{
    struct wire *w = ctx;

    (void)events;
    send_words(w->plain);
}

static void on_words_data(void *ctx, unsigned events)
{
    struct wire *w = ctx;
    struct link_plain *p = w->plain;
    uint32_t size = p->setup.row->message_bytes;
    size_t n;

    (void)events;
    /* Read piece by piece: a message is whole when its last byte is here. */
    enum err e = plain_receive(w->far, p->word + p->partial, size - p->partial, &n);
    while (!e) {
        p->partial += n;
        if (p->partial == size) {
            uint64_t now_us = loop_refresh_us(p->loop);
            stat_add(&p->delay_us, num_sub0(now_us, num_get_le(p->word, 8)));
            p->probes_came++;
            p->partial = 0;
        }
        e = plain_receive(w->far, p->word + p->partial, size - p->partial, &n);
    }
    if (e != ERR_AGAIN)
        finish(p, e);
}

static void on_probe(void *ctx)
{
    struct link_plain *p = ctx;

    if (p->over)
        return;
    p->probes_due++;
    send_words(p);
    loop_timer_set(&p->probe, p->begun_us + p->probes_due * EVERY_US);
}

/* ---- the course ---- */

static void on_look(void *ctx)
{
    struct link_plain *p = ctx;

    plain_look(p->setup.row->message_bytes && !p->setup.row->bulk ? p->words.near : p->stream.near,
               &p->path);
    if (p->path.rtt_us && p->seen.rtts < p->seen.room)
        p->seen.rtt[p->seen.rtts++] = (struct link_lab_rtt){since_us(p), p->path.rtt_us};
    loop_timer_set(&p->look, loop_now_us(p->loop) + LOOK_US);
}

static void on_window(void *ctx)
{
    struct link_plain *p = ctx;

    trial_log_delivered(&p->seen.log, since_us(p), p->delivered_bytes);
    loop_timer_set(&p->window, loop_now_us(p->loop) + TRIAL_LOG_WINDOW_US);
}

static void on_end(void *ctx)
{
    struct link_plain *p = ctx;
    bool waits = p->begun_us && p->probe.deadline_us != LOOP_NEVER;

    loop_timer_set(&p->probe, LOOP_NEVER);
    if (waits && p->probes_came < p->probes_due)
        loop_timer_set(&p->end, loop_now_us(p->loop) + STRAGGLERS_US);
    else
        finish(p, p->begun_us ? OK : ERR_UNREACHABLE);
}

static void begin(struct link_plain *p)
{
    bool stream = p->stream.near >= 0;

    p->begun_us = loop_refresh_us(p->loop);
    p->cpu_us = clock_cpu_us();
    loop_timer_set(&p->end, p->begun_us + p->setup.for_us);
    loop_timer_set(&p->look, p->begun_us + LOOK_US);
    loop_timer_set(&p->window, p->begun_us + TRIAL_LOG_WINDOW_US);
    if (stream)
        loop_io_want(p->stream.near_io, LOOP_WRITE);
    if (p->wants_words)
        loop_timer_set(&p->probe, p->begun_us);
}

static enum err open_wire(struct link_plain *p, struct wire *w,
                          void (*room)(void *ctx, unsigned events))
{
    enum err e = plain_connect(p->setup.netns[0], &p->to, p->control, &w->near);

    return e ? e : loop_io_new(p->loop, w->near, room, w, &w->near_io);
}

/* Makes the connections one after the other, so that it is known which is which, then begins. */
static enum err connect_next(struct link_plain *p)
{
    if (p->stream.near < 0 && (!p->wants_words || p->setup.row->bulk))
        return open_wire(p, &p->stream, on_stream_room);
    if (p->words.near < 0 && p->wants_words)
        return open_wire(p, &p->words, on_words_room);
    begin(p);
    return OK;
}

static void on_door(void *ctx, unsigned events)
{
    struct link_plain *p = ctx;
    bool first = p->stream.near >= 0 && p->stream.far < 0;
    struct wire *w = first ? &p->stream : &p->words;
    int fd;

    (void)events;
    enum err e = plain_accept(p->listening, &fd);
    if (e == ERR_AGAIN)
        return;
    if (!e && (w->near < 0 || w->far >= 0)) {
        plain_close(&fd); /* nobody was expected */
        return;
    }
    if (!e) {
        w->far = fd;
        e = loop_io_new(p->loop, fd, first ? on_stream_data : on_words_data, w, &w->far_io);
    }
    if (!e) {
        loop_io_want(w->far_io, LOOP_READ);
        e = connect_next(p);
    }
    if (e)
        finish(p, e);
}

/* ---- beginning and end ---- */

static enum err prepare(struct link_plain *p)
{
    static const struct addr far_at = {.family = ADDR_IP4, .ip = {10, 77, 0, 2}};

    p->seen.room = (size_t)(p->setup.for_us / LOOK_US) + 1024;
    p->seen.rtt = heap_array(p->seen.room, sizeof *p->seen.rtt);
    if (!p->seen.rtt)
        return ERR_MEMORY;
    enum err e = trial_log_init(&p->seen.log, p->setup.for_us);
    if (!e)
        e = plain_listen(p->setup.netns[1], &far_at, &p->listening, &p->to);
    if (!e)
        e = loop_io_new(p->loop, p->listening, on_door, p, &p->door);
    if (e)
        return e;
    loop_io_want(p->door, LOOP_READ);
    loop_timer_set(&p->end, p->started_us + CONNECT_US);
    return connect_next(p);
}

enum err link_plain_new(struct loop *l, const struct link_lab_setup *s, const char *control,
                        struct link_plain **out)
{
    struct link_plain *p = heap_alloc(sizeof *p);

    *out = NULL;
    if (!p)
        return ERR_MEMORY;
    CHECK(s->row->message_bytes <= MESSAGE_BYTES);
    p->loop = l;
    p->setup = *s;
    p->control = control;
    p->wants_words = s->row->message_bytes != 0;
    p->started_us = loop_refresh_us(l);
    p->listening = p->stream.near = p->stream.far = p->words.near = p->words.far = -1;
    p->stream.plain = p->words.plain = p;
    loop_timer_init(&p->look, l, on_look, p);
    loop_timer_init(&p->window, l, on_window, p);
    loop_timer_init(&p->probe, l, on_probe, p);
    loop_timer_init(&p->end, l, on_end, p);
    enum err e = prepare(p);
    if (e)
        link_plain_free(p);
    else
        *out = p;
    return e;
}

static void close_wire(struct wire *w)
{
    loop_io_free(w->near_io);
    loop_io_free(w->far_io);
    plain_close(&w->near);
    plain_close(&w->far);
}

void link_plain_free(struct link_plain *p)
{
    if (!p)
        return;
    loop_timer_release(&p->look);
    loop_timer_release(&p->window);
    loop_timer_release(&p->probe);
    loop_timer_release(&p->end);
    loop_io_free(p->door);
    close_wire(&p->stream);
    close_wire(&p->words);
    plain_close(&p->listening);
    trial_log_release(&p->seen.log);
    heap_free(p->seen.rtt);
    heap_free(p);
}

bool link_plain_over(const struct link_plain *p, enum err *e)
{
    *e = p->failure;
    return p->over;
}

const struct link_lab_seen *link_plain_seen(const struct link_plain *p)
{
    return &p->seen;
}

void link_plain_count(const struct link_plain *p, struct link_plain_figures *out,
                      const struct stat_hist **delay_us)
{
    *out = (struct link_plain_figures){
        .since_start_us = num_sub0(p->begun_us, p->started_us),
        .delivered_bytes = p->delivered_bytes,
        .cpu_us = p->cpu_us,
        .loss = (double)p->path.lost_segments / (double)num_max(p->path.sent_segments, 1),
    };
    *delay_us = &p->delay_us;
}
