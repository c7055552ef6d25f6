#include "core/run/link_lab.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/crypt/ticket.h"
#include "core/os/self.h"

enum {
    WORDS = 32,
    WORD_CHARS = 96,
    HEARD_BYTES = 65536,
    START_US = 20000000, /* for a process to say that it is there */
    END_US = 60000000,   /* for a caller to end, beyond the time it was given */
    INTERVAL_US = 50000
};

/* The words of a command. */
struct words {
    size_t n;
    char word[WORDS][WORD_CHARS];
};

/* One process. */
struct part {
    struct link_lab *lab;
    struct self self;
    struct loop_io *io;
    struct buf heard;
    bool running, over; /* over: it has closed its output */
    bool listening;     /* it has said so */
    char ticket[TICKET_TEXT_CHARS];
    char why[LIMIT_REASON_CHARS];
    struct link_lab_seen *seen; /* of a caller */
};

enum { LISTENER, RELAY, CALLER, PARTS = CALLER + LINK_CALLERS };

struct link_lab {
    struct loop *loop;
    struct run *run;
    struct link_lab_setup setup;
    struct part part[PARTS];
    struct link_lab_seen seen[LINK_CALLERS];
    struct loop_timer patience;
    bool late, stopped;
};

/* ---- words ---- */

static void add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *w, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(w->word[w->n++], WORD_CHARS, format, args);
    va_end(args);
}

static void add_time(struct words *w, const char *option, uint64_t us)
{
    add(w, "%s", option);
    add(w, "%lluus", (unsigned long long)us);
}

static void begin_words(struct words *w, const char *command)
{
    w->n = 0;
    add(w, "farspan");
    add(w, "bench");
    add(w, "%s", command);
    add(w, "--json");
    add(w, "--quiet");
}

void link_lab_happens(const struct link_lab_setup *s, uint64_t *first_us, uint64_t *last_us)
{
    *first_us = *last_us = 0;
    switch (s->row->happening) {
    case LINK_CALM:
        break;
    case LINK_FALL:
        *first_us = s->for_us / 3;
        *last_us = s->for_us / 3 * 2;
        break;
    case LINK_OUTAGE:
        *first_us = s->for_us / 9;
        *last_us = s->for_us / 9 * 7;
        break;
    case LINK_REBIND:
        *first_us = *last_us = s->for_us / 2;
        break;
    }
}

static void relay_words(const struct link_lab *b, struct words *w)
{
    const struct link_lab_setup *s = &b->setup;
    const struct link_row *r = s->row;
    uint64_t first_us, last_us;

    begin_words(w, "relay");
    if (s->netns) {
        add(w, "--tun");
        add(w, "/proc/%d/fd/%d,/proc/%d/fd/%d", (int)getpid(), s->netns[0], (int)getpid(),
            s->netns[1]);
    } else {
        add(w, "--udp");
        add(w, "127.0.0.1:0");
        add(w, "--to");
        add(w, "-");
    }
    add(w, "--rate");
    add(w, "%llu", (unsigned long long)r->rate_bps);
    add_time(w, "--delay", r->delay_us);
    if (r->loss_ppm) {
        add(w, "--loss");
        add(w, "%u.%04u%%", r->loss_ppm / 10000, r->loss_ppm % 10000);
    }
    if (r->queue) {
        add(w, "--queue");
        add(w, "%s", r->queue);
    }
    add(w, "--seed");
    add(w, "%llu", (unsigned long long)s->seed);
    link_lab_happens(s, &first_us, &last_us);
    if (r->happening == LINK_OUTAGE) {
        add(w, "--outage");
        add(w, "%lluus:%lluus", (unsigned long long)first_us,
            (unsigned long long)(last_us - first_us));
    } else if (r->happening == LINK_REBIND) {
        add(w, "--at");
        add(w, "%lluus:rebind", (unsigned long long)first_us);
    } else if (r->happening == LINK_FALL) {
        add(w, "--at");
        add(w, "%lluus:rate=%llu", (unsigned long long)first_us,
            (unsigned long long)(r->rate_bps / 10));
        add(w, "--at");
        add(w, "%lluus:rate=%llu", (unsigned long long)last_us, (unsigned long long)r->rate_bps);
    }
}

static void caller_words(const struct link_lab *b, struct words *w)
{
    const struct link_row *r = b->setup.row;

    begin_words(w, "link");
    add(w, "-");
    add_time(w, "--for", b->setup.for_us);
    add_time(w, "--interval", INTERVAL_US);
    if (r->message_bytes) {
        add(w, "--message");
        add(w, "%u", r->message_bytes);
    }
    if (r->message_bytes && r->bulk)
        add(w, "--bulk");
}

static void listener_words(const struct link_lab *b, struct words *w)
{
    begin_words(w, "link");
    add(w, "--listen");
    add(w, "%s:0", b->setup.netns ? "10.77.0.2" : "127.0.0.1");
}

/* ---- what a process says ---- */

static void take_interval(struct link_lab_seen *seen, const struct json_value *v)
{
    int64_t at_us = json_int(json_member(v, "counted_us"), 0);
    int64_t bytes = json_int(json_member(v, "delivered_bytes"), 0);

    if (at_us > 0 && bytes >= 0)
        trial_log_delivered(&seen->log, (uint64_t)at_us, (uint64_t)bytes);
    if (seen->rtts < seen->room)
        seen->rtt[seen->rtts++] =
            (struct link_lab_rtt){(uint64_t)json_int(json_member(v, "at_us"), 0),
                                  (uint64_t)json_int(json_member(v, "rtt_us"), 0)};
}

/* Takes an event; the value is kept when it is a result. */
static void take(struct part *p, struct json_value *v)
{
    const char *event = json_text(json_member(v, "event"));
    const char *ticket = json_text(json_member(v, "ticket"));
    const char *why = json_text(json_member(v, "reason"));

    if (!event) {
        json_discard(v);
        return;
    }
    if (strcmp(event, "listening") == 0) {
        p->listening = true;
        if (ticket)
            snprintf(p->ticket, sizeof p->ticket, "%s", ticket);
    } else if (strcmp(event, "interval") == 0 && p->seen) {
        take_interval(p->seen, v);
    } else if (strcmp(event, "error") == 0) {
        snprintf(p->why, sizeof p->why, "%s", why ? why : "");
    } else if (strcmp(event, "result") == 0 && p->seen && !p->seen->result) {
        p->seen->result = v;
        return;
    }
    json_discard(v);
}

static void take_lines(struct part *p)
{
    const uint8_t *end;

    while ((end = memchr(p->heard.p, '\n', p->heard.n)) != NULL) {
        size_t n = (size_t)(end - p->heard.p);
        struct json_value *v;
        if (json_parse(bytes_of(p->heard.p, n), &v) == OK)
            take(p, v);
        buf_drop(&p->heard, n + 1);
    }
}

static void on_out(void *ctx, unsigned events)
{
    struct part *p = ctx;
    uint8_t space[16384];
    size_t n;
    enum err e = self_read(&p->self, space, sizeof space, &n);

    (void)events;
    if (e == ERR_AGAIN)
        return;
    if (!e)
        e = buf_append(&p->heard, bytes_of(space, n));
    if (!e) {
        take_lines(p);
    } else {
        p->over = true;
        loop_io_want(p->io, 0);
    }
    loop_leave(p->lab->loop);
}

/* ---- processes ---- */

static enum err start(struct part *p, const struct words *w, const char *input, int netns)
{
    const char *words[WORDS + 3];
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++)
        words[n++] = w->word[i];
    if (p->lab->run->identity) {
        words[n++] = "--identity";
        words[n++] = p->lab->run->identity;
    }
    words[n] = NULL;
    p->over = p->listening = false;
    p->ticket[0] = p->why[0] = 0;
    buf_init(&p->heard, HEARD_BYTES);
    enum err e = self_start(words, bytes_of_string(input), netns, &p->self);
    if (e)
        return e;
    p->running = true;
    e = loop_io_new(p->lab->loop, p->self.out, on_out, p, &p->io);
    if (!e)
        loop_io_want(p->io, LOOP_READ);
    return e;
}

/* Ends a process, in order; gives its exit status. */
static int end(struct part *p)
{
    if (!p->running)
        return 0;
    loop_io_free(p->io);
    p->io = NULL;
    if (!p->over)
        self_ask(&p->self);
    p->running = false;
    buf_release(&p->heard);
    crypt_wipe(p->ticket, sizeof p->ticket);
    return self_wait(&p->self);
}

static void on_patience(void *ctx)
{
    struct link_lab *b = ctx;

    b->late = true;
    loop_leave(b->loop);
}

static bool is_there(const struct part *p)
{
    return p->listening;
}

static bool is_over(const struct part *p)
{
    return p->over;
}

/* Runs the loop until something is so of that process, or it has ended otherwise. */
static enum err wait_for(struct part *p, bool (*so)(const struct part *p), uint64_t patience_us,
                         const char *who)
{
    struct link_lab *b = p->lab;

    b->late = false;
    loop_timer_set(&b->patience, loop_refresh_us(b->loop) + patience_us);
    while (!so(p) && !p->over && !b->late && !b->stopped)
        loop_run(b->loop);
    loop_timer_set(&b->patience, LOOP_NEVER);
    if (b->stopped)
        return ERR_AGAIN;
    if (so(p))
        return OK;
    return reason_give(&b->run->reason, ERR_SYSTEM, "the %s %s%s%s", who,
                       b->late ? "did not answer in time" : "has ended", p->why[0] ? ": " : "",
                       p->why);
}

/* ---- a trial ---- */

static void forget(struct link_lab_seen *s)
{
    json_discard(s->result);
    trial_log_release(&s->log);
    heap_free(s->rtt);
    memset(s, 0, sizeof *s);
}

static enum err prepare(struct link_lab *b, unsigned i)
{
    struct link_lab_seen *s = &b->seen[i];

    forget(s);
    s->room = (size_t)(2 * (b->setup.for_us / INTERVAL_US)) + 1024;
    s->rtt = heap_array(s->room, sizeof *s->rtt);
    return s->rtt ? trial_log_init(&s->log, b->setup.for_us) : ERR_MEMORY;
}

static enum err start_callers(struct link_lab *b, const char *ticket)
{
    struct words w;
    enum err e = OK;

    caller_words(b, &w);
    for (unsigned i = 0; i < b->setup.row->callers && !e; i++) {
        e = prepare(b, i);
        b->part[CALLER + i].seen = &b->seen[i];
        if (!e)
            e = start(&b->part[CALLER + i], &w, ticket, b->setup.netns ? b->setup.netns[0] : -1);
    }
    return e;
}

static enum err wait_callers(struct link_lab *b)
{
    enum err e = OK;

    for (unsigned i = 0; i < b->setup.row->callers && !e; i++) {
        struct part *p = &b->part[CALLER + i];
        e = wait_for(p, is_over, b->setup.for_us + END_US, "caller");
        int status = e ? 0 : end(p);
        if (!e && (status || !b->seen[i].result))
            e = reason_give(&b->run->reason, ERR_SYSTEM, "the caller ended with %d%s%s", status,
                            p->why[0] ? ": " : "", p->why);
    }
    return e;
}

static enum err start_far(struct link_lab *b, const char **ticket)
{
    bool relayed = !b->setup.netns && !b->setup.row->direct;
    struct words w;

    listener_words(b, &w);
    enum err e = start(&b->part[LISTENER], &w, "", b->setup.netns ? b->setup.netns[1] : -1);
    if (!e)
        e = wait_for(&b->part[LISTENER], is_there, START_US, "listening end");
    *ticket = b->part[LISTENER].ticket;
    if (e || !relayed)
        return e;
    relay_words(b, &w);
    e = start(&b->part[RELAY], &w, *ticket, -1);
    *ticket = b->part[RELAY].ticket;
    return e ? e : wait_for(&b->part[RELAY], is_there, START_US, "relay");
}

enum err link_lab_open(struct link_lab *b, const struct link_lab_setup *s)
{
    struct words w;

    b->setup = *s;
    if (!s->netns)
        return OK;
    relay_words(b, &w);
    enum err e = start(&b->part[RELAY], &w, "", -1);
    return e ? e : wait_for(&b->part[RELAY], is_there, START_US, "relay");
}

enum err link_lab_try(struct link_lab *b)
{
    const char *ticket = NULL;
    enum err e = start_far(b, &ticket);

    if (!e)
        e = start_callers(b, ticket);
    if (!e)
        e = wait_callers(b);
    for (unsigned i = CALLER; i < PARTS; i++)
        end(&b->part[i]);
    end(&b->part[LISTENER]);
    if (!b->setup.netns)
        end(&b->part[RELAY]);
    return e;
}

void link_lab_close(struct link_lab *b)
{
    for (unsigned i = PARTS; i-- > 0;)
        end(&b->part[i]);
}

const struct link_lab_seen *link_lab_seen(const struct link_lab *b, unsigned i)
{
    return &b->seen[i];
}

void link_lab_stop(struct link_lab *b)
{
    b->stopped = true;
    loop_leave(b->loop);
}

enum err link_lab_new(struct loop *l, struct run *run, struct link_lab **out)
{
    struct link_lab *b = heap_alloc(sizeof *b);

    *out = b;
    if (!b)
        return ERR_MEMORY;
    b->loop = l;
    b->run = run;
    for (unsigned i = 0; i < PARTS; i++)
        b->part[i].lab = b;
    loop_timer_init(&b->patience, l, on_patience, b);
    return OK;
}

void link_lab_free(struct link_lab *b)
{
    if (!b)
        return;
    link_lab_close(b);
    for (unsigned i = 0; i < LINK_CALLERS; i++)
        forget(&b->seen[i]);
    loop_timer_release(&b->patience);
    heap_free(b);
}
