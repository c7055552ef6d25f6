#include "core/run/run_view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/base/stat.h"
#include "core/crypt/role.h"
#include "core/os/clock.h"
#include "core/os/file.h"
#include "core/run/call.h"
#include "core/run/loop.h"
#include "core/run/stop.h"
#include "core/screen/script.h"
#include "core/screen/sink.h"
#include "core/screen/viewer.h"

enum {
    PRESENT_US = 12000, /* pictures are shown at most so often */
    STATS_US = 1000000
};

/* A viewer at work; what is NULL is not there. */
struct view {
    const struct run_view_config *config;
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct loop_timer timer, work, present, stats;
    struct call *call;
    struct viewer *viewer;
    struct mirror *mirror; /* the viewer's */
    struct sink *sink;
    struct loop_io *sink_io, *script_io;
    struct script script;
    int script_fd; /* being read; -1: none, or all of it is here */
    bool has_script, script_running, script_done, syncing;

    bool connected, ending, exact_reached;
    uint64_t begun_us, until_us, presented_us;
    uint64_t frames;
    uint32_t shown_version;
    struct stat_hist delay_us;
    enum err failure;
};

static struct peer *session(const struct view *v)
{
    return call_peer(v->call);
}

/* Ends the work: in order with OK, or with what went wrong. */
static void finish(struct view *v, enum err e)
{
    if (!v->ending)
        v->failure = e;
    v->ending = true;
    loop_stop(v->loop, 0);
}

static void fail(struct view *v, enum err e, const char *reason)
{
    reason_give(&v->run->reason, e, "%s", reason);
    finish(v, e);
}

/* ---- pictures ---- */

static struct sink_frame frame_of(const struct view *v)
{
    return (struct sink_frame){
        .pic = mirror_picture(v->mirror),
        .changed = mirror_changed(v->mirror),
        .version = mirror_version(v->mirror),
        .exact = viewer_is_exact(v->viewer, NULL),
        .now_us = loop_now_us(v->loop),
    };
}

static void present(struct view *v)
{
    struct sink_frame f = frame_of(v);
    uint64_t now = loop_now_us(v->loop);

    if (!f.pic || (!mirror_has_changed(v->mirror) && !f.exact))
        return;
    loop_timer_set(&v->present, LOOP_NEVER);
    enum err e = v->sink->ops->present ? v->sink->ops->present(v->sink, &f) : OK;
    if (e) {
        fail(v, e, "the picture cannot be shown or written any more");
        return;
    }
    if (f.version != v->shown_version)
        stat_add(&v->delay_us, num_sub0(loop_refresh_us(v->loop), mirror_captured_us(v->mirror)));
    v->shown_version = f.version;
    v->presented_us = now;
    v->frames += mirror_has_changed(v->mirror);
    mirror_shown(v->mirror);
    if (v->config->frames && v->frames >= v->config->frames)
        finish(v, OK);
}

static void on_present(void *ctx)
{
    present(ctx);
}

/* Shows what has changed when it is time again, and never before this turn's acknowledgements have
 * left: showing may take longer than the line. */
static void show_soon(struct view *v)
{
    if (mirror_has_changed(v->mirror))
        loop_timer_set(&v->present, num_max(loop_now_us(v->loop), v->presented_us + PRESENT_US));
}

/* After each word with the viewer: what is to be sent, when to ask it again. */
static void settle(struct view *v, enum err e)
{
    if (e == ERR_UNREACHABLE)
        fail(v, e, "the other side takes no input any more");
    else if (e)
        fail(v, e, e == ERR_MEMORY ? "out of memory" : "the server broke the protocol");
    loop_timer_set(&v->work, viewer_deadline_us(v->viewer));
    if (v->call)
        call_kick(v->call);
}

static void on_work(void *ctx)
{
    struct view *v = ctx;

    settle(v, viewer_work(v->viewer, loop_now_us(v->loop)));
}

/* ---- exactness ---- */

static bool wants_exact(const struct view *v)
{
    return v->config->until != NULL;
}

static void hash_text(const uint8_t hash[DESK_HASH_BYTES], char text[2 * DESK_HASH_BYTES + 1])
{
    for (size_t i = 0; i < DESK_HASH_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

static void say_exact(struct view *v, const struct viewer_exact *x)
{
    char text[2 * DESK_HASH_BYTES + 1];
    struct json *j = json_new();

    hash_text(x->hash, text);
    json_put_string(j, "event", "exact");
    json_put_int(j, "version", x->version);
    json_put_string(j, "hash", text);
    json_put_int(j, "since_start_us", (int64_t)(loop_now_us(v->loop) - v->begun_us));
    if (run_event(v->run, j))
        finish(v, ERR_SYSTEM);
}

static void check_end(struct view *v)
{
    bool script_over = !v->has_script || v->script_done;

    if (wants_exact(v) && script_over && viewer_is_settled(v->viewer)) {
        v->exact_reached = true;
        finish(v, OK);
    }
}

static void take_exact(struct view *v)
{
    struct viewer_exact x;

    if (v->ending || !viewer_next_exact(v->viewer, &x))
        return;
    present(v);
    say_exact(v, &x);
    if (v->syncing && viewer_is_settled(v->viewer)) {
        v->syncing = false;
        script_synced(&v->script);
    }
    check_end(v);
}

/* ---- input ---- */

static void send_input(struct view *v, const struct input_event *e)
{
    settle(v, viewer_input(v->viewer, loop_now_us(v->loop), e));
}

static void run_script(struct view *v)
{
    struct input_event e;

    if (!v->script_running || v->ending)
        return;
    for (;;) {
        switch (script_next(&v->script, loop_now_us(v->loop), &e)) {
        case SCRIPT_ACT:
            send_input(v, &e);
            continue;
        case SCRIPT_WAIT:
            loop_timer_set(&v->timer, script_deadline_us(&v->script));
            return;
        case SCRIPT_SYNC:
            v->syncing = true;
            if (viewer_is_settled(v->viewer)) {
                v->syncing = false;
                script_synced(&v->script);
                continue;
            }
            return;
        case SCRIPT_MORE:
            return;
        case SCRIPT_END:
            v->script_done = true;
            check_end(v);
            return;
        }
    }
}

static void script_error(struct view *v, enum err e, const struct script_error *why)
{
    reason_give(&v->run->reason, ERR_USAGE, "the input script, line %llu, column %llu: %s",
                (unsigned long long)why->line, (unsigned long long)why->column, why->reason);
    finish(v, e == ERR_MEMORY ? e : ERR_USAGE);
}

/* Reads what has come of a script on standard input. */
static void on_script(void *ctx, unsigned events)
{
    struct view *v = ctx;
    struct script_error why;
    uint8_t space[4096];
    ssize_t n = read(v->script_fd, space, sizeof space);
    enum err e;

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        loop_io_free(v->script_io);
        v->script_io = NULL;
        e = script_finish(&v->script, &why);
    } else {
        e = script_feed(&v->script, bytes_of(space, (size_t)n), &why);
    }
    if (e)
        script_error(v, e, &why);
    else
        run_script(v);
}

static enum err load_script(struct view *v)
{
    struct script_error why;
    struct buf text;

    if (!v->config->input)
        return OK;
    v->has_script = true;
    if (strcmp(v->config->input, "-") == 0) {
        v->script_fd = STDIN_FILENO;
        enum err e = loop_io_new(v->loop, v->script_fd, on_script, v, &v->script_io);
        return e;
    }
    buf_init(&text, LIMIT_SCRIPT_BYTES);
    enum err e = file_read(v->config->input, false, &text);
    if (e) {
        buf_release(&text);
        return reason_give(&v->run->reason, e == ERR_NOT_FOUND ? ERR_USAGE : e,
                           "cannot read the input script %.120s", v->config->input);
    }
    e = script_feed(&v->script, buf_bytes(&text), &why);
    if (!e)
        e = script_finish(&v->script, &why);
    buf_release(&text);
    if (e)
        script_error(v, e, &why);
    return e ? ERR_USAGE : OK;
}

static void on_timer(void *ctx)
{
    struct view *v = ctx;
    uint64_t now = loop_now_us(v->loop);

    if (v->until_us && now >= v->until_us) {
        if (wants_exact(v) && !v->exact_reached)
            fail(v, ERR_UNREACHABLE, "the picture did not become exact in time");
        else
            finish(v, OK);
        return;
    }
    run_script(v);
    if (v->until_us)
        loop_timer_set(&v->timer, num_min(v->until_us, script_deadline_us(&v->script)));
}

/* ---- the session ---- */

static void connected(struct view *v, const struct peer_event *e)
{
    char roles[ROLE_TEXT_CHARS], at[ADDR_CHARS];
    struct json *j = json_new();

    v->connected = true;
    role_print(e->roles, roles);
    json_put_string(j, "event", "connected");
    json_put_string(j, "address", addr_print(&e->path, at));
    json_put_string(j, "roles", roles);
    log_info("connected to %s, may %s", at, roles);
    if (run_event(v->run, j))
        finish(v, ERR_SYSTEM);
    if (v->has_script && !(e->roles & ROLE_CONTROL))
        log_warn("this key may only view: the server will leave the input out");
    v->script_running = v->has_script;
    if (v->script_io)
        loop_io_want(v->script_io, LOOP_READ);
    run_script(v);
}

static void closed(struct view *v, const struct peer_event *e)
{
    if (v->ending)
        return;
    if (e->error != OK) {
        finish(v, e->error == ERR_SYSTEM || e->error == ERR_MEMORY ? ERR_UNREACHABLE : e->error);
        return;
    }
    log_info("the server has ended the session: %s", e->reason);
    if (wants_exact(v) || (v->has_script && !v->script_done))
        fail(v, ERR_UNREACHABLE, "the server ended the session before the work was done");
    else
        finish(v, OK);
}

static void on_event(void *ctx, struct peer *p, const struct peer_event *e)
{
    struct view *v = ctx;
    bool tell = !v->ending || e->kind == PEER_EVENT_CLOSED;

    if (tell)
        settle(v, viewer_event(v->viewer, loop_now_us(v->loop), p, e));
    if (e->kind == PEER_EVENT_CONNECTED)
        connected(v, e);
    else if (e->kind == PEER_EVENT_CLOSED)
        closed(v, e);
    take_exact(v);
}

static void on_batch(void *ctx, uint64_t now_us)
{
    struct source_pointer pointer;
    struct view *v = ctx;

    (void)now_us;
    if (v->ending)
        return;
    show_soon(v);
    if (viewer_next_pointer(v->viewer, &pointer) && v->sink->ops->pointer)
        v->sink->ops->pointer(v->sink, &pointer);
    run_script(v);
}

static void on_sink(void *ctx, unsigned events)
{
    struct view *v = ctx;
    struct input_event e;
    enum err err = v->sink->ops->poll ? v->sink->ops->poll(v->sink, loop_now_us(v->loop)) : OK;

    (void)events;
    if (err == ERR_END) {
        finish(v, OK);
        return;
    }
    if (err) {
        fail(v, ERR_SYSTEM, "the window's display is gone");
        return;
    }
    while (v->connected && v->sink->ops->input && v->sink->ops->input(v->sink, &e))
        send_input(v, &e);
}

/* ---- statistics and the result ---- */

static struct json *quantiles(const struct stat_hist *h)
{
    struct json *j = json_new();

    json_put_int(j, "p50", (int64_t)stat_quantile(h, 500));
    json_put_int(j, "p95", (int64_t)stat_quantile(h, 950));
    json_put_int(j, "p99", (int64_t)stat_quantile(h, 990));
    json_put_int(j, "max", (int64_t)h->max);
    return j;
}

static void put_figures(const struct view *v, struct json *j)
{
    struct peer_path path;
    struct mirror_counters c;

    peer_path(session(v), loop_now_us(v->loop), &path);
    mirror_count(v->mirror, &c);
    json_put_int(j, "frames", (int64_t)v->frames);
    json_put_int(j, "in_bytes", (int64_t)path.received_bytes);
    json_put_int(j, "out_bytes", (int64_t)path.sent_bytes);
    json_put_int(j, "rtt_us", (int64_t)path.rtt_us);
    json_put_int(j, "version", mirror_version(v->mirror));
    json_put_int(j, "updates", (int64_t)c.updates);
    json_put_int(j, "failures", (int64_t)c.failures);
    json_put(j, "delay_us", quantiles(&v->delay_us));
}

static void on_stats(void *ctx)
{
    struct view *v = ctx;
    struct json *j = json_new();

    json_put_string(j, "event", "stats");
    put_figures(v, j);
    if (!v->run->json) {
        struct peer_path path;
        peer_path(session(v), loop_now_us(v->loop), &path);
        log_info("%llu pictures, %llu bytes in, %.1f ms round trip%s",
                 (unsigned long long)v->frames, (unsigned long long)path.received_bytes,
                 (double)path.rtt_us / 1e3, viewer_is_exact(v->viewer, NULL) ? ", exact now" : "");
    }
    if (run_event(v->run, j))
        finish(v, ERR_SYSTEM);
    loop_timer_set(&v->stats, loop_now_us(v->loop) + STATS_US);
}

static enum err say_result(struct view *v)
{
    struct json *j = json_new();
    char text[2 * DESK_HASH_BYTES + 1];
    struct viewer_exact x;
    bool exact = viewer_is_exact(v->viewer, &x);

    json_put_string(j, "event", "result");
    put_figures(v, j);
    json_put_bool(j, "exact", exact);
    if (exact) {
        hash_text(x.hash, text);
        json_put_int(j, "exact_version", x.version);
        json_put_string(j, "hash", text);
    }
    if (v->connected) {
        struct peer_path path;
        peer_path(session(v), loop_now_us(v->loop), &path);
        run_say(v->run, "%llu pictures, %llu bytes, %s", (unsigned long long)v->frames,
                (unsigned long long)path.received_bytes,
                exact ? "exact: proven equal to the server's picture" : "not proven exact");
    }
    return run_event(v->run, j);
}

/* ---- life ---- */

static void on_asked(void *ctx)
{
    finish(ctx, OK);
}

static enum err open_sink(struct view *v)
{
    const char *display = getenv("DISPLAY"), *name = v->config->to;
    char why[LIMIT_REASON_CHARS] = "";

    if (!name && display && *display)
        name = "x11";
    if (!name)
        return reason_give(&v->run->reason, ERR_USAGE,
                           "no $DISPLAY to open a window on: say where the picture shall go, for "
                           "example --to shot.png, --to session.y4m or --to null");
    enum err e = sink_open(name, loop_now_us(v->loop), &v->sink, why, sizeof why);
    if (e)
        return reason_give(&v->run->reason, e == ERR_UNREACHABLE ? ERR_SYSTEM : e, "%s", why);
    int fd = v->sink->ops->fd ? v->sink->ops->fd(v->sink) : -1;
    if (fd < 0)
        return OK;
    e = loop_io_new(v->loop, fd, on_sink, v, &v->sink_io);
    if (!e)
        loop_io_want(v->sink_io, LOOP_READ);
    return e;
}

static enum err begin(struct view *v)
{
    struct call_config cc = {.target = v->config->target, .accept_new = v->config->accept_new};
    struct call_owner owner = {.event = on_event, .batch = on_batch, .ctx = v};

    if (v->config->until && strcmp(v->config->until, "exact") != 0)
        return reason_give(&v->run->reason, ERR_USAGE, "--until %.40s: only \"exact\" is known",
                           v->config->until);
    enum err e = loop_new(&v->loop);
    if (!e)
        e = stop_new(v->loop, &(struct stop_owner){.asked = on_asked, .ctx = v}, v->run, &v->stop);
    if (e)
        return e;
    loop_timer_init(&v->timer, v->loop, on_timer, v);
    loop_timer_init(&v->work, v->loop, on_work, v);
    loop_timer_init(&v->present, v->loop, on_present, v);
    loop_timer_init(&v->stats, v->loop, on_stats, v);
    v->viewer = viewer_new(0);
    if (!v->viewer)
        return ERR_MEMORY;
    v->mirror = viewer_mirror(v->viewer);
    e = load_script(v);
    if (!e)
        e = open_sink(v);
    v->begun_us = loop_now_us(v->loop);
    if (!e)
        e = call_new(v->loop, &cc, &owner, v->run, &v->call);
    return e;
}

/* Writes what is to be written at the end, whatever has ended the work. */
static enum err finish_sink(struct view *v)
{
    struct sink_frame last = frame_of(v);

    if (!v->sink || !v->sink->ops->finish)
        return OK;
    return v->sink->ops->finish(v->sink, last.pic ? &last : NULL);
}

static void end(struct view *v)
{
    if (v->loop) {
        loop_timer_release(&v->timer);
        loop_timer_release(&v->work);
        loop_timer_release(&v->present);
        loop_timer_release(&v->stats);
    }
    loop_io_free(v->sink_io);
    loop_io_free(v->script_io);
    if (v->sink)
        v->sink->ops->free(v->sink);
    /* The window is gone, whatever the line does. */
    if (v->call)
        call_part(v->call, OK, "the viewer has ended");
    call_free(v->call);
    viewer_free(v->viewer);
    script_release(&v->script);
    stop_free(v->stop);
    loop_free(v->loop);
}

enum err run_view(const struct run_view_config *config, struct run *run)
{
    static struct view v; /* large; one a process */

    v = (struct view){.config = config, .run = run, .script_fd = -1};
    script_init(&v.script);
    enum err e = begin(&v);
    if (e == ERR_AGAIN && !v.call)
        e = OK; /* a signal came while the host was looked up */
    else if (!e) {
        if (config->for_us) {
            v.until_us = v.begun_us + config->for_us;
            loop_timer_set(&v.timer, v.until_us);
        }
        if (config->stats)
            loop_timer_set(&v.stats, loop_now_us(v.loop) + STATS_US);
        loop_run(v.loop);
        e = v.failure;
        enum err written = finish_sink(&v);
        if (!e && written)
            e = reason_give(&run->reason, written, "the picture could not be written");
        if (!e)
            e = say_result(&v);
    }
    end(&v);
    return e;
}
