#include "core/run/run_migrate_check.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/base/utf8.h"
#include "core/crypt/crypt.h"
#include "core/guest/channel_end.h"
#include "core/guest/move_control.h"
#include "core/run/call.h"
#include "core/run/guest_qemu.h"
#include "core/run/qemu_words.h"
#include "core/run/stop.h"

enum { TICK_US = 100000, PIECE_BYTES = 64 * 1024, DIRTY_S = 1, MIB = 1 << 20 };

struct check {
    const struct run_migrate_check_config *config;
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct guest_qemu qemu;
    bool opened;
    struct call *call;
    struct peer *peer; /* borrowed, while there is a session */
    struct move_control control;
    uint64_t probe; /* the stream that is filled ... */
    bool probing;   /* ... while this holds */
    uint64_t until_us;
    struct loop_timer tick;
    struct peer_path path; /* the last that was seen while it was filled */
    uint64_t rate_bps, dirty_bps;
    bool dirty_known;
    unsigned problems;
    enum err failure;
    uint8_t piece[PIECE_BYTES]; /* what nobody can make shorter */
};

static void settle(struct check *c, enum err e)
{
    if (!e)
        return;
    if (!c->failure)
        c->failure = e;
    loop_leave(c->loop);
}

static void tell_problem(struct check *c, bool there, const char *text)
{
    struct json *j = json_new();

    c->problems++;
    run_say(c->run, "- %s%s", there ? "there: " : "", text);
    json_put_string(j, "event", "problem");
    json_put_string(j, "host", there ? "there" : "here");
    json_put_string(j, "says", text);
    settle(c, run_event(c->run, j));
}

static void problem(void *ctx, const char *text)
{
    tell_problem(ctx, false, text);
}

static void doubt(void *ctx, const char *text)
{
    struct check *c = ctx;
    struct json *j = json_new();

    run_say(c->run, "? %s", text);
    json_put_string(j, "event", "warning");
    json_put_string(j, "says", text);
    settle(c, run_event(c->run, j));
}

/* ---- this host ---- */

static void look_here(struct check *c)
{
    struct reason why = {0};

    guest_facts_leaves(&c->qemu.facts, c->config->disks, problem, c);
    if (qemu_words_free(c->qemu.pid, &why))
        problem(c, why.text);
    guest_facts_doubts(&c->qemu.facts, doubt, c);
}

static void on_ready(void *ctx, enum err e)
{
    struct check *c = ctx;

    settle(c, e);
    loop_leave(c->loop);
}

static void on_lost(void *ctx, bool gone)
{
    struct check *c = ctx;

    (void)gone;
    settle(c, reason_give(&c->run->reason, ERR_UNREACHABLE, "the guest's QEMU has gone"));
}

static void take_dirty(struct check *c, const struct json_value *v, const char *refused)
{
    int64_t mib_per_s = json_int(json_member(v, "dirty-rate"), -1);

    if (refused || mib_per_s < 0)
        return;
    c->dirty_known = true;
    c->dirty_bps = num_mul_div((uint64_t)mib_per_s, MIB * 8, 1);
}

static void on_dirty_asked(void *ctx, const struct json_value *v, const char *refused)
{
    struct check *c = ctx;

    take_dirty(c, v, refused);
    loop_leave(c->loop);
}

/* QEMU looks at some of the guest's pages, and once more after a while. */
static void measure_dirty(struct check *c)
{
    struct json *j = json_new();

    json_put_int(j, "calc-time", DIRTY_S);
    if (guest_facts_runs(&c->qemu.facts) &&
        monitor_do(c->qemu.monitor, "calc-dirty-rate", j, NULL, NULL))
        log_debug("QEMU does not measure what the guest writes");
}

/* ---- the other host ---- */

static void say(struct check *c, enum move_kind kind, struct json *body)
{
    if (move_control_say(&c->control, kind, body))
        settle(c, ERR_UNREACHABLE);
    call_kick(c->call);
}

static void ask_there(struct check *c)
{
    struct json *j = json_new(), *command = qemu_words_put(c->qemu.pid);

    json_put_string(j, "disks", c->config->disks ? c->config->disks : "none");
    json_put(j, "guest", guest_facts_put(&c->qemu.facts));
    if (command)
        json_put(j, "command", command);
    say(c, MOVE_CHECK, j);
}

static void start_probe(struct check *c)
{
    if (c->config->for_us == 0 || peer_stream_open(c->peer, PEER_BULK, false, &c->probe)) {
        loop_leave(c->loop);
        return;
    }
    c->probing = true;
    c->until_us = loop_now_us(c->loop) + c->config->for_us;
    loop_timer_set(&c->tick, loop_now_us(c->loop) + TICK_US);
    call_kick(c->call);
}

static void on_found(struct check *c, const struct json_value *body)
{
    const struct json_value *list = json_member(body, "problems");
    char text[LIMIT_REASON_CHARS + 1];

    for (size_t i = 0; i < json_count(list); i++) {
        const char *says = json_text(json_member(json_item(list, i), "says"));
        utf8_clean(bytes_of_string(says ? says : "?"), text, sizeof text);
        tell_problem(c, true, text);
    }
    start_probe(c);
}

static void on_record(struct check *c, enum move_kind kind, const struct json_value *body)
{
    char text[LIMIT_REASON_CHARS + 1];
    const char *says = json_text(json_member(body, "reason"));

    if (kind == MOVE_FOUND) {
        on_found(c, body);
    } else if (kind == MOVE_REFUSE) {
        utf8_clean(bytes_of_string(says ? says : "the destination refuses"), text, sizeof text);
        tell_problem(c, true, text);
        start_probe(c);
    }
}

static void read_control(struct check *c)
{
    enum move_kind kind;
    const struct json_value *body;
    enum err e;

    while ((e = move_control_next(&c->control, &kind, &body)) == OK)
        on_record(c, kind, body);
    if (e != ERR_AGAIN)
        settle(c, reason_give(&c->run->reason, ERR_MALFORMED,
                              "what the destination says is not understood"));
}

static void on_event(void *ctx, struct peer *p, const struct peer_event *e)
{
    struct check *c = ctx;
    uint64_t stream;

    switch (e->kind) {
    case PEER_EVENT_CONNECTED:
        c->peer = p;
        if (peer_stream_open(p, PEER_INPUT, false, &stream)) {
            settle(c, ERR_MEMORY);
            break;
        }
        move_control_init(&c->control, p, stream);
        ask_there(c);
        break;
    case PEER_EVENT_STREAM:
        if (c->control.peer && e->id == c->control.stream)
            read_control(c);
        break;
    case PEER_EVENT_CLOSED:
        c->peer = NULL;
        settle(c, e->error == OK ? reason_give(&c->run->reason, ERR_UNREACHABLE,
                                               "the destination has ended the session")
                                 : e->error);
        break;
    default:
        break;
    }
}

static void on_fill(void *ctx, uint64_t now_us)
{
    struct check *c = ctx;
    struct peer_path path;
    size_t taken;

    if (!c->probing || !c->peer)
        return;
    peer_path(c->peer, now_us, &path);
    for (uint64_t more = num_max(path.window_bytes * 2, MIB);
         peer_stream_unsent(c->peer, c->probe) < more;)
        if (peer_stream_write(c->peer, c->probe, bytes_of(c->piece, sizeof c->piece), &taken) ||
            taken < sizeof c->piece)
            break;
}

static void on_tick(void *ctx)
{
    struct check *c = ctx;
    uint64_t now = loop_now_us(c->loop);

    if (!c->peer)
        return;
    peer_path(c->peer, now, &c->path);
    c->rate_bps = num_max(c->rate_bps, c->path.rate_bps);
    if (now >= c->until_us) {
        c->probing = false;
        loop_leave(c->loop);
        return;
    }
    loop_timer_set(&c->tick, now + TICK_US);
}

/* ---- the whole ---- */

static enum err tell_result(struct check *c)
{
    const struct guest_facts *f = &c->qemu.facts;
    bool copy = c->config->disks && strcmp(c->config->disks, "copy") == 0;
    uint64_t bytes = f->memory_bytes;
    struct json *j = json_new();

    for (size_t i = 0; copy && i < f->disks; i++)
        bytes += f->disk[i].read_only ? 0 : f->disk[i].size_bytes;
    /* Each round sends again what was written during the one before. */
    bool ends = c->rate_bps > 0 && c->dirty_bps < c->rate_bps;
    uint64_t memory_us =
        ends ? num_mul_div(f->memory_bytes, 8000000, c->rate_bps - c->dirty_bps) : 0;
    uint64_t disk_us = ends ? num_mul_div(bytes - f->memory_bytes, 8000000, c->rate_bps) : 0;
    uint64_t gap_us = c->config->max_downtime_us + 2 * c->path.min_rtt_us;
    json_put_string(j, "event", "result");
    json_put_int(j, "problems", c->problems);
    json_put_int(j, "bytes", (int64_t)bytes);
    json_put_int(j, "rate_bps", (int64_t)c->rate_bps);
    json_put_int(j, "rtt_us", (int64_t)c->path.min_rtt_us);
    json_put_real(j, "loss", (double)c->path.loss_millionths / 1e6);
    if (c->dirty_known)
        json_put_int(j, "dirty_bps", (int64_t)c->dirty_bps);
    else
        json_put_null(j, "dirty_bps");
    if (ends)
        json_put_int(j, "total_us", (int64_t)(memory_us + disk_us));
    else
        json_put_null(j, "total_us");
    json_put_int(j, "gap_us", (int64_t)gap_us);
    if (c->rate_bps)
        run_say(c->run,
                "the path takes %.1f Mbit/s, round trip %.1f ms, %.2f %% lost; the guest writes "
                "%.1f Mbit/s",
                (double)c->rate_bps / 1e6, (double)c->path.min_rtt_us / 1e3,
                (double)c->path.loss_millionths / 1e4, (double)c->dirty_bps / 1e6);
    if (ends)
        run_say(c->run,
                "at most %.0f MB in %.0f s when nothing can be compressed; the guest is to "
                "stand for some %.0f ms",
                (double)bytes / 1e6, (double)(memory_us + disk_us) / 1e6, (double)gap_us / 1e3);
    else if (c->rate_bps)
        run_say(c->run, "the guest writes faster than the path takes: it may never be the same");
    run_say(c->run,
            c->problems == 0   ? "nothing stands in its way"
            : c->problems == 1 ? "%u problem"
                               : "%u problems",
            c->problems);
    return run_event(c->run, j);
}

static enum err begin(struct check *c)
{
    const struct run_migrate_check_config *config = c->config;
    struct guest_qemu_owner owner = {.ready = on_ready, .lost = on_lost, .ctx = c};

    if (!config->qmp)
        return reason_give(&c->run->reason, ERR_USAGE,
                           "say which guest: --qmp SOCKET, the monitor of its QEMU");
    if (config->disks && strcmp(config->disks, "shared") != 0 && strcmp(config->disks, "copy") != 0)
        return reason_give(&c->run->reason, ERR_USAGE,
                           "--disks %.40s: copy, or shared when both hosts have them",
                           config->disks);
    enum err e = crypt_init();
    if (!e)
        e = loop_new(&c->loop);
    if (e)
        return e;
    struct rng rng = crypt_rng();
    rng_fill(&rng, c->piece, sizeof c->piece);
    loop_timer_init(&c->tick, c->loop, on_tick, c);
    e = stop_new(c->loop, &(struct stop_owner){0}, c->run, &c->stop);
    if (!e)
        e = guest_qemu_open(&c->qemu, c->loop, config->qmp, &owner, c->run);
    c->opened = e == OK;
    return e;
}

static enum err look(struct check *c)
{
    const struct run_migrate_check_config *config = c->config;
    struct call_config cc = {.target = config->target,
                             .accept_new = config->accept_new,
                             .tcp = config->tcp,
                             .peer = channel_end_peer_config()};
    struct call_owner owner = {.event = on_event, .fill = on_fill, .ctx = c};

    loop_run(c->loop);
    if (c->failure || c->run->signal)
        return c->failure;
    look_here(c);
    measure_dirty(c);
    enum err e = call_new(c->loop, &cc, &owner, c->run, &c->call);
    if (e)
        return e == ERR_AGAIN ? OK : e;
    loop_run(c->loop);
    if (c->failure || c->run->signal)
        return c->failure;
    if (monitor_do(c->qemu.monitor, "query-dirty-rate", NULL, on_dirty_asked, c) == OK)
        loop_run(c->loop);
    e = c->failure ? c->failure : tell_result(c);
    if (!e && c->problems)
        e = reason_give(&c->run->reason, ERR_UNSUPPORTED, "it cannot be moved like this");
    return e;
}

static void end(struct check *c)
{
    c->probing = false;
    if (c->call && c->peer)
        call_part(c->call, OK, "that was all");
    call_free(c->call);
    move_control_release(&c->control);
    if (c->opened)
        guest_qemu_close(&c->qemu);
    if (c->loop)
        loop_timer_release(&c->tick);
    stop_free(c->stop);
    loop_free(c->loop);
    heap_free(c);
}

enum err run_migrate_check(const struct run_migrate_check_config *config, struct run *run)
{
    struct check *c = heap_alloc(sizeof *c);

    if (!c)
        return ERR_MEMORY;
    c->config = config;
    c->run = run;
    enum err e = begin(c);
    if (!e)
        e = look(c);
    end(c);
    return e;
}
