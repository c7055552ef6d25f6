#include "core/run/run_view.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/crypt/role.h"
#include "core/run/call.h"
#include "core/run/loop.h"
#include "core/run/script_player.h"
#include "core/run/sink_writer.h"
#include "core/run/status_line.h"
#include "core/run/stop.h"
#include "core/run/view_report.h"
#include "core/screen/sink.h"
#include "core/screen/viewer.h"

enum {
    PRESENT_US = 12000, /* pictures are shown at most so often */
    SECOND_US = 1000000
};

/* A viewer at work; what is NULL is not there. */
struct view {
    const struct run_view_config *config;
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct loop_timer until, work, present, second;
    struct call *call;
    struct viewer *viewer;
    struct mirror *mirror; /* the viewer's */
    struct sink *sink;
    struct sink_writer *writer; /* has the sink when that only writes */
    struct loop_io *sink_io;
    struct script_player *player;
    struct view_report report;

    bool connected, ending;
    bool says_line; /* the state of the link is shown */
    bool behind;    /* a picture came while the last one was being written */
    uint64_t given_us, given_captured_us;
    uint32_t given_version, seen_version;
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
    script_player_stop(v->player);
    loop_stop(v->loop, 0);
}

static void fail(struct view *v, enum err e, const char *reason)
{
    reason_give(&v->run->reason, e, "%s", reason);
    finish(v, e);
}

/* ---- pictures ---- */

static const char unshown[] = "the picture cannot be shown or written any more";

static bool is_enough(const struct view *v)
{
    return v->config->frames && v->report.frames >= v->config->frames;
}

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

/* The picture that was given last is on the screen or in the file. */
static void seen(struct view *v)
{
    if (v->given_version != v->seen_version)
        stat_add(&v->report.delay_us, num_sub0(loop_refresh_us(v->loop), v->given_captured_us));
    v->seen_version = v->given_version;
}

static enum err give(struct view *v, const struct sink_frame *f)
{
    if (v->writer)
        return sink_writer_present(v->writer, f);
    return v->sink->ops->present ? v->sink->ops->present(v->sink, f) : OK;
}

static void present(struct view *v)
{
    struct sink_frame f = frame_of(v);

    if (!f.pic || (!mirror_has_changed(v->mirror) && !f.exact))
        return;
    loop_timer_set(&v->present, LOOP_NEVER);
    v->behind = sink_writer_busy(v->writer);
    if (v->behind)
        return;
    enum err e = give(v, &f);
    if (e) {
        fail(v, e, unshown);
        return;
    }
    v->given_version = f.version;
    v->given_captured_us = mirror_captured_us(v->mirror);
    v->given_us = f.now_us;
    if (!v->writer)
        seen(v);
    v->report.frames += mirror_has_changed(v->mirror);
    mirror_shown(v->mirror);
    if (is_enough(v))
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
        loop_timer_set(&v->present, num_max(loop_now_us(v->loop), v->given_us + PRESENT_US));
}

static void on_written(void *ctx, enum err e)
{
    struct view *v = ctx;

    if (e) {
        fail(v, e, unshown);
        return;
    }
    seen(v);
    if (v->behind)
        show_soon(v);
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

static void check_end(struct view *v)
{
    if (wants_exact(v) && script_player_done(v->player) && viewer_is_settled(v->viewer))
        finish(v, OK);
}

/* What was to be told could not be. */
static void told(struct view *v, enum err e)
{
    if (e)
        finish(v, e);
}

static void take_exact(struct view *v)
{
    struct viewer_exact x;

    if (v->ending || !viewer_next_exact(v->viewer, &x))
        return;
    present(v);
    told(v, view_report_exact(&v->report, loop_now_us(v->loop), &x));
    script_player_go(v->player);
    check_end(v);
}

/* ---- input ---- */

static void send_input(void *ctx, const struct input_event *e)
{
    struct view *v = ctx;

    settle(v, viewer_input(v->viewer, loop_now_us(v->loop), e));
}

static bool script_settled(void *ctx)
{
    return viewer_is_settled(((struct view *)ctx)->viewer);
}

static void script_over(void *ctx)
{
    check_end(ctx);
}

static void script_failed(void *ctx, enum err e)
{
    finish(ctx, e);
}

static void on_until(void *ctx)
{
    struct view *v = ctx;

    if (v->ending)
        return;
    if (!v->connected)
        fail(v, ERR_UNREACHABLE,
             "no answer before the time was up: is a server running there, and does UDP get "
             "through (firewall, port forwarding)?");
    else if (wants_exact(v))
        fail(v, ERR_UNREACHABLE, "the picture did not become exact in time");
    else if (!mirror_picture(v->mirror))
        fail(v, ERR_UNREACHABLE, "no picture came before the time was up");
    else
        finish(v, OK);
}

/* ---- every second ---- */

/* The state of the link, where the user can see it: in the window, or on the terminal. */
static void say_line(struct view *v)
{
    char text[LINK_TEXT_CHARS];

    if (!v->says_line)
        return;
    view_report_line(&v->report, loop_now_us(v->loop), text);
    if (v->sink->ops->status)
        v->sink->ops->status(v->sink, text);
    else
        status_line_show(text);
}

static void on_second(void *ctx)
{
    struct view *v = ctx;

    if (v->config->stats)
        told(v, view_report_stats(&v->report, loop_now_us(v->loop)));
    say_line(v);
    loop_timer_set(&v->second, loop_now_us(v->loop) + SECOND_US);
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
    told(v, run_event(v->run, j));
    v->report.view_only = !(e->roles & ROLE_CONTROL);
    if (v->player && v->report.view_only)
        log_warn("this key may only view: the server will leave the input out");
    say_line(v);
    script_player_begin(v->player);
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
    if (wants_exact(v) || !script_player_done(v->player))
        fail(v, ERR_UNREACHABLE, "the server ended the session before the work was done");
    else
        finish(v, OK);
}

/* The user sees an outage, and its end, when it is one. */
static void path_changed(struct view *v, uint32_t what)
{
    if (what & PEER_PATH_SILENT)
        log_info("nothing is heard from the server, trying on");
    if (what & PEER_PATH_BACK)
        log_info("the server is heard again");
    if (what & (PEER_PATH_SILENT | PEER_PATH_BACK | PEER_PATH_ADDRESS))
        say_line(v);
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
    else if (e->kind == PEER_EVENT_PATH_CHANGED && !v->ending)
        path_changed(v, e->what);
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
    script_player_go(v->player);
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
    if (v->sink->ops->writes) {
        struct sink_writer_owner owner = {.written = on_written, .ctx = v};
        return sink_writer_new(v->loop, v->sink, &owner, &v->writer);
    }
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
    struct call_config cc = {.target = v->config->target,
                             .accept_new = v->config->accept_new,
                             .peer = {.idle_timeout_us = v->config->patience_us}};
    struct call_owner owner = {.event = on_event, .batch = on_batch, .ctx = v};
    struct script_player_owner script = {.act = send_input,
                                         .settled = script_settled,
                                         .over = script_over,
                                         .failed = script_failed,
                                         .ctx = v};

    if (v->config->until && strcmp(v->config->until, "exact") != 0)
        return reason_give(&v->run->reason, ERR_USAGE, "--until %.40s: only \"exact\" is known",
                           v->config->until);
    enum err e = loop_new(&v->loop);
    if (!e)
        e = stop_new(v->loop, &(struct stop_owner){.asked = on_asked, .ctx = v}, v->run, &v->stop);
    if (e)
        return e;
    loop_timer_init(&v->until, v->loop, on_until, v);
    loop_timer_init(&v->work, v->loop, on_work, v);
    loop_timer_init(&v->present, v->loop, on_present, v);
    loop_timer_init(&v->second, v->loop, on_second, v);
    v->viewer = viewer_new(0);
    if (!v->viewer)
        return ERR_MEMORY;
    v->mirror = viewer_mirror(v->viewer);
    e = script_player_new(v->loop, v->config->input, &script, v->run, &v->player);
    if (!e)
        e = open_sink(v);
    v->report.begun_us = loop_now_us(v->loop);
    if (!e)
        e = call_new(v->loop, &cc, &owner, v->run, &v->call);
    if (e)
        return e;
    v->report.run = v->run;
    v->report.viewer = v->viewer;
    v->report.peer = session(v);
    /* Figures every second say more than the line. */
    v->says_line = v->sink->ops->status || (!v->config->stats && status_line_begin(v->run));
    if (v->config->for_us)
        loop_timer_set(&v->until, v->report.begun_us + v->config->for_us);
    if (v->says_line || v->config->stats)
        loop_timer_set(&v->second, loop_now_us(v->loop) + SECOND_US);
    return OK;
}

/* Writes what is to be written at the end, whatever has ended the work. */
static enum err finish_sink(struct view *v)
{
    struct sink_frame last = frame_of(v);

    if (v->writer) {
        bool more = v->behind && !v->failure && !is_enough(v) && mirror_has_changed(v->mirror);
        v->report.frames += more;
        return sink_writer_finish(v->writer, more ? &last : NULL);
    }
    if (!v->sink->ops->finish)
        return OK;
    return v->sink->ops->finish(v->sink, last.pic ? &last : NULL);
}

static void end(struct view *v)
{
    if (v->loop) {
        loop_timer_release(&v->until);
        loop_timer_release(&v->work);
        loop_timer_release(&v->present);
        loop_timer_release(&v->second);
    }
    loop_io_free(v->sink_io);
    script_player_free(v->player);
    if (v->writer)
        sink_writer_free(v->writer);
    else if (v->sink)
        v->sink->ops->free(v->sink);
    /* The window is gone, whatever the line does. */
    if (v->call)
        call_part(v->call, OK, "the viewer has ended");
    call_free(v->call);
    viewer_free(v->viewer);
    stop_free(v->stop);
    loop_free(v->loop);
}

enum err run_view(const struct run_view_config *config, struct run *run)
{
    static struct view v; /* large; one a process */

    v = (struct view){.config = config, .run = run};
    enum err e = begin(&v);
    if (e == ERR_AGAIN) {
        e = OK; /* a signal came while the host was looked up */
    } else if (!e) {
        loop_run(v.loop);
        status_line_end();
        e = v.failure;
        enum err written = finish_sink(&v);
        if (!e && written)
            e = reason_give(&run->reason, written, "the picture could not be written");
        if (!e)
            e = view_report_result(&v.report, loop_now_us(v.loop), v.connected);
    }
    end(&v);
    return e;
}
