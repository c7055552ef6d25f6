#include "core/run/send_steps.h"

#include <string.h>

#include "core/base/log.h"
#include "core/crypt/crypt.h"
#include "core/os/stream_socket.h"
#include "core/run/status_line.h"

enum {
    SETTLE_US = 100000,        /* between two looks at a QEMU that is to end its migration ... */
    SETTLE_TIMES = 50,         /* ... at the most */
    AGAIN_US = 1000000,        /* between two calls after a cut */
    ANSWER_MOST_US = 20000000, /* so long may QEMU take to answer at the end */
    WORDS_US = 5000,           /* how often it is seen whether the last words were heard ... */
    WORDS_MOST_US = 3000000    /* ... at the most */
};

static void on_asked(void *ctx)
{
    struct send_move *s = ctx;

    s->cancelled = true;
    if (s->phase != SEND_MOVE) {
        send_move_blame(s, ERR_UNREACHABLE, "stopped");
        loop_leave(s->loop);
        return;
    }
    send_move_blame(s, ERR_UNREACHABLE, "taken back");
    if (s->handover.stage == SOURCE_HANDED || s->handover.stage == SOURCE_NOTING)
        log_warn("the guest has been handed over already: waiting for what became of it; once more "
                 "ends this, and leaves it undecided");
    send_move_hear(s, SOURCE_CANCEL);
}

/* The reason of the failure, in the place of whatever a part has given. */
static enum err failed(struct send_move *s)
{
    s->run->reason.text[0] = 0;
    return reason_give(&s->run->reason, s->failure, "%s", s->why.text);
}

enum err send_steps_look(struct send_move *s)
{
    struct guest_qemu_owner owner = send_move_qemu_owner(s);
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

enum err send_steps_settle(struct send_move *s)
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
    struct call_owner owner = send_move_call_owner(s);

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
            send_move_hear(s, SOURCE_GIVE_UP);
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

enum err send_steps_go(struct send_move *s)
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

void send_steps_ask(struct send_move *s)
{
    const struct guest_facts *f = &s->qemu.q.facts;

    s->phase = SEND_MOVE;
    s->failed = true;
    s->told = SOURCE_STAGES;
    s->cut_us = s->report.begun_us = loop_refresh_us(s->loop);
    handover_source_resume(&s->handover, s->opened && guest_facts_runs(f), !s->opened);
    send_move_act(s);
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
    send_move_kick(s);
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
        send_move_blame(s, ERR_UNREACHABLE, "QEMU does not answer on its monitor");
        s->handover.outcome = HANDOVER_STOPPED;
        return;
    }
    if (s->disks.n && !monitor_lost(s->qemu.q.monitor)) {
        send_disks_restore(&s->disks, on_disks_restored, s);
        until_answered(s);
    }
}

void send_steps_tidy(struct send_move *s)
{
    if (s->qemu.q.facts.disks == 0)
        return;
    send_disks_tidy(&s->disks, &s->qemu.q, on_disks_restored, s);
    until_answered(s);
    send_disks_release(&s->disks);
    s->disks = (struct send_disks){0};
}

void send_steps_clean_up(struct send_move *s)
{
    enum handover_outcome o = s->handover.outcome;

    s->phase = SEND_CLEAN_UP;
    send_move_close(s);
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

enum err send_steps_begin(struct send_move *s, const struct send_config *config, struct run *run)
{
    *s = (struct send_move){.config = *config, .run = run};
    s->qemu.give = -1;
    s->when.max_us = config->max_downtime_us;
    s->qemu.rate_bps = config->rate_bps;
    s->report.run = run;
    status_line_begin(run);
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
    send_move_prepare(s);
    loop_timer_init(&s->again, s->loop, on_again, s);
    loop_timer_init(&s->words, s->loop, on_words, s);
    e = send_hook_begin(&s->hook, s->loop, config->hook, &s->note, run);
    return e ? e
             : stop_new(s->loop, &(struct stop_owner){.asked = on_asked, .ctx = s}, run, &s->stop);
}

enum err send_steps_conclude(struct send_move *s)
{
    enum handover_outcome o = s->handover.outcome;
    enum err e = send_report_result(&s->report, loop_refresh_us(s->loop), s->note.id, o);

    if (o == HANDOVER_MOVED || o == HANDOVER_SOURCE_RUNS)
        send_hook_end(&s->hook, o == HANDOVER_MOVED, s->why.text);
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
        if (s->cancelled)
            run_say(s->run, "taken back: %s goes on here",
                    s->note.guest[0] ? s->note.guest : "the guest");
        return s->failure ? failed(s) : e;
    }
}

void send_steps_end(struct send_move *s)
{
    status_line_end();
    s->phase = SEND_CLEAN_UP;
    send_move_close(s);
    send_disks_release(&s->disks);
    send_known_cut(&s->known);
    if (s->call && s->peer)
        call_part(s->call, OK, "the move is over");
    call_free(s->call);
    move_control_release(&s->control);
    send_move_close(s);
    send_disks_release(&s->disks);
    if (s->opened)
        guest_qemu_close(&s->qemu.q);
    send_hook_release(&s->hook);
    stream_socket_close(s->qemu.give);
    send_memory_free(&s->memory);
    send_known_release(&s->known);
    if (s->loop) {
        loop_timer_release(&s->tick);
        loop_timer_release(&s->steer);
        loop_timer_release(&s->again);
        loop_timer_release(&s->words);
    }
    stop_free(s->stop);
    loop_free(s->loop);
}
