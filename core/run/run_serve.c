#include "core/run/run_serve.h"

#include <signal.h>
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
#include "core/run/seat.h"

enum { STATS_US = 1000000, CAPTURES_PER_S = 60 };

/* A server at work; what is NULL is not there. */
struct serve {
    const struct run_serve_config *config;
    struct run *run;
    struct loop *loop;
    struct loop_signal *stop[2], *hup;
    struct source *source;
    struct loop_io *source_io;
    struct loop_timer timer, stats;
    struct capture capture;
    struct host *host;
    struct announce announce;
    struct recorder *recorder;
    struct seat *seats;
    uint32_t seat_count, seat_number;
    uint64_t next_capture_us, interval_us;
    bool ended;       /* the source will not change any more */
    enum err failure; /* why the loop was stopped */
};

static void fail(struct serve *s, enum err e, const char *reason)
{
    if (!s->failure)
        s->failure = reason_give(&s->run->reason, e, "%s", reason);
    loop_stop(s->loop, 1);
}

/* ---- pictures ---- */

static void arm(struct serve *s);

static void share_pointer(struct serve *s)
{
    struct source_pointer p;

    if (!s->source->ops->pointer(s->source, &p))
        return;
    for (struct seat *seat = s->seats; seat; seat = seat->next)
        seat_point(seat, &p);
}

static void capture(struct serve *s, bool whole)
{
    static struct source_frame f; /* large, and one at a time */
    uint64_t now = loop_refresh_us(s->loop);

    s->next_capture_us = now + s->interval_us;
    enum err e = s->source->ops->capture(s->source, now, whole, &f);
    if (e == ERR_AGAIN)
        return;
    if (e) {
        fail(s, e, "the source of the picture is gone");
        return;
    }
    s->ended |= f.ended;
    e = capture_take(&s->capture, &f);
    if (e) {
        fail(s, e, err_text(e));
        return;
    }
    for (struct seat *seat = s->seats; seat; seat = seat->next)
        if (s->capture.changed_count)
            seat_outdate(seat);
    e = recorder_take(s->recorder, &s->capture, now);
    if (e)
        fail(s, e, "the recording cannot go on");
}

/* Captures when there is something to see and somebody to see it, and proves what is at rest. */
static void look(struct serve *s)
{
    const struct source_ops *ops = s->source->ops;
    uint64_t now = loop_now_us(s->loop), when;
    bool whole = false;

    if (!s->seats)
        return;
    /* What still waits to be typed has no effect yet. */
    if (ops->typing && ops->typing(s->source))
        for (struct seat *seat = s->seats; seat; seat = seat->next)
            seat->input_us = now;
    for (struct seat *seat = s->seats; seat && !whole; seat = seat->next)
        whole = seat_needs(seat, &s->capture, now, &when) == SEAT_LOOK && when <= now;
    if (whole || !s->capture.now || (ops->damaged(s->source) && now >= s->next_capture_us))
        capture(s, whole || !s->capture.now);
    share_pointer(s);
    for (struct seat *seat = s->seats; seat; seat = seat->next)
        seat_claim(seat, &s->capture, now);
    host_kick(s->host);
}

static void poll_source(struct serve *s)
{
    enum err e = s->source->ops->poll(s->source, loop_now_us(s->loop));

    if (e) {
        fail(s, e, "the source of the picture is gone");
        return;
    }
    look(s);
    arm(s);
}

static void on_source(void *ctx, unsigned events)
{
    (void)events;
    poll_source(ctx);
}

static void on_timer(void *ctx)
{
    poll_source(ctx);
}

static void arm(struct serve *s)
{
    uint64_t now = loop_now_us(s->loop), at = s->source->ops->deadline_us(s->source), when;

    for (struct seat *seat = s->seats; seat; seat = seat->next) {
        if (seat_needs(seat, &s->capture, now, &when) == SEAT_LOOK)
            at = num_min(at, when);
        if (s->config->rate_bps && feed_dirty(seat->feed))
            at = num_min(at, seat->paced_us);
    }
    if (s->seats && s->source->ops->damaged(s->source))
        at = num_min(at, s->next_capture_us);
    loop_timer_set(&s->timer, at);
}

/* ---- viewers ---- */

static struct seat *find_seat(const struct serve *s, const struct peer *p)
{
    struct seat *seat = s->seats;

    while (seat && seat->peer != p)
        seat = seat->next;
    return seat;
}

/* What was to be told could not be. */
static void untold(struct serve *s, enum err e)
{
    if (e)
        fail(s, e, "the events cannot be told");
}

static void on_input(void *ctx, struct seat *seat, const struct input_event *e)
{
    struct serve *s = ctx;

    if (s->config->view_only || !(seat->roles & ROLE_CONTROL)) {
        if (seat->refused_input++ == 0)
            log_info("viewer %u has no right to control: its input is left out", seat->number);
        return;
    }
    s->source->ops->input(s->source, loop_now_us(s->loop), e);
    if (e->kind != INPUT_RELEASE)
        untold(s, announce_acted(&s->announce, seat->number, loop_now_us(s->loop)));
}

static void on_proven(void *ctx, struct seat *seat)
{
    struct serve *s = ctx;
    struct json *j = json_new();

    json_put_string(j, "event", "exact");
    json_put_int(j, "viewer", seat->number);
    json_put_int(j, "version", seat->proven_version);
    if (run_event(s->run, j))
        fail(s, ERR_SYSTEM, "cannot write to standard output");
}

static void join(struct serve *s, struct peer *p, const struct peer_event *e)
{
    struct seat *seat = seat_new(p, &s->capture, e->roles, ++s->seat_number, loop_now_us(s->loop));

    if (!seat) {
        peer_close(p, loop_now_us(s->loop), ERR_MEMORY, "the server is out of memory");
        return;
    }
    seat->next = s->seats;
    s->seats = seat;
    s->seat_count++;
    untold(s, announce_viewer(&s->announce, seat->number, seat->roles, e));
    /* What it is shown must be newer than its coming. */
    capture(s, true);
    arm(s);
}

static void leave(struct serve *s, struct seat *seat, const struct peer_event *e)
{
    struct seat **at = &s->seats;

    if (seat->roles & ROLE_CONTROL && !s->config->view_only)
        s->source->ops->input(s->source, loop_now_us(s->loop),
                              &(struct input_event){.kind = INPUT_RELEASE});
    untold(s, announce_left(&s->announce, seat->number));
    untold(s, announce_viewer(&s->announce, seat->number, seat->roles, e));
    while (*at != seat)
        at = &(*at)->next;
    *at = seat->next;
    s->seat_count--;
    seat_free(seat);
    if (s->config->once)
        loop_stop(s->loop, 0);
}

static void on_event(void *ctx, struct peer *p, const struct peer_event *e)
{
    struct serve *s = ctx;
    struct seat *seat = find_seat(s, p);
    struct seat_owner owner = {.input = on_input, .proven = on_proven, .ctx = s};

    if (e->kind == PEER_EVENT_CONNECTED) {
        join(s, p, e);
        return;
    }
    if (!seat)
        return;
    switch (e->kind) {
    case PEER_EVENT_CLOSED:
        leave(s, seat, e);
        break;
    case PEER_EVENT_STREAM:
        if (!seat->has_stream) {
            seat->has_stream = true;
            seat->stream = e->id;
            peer_stream_prefer(p, e->id, PEER_INPUT, false);
        }
        if (e->id == seat->stream && seat_hear(seat, loop_now_us(s->loop), &owner))
            peer_close(p, loop_now_us(s->loop), ERR_MALFORMED, "the viewer broke the protocol");
        poll_source(s);
        break;
    case PEER_EVENT_ACKED:
        feed_acked(seat->feed, e->tag);
        if (feed_complete(seat->feed))
            look(s), arm(s);
        break;
    case PEER_EVENT_GONE:
        feed_gone(seat->feed, e->tag);
        break;
    case PEER_EVENT_PATH:
        untold(s, announce_viewer(&s->announce, seat->number, seat->roles, e));
        break;
    default:
        break;
    }
}

static void on_fill(void *ctx, uint64_t now_us)
{
    struct serve *s = ctx;

    for (struct seat *seat = s->seats; seat; seat = seat->next)
        if (seat_fill(seat, now_us, s->config->rate_bps))
            peer_close(seat->peer, now_us, ERR_MEMORY, "the server is out of memory");
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
    json_put_int(j, "in_flight_bytes", (int64_t)path.in_flight_bytes);
    json_put_int(j, "window_bytes", (int64_t)path.window_bytes);
    json_put_int(j, "sent_bytes", (int64_t)path.sent_bytes);
    json_put_int(j, "received_bytes", (int64_t)path.received_bytes);
    json_put_int(j, "version", s->capture.version);
    json_put_int(j, "blocks", (int64_t)c.blocks);
    json_put_int(j, "tiles", (int64_t)c.tiles);
    json_put_int(j, "update_bytes", (int64_t)c.bytes);
    json_put_int(j, "gone", (int64_t)c.gone);
    json_put_bool(j, "complete", feed_complete(seat->feed));
    json_put_int(j, "missed_tiles", (int64_t)s->capture.missed);
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

    for (const struct seat *seat = s->seats; seat; seat = seat->next)
        say_stats(s, seat);
    loop_timer_set(&s->stats, loop_now_us(s->loop) + STATS_US);
}

/* ---- life ---- */

static void on_stop(void *ctx)
{
    struct serve *s = ctx;

    loop_stop(s->loop, 0);
}

static void on_hup(void *ctx)
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
    };
    enum err e = loop_new(&s->loop);

    if (!e)
        e = loop_signal_new(s->loop, SIGTERM, on_stop, s, &s->stop[0]);
    if (!e)
        e = loop_signal_new(s->loop, SIGINT, on_stop, s, &s->stop[1]);
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
        e = loop_signal_new(s->loop, SIGHUP, on_hup, s, &s->hup);
    if (!e)
        e = host_say_listening(s->host);
    if (!e)
        notify_send("READY=1\nSTATUS=listening");
    return e;
}

static enum err end(struct serve *s)
{
    notify_send("STOPPING=1");
    if (s->host) {
        host_close_all(s->host, s->failure ? ERR_UNREACHABLE : OK,
                       s->failure ? "the server has failed" : "the server has ended");
        host_flush(s->host);
    }
    host_free(s->host);
    enum err e = recorder_finish(s->recorder);
    s->recorder = NULL;
    if (s->loop) {
        loop_timer_release(&s->timer);
        loop_timer_release(&s->stats);
    }
    loop_io_free(s->source_io);
    if (s->source)
        s->source->ops->free(s->source);
    hook_drain(s->announce.hook);
    hook_free(s->announce.hook);
    capture_release(&s->capture);
    loop_signal_free(s->stop[0]);
    loop_signal_free(s->stop[1]);
    loop_signal_free(s->hup);
    loop_free(s->loop);
    return e;
}

enum err run_serve(const struct run_serve_config *config, struct run *run)
{
    struct serve s = {.config = config, .run = run};

    capture_init(&s.capture);
    s.interval_us = 1000000 / (config->fps ? config->fps : CAPTURES_PER_S);
    enum err e = begin(&s);
    if (!e) {
        arm(&s);
        if (config->stats)
            loop_timer_set(&s.stats, loop_now_us(s.loop) + STATS_US);
        loop_run(s.loop);
        e = s.failure;
        if (e == ERR_UNREACHABLE)
            e = ERR_SYSTEM; /* the source went away under us: failed, not unreachable */
    }
    enum err ended = end(&s);
    return e       ? e
           : ended ? reason_give(&run->reason, ended, "the recording could not be finished")
                   : OK;
}
