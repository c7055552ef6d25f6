#include "core/run/send_move.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/base/utf8.h"
#include "core/crypt/crypt.h"
#include "core/os/clock.h"
#include "core/os/stream_socket.h"
#include "core/run/move_halt.h"
#include "core/run/qemu_words.h"

enum {
    TICK_US = 500000,
    STRAINED = 85,           /* % of the time busy: this thread does not keep up ... */
    RELAXED = 60,            /* ... and below that it does */
    KNOWN_MOST_US = 3000000, /* so long is waited for what the destination has */
    STEER_US = 50000         /* how often it is looked whether the guest is to stand */
};

/* The first to see the trouble knows best. */
void send_move_blame(struct send_move *s, enum err e, const char *text)
{
    if (s->failure)
        return;
    s->failure = e;
    reason_give(&s->why, e, "%s", text);
}

static void settle(struct send_move *s, enum err e)
{
    if (!e)
        return;
    send_move_blame(s, e, reason_text(&s->run->reason, e));
    loop_leave(s->loop);
}

void send_move_hear(struct send_move *s, enum source_news news)
{
    if (s->phase != SEND_MOVE)
        return;
    handover_source_hear(&s->handover, news);
    send_move_act(s);
}

static void kick(void *ctx)
{
    struct send_move *s = ctx;

    if (s->peer)
        call_kick(s->call);
}

/* ---- memory and disks ---- */

static void count_memory(struct send_move *s)
{
    send_memory_count(&s->memory);
    s->report.memory = s->memory.counters;
}

static void close_memory(struct send_move *s)
{
    count_memory(s);
    send_memory_close(&s->memory);
}

static void count_disks(struct send_move *s)
{
    if (s->disks.n)
        s->report.disks = send_disks_count(&s->disks);
}

static void give_shut(struct send_move *s)
{
    if (!send_memory_shut(&s->memory))
        send_move_blame(s, ERR_UNSUPPORTED, "QEMU has closed its connection too early");
}

/* ---- what the hand-over wants done ---- */

static void say(struct send_move *s, enum move_kind kind, struct json *body)
{
    enum err e = s->peer ? move_control_say(&s->control, kind, body) : ERR_END;

    if (!s->peer)
        json_free(body);
    if (e)
        log_warn("the destination could not be told: %s", err_text(e));
    kick(s);
}

static void ask_time(struct send_move *s)
{
    struct json *j = json_new();

    json_put_int(j, "us", (int64_t)clock_real_us());
    say(s, MOVE_TIME, j);
}

static void say_id(struct send_move *s, enum move_kind kind)
{
    struct json *j = json_new();

    json_put_string(j, "id", s->note.id);
    say(s, kind, j);
}

static struct json *runs_body(const struct send_move *s)
{
    struct json *j = json_new();

    json_put_string(j, "id", s->note.id);
    if (s->failure)
        json_put_string(j, "reason", reason_text(&s->why, s->failure));
    return j;
}

static struct json *handover_body(const struct send_move *s)
{
    struct json *j = json_new();

    json_put_string(j, "id", s->note.id);
    send_memory_digest(&s->memory, j);
    return j;
}

static enum err put_note(struct send_move *s, enum move_stage stage)
{
    s->note.stage = stage;
    s->note.at_s = (int64_t)(clock_real_us() / 1000000);
    return move_notes_put(&s->notes, &s->note);
}

static enum source_news note_handed(struct send_move *s)
{
    if (put_note(s, NOTE_HANDED) == OK)
        return SOURCE_NOTED;
    send_move_blame(s, ERR_SYSTEM, "the hand-over could not be noted on this host's disk");
    if (put_note(s, NOTE_MOVING))
        move_notes_drop(&s->notes, s->note.id);
    return SOURCE_NOT_NOTED;
}

static void on_resumed(void *ctx, enum err e)
{
    struct send_move *s = ctx;

    if (e == ERR_UNREACHABLE)
        return; /* that it is lost is told by itself */
    if (e)
        send_move_blame(s, e, reason_text(&s->run->reason, e));
    send_move_hear(s, e ? SOURCE_NOT_RESUMED : SOURCE_RESUMED);
}

static void stop_migration(struct send_move *s)
{
    close_memory(s);
    /* QEMU may be waiting for a disk, and answers to nothing else meanwhile. */
    count_disks(s);
    send_disks_cut(&s->disks);
    if (s->failed)
        handover_source_hear(&s->handover, SOURCE_QEMU_FAILED);
    else
        send_qemu_cancel(&s->qemu);
}

static void perform(struct send_move *s, enum source_act what)
{
    switch (what) {
    case SOURCE_DO_SHUT:
        give_shut(s);
        break;
    case SOURCE_DO_STOP:
        stop_migration(s);
        break;
    case SOURCE_DO_NOTE:
        handover_source_hear(&s->handover, note_handed(s));
        break;
    case SOURCE_DO_RESUME:
        send_qemu_resume(&s->qemu, on_resumed, s);
        break;
    case SOURCE_SAY_HANDOVER:
        say(s, MOVE_HANDOVER, handover_body(s));
        break;
    case SOURCE_SAY_RUNS:
        say(s, MOVE_RUNS, runs_body(s));
        break;
    case SOURCE_SAY_ASK:
        say_id(s, MOVE_ASK);
        break;
    case SOURCE_SAY_DONE:
        say_id(s, MOVE_DONE);
        break;
    case SOURCE_DO_FORGET:
        move_notes_drop(&s->notes, s->note.id);
        break;
    case SOURCE_DO_NOTHING:
        break;
    }
}

static void tell_stage(struct send_move *s)
{
    if (s->told == s->handover.stage)
        return;
    s->told = s->handover.stage;
    const char *name = handover_source_name(s->told);
    settle(s, send_report_stage(&s->report, name));
    move_halt(name);
}

void send_move_act(struct send_move *s)
{
    enum source_act what;

    tell_stage(s);
    while ((what = handover_source_next(&s->handover)) != SOURCE_DO_NOTHING) {
        perform(s, what);
        tell_stage(s);
    }
    if (s->handover.stage == SOURCE_ENDED)
        loop_leave(s->loop);
}

/* ---- QEMU ---- */

static void on_ready(void *ctx, enum err e)
{
    struct send_move *s = ctx;

    settle(s, e);
    loop_leave(s->loop);
}

static void on_status(struct send_move *s, const char *status)
{
    log_debug("QEMU's migration is %s", status);
    if (strcmp(status, "pre-switchover") == 0) {
        send_hook_stopped(&s->hook); /* for the move, not by somebody else */
        settle(s, send_report_stage(&s->report, "switching"));
        move_halt("switching");
        if (s->disks.n)
            send_disks_stop(&s->disks);
        else
            send_qemu_go_on(&s->qemu);
    } else if (strcmp(status, "completed") == 0) {
        send_move_hear(s, SOURCE_QEMU_COMPLETED);
    } else if (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0) {
        s->failed = true;
        close_memory(s);
        send_move_blame(s, ERR_UNSUPPORTED, "QEMU has given up migrating");
        send_move_hear(s, SOURCE_QEMU_FAILED);
    }
}

/* From now on all that is written is waited for. */
static void on_stop(struct send_move *s, int64_t at_us)
{
    s->report.stop_us = at_us;
    s->memory.pace.free = true;
    kick(s);
}

/* It stays; or somebody else had stopped it for a while. */
static void on_resume(struct send_move *s)
{
    s->memory.pace.free = false;
    send_hook_back(&s->hook);
}

static void on_told(void *ctx, const char *name, const struct json_value *data, int64_t at_us)
{
    struct send_move *s = ctx;
    const char *status = json_text(json_member(data, "status"));

    send_disks_told(&s->disks, name, data);
    if (strcmp(name, "MIGRATION") == 0 && status && s->phase == SEND_MOVE)
        on_status(s, status);
    else if (strcmp(name, "STOP") == 0)
        on_stop(s, at_us);
    else if (strcmp(name, "RESUME") == 0)
        on_resume(s);
}

static void on_lost(void *ctx, bool gone)
{
    struct send_move *s = ctx;

    if (s->phase < SEND_MOVE) {
        settle(s, reason_give(&s->run->reason, ERR_UNREACHABLE, "the guest's QEMU has gone"));
        return;
    }
    if (gone) {
        send_move_blame(s, ERR_UNREACHABLE, "the guest's QEMU has died");
        /* What it was to write to ends now, if it never was given that. */
        stream_socket_close(s->qemu.give);
        s->qemu.give = -1;
        send_move_hear(s, SOURCE_QEMU_GONE);
        if (!send_memory_is_open(&s->memory) && s->handover.stage == SOURCE_ORPHANED)
            send_move_hear(s, SOURCE_GIVE_UP);
        return;
    }
    /* It may be alive: where it has not been told that all is well, it lets its guest go on. */
    send_move_blame(s, ERR_UNREACHABLE,
                    "QEMU has closed its monitor, and cannot be asked any more");
    send_move_hear(s, SOURCE_CANCEL);
    s->failed = true;
    close_memory(s);
    send_move_hear(s, s->handover.stage == SOURCE_STOPPING ? SOURCE_QEMU_FAILED : SOURCE_GIVE_UP);
}

static void on_begun(void *ctx, enum err e)
{
    struct send_move *s = ctx;

    if (!e || e == ERR_UNREACHABLE)
        return; /* that it is lost is told by itself */
    send_move_blame(s, e, reason_text(&s->run->reason, e));
    s->failed = true;
    send_move_hear(s, SOURCE_CANCEL);
}

/* Looks how far it is, and whether the guest is to stand. */
static void on_steer(void *ctx)
{
    struct send_move *s = ctx;

    if (s->phase != SEND_MOVE || s->failed || s->switching || s->handover.stage != SOURCE_MOVING)
        return;
    send_qemu_ask(&s->qemu);
    loop_timer_set(&s->steer, loop_now_us(s->loop) + STEER_US);
}

static void on_progressed(void *ctx)
{
    struct send_move *s = ctx;
    const struct send_progress *p = &s->qemu.progress;
    struct peer_path path;

    if (s->phase != SEND_MOVE || s->switching || s->memory.pace.free || !s->peer ||
        !send_memory_is_open(&s->memory))
        return;
    count_memory(s);
    peer_path(s->peer, loop_now_us(s->loop), &path);
    struct switch_view v = {
        .now_us = loop_now_us(s->loop),
        .remaining_bytes = p->remaining_bytes,
        .dirty_bps = p->dirty_bps,
        .rounds = p->rounds,
        .raw_bytes = s->memory.counters.raw_bytes,
        .packed_bytes = s->memory.counters.packed_bytes,
        .rate_bps = path.rate_bps,
        .queued_bytes = path.queued_bytes + path.unsent_bytes + send_memory_waiting(&s->memory),
        .behind_bytes = num_sub0(s->memory.counters.raw_bytes, s->memory.pace.taken),
    };
    bool stand = switch_over_look(&s->when, &v);
    log_debug("round %llu: %llu KB to go, %llu KB behind, %llu ms", (unsigned long long)v.rounds,
              (unsigned long long)(v.remaining_bytes / 1000),
              (unsigned long long)(v.behind_bytes / 1000),
              (unsigned long long)(s->when.expected_us / 1000));
    if (!stand)
        return;
    log_debug("what remains goes over in %llu ms: the guest is to stand",
              (unsigned long long)(s->when.expected_us / 1000));
    s->switching = true;
    send_qemu_switch(&s->qemu);
}

/* ---- the session ---- */

static struct json *offer(struct send_move *s)
{
    struct json *j = json_new(), *command = qemu_words_put(s->qemu.q.pid);

    json_put_string(j, "id", s->note.id);
    json_put_bool(j, "runs", s->note.runs);
    json_put_string(j, "mode", s->config.fast ? "fast" : "safe");
    json_put_string(j, "disks", s->config.disks ? s->config.disks : "none");
    json_put(j, "guest", guest_facts_put(&s->qemu.q.facts));
    if (command)
        json_put(j, "command", command);
    return j;
}

/* Memory goes once the disks are nearly the same. */
static void start_memory(struct send_move *s)
{
    enum err e = send_memory_open(&s->memory, s->loop, s->peer, kick, s, &s->qemu.give);

    if (e) {
        send_move_blame(s, e, "QEMU could not be given a connection");
        send_move_hear(s, SOURCE_CANCEL);
        return;
    }
    page_coder_know(s->memory.coder, &s->known.list);
    s->failed = false;
    send_qemu_begin(&s->qemu, on_begun, s);
    loop_timer_set(&s->steer, loop_now_us(s->loop) + STEER_US);
}

static void on_disks_ready(void *ctx)
{
    struct send_move *s = ctx;

    settle(s, send_report_stage(&s->report, "memory"));
    move_halt("memory");
    start_memory(s);
}

static void on_disks_drained(void *ctx)
{
    struct send_move *s = ctx;

    send_qemu_go_on(&s->qemu);
}

static void on_disks_failed(void *ctx, const char *why)
{
    struct send_move *s = ctx;

    send_move_blame(s, ERR_UNSUPPORTED, why);
    send_move_hear(s, SOURCE_CANCEL);
}

static void start_disks(struct send_move *s)
{
    struct send_disks_owner owner = {.ready = on_disks_ready,
                                     .drained = on_disks_drained,
                                     .failed = on_disks_failed,
                                     .kick = kick,
                                     .ctx = s};
    enum err e = send_disks_begin(&s->disks, s->loop, &s->qemu.q, s->peer, &s->known.list, &owner);

    if (e) {
        send_move_blame(s, e, "the disks cannot be mirrored");
        send_move_hear(s, SOURCE_CANCEL);
    } else if (s->disks.n == 0) {
        start_memory(s);
    }
}

/* Nothing is sent before it is known what need not be, where the destination tells that soon. */
static void see_known(struct send_move *s)
{
    if (s->started || s->phase != SEND_MOVE || s->handover.stage != SOURCE_MOVING || !s->peer)
        return;
    if (!send_known_whole(&s->known) && loop_now_us(s->loop) - s->report.begun_us < KNOWN_MOST_US)
        return;
    s->started = true;
    if (s->config.disks && strcmp(s->config.disks, "copy") == 0)
        start_disks(s);
    else
        start_memory(s);
}

static void on_accept(struct send_move *s, const struct json_value *body)
{
    enum err e = put_note(s, NOTE_MOVING);

    if (e) {
        settle(s, reason_give(&s->run->reason, e, "the move cannot be noted in %.100s",
                              s->notes.folder));
        return;
    }
    s->phase = SEND_MOVE;
    s->failed = true;
    s->handover.fast = s->config.fast;
    s->report.begun_us = loop_now_us(s->loop);
    loop_timer_set(&s->tick, loop_now_us(s->loop) + TICK_US);
    s->told = SOURCE_STAGES;
    send_move_act(s);
    ask_time(s);
    if (send_known_begin(&s->known, s->peer, body))
        log_debug("what the destination has is not asked for");
    see_known(s);
}

static void take_reason(struct send_move *s, const struct json_value *body, enum err e,
                        const char *otherwise)
{
    char text[LIMIT_REASON_CHARS + 1];
    const char *said = json_text(json_member(body, "reason"));

    utf8_clean(bytes_of_string(said && *said ? said : otherwise), text, sizeof text);
    send_move_blame(s, e, text);
}

static void on_record(struct send_move *s, enum move_kind kind, const struct json_value *body)
{
    switch (kind) {
    case MOVE_ACCEPT:
        if (s->phase == SEND_OFFER)
            on_accept(s, body);
        break;
    case MOVE_REFUSE:
        take_reason(s, body, ERR_REFUSED, "the destination refuses");
        loop_leave(s->loop);
        break;
    case MOVE_PREPARED:
        /* Of a move that was handed over that was seen before. */
        if (s->handover.stage == SOURCE_HANDED || send_memory_same(&s->memory, body)) {
            send_move_hear(s, SOURCE_PREPARED);
        } else {
            send_move_blame(s, ERR_VERIFY, "what arrived there is not what QEMU wrote here");
            send_move_hear(s, SOURCE_CANCEL);
        }
        break;
    case MOVE_STARTED:
        s->report.resume_us = json_int(json_member(body, "at_us"), 0);
        send_move_hear(s, SOURCE_STARTED);
        break;
    case MOVE_WHY:
        take_reason(s, body, ERR_UNSUPPORTED, "the destination gives up");
        break;
    case MOVE_ABANDONED:
        take_reason(s, body, ERR_UNSUPPORTED, "the destination has given up");
        send_move_hear(s, SOURCE_ABANDONED);
        break;
    case MOVE_LOST:
        take_reason(s, body, ERR_UNDECIDED, "QEMU died there while the guest was let go");
        send_move_hear(s, SOURCE_UNKNOWN);
        break;
    case MOVE_UNKNOWN:
        take_reason(s, body, ERR_UNDECIDED, "the destination knows nothing of this move");
        send_move_hear(s, SOURCE_UNKNOWN);
        break;
    case MOVE_TAKEN:
        send_memory_taken(&s->memory, loop_now_us(s->loop),
                          json_int(json_member(body, "bytes"), 0));
        kick(s);
        break;
    case MOVE_CLOCK:
        send_report_clock(&s->report, json_int(json_member(body, "asked_us"), 0),
                          json_int(json_member(body, "us"), 0), (int64_t)clock_real_us());
        break;
    default:
        break;
    }
}

static void read_control(struct send_move *s)
{
    enum move_kind kind;
    const struct json_value *body;
    enum err e = OK;

    while (s->peer && (e = move_control_next(&s->control, &kind, &body)) == OK)
        on_record(s, kind, body);
    if (e && e != ERR_AGAIN && s->peer)
        peer_close(s->peer, loop_now_us(s->loop), e == ERR_END ? ERR_MALFORMED : e,
                   "what the destination says is not understood");
}

static void connected(struct send_move *s, struct peer *p, const struct peer_event *e)
{
    uint64_t stream;
    enum err err = peer_stream_open(p, PEER_INPUT, false, &stream);

    if (err) {
        settle(s, err);
        return;
    }
    s->peer = p;
    move_control_init(&s->control, p, stream);
    memcpy(s->note.peer, e->key, KEY_BYTES);
    settle(s, send_report_connected(&s->report, p, &e->path));
    if (s->phase == SEND_MOVE) {
        send_move_hear(s, SOURCE_BACK);
        return;
    }
    s->phase = SEND_OFFER;
    say(s, MOVE_OFFER, offer(s));
}

static void closed(struct send_move *s, const struct peer_event *e)
{
    close_memory(s);
    count_disks(s);
    send_disks_cut(&s->disks);
    send_known_cut(&s->known);
    send_report_cut(&s->report, loop_now_us(s->loop));
    move_control_release(&s->control);
    if (s->peer)
        s->cut_us = loop_now_us(s->loop);
    s->peer = NULL;
    if (s->phase == SEND_CLEAN_UP)
        return;
    const char *why = s->phase == SEND_CALL && s->calling.reason.text[0] ? s->calling.reason.text
                      : e->reason[0]                                     ? e->reason
                                     : "the destination has ended the session";
    send_move_blame(s, e->error == OK ? ERR_UNREACHABLE : e->error, why);
    send_move_hear(s, SOURCE_CUT);
    if (s->phase != SEND_MOVE || s->handover.stage == SOURCE_HANDED)
        loop_leave(s->loop);
}

static void on_event(void *ctx, struct peer *p, const struct peer_event *e)
{
    struct send_move *s = ctx;

    switch (e->kind) {
    case PEER_EVENT_CONNECTED:
        connected(s, p, e);
        break;
    case PEER_EVENT_STREAM:
    case PEER_EVENT_WRITABLE:
        if (e->id == s->control.stream && s->control.peer) {
            read_control(s);
            if (s->peer && move_control_flush(&s->control) == ERR_MEMORY)
                settle(s, ERR_MEMORY);
        } else if (send_memory_has(&s->memory, e->id)) {
            send_memory_wake(&s->memory);
        } else if (send_known_wake(&s->known, e->id)) {
            see_known(s);
        } else if (send_disks_wake(&s->disks, e->id)) {
            ;
        } else if (e->kind == PEER_EVENT_STREAM) {
            peer_stream_reset(p, e->id, 1); /* it is not the destination who asks */
        }
        break;
    case PEER_EVENT_CLOSED:
        closed(s, e);
        break;
    default:
        break;
    }
}

static void on_fill(void *ctx, uint64_t now_us)
{
    struct send_move *s = ctx;

    /* What was written to disks goes before memory, which is sent again if it must be. */
    send_disks_fill(&s->disks, now_us);
    enum err e = send_memory_fill(&s->memory, now_us);
    if (e)
        send_move_blame(s, e, "what is known of the guest's pages cannot be kept on this disk");
    if (send_memory_written(&s->memory))
        send_move_hear(s, SOURCE_ALL_WRITTEN);
}

/* A host that is much slower than its path, for want of processor time, packs less thoroughly. To
 * pack quickly costs a tenth more bytes and saves a quarter of what zstd takes: little, where the
 * path is used by half anyway. */
static void see_strain(struct send_move *s, uint64_t now_us)
{
    uint64_t busy = loop_busy_us(s->loop), past = num_max(now_us - s->looked_us, 1);
    uint64_t sent = s->report.memory.packed_bytes + s->report.disks.packed_bytes;
    uint64_t share = num_mul_div(busy - s->busy_us, 100, past);
    uint64_t rate = num_mul_div(sent - s->sent_bytes, 8000000, past);
    struct peer_path path = {0};

    if (s->peer)
        peer_path(s->peer, now_us, &path);
    bool idle = rate < path.rate_bps / 2;
    s->strained = s->looked_us && idle && share > (s->strained ? RELAXED : STRAINED);
    if (s->strained)
        log_debug("busy %llu %% of the time, and the path is not: packs quickly",
                  (unsigned long long)share);
    s->looked_us = now_us;
    s->busy_us = busy;
    s->sent_bytes = sent;
    send_disks_strain(&s->disks, s->strained);
    send_memory_strain(&s->memory, s->strained);
}

static void on_tick(void *ctx)
{
    struct send_move *s = ctx;
    uint64_t now = loop_now_us(s->loop);

    if (s->phase != SEND_MOVE || s->handover.stage == SOURCE_ENDED)
        return;
    loop_timer_set(&s->tick, now + TICK_US);
    if (s->peer)
        ask_time(s);
    see_known(s);
    count_memory(s);
    count_disks(s);
    see_strain(s, now);
    struct send_progress p = s->qemu.progress;
    if (p.total_bytes == 0) /* memory has not begun */
        p.total_bytes = p.remaining_bytes = s->qemu.q.facts.memory_bytes;
    send_disks_ask(&s->disks);
    settle(s, send_report_progress(&s->report, now, &p, s->disks.total_bytes,
                                   s->disks.remaining_bytes));
}

void send_move_prepare(struct send_move *s)
{
    s->qemu.progressed = on_progressed;
    s->qemu.progress_ctx = s;
    loop_timer_init(&s->tick, s->loop, on_tick, s);
    loop_timer_init(&s->steer, s->loop, on_steer, s);
}

struct guest_qemu_owner send_move_qemu_owner(struct send_move *s)
{
    return (struct guest_qemu_owner){.ready = on_ready, .told = on_told, .lost = on_lost, .ctx = s};
}

struct call_owner send_move_call_owner(struct send_move *s)
{
    return (struct call_owner){.event = on_event, .fill = on_fill, .ctx = s};
}

void send_move_kick(struct send_move *s)
{
    kick(s);
}

void send_move_close(struct send_move *s)
{
    close_memory(s);
    count_disks(s);
}
