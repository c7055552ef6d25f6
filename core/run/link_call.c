#include "core/run/link_call.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/os/clock.h"
#include "core/run/call.h"
#include "core/run/link_mark.h"
#include "core/run/link_report.h"
#include "core/run/loop.h"
#include "core/run/status_line.h"
#include "core/run/stop.h"
#include "core/run/trial_end.h"

enum {
    PING_US = 20000,          /* beside a stream */
    PING_RARELY_US = 1000000, /* beside messages alone, which they must not help */
    PONGS = 8,                /* enough to know how far the other's clock is ahead */
    PONGS_WAIT_US = 2000000,  /* then one is enough */
    STRAGGLERS_US = 2000000,  /* messages on their way are waited for so long at the most */
    LAST_WORD_US = 10000000,
    LAST_WORD_HURRIED_US = 2000000
};

struct link_call {
    const struct run_link_config *config;
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct call *call;
    struct trial_end end;
    struct trial_log log;
    struct link_report report;
    struct loop_timer work, ping, window, interval, phase;
    bool connected, finished;
    bool waited;                           /* for messages that were on their way */
    uint64_t agreed_us, ended_us, told_us; /* 0: not yet */
    struct trial_report own;               /* when payload ended */
    enum err failure;
};

static void finish(struct link_call *c, enum err e)
{
    if (!c->finished)
        c->failure = e;
    c->finished = true;
    loop_stop(c->loop, 0);
}

static void fail(struct link_call *c, enum err e, const char *reason)
{
    finish(c, reason_give(&c->run->reason, e, "%s", reason));
}

/* After each word with the trial. */
static void settle(struct link_call *c, enum err e)
{
    if (e == ERR_VERIFY)
        fail(c, e, "the payload that came is not what was sent");
    else if (e == ERR_MEMORY)
        fail(c, e, err_text(e));
    else if (e && e != ERR_END)
        fail(c, e, "the other end does not keep to the protocol");
    loop_timer_set(&c->work, trial_end_deadline_us(&c->end));
    if (c->call)
        call_kick(c->call);
}

/* ---- the course of a trial ---- */

static void go(struct link_call *c, uint64_t now_us)
{
    c->log.loaded = true;
    c->report.said_us = now_us;
    enum err e = trial_end_go(&c->end, now_us, clock_cpu_us());
    loop_timer_set(&c->phase, now_us + c->config->for_us);
    loop_timer_set(&c->window, now_us + TRIAL_LOG_WINDOW_US);
    loop_timer_set(&c->interval, now_us + c->config->interval_us);
    settle(c, e);
}

/* Nothing more is sent, and the other end's last word wanted. */
static void halt(struct link_call *c, uint64_t now_us)
{
    c->ended_us = c->ended_us ? c->ended_us : now_us;
    trial_end_report(&c->end, now_us, clock_cpu_us(), &c->own);
    loop_timer_set(&c->phase, now_us + (c->run->signal ? LAST_WORD_HURRIED_US : LAST_WORD_US));
    loop_timer_set(&c->interval, LOOP_NEVER);
    settle(c, trial_end_stop(&c->end, now_us));
}

/* Whether messages may still come that were sent in time. */
static bool is_missing(const struct link_call *c)
{
    uint64_t sent = trial_end_sends(&c->end) ? c->end.probes_sent : c->end.far.probes_sent;

    return !c->waited && !c->run->signal && c->log.delay_us.count < sent;
}

static void on_phase(void *ctx)
{
    struct link_call *c = ctx;
    uint64_t now_us = loop_refresh_us(c->loop);

    if (c->end.stage == TRIAL_OVER)
        fail(c, ERR_UNREACHABLE, "the other end did not say what had come");
    else if (c->end.stage == TRIAL_TOLD)
        finish(c, OK); /* what has not come by now is lost */
    else if (c->ended_us || !c->end.ask.message_bytes || c->end.ask.reverse) {
        c->waited = c->ended_us != 0;
        halt(c, now_us);
    } else {
        /* The time is over; what is on its way is waited for. */
        c->ended_us = now_us;
        trial_end_hold(&c->end);
        loop_timer_set(&c->phase, now_us + STRAGGLERS_US);
    }
}

static void look(struct link_call *c, uint64_t now_us)
{
    uint64_t waited_us = c->agreed_us ? now_us - c->agreed_us : 0;

    if (c->end.stage == TRIAL_AGREED && !c->agreed_us)
        c->agreed_us = now_us;
    if (c->end.stage == TRIAL_AGREED &&
        (c->log.pongs >= PONGS || (c->log.pongs && waited_us > PONGS_WAIT_US)))
        go(c, now_us);
    if (c->end.stage == TRIAL_RUNNING && c->ended_us && !is_missing(c))
        halt(c, now_us);
    if (c->end.stage != TRIAL_TOLD)
        return;
    if (!is_missing(c)) {
        finish(c, OK);
    } else if (!c->told_us) {
        c->told_us = now_us;
        loop_timer_set(&c->phase, now_us + STRAGGLERS_US);
    }
}

static void on_work(void *ctx)
{
    struct link_call *c = ctx;

    settle(c, trial_end_work(&c->end, loop_refresh_us(c->loop), clock_cpu_us()));
}

static void on_ping(void *ctx)
{
    struct link_call *c = ctx;
    bool rarely = c->end.stage == TRIAL_RUNNING && !c->end.ask.bulk;
    uint64_t now_us = loop_refresh_us(c->loop);

    if (c->end.stage > TRIAL_RUNNING)
        return;
    trial_end_ping(&c->end, now_us);
    call_kick(c->call);
    loop_timer_set(&c->ping, now_us + (rarely ? PING_RARELY_US : PING_US));
}

/* Counts what has come here; the other end's counts come as reports. */
static void on_window(void *ctx)
{
    struct link_call *c = ctx;
    uint64_t now_us = loop_refresh_us(c->loop);

    if (trial_end_sends(&c->end) || c->end.stage > TRIAL_RUNNING)
        return;
    trial_log_delivered(&c->log, now_us, c->end.delivered_bytes);
    loop_timer_set(&c->window, now_us + TRIAL_LOG_WINDOW_US);
}

static void told(struct link_call *c, enum err e)
{
    if (e)
        finish(c, e);
}

static void on_interval(void *ctx)
{
    struct link_call *c = ctx;
    uint64_t now_us = loop_refresh_us(c->loop);

    told(c, link_report_interval(&c->report, now_us));
    loop_timer_set(&c->interval, now_us + c->config->interval_us);
}

/* ---- the session ---- */

static void connected(struct link_call *c, struct peer *p, const struct peer_event *e)
{
    const struct run_link_config *f = c->config;
    uint8_t mark[TRIAL_MARK_BYTES];
    struct trial_ask ask = {
        .reverse = f->reverse,
        .bulk = f->bulk || !f->message_bytes,
        .message_bytes = (uint32_t)f->message_bytes,
        .message_us = f->message_bytes ? f->every_us : 0,
        .report_us = TRIAL_LOG_WINDOW_US,
    };
    char at[ADDR_CHARS];
    struct json *j = json_new();

    c->connected = true;
    json_put_string(j, "event", "connected");
    json_put_string(j, "address", addr_print(&e->path, at));
    log_info("connected to %s", at);
    told(c, run_event(c->run, j));
    c->end.peer = p;
    link_mark(p, mark);
    settle(c, trial_end_ask(&c->end, &ask, mark));
    on_ping(c);
}

static void closed(struct link_call *c, const struct peer_event *e)
{
    if (c->finished)
        return;
    if (e->error == OK)
        fail(c, ERR_UNREACHABLE, "the other end ended the session before the trial was over");
    else
        finish(c, e->error == ERR_SYSTEM || e->error == ERR_MEMORY ? ERR_UNREACHABLE : e->error);
}

static void on_event(void *ctx, struct peer *p, const struct peer_event *e)
{
    struct link_call *c = ctx;
    uint64_t now_us = loop_refresh_us(c->loop);

    if (e->kind == PEER_EVENT_CONNECTED) {
        connected(c, p, e);
    } else if (e->kind == PEER_EVENT_CLOSED) {
        closed(c, e);
    } else if (!c->finished) {
        settle(c, trial_end_event(&c->end, now_us, clock_cpu_us(), e));
        look(c, now_us);
    }
}

static void on_fill(void *ctx, uint64_t now_us)
{
    struct link_call *c = ctx;
    enum err e = trial_end_fill(&c->end, now_us);

    if (e && e != ERR_END)
        fail(c, e, err_text(e));
}

/* A signal: the result so far, if there is one. */
static void on_asked(void *ctx)
{
    struct link_call *c = ctx;

    if (c->end.stage == TRIAL_RUNNING)
        halt(c, loop_refresh_us(c->loop));
    else if (c->end.stage < TRIAL_RUNNING)
        finish(c, OK);
}

/* ---- life ---- */

static enum err begin(struct link_call *c)
{
    struct call_config cc = {.target = c->config->target,
                             .accept_new = c->config->accept_new,
                             .peer = trial_end_peer_config()};
    struct call_owner owner = {.event = on_event, .fill = on_fill, .ctx = c};
    enum err e = loop_new(&c->loop);

    if (!e)
        e = stop_new(c->loop, &(struct stop_owner){.asked = on_asked, .ctx = c}, c->run, &c->stop);
    if (e)
        return e;
    loop_timer_init(&c->work, c->loop, on_work, c);
    loop_timer_init(&c->ping, c->loop, on_ping, c);
    loop_timer_init(&c->window, c->loop, on_window, c);
    loop_timer_init(&c->interval, c->loop, on_interval, c);
    loop_timer_init(&c->phase, c->loop, on_phase, c);
    e = trial_log_init(&c->log, c->config->for_us);
    c->report.started_us = loop_refresh_us(c->loop);
    if (!e)
        e = call_new(c->loop, &cc, &owner, c->run, &c->call);
    return e == ERR_AGAIN ? OK : e;
}

static void end(struct link_call *c)
{
    if (c->call) {
        loop_timer_release(&c->work);
        loop_timer_release(&c->ping);
        loop_timer_release(&c->window);
        loop_timer_release(&c->interval);
        loop_timer_release(&c->phase);
        call_part(c->call, OK, "the trial is over");
    }
    call_free(c->call);
    trial_end_release(&c->end);
    trial_log_release(&c->log);
    stop_free(c->stop);
    loop_free(c->loop);
}

enum err link_call_run(const struct run_link_config *config, struct run *run)
{
    struct link_call *c = heap_alloc(sizeof *c);

    if (!c)
        return ERR_MEMORY;
    c->config = config;
    c->run = run;
    c->report = (struct link_report){.run = run, .config = config, .end = &c->end, .log = &c->log};
    trial_end_init(&c->end, NULL, &c->log);
    enum err e = begin(c);
    if (!e && c->call) {
        c->report.live = status_line_begin(run);
        loop_run(c->loop);
        status_line_end();
        e = c->failure;
        if (!e && c->end.stage == TRIAL_TOLD)
            e = link_report_result(&c->report, c->ended_us, &c->own);
    }
    end(c);
    heap_free(c);
    return e;
}
