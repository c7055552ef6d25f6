#include "core/run/send_move.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/utf8.h"
#include "core/crypt/crypt.h"
#include "core/guest/return_path.h"
#include "core/os/clock.h"
#include "core/os/stream_socket.h"
#include "core/run/move_halt.h"

enum {
    TICK_US = 500000,
    STEER_US = 50000,          /* how often it is looked whether the guest is to stand */
    SETTLE_US = 100000,        /* between two looks at a QEMU that is to end its migration ... */
    SETTLE_TIMES = 50,         /* ... at the most */
    AGAIN_US = 1000000,        /* between two calls after a cut */
    ANSWER_MOST_US = 20000000, /* so long may QEMU take to answer at the end */
    WORDS_US = 5000,           /* how often it is seen whether the last words were heard ... */
    WORDS_MOST_US = 3000000,   /* ... at the most */
    BUFFER_BYTES = 64 * 1024
};

static void act(struct send_move *s);

/* The first to see the trouble knows best. */
static void blame(struct send_move *s, enum err e, const char *text)
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
    blame(s, e, reason_text(&s->run->reason, e));
    loop_leave(s->loop);
}

static void hear(struct send_move *s, enum source_news news)
{
    if (s->phase != SEND_MOVE)
        return;
    handover_source_hear(&s->handover, news);
    act(s);
}

static void kick(void *ctx)
{
    struct send_move *s = ctx;

    if (s->peer)
        call_kick(s->call);
}

/* ---- memory ---- */

static void count_memory(struct send_move *s)
{
    uint8_t hash[STREAM_HASH_BYTES];

    if (!s->memory.end)
        return;
    s->report.memory = channel_end_counters(s->memory.end);
    s->report.pages = page_coder_counters(s->coder);
    page_coder_digest(s->coder, hash, &s->report.memory.given_bytes);
}

static void close_memory(struct send_move *s)
{
    if (!s->memory.end)
        return;
    count_memory(s);
    channel_socket_release(&s->memory);
}

static enum err open_memory(struct send_move *s)
{
    struct channel_end *end;
    int pair[2];
    enum err e = page_filter_folder(s->folder);

    if (!e)
        e = page_coder_new(s->folder, &s->coder);
    if (!e)
        e = stream_socket_pair(pair, BUFFER_BYTES);
    if (e)
        return e;
    s->qemu.give = pair[1];
    e = channel_end_call(s->peer, "pages", &end);
    if (e) {
        stream_socket_close(pair[0]);
        return e;
    }
    channel_socket_init(&s->memory, end, kick, s);
    s->memory.out = page_filter_code(s->coder);
    return channel_socket_connect(&s->memory, s->loop, pair[0]);
}

static void wake_memory(struct send_move *s)
{
    if (!s->memory.end)
        return;
    channel_end_wake(s->memory.end);
    channel_socket_deliver(&s->memory);
    if (channel_end_stage(s->memory.end) == CHANNEL_OVER) {
        const char *said;
        channel_end_why(s->memory.end, &said);
        log_info("the destination takes no more of the guest%s%s", *said ? ": " : "", said);
        close_memory(s); /* which our QEMU takes as a failure */
    }
}

static void count_disks(struct send_move *s)
{
    if (s->disks.n)
        send_disks_count(&s->disks, &s->report.disk_bytes, &s->report.disk_packed_bytes);
}

/* Our QEMU goes on as it does when the migration has succeeded: its guest stands, and stays so. */
static void give_shut(struct send_move *s)
{
    uint8_t shut[RETURN_PATH_SHUT_BYTES];
    size_t n = 0;

    return_path_shut(shut);
    if (s->memory.end && !s->memory.blocked)
        (void)!stream_socket_send(s->memory.fd, bytes_of(shut, sizeof shut), &n);
    if (n != sizeof shut) {
        blame(s, ERR_UNSUPPORTED, "QEMU has closed its connection too early");
        close_memory(s);
    }
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

/* What QEMU has written, for the destination to compare. */
static struct json *handover_body(const struct send_move *s)
{
    uint8_t hash[STREAM_HASH_BYTES];
    char text[2 * STREAM_HASH_BYTES + 1];
    struct json *j = json_new();
    uint64_t n;

    json_put_string(j, "id", s->note.id);
    if (!s->coder)
        return j; /* an earlier process has compared */
    page_coder_digest(s->coder, hash, &n);
    stream_hash_text(hash, text);
    json_put_string(j, "hash", text);
    json_put_int(j, "bytes", (int64_t)n);
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
    blame(s, ERR_SYSTEM, "the hand-over could not be noted on this host's disk");
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
        blame(s, e, reason_text(&s->run->reason, e));
    hear(s, e ? SOURCE_NOT_RESUMED : SOURCE_RESUMED);
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
        say_id(s, MOVE_RUNS);
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

static void act(struct send_move *s)
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
        settle(s, send_report_stage(&s->report, "switching"));
        move_halt("switching");
        if (s->disks.n)
            send_disks_stop(&s->disks);
        else
            send_qemu_go_on(&s->qemu);
    } else if (strcmp(status, "completed") == 0) {
        hear(s, SOURCE_QEMU_COMPLETED);
    } else if (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0) {
        s->failed = true;
        close_memory(s);
        blame(s, ERR_UNSUPPORTED, "QEMU has given up migrating");
        hear(s, SOURCE_QEMU_FAILED);
    }
}

static void on_told(void *ctx, const char *name, const struct json_value *data, int64_t at_us)
{
    struct send_move *s = ctx;
    const char *status = json_text(json_member(data, "status"));

    send_disks_told(&s->disks, name, data);
    if (strcmp(name, "MIGRATION") == 0 && status && s->phase == SEND_MOVE)
        on_status(s, status);
    else if (strcmp(name, "STOP") == 0)
        s->report.stop_us = at_us;
}

static void on_lost(void *ctx, bool gone)
{
    struct send_move *s = ctx;

    if (s->phase < SEND_MOVE) {
        settle(s, reason_give(&s->run->reason, ERR_UNREACHABLE, "the guest's QEMU has gone"));
        return;
    }
    if (gone) {
        blame(s, ERR_UNREACHABLE, "the guest's QEMU has died");
        /* What it was to write to ends now, if it never was given that. */
        stream_socket_close(s->qemu.give);
        s->qemu.give = -1;
        hear(s, SOURCE_QEMU_GONE);
        if (!s->memory.end && s->handover.stage == SOURCE_ORPHANED)
            hear(s, SOURCE_GIVE_UP);
        return;
    }
    /* It may be alive: where it has not been told that all is well, it lets its guest go on. */
    blame(s, ERR_UNREACHABLE, "QEMU has closed its monitor, and cannot be asked any more");
    hear(s, SOURCE_CANCEL);
    s->failed = true;
    close_memory(s);
    hear(s, s->handover.stage == SOURCE_STOPPING ? SOURCE_QEMU_FAILED : SOURCE_GIVE_UP);
}

static void on_begun(void *ctx, enum err e)
{
    struct send_move *s = ctx;

    if (!e || e == ERR_UNREACHABLE)
        return; /* that it is lost is told by itself */
    blame(s, e, reason_text(&s->run->reason, e));
    s->failed = true;
    hear(s, SOURCE_CANCEL);
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

    if (s->phase != SEND_MOVE || s->switching || !s->peer || !s->memory.end)
        return;
    count_memory(s);
    peer_path(s->peer, loop_now_us(s->loop), &path);
    struct switch_view v = {
        .now_us = loop_now_us(s->loop),
        .remaining_bytes = p->remaining_bytes,
        .dirty_bps = p->dirty_bps,
        .rounds = p->rounds,
        .raw_bytes = s->report.memory.given_bytes,
        .packed_bytes = s->report.memory.packed_bytes,
        .rate_bps = path.rate_bps,
        .queued_bytes = path.queued_bytes + path.unsent_bytes + page_coder_output(s->coder).n,
    };
    if (!switch_over_look(&s->when, &v))
        return;
    log_debug("what remains goes over in %llu ms: the guest is to stand",
              (unsigned long long)(s->when.expected_us / 1000));
    s->switching = true;
    send_qemu_switch(&s->qemu);
}

/* ---- the session ---- */

static struct json *offer(struct send_move *s)
{
    struct json *j = json_new();

    json_put_string(j, "id", s->note.id);
    json_put_bool(j, "runs", s->note.runs);
    json_put_string(j, "mode", s->config.fast ? "fast" : "safe");
    json_put_string(j, "disks", s->config.disks ? s->config.disks : "none");
    json_put(j, "guest", guest_facts_put(&s->qemu.q.facts));
    return j;
}

/* Memory goes once the disks are nearly the same. */
static void start_memory(struct send_move *s)
{
    enum err e = open_memory(s);

    if (e) {
        blame(s, e, "QEMU could not be given a connection");
        hear(s, SOURCE_CANCEL);
        return;
    }
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

    blame(s, ERR_UNSUPPORTED, why);
    hear(s, SOURCE_CANCEL);
}

static void start_disks(struct send_move *s)
{
    struct send_disks_owner owner = {.ready = on_disks_ready,
                                     .drained = on_disks_drained,
                                     .failed = on_disks_failed,
                                     .kick = kick,
                                     .ctx = s};
    enum err e = send_disks_begin(&s->disks, s->loop, &s->qemu.q, s->peer, &owner);

    if (e) {
        blame(s, e, "the disks cannot be mirrored");
        hear(s, SOURCE_CANCEL);
    } else if (s->disks.n == 0) {
        start_memory(s);
    }
}

static void on_accept(struct send_move *s)
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
    act(s);
    ask_time(s);
    if (s->config.disks && strcmp(s->config.disks, "copy") == 0)
        start_disks(s);
    else
        start_memory(s);
}

static void take_reason(struct send_move *s, const struct json_value *body, enum err e,
                        const char *otherwise)
{
    char text[LIMIT_REASON_CHARS + 1];
    const char *said = json_text(json_member(body, "reason"));

    utf8_clean(bytes_of_string(said && *said ? said : otherwise), text, sizeof text);
    blame(s, e, text);
}

/* Whether the stream that came out at the destination is the one that QEMU has written. Of a move
 * that was handed over that was found before. */
static bool is_same(const struct send_move *s, const struct json_value *body)
{
    uint8_t hash[STREAM_HASH_BYTES];
    char text[2 * STREAM_HASH_BYTES + 1];
    const char *said = json_text(json_member(body, "hash"));
    uint64_t n;

    if (s->handover.stage == SOURCE_HANDED)
        return true;
    if (!s->coder || !said)
        return false;
    page_coder_digest(s->coder, hash, &n);
    stream_hash_text(hash, text);
    return strcmp(said, text) == 0 && json_int(json_member(body, "bytes"), -1) == (int64_t)n;
}

static void on_record(struct send_move *s, enum move_kind kind, const struct json_value *body)
{
    switch (kind) {
    case MOVE_ACCEPT:
        if (s->phase == SEND_OFFER)
            on_accept(s);
        break;
    case MOVE_REFUSE:
        take_reason(s, body, ERR_REFUSED, "the destination refuses");
        loop_leave(s->loop);
        break;
    case MOVE_PREPARED:
        if (is_same(s, body)) {
            hear(s, SOURCE_PREPARED);
        } else {
            blame(s, ERR_VERIFY, "what arrived there is not what QEMU wrote here");
            hear(s, SOURCE_CANCEL);
        }
        break;
    case MOVE_STARTED:
        s->report.resume_us = json_int(json_member(body, "at_us"), 0);
        hear(s, SOURCE_STARTED);
        break;
    case MOVE_ABANDONED:
        take_reason(s, body, ERR_UNSUPPORTED, "the destination has given up");
        hear(s, SOURCE_ABANDONED);
        break;
    case MOVE_LOST:
        take_reason(s, body, ERR_UNDECIDED, "QEMU died there while the guest was let go");
        hear(s, SOURCE_UNKNOWN);
        break;
    case MOVE_UNKNOWN:
        take_reason(s, body, ERR_UNDECIDED, "the destination knows nothing of this move");
        hear(s, SOURCE_UNKNOWN);
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
        hear(s, SOURCE_BACK);
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
    send_report_cut(&s->report, loop_now_us(s->loop));
    move_control_release(&s->control);
    if (s->peer)
        s->cut_us = loop_now_us(s->loop);
    s->peer = NULL;
    if (s->phase == SEND_CLEAN_UP)
        return;
    blame(s, e->error == OK ? ERR_UNREACHABLE : e->error,
          e->reason[0] ? e->reason : "the destination has ended the session");
    hear(s, SOURCE_CUT);
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
        } else if (s->memory.end && e->id == channel_end_stream(s->memory.end)) {
            wake_memory(s);
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
    if (!s->memory.end)
        return;
    channel_socket_fill(&s->memory, now_us);
    if (s->memory.fault)
        blame(s, s->memory.fault, "what is known of the guest's pages cannot be kept on this disk");
    if (s->memory.broken)
        close_memory(s);
    else if (page_coder_all_written(s->coder) && page_coder_output(s->coder).n == 0)
        hear(s, SOURCE_ALL_WRITTEN);
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
    count_memory(s);
    count_disks(s);
    settle(s, send_report_progress(&s->report, now, &s->qemu.progress));
}

/* ---- the steps, each of which runs the loop until it is done ---- */

static void on_asked(void *ctx)
{
    struct send_move *s = ctx;

    s->cancelled = true;
    if (s->phase != SEND_MOVE) {
        blame(s, ERR_UNREACHABLE, "stopped");
        loop_leave(s->loop);
        return;
    }
    blame(s, ERR_UNREACHABLE, "taken back");
    if (s->handover.stage == SOURCE_HANDED || s->handover.stage == SOURCE_NOTING)
        log_warn("the guest has been handed over already: waiting for what became of it; once more "
                 "ends this, and leaves it undecided");
    hear(s, SOURCE_CANCEL);
}

/* The reason of the failure, in the place of whatever a part has given. */
static enum err failed(struct send_move *s)
{
    s->run->reason.text[0] = 0;
    return reason_give(&s->run->reason, s->failure, "%s", s->why.text);
}

enum err send_move_look(struct send_move *s)
{
    struct guest_qemu_owner owner = {.ready = on_ready, .told = on_told, .lost = on_lost, .ctx = s};
    enum err e = guest_qemu_open(&s->qemu.q, s->loop, s->config.qmp, &owner, s->run);

    if (e)
        return e;
    s->opened = true;
    loop_run(s->loop);
    return s->failure ? failed(s) : OK;
}

static void on_again(void *ctx)
{
    loop_leave(((struct send_move *)ctx)->loop);
}

enum err send_move_settle(struct send_move *s)
{
    for (int i = 0; send_qemu_migrates(&s->qemu); i++) {
        if (i == SETTLE_TIMES)
            return reason_give(&s->run->reason, ERR_UNREACHABLE,
                               "QEMU does not end the migration that was begun");
        send_qemu_cancel(&s->qemu);
        loop_timer_set(&s->again, loop_refresh_us(s->loop) + SETTLE_US);
        loop_run(s->loop);
        guest_qemu_ask(&s->qemu.q);
        loop_run(s->loop);
        if (s->failure || s->run->signal)
            return failed(s);
    }
    return OK;
}

static enum err begin_call(struct send_move *s)
{
    struct call_config cc = {.target = s->target,
                             .accept_new = s->config.accept_new,
                             .tcp = s->config.tcp,
                             .peer = channel_end_peer_config()};
    struct call_owner owner = {.event = on_event, .fill = on_fill, .ctx = s};

    cc.peer.idle_timeout_us = s->config.patience_us;
    s->calling = *s->run;
    s->calling.reason.text[0] = 0;
    return call_new(s->loop, &cc, &owner, &s->calling, &s->call);
}

/* After a cut: calls until somebody answers, or patience ends. */
static void call_again(struct send_move *s)
{
    uint64_t until = s->cut_us + s->config.patience_us;

    for (bool first = s->call == NULL; !s->peer && s->handover.stage == SOURCE_HANDED;
         first = false) {
        call_free(s->call);
        s->call = NULL;
        if (loop_refresh_us(s->loop) >= until) {
            hear(s, SOURCE_GIVE_UP);
            return;
        }
        log_info("calling the destination: it must be known whether it took the guest");
        if (!first) {
            loop_timer_set(&s->again, loop_now_us(s->loop) + AGAIN_US);
            loop_run(s->loop);
        }
        if (begin_call(s) == OK)
            loop_run(s->loop);
    }
}

static void until_decided(struct send_move *s)
{
    while (s->phase == SEND_MOVE && s->handover.stage != SOURCE_ENDED) {
        if (!s->peer && s->handover.stage == SOURCE_HANDED)
            call_again(s);
        else
            loop_run(s->loop);
    }
}

enum err send_move_go(struct send_move *s)
{
    if (s->cancelled)
        return failed(s);
    s->phase = SEND_CALL;
    enum err e = begin_call(s);
    if (e == ERR_AGAIN) /* a signal */
        return failed(s);
    if (e)
        return reason_give(&s->run->reason, e, "%s", reason_text(&s->calling.reason, e));
    loop_run(s->loop);
    if (s->phase != SEND_MOVE)
        return failed(s);
    until_decided(s);
    return OK;
}

void send_move_ask(struct send_move *s)
{
    const struct guest_facts *f = &s->qemu.q.facts;

    s->phase = SEND_MOVE;
    s->failed = true;
    s->told = SOURCE_STAGES;
    s->cut_us = s->report.begun_us = loop_refresh_us(s->loop);
    handover_source_resume(&s->handover, s->opened && guest_facts_runs(f), !s->opened);
    act(s);
    until_decided(s);
}

static void on_disks_restored(void *ctx, enum err e)
{
    struct send_move *s = ctx;

    if (e)
        log_debug("QEMU keeps something of the mirrors: %s", err_text(e));
    loop_leave(s->loop);
}

static bool words_wait(const struct send_move *s)
{
    return s->peer && (s->control.out.n || peer_stream_pending(s->peer, s->control.stream));
}

static void on_words(void *ctx)
{
    struct send_move *s = ctx;

    if (!words_wait(s) || loop_now_us(s->loop) >= s->words_until_us)
        loop_leave(s->loop);
    else
        loop_timer_set(&s->words, loop_now_us(s->loop) + WORDS_US);
}

/* What was said last must be heard before the session ends. */
static void let_words_go(struct send_move *s)
{
    if (!words_wait(s))
        return;
    s->words_until_us = loop_refresh_us(s->loop) + WORDS_MOST_US;
    loop_timer_set(&s->words, loop_now_us(s->loop) + WORDS_US);
    kick(s);
    while (words_wait(s) && loop_now_us(s->loop) < s->words_until_us)
        if (loop_run(s->loop) != LOOP_LEFT)
            break;
    loop_timer_set(&s->words, LOOP_NEVER);
}

static void on_cleaned(void *ctx, enum err e)
{
    struct send_move *s = ctx;

    if (e && e != ERR_UNREACHABLE && s->handover.outcome == HANDOVER_SOURCE_RUNS)
        s->handover.outcome = HANDOVER_STOPPED;
    loop_leave(s->loop);
}

/* Runs the loop until QEMU has answered; false: it does not. */
static bool until_answered(struct send_move *s)
{
    uint64_t until = loop_refresh_us(s->loop) + ANSWER_MOST_US;

    loop_timer_set(&s->again, until);
    while (dialog_busy(&s->qemu.q.dialog) && !monitor_lost(s->qemu.q.monitor) &&
           loop_now_us(s->loop) < until)
        if (loop_run(s->loop) != LOOP_LEFT)
            break;
    loop_timer_set(&s->again, LOOP_NEVER);
    if (!dialog_busy(&s->qemu.q.dialog))
        return true;
    dialog_drop(&s->qemu.q.dialog);
    log_warn("QEMU does not answer on its monitor");
    return false;
}

/* The guest first: it may stand. */
static void restore(struct send_move *s)
{
    send_qemu_restore(&s->qemu, on_cleaned, s);
    if (!until_answered(s)) {
        blame(s, ERR_UNREACHABLE, "QEMU does not answer on its monitor");
        s->handover.outcome = HANDOVER_STOPPED;
        return;
    }
    if (s->disks.n && !monitor_lost(s->qemu.q.monitor)) {
        send_disks_restore(&s->disks, on_disks_restored, s);
        until_answered(s);
    }
}

void send_move_clean_up(struct send_move *s)
{
    enum handover_outcome o = s->handover.outcome;

    s->phase = SEND_CLEAN_UP;
    close_memory(s);
    count_disks(s);
    let_words_go(s);
    if (!s->opened || monitor_lost(s->qemu.q.monitor))
        return;
    if (o == HANDOVER_MOVED && !s->config.keep)
        send_qemu_quit(&s->qemu, on_cleaned, s);
    else if (o == HANDOVER_SOURCE_RUNS || o == HANDOVER_OPEN)
        restore(s);
    else
        return;
    until_answered(s);
}

/* ---- life ---- */

enum err send_move_begin(struct send_move *s, const struct send_config *config, struct run *run)
{
    *s = (struct send_move){.config = *config, .run = run};
    s->qemu.give = s->memory.fd = -1;
    s->when.max_us = config->max_downtime_us;
    s->qemu.progressed = on_progressed;
    s->qemu.progress_ctx = s;
    s->qemu.rate_bps = config->rate_bps;
    s->report.run = run;
    enum err e = crypt_init();
    if (!e && config->target)
        e = given_text(config->target, s->target, &run->reason);
    if (!e)
        e = move_notes_open(&s->notes);
    if (!e)
        e = loop_new(&s->loop);
    if (e)
        return e;
    struct rng rng = crypt_rng();
    move_note_id(&rng, s->note.id);
    loop_timer_init(&s->tick, s->loop, on_tick, s);
    loop_timer_init(&s->steer, s->loop, on_steer, s);
    loop_timer_init(&s->again, s->loop, on_again, s);
    loop_timer_init(&s->words, s->loop, on_words, s);
    return stop_new(s->loop, &(struct stop_owner){.asked = on_asked, .ctx = s}, run, &s->stop);
}

enum err send_move_conclude(struct send_move *s)
{
    enum handover_outcome o = s->handover.outcome;
    enum err e = send_report_result(&s->report, loop_refresh_us(s->loop), s->note.id, o);

    s->run->reason.text[0] = 0;
    if (o != HANDOVER_SOURCE_RUNS)
        s->run->signal = 0; /* what came of it says more */
    switch (o) {
    case HANDOVER_MOVED:
        return e;
    case HANDOVER_UNDECIDED:
        return reason_give(&s->run->reason, ERR_UNDECIDED,
                           "%.60s; the guest stands here, handed over: farspan migrate resolve %s",
                           s->why.text, s->note.id);
    case HANDOVER_STOPPED:
        return reason_give(&s->run->reason, ERR_UNDECIDED,
                           "the guest is here and does not go on (%.60s): look at its QEMU, then: "
                           "farspan migrate resolve %s --keep-source",
                           s->why.text, s->note.id);
    case HANDOVER_SOURCE_GONE:
        return reason_give(&s->run->reason, ERR_UNREACHABLE,
                           "the guest's QEMU died before the destination had all of it");
    default:
        return s->failure ? failed(s) : e;
    }
}

void send_move_end(struct send_move *s)
{
    s->phase = SEND_CLEAN_UP;
    close_memory(s);
    send_disks_release(&s->disks);
    if (s->call && s->peer)
        call_part(s->call, OK, "the move is over");
    call_free(s->call);
    move_control_release(&s->control);
    close_memory(s);
    send_disks_release(&s->disks);
    if (s->opened)
        guest_qemu_close(&s->qemu.q);
    stream_socket_close(s->qemu.give);
    page_coder_free(s->coder);
    if (s->loop) {
        loop_timer_release(&s->tick);
        loop_timer_release(&s->steer);
        loop_timer_release(&s->again);
        loop_timer_release(&s->words);
    }
    stop_free(s->stop);
    loop_free(s->loop);
}
