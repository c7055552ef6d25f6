#include "core/run/run_serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/crypt/role.h"
#include "core/os/notify.h"
#include "core/run/announce.h"
#include "core/run/host.h"
#include "core/run/loop.h"
#include "core/run/recorder.h"
#include "core/run/stop.h"
#include "core/screen/stage.h"

enum { STATS_US = 1000000, CAPTURES_PER_S = 60 };

/* A server at work; what is NULL is not there. */
struct serve {
    const struct run_serve_config *config;
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct source *source;
    struct loop_io *source_io;
    struct loop_timer timer, stats;
    struct stage stage;
    struct host *host;
    struct announce announce;
    struct recorder *recorder;
    uint64_t recorded; /* captures that the recorder has seen */
    enum err failure;  /* why the loop was stopped */
};

static void fail(struct serve *s, enum err e, const char *reason)
{
    if (!s->failure)
        s->failure = reason_give(&s->run->reason, e, "%s", reason);
    loop_stop(s->loop, 1);
}

/* ---- the stage ---- */

/* What was to be told could not be. */
static void untold(struct serve *s, enum err e)
{
    if (e)
        fail(s, e, "the events cannot be told");
}

static void say_proven(struct serve *s, const struct stage_news *n)
{
    struct json *j = json_new();

    json_put_string(j, "event", "exact");
    json_put_int(j, "viewer", n->seat->number);
    json_put_int(j, "version", n->version);
    untold(s, run_event(s->run, j));
}

/* After each word with the stage: what came of it, what is to be sent, when to ask it again. */
static void settle(struct serve *s, enum err e)
{
    uint64_t now = loop_now_us(s->loop);
    struct stage_news n;

    if (e)
        fail(s, e,
             e == ERR_MEMORY || e == ERR_LIMIT ? err_text(e) : "the source of the picture is gone");
    while (stage_next_news(&s->stage, &n))
        if (n.kind == STAGE_PROVEN)
            say_proven(s, &n);
        else
            untold(s, announce_acted(&s->announce, n.seat->number, now));
    if (s->recorded != s->stage.captures && !s->failure) {
        s->recorded = s->stage.captures;
        e = recorder_take(s->recorder, &s->stage.capture, now);
        if (e)
            fail(s, e, "the recording cannot go on");
    }
    loop_timer_set(&s->timer, stage_deadline_us(&s->stage, now));
    host_kick(s->host);
}

static void on_source(void *ctx, unsigned events)
{
    struct serve *s = ctx;

    (void)events;
    settle(s, stage_work(&s->stage, loop_refresh_us(s->loop)));
}

static void on_timer(void *ctx)
{
    struct serve *s = ctx;

    settle(s, stage_work(&s->stage, loop_refresh_us(s->loop)));
}

/* ---- viewers ---- */

static void on_event(void *ctx, struct peer *p, const struct peer_event *e)
{
    struct serve *s = ctx;
    const struct seat *seat = stage_seat(&s->stage, p);
    bool left = seat && e->kind == PEER_EVENT_CLOSED;

    if (left)
        untold(s, announce_left(&s->announce, seat->number));
    if (left || (seat && e->kind == PEER_EVENT_PATH))
        untold(s, announce_viewer(&s->announce, seat->number, seat->roles, e));
    enum err err = stage_event(&s->stage, loop_refresh_us(s->loop), p, e);
    seat = stage_seat(&s->stage, p);
    if (seat && e->kind == PEER_EVENT_PATH_CHANGED &&
        (e->what & (PEER_PATH_SILENT | PEER_PATH_BACK)))
        log_info("viewer %u is %s", seat->number,
                 e->what & PEER_PATH_SILENT ? "not heard any more" : "heard again");
    if (seat && e->kind == PEER_EVENT_CONNECTED)
        untold(s, announce_viewer(&s->announce, seat->number, seat->roles, e));
    settle(s, err);
    if (left && s->config->once)
        loop_stop(s->loop, 0);
}

static void on_fill(void *ctx, uint64_t now_us)
{
    struct serve *s = ctx;

    stage_fill(&s->stage, now_us);
}

/* ---- statistics ---- */

static void say_stats(struct serve *s, const struct seat *seat)
{
    struct peer_path path;
    struct feed_counters c;
    struct json *j = json_new();

    peer_path(seat->peer, loop_now_us(s->loop), &path);
    feed_count(seat->feed, &c);
    json_put_string(j, "event", "stats");
    json_put_int(j, "viewer", seat->number);
    json_put_int(j, "rate_bps", (int64_t)path.rate_bps);
    json_put_int(j, "rtt_us", (int64_t)path.rtt_us);
    json_put_int(j, "min_rtt_us", (int64_t)path.min_rtt_us);
    json_put_real(j, "loss", (double)path.loss_millionths / 1e6);
    json_put_string(j, "state", path.state);
    json_put_int(j, "mtu_bytes", path.mtu_bytes);
    json_put_string(j, "ecn", path.ecn);
    json_put_int(j, "ce_marks", (int64_t)path.ce_marks);
    json_put_int(j, "silent_us", (int64_t)path.silent_us);
    json_put_int(j, "lost", (int64_t)path.lost_datagrams);
    json_put_int(j, "spurious", (int64_t)path.spurious_datagrams);
    json_put_int(j, "in_flight_bytes", (int64_t)path.in_flight_bytes);
    json_put_int(j, "window_bytes", (int64_t)path.window_bytes);
    json_put_int(j, "sent_bytes", (int64_t)path.sent_bytes);
    json_put_int(j, "delivered_bytes", (int64_t)path.delivered_bytes);
    json_put_int(j, "received_bytes", (int64_t)path.received_bytes);
    json_put_int(j, "version", s->stage.capture.version);
    json_put_int(j, "blocks", (int64_t)c.blocks);
    json_put_int(j, "tiles", (int64_t)c.tiles);
    json_put_int(j, "update_bytes", (int64_t)c.bytes);
    json_put_int(j, "gone", (int64_t)c.gone);
    json_put_bool(j, "complete", feed_complete(seat->feed));
    json_put_int(j, "missed_tiles", (int64_t)s->stage.capture.missed);
    if (!s->run->json)
        log_info("viewer %u: %.2f Mbit/s path, %.1f ms, %.2f %% loss, %llu bytes sent, %s",
                 seat->number, (double)path.rate_bps / 1e6, (double)path.rtt_us / 1e3,
                 (double)path.loss_millionths / 1e4, (unsigned long long)path.sent_bytes,
                 feed_complete(seat->feed) ? "complete" : path.state);
    if (run_event(s->run, j))
        fail(s, ERR_SYSTEM, "cannot write to standard output");
}

static void on_stats(void *ctx)
{
    struct serve *s = ctx;

    for (const struct seat *seat = s->stage.seats; seat; seat = seat->next)
        say_stats(s, seat);
    loop_timer_set(&s->stats, loop_now_us(s->loop) + STATS_US);
}

/* ---- life ---- */

static void on_reread(void *ctx)
{
    struct serve *s = ctx;
    char lines[80];

    snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)loop_now_us(s->loop));
    notify_send(lines);
    host_reload(s->host);
    notify_send("READY=1");
}

static void on_record_failed(void *ctx)
{
    struct serve *s = ctx;
    char why[LIMIT_REASON_CHARS];

    snprintf(why, sizeof why, "%.100s cannot be written any more: it ends with what was written",
             s->config->record);
    fail(s, ERR_SYSTEM, why);
}

/* What goes beside the stream. */
static enum err begin_extras(struct serve *s)
{
    const struct run_serve_config *c = s->config;
    enum err e = OK;

    s->announce.run = s->run;
    if (c->hook)
        e = hook_new(s->loop, c->hook, s->run, &s->announce.hook);
    if (!e && c->record)
        e = recorder_new(s->loop, c->record, on_record_failed, s, &s->recorder);
    if (e && c->record)
        reason_give(&s->run->reason, e, "cannot record to %.120s: %s", c->record, err_text(e));
    return e;
}

static enum err begin(struct serve *s)
{
    const struct run_serve_config *c = s->config;
    const char *display = getenv("DISPLAY");
    const char *name = c->source ? c->source : display && *display ? "x11" : "test";
    char why[LIMIT_REASON_CHARS] = "";
    struct host_owner owner = {.event = on_event, .fill = on_fill, .ctx = s};
    struct host_config hc = {
        .listen = c->listen,
        .advertise = c->advertise,
        .gate = {.authorized = c->authorized,
                 .invite = c->invite,
                 .invite_for_us = c->invite_for_us,
                 .needed = ROLE_VIEW},
        .peer = {.idle_timeout_us = c->patience_us},
    };
    enum err e = loop_new(&s->loop);

    if (!e)
        e = stop_new(s->loop, &(struct stop_owner){.reread = on_reread, .ctx = s}, NULL, &s->stop);
    if (e)
        return e;
    loop_timer_init(&s->timer, s->loop, on_timer, s);
    loop_timer_init(&s->stats, s->loop, on_stats, s);
    e = source_open(name, (uint32_t)c->fps, loop_now_us(s->loop), &s->source, why, sizeof why);
    /* What cannot be shown is a failure here; unreachable is what is far away. */
    if (e)
        return reason_give(&s->run->reason,
                           e == ERR_NOT_FOUND     ? ERR_USAGE
                           : e == ERR_UNREACHABLE ? ERR_SYSTEM
                                                  : e,
                           "%s", why);
    stage_init(&s->stage, s->source,
               &(struct stage_config){.interval_us = 1000000 / (c->fps ? c->fps : CAPTURES_PER_S),
                                      .rate_bps = c->rate_bps,
                                      .view_only = c->view_only});
    int fd = s->source->ops->fd(s->source);
    if (fd >= 0) {
        e = loop_io_new(s->loop, fd, on_source, s, &s->source_io);
        if (e)
            return e;
        loop_io_want(s->source_io, LOOP_READ);
    }
    e = host_new(s->loop, &hc, &owner, s->run, &s->host);
    if (!e)
        e = begin_extras(s);
    if (!e)
        e = host_say_listening(s->host);
    if (!e)
        notify_send("READY=1\nSTATUS=listening");
    return e;
}

static enum err end(struct serve *s)
{
    enum err result = s->failure ? ERR_UNREACHABLE : OK;
    const char *last_word = s->failure ? "the server has failed" : "the server has ended";

    notify_send("STOPPING=1");
    loop_io_free(s->source_io);
    s->source_io = NULL;
    if (s->host)
        host_close_all(s->host, result, last_word);
    if (s->loop) {
        loop_timer_release(&s->timer);
        loop_timer_release(&s->stats);
    }
    if (s->host)
        host_part(s->host, result, last_word);
    host_free(s->host);
    enum err e = recorder_finish(s->recorder);
    s->recorder = NULL;
    if (s->source) {
        stage_release(&s->stage);
        s->source->ops->free(s->source);
    }
    hook_drain(s->announce.hook);
    hook_free(s->announce.hook);
    stop_free(s->stop);
    loop_free(s->loop);
    return e;
}

enum err run_serve(const struct run_serve_config *config, struct run *run)
{
    struct serve s = {.config = config, .run = run};

    enum err e = begin(&s);
    if (!e) {
        loop_timer_set(&s.timer, stage_deadline_us(&s.stage, loop_now_us(s.loop)));
        if (config->stats)
            loop_timer_set(&s.stats, loop_now_us(s.loop) + STATS_US);
        if (loop_run(s.loop) && !s.failure)
            s.failure = ERR_SYSTEM; /* the socket: the reason is given */
        e = s.failure;
        if (e == ERR_UNREACHABLE)
            e = ERR_SYSTEM; /* the source went away under us: failed, not unreachable */
    }
    enum err ended = end(&s);
    return e       ? e
           : ended ? reason_give(&run->reason, ended, "the recording could not be finished")
                   : OK;
}
