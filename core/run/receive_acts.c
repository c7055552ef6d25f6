#include "core/run/receive_acts.h"

#include "core/base/log.h"
#include "core/os/clock.h"
#include "core/os/process.h"

enum {
    QUIT_US = 5000000,   /* so long may QEMU take to end */
    ANNOUNCE_ROUNDS = 10 /* within some 3 s */
};

struct json *receive_acts_reason(const struct receive_move *m, const char *otherwise)
{
    struct json *j = json_new();

    json_put_string(j, "reason", m->run.reason.text[0] ? m->run.reason.text : otherwise);
    return j;
}

enum target_news receive_acts_note(struct receive_move *m, enum move_stage stage)
{
    m->note.stage = stage;
    m->note.at_s = (int64_t)(clock_real_us() / 1000000);
    return move_notes_put(m->notes, &m->note) == OK ? TARGET_NOTED : TARGET_NOT_NOTED;
}

static void note(struct receive_move *m, enum move_stage stage)
{
    enum target_news news = receive_acts_note(m, stage);

    if (news == TARGET_NOT_NOTED)
        reason_give(&m->run.reason, ERR_SYSTEM, "that could not be noted on this host's disk");
    handover_target_hear(&m->handover, news);
}

static void on_went(void *ctx, enum err e)
{
    struct receive_move *m = ctx;

    if (e == ERR_UNREACHABLE)
        return; /* that it is lost is told by itself */
    receive_move_hear(m, e ? TARGET_NOT_WENT : TARGET_WENT);
}

static void start_guest(struct receive_move *m)
{
    m->went_us = 0;
    receive_qemu_start(&m->qemu, m->note.runs, on_went, m);
}

/* Tells the network where the guest is: not before it goes, since QEMU keeps such frames as long as
 * it stands. */
static void announce(struct receive_move *m)
{
    if (m->note.runs && m->open)
        guest_qemu_announce(&m->qemu.q, ANNOUNCE_ROUNDS);
}

/* The source's QEMU sees its connection end, and would say less of why than is known here. */
static void give_back(struct receive_move *m)
{
    if (m->run.reason.text[0] && m->peer)
        receive_move_say(m, MOVE_WHY, receive_acts_reason(m, ""));
    receive_memory_close(&m->memory);
}

static void clear(struct receive_move *m)
{
    give_back(m);
    if (!m->open || monitor_lost(m->qemu.q.monitor)) {
        /* Nobody can be asked: whether the process is there decides. */
        if (m->note.pid && process_lives(m->note.pid, m->note.started_ticks))
            loop_timer_set(&m->patience, loop_now_us(m->loop) + QUIT_US);
        else
            handover_target_hear(&m->handover, TARGET_QEMU_GONE);
        return;
    }
    m->ended = true;
    if (monitor_do(m->qemu.q.monitor, "quit", NULL, NULL, NULL))
        log_warn("QEMU could not be told to end");
    loop_timer_set(&m->patience, loop_now_us(m->loop) + QUIT_US);
}

static void on_patience(void *ctx)
{
    struct receive_move *m = ctx;

    if (m->handover.stage != TARGET_CLEARING)
        return;
    if (m->note.pid && !process_lives(m->note.pid, m->note.started_ticks)) {
        receive_move_hear(m, TARGET_QEMU_GONE);
        return;
    }
    log_warn("the QEMU of %s does not end: end process %d yourself", m->note.id, m->note.pid);
    loop_timer_set(&m->patience, loop_now_us(m->loop) + QUIT_US);
}

/* What has come, for the source to compare; nothing when an earlier process has told it. */
static struct json *prepared_body(const struct receive_move *m)
{
    struct json *j = json_new();

    receive_memory_digest(&m->memory, j);
    return j;
}

static struct json *started_body(const struct receive_move *m)
{
    struct json *j = json_new();

    json_put_int(j, "at_us", m->went_us);
    return j;
}

void receive_acts_perform(struct receive_move *m, enum target_act what)
{
    switch (what) {
    case TARGET_DO_CLOSE:
        give_back(m);
        break;
    case TARGET_DO_CLEAR:
        clear(m);
        break;
    case TARGET_DO_START:
        start_guest(m);
        break;
    case TARGET_NOTE_PREPARED:
        note(m, NOTE_PREPARED);
        break;
    case TARGET_NOTE_STARTING:
        note(m, NOTE_STARTING);
        break;
    case TARGET_NOTE_RUNNING:
        announce(m);
        if (m->note.ours)
            guest_start_keep(m->note.qmp);
        if (receive_acts_note(m, NOTE_RUNNING) == TARGET_NOT_NOTED)
            log_warn("that %s runs here could not be noted", m->note.id);
        break;
    case TARGET_NOTE_ABANDONED:
        if (m->note.ours)
            guest_start_undo(m->note.qmp);
        note(m, NOTE_ABANDONED);
        break;
    case TARGET_SAY_PREPARED:
        if (!m->agreed && m->owner.prepared)
            m->agreed = m->owner.prepared(m->owner.ctx, m);
        if (m->agreed || !m->owner.prepared)
            receive_move_say(m, MOVE_PREPARED, prepared_body(m));
        break;
    case TARGET_SAY_STARTED:
        receive_move_say(m, MOVE_STARTED, started_body(m));
        break;
    case TARGET_SAY_ABANDONED:
        receive_move_say(m, MOVE_ABANDONED,
                         receive_acts_reason(m, "the destination's QEMU has failed"));
        break;
    case TARGET_SAY_LOST:
        receive_move_say(m, MOVE_LOST,
                         receive_acts_reason(m, "its QEMU died there while the guest was let go"));
        break;
    case TARGET_DO_FORGET:
        move_notes_drop(m->notes, m->note.id);
        break;
    case TARGET_DO_NOTHING:
        break;
    }
}

void receive_acts_init(struct receive_move *m)
{
    loop_timer_init(&m->patience, m->loop, on_patience, m);
}
