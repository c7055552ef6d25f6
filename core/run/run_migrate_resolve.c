#include "core/run/run_migrate_resolve.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/crypt/ticket.h"
#include "core/os/process.h"
#include "core/run/receive_move.h"
#include "core/run/send_steps.h"

enum { WAIT_US = 15000000 };

static enum err say_outcome(struct run *run, const char *id, const char *outcome,
                            const char *sentence)
{
    struct json *j = json_new();

    json_put_string(j, "event", "result");
    json_put_string(j, "id", id);
    json_put_string(j, "outcome", outcome);
    run_say(run, "%s", sentence);
    return run_event(run, j);
}

/* ---- at the source ---- */

static void on_resumed(void *ctx, enum err e)
{
    struct send_move *s = ctx;

    s->failure = e;
    loop_leave(s->loop);
}

/* The guest goes on here: it was never handed over, or a person knows that nobody took it. */
static enum err keep_here(struct send_move *s)
{
    const struct guest_facts *f = &s->qemu.q.facts;

    if (!s->opened) {
        move_notes_drop(&s->notes, s->note.id);
        return reason_give(&s->run->reason, ERR_UNREACHABLE,
                           "its QEMU is no more: there is nothing to go on here");
    }
    if (s->note.runs && !guest_facts_runs(f)) {
        /* What is asked is whether it ran before the move. */
        memcpy(s->qemu.q.facts.status, "running", sizeof "running");
        send_qemu_resume(&s->qemu, on_resumed, s);
        loop_run(s->loop);
        if (s->failure)
            return s->failure;
    }
    send_steps_tidy(s);
    move_notes_drop(&s->notes, s->note.id);
    return say_outcome(s->run, s->note.id, "source_runs", "the guest is this host's");
}

static enum err leave_it(struct send_move *s)
{
    if (s->opened) {
        send_qemu_quit(&s->qemu, on_resumed, s);
        loop_run(s->loop);
    }
    move_notes_drop(&s->notes, s->note.id);
    return say_outcome(s->run, s->note.id, "moved", "the guest is the destination's");
}

/* Makes a ticket of an address: whoever answers there must have the key that the note has, also
 * where that is known no more, or by another name. */
static void hold_to_key(struct send_move *s)
{
    struct bytes text = bytes_of(s->target, strlen(s->target));
    struct ticket t = {0};
    struct target_error error;

    if (ticket_is(text) || target_parse(text, TARGET_REACH, &t.target, &error))
        return; /* the call says what is wrong with it */
    memcpy(t.key, s->note.peer, sizeof t.key);
    _Static_assert(sizeof s->target >= TICKET_TEXT_CHARS, "room for a ticket");
    ticket_print(&t, s->target);
}

static enum err ask_destination(struct send_move *s, const struct run_migrate_resolve_config *c)
{
    if (!c->target && !s->note.target[0])
        return reason_give(&s->run->reason, ERR_USAGE, "say where the destination is: TARGET");
    if (!c->target)
        memcpy(s->target, s->note.target, sizeof s->note.target);
    hold_to_key(s);
    send_steps_ask(s);
    send_steps_clean_up(s);
    return send_steps_conclude(s);
}

static enum err resolve_source(const struct run_migrate_resolve_config *c, struct run *run,
                               const struct move_note *n)
{
    const struct send_config sc = {.target = c->target,
                                   .qmp = n->qmp,
                                   .patience_us = c->patience_us,
                                   .accept_new = c->accept_new,
                                   .tcp = c->tcp};
    struct send_move *s = heap_alloc(sizeof *s);
    bool handed = n->stage == NOTE_HANDED;

    if (!s)
        return ERR_MEMORY;
    enum err e = send_steps_begin(s, &sc, run);
    s->note = *n;
    if (!e && n->pid && process_lives(n->pid, n->started_ticks)) {
        e = send_steps_look(s);
        if (!e && s->qemu.q.pid != n->pid)
            e = reason_give(&run->reason, ERR_UNSUPPORTED,
                            "another QEMU has the monitor %.80s now, and its own, process %d, runs",
                            n->qmp, n->pid);
        if (!e)
            e = send_steps_settle(s);
    }
    if (e)
        ;
    else if (c->keep_destination && !handed)
        e = reason_give(&run->reason, ERR_USAGE,
                        "that guest was never handed over: it is this host's");
    else if (c->keep_source || !handed)
        e = keep_here(s);
    else if (c->keep_destination)
        e = leave_it(s);
    else
        e = ask_destination(s, c);
    send_steps_end(s);
    heap_free(s);
    return e;
}

/* ---- at the destination ---- */

struct here {
    struct loop *loop;
    struct receive_move *move;
    struct loop_timer patience;
};

static void on_say(void *ctx, struct receive_move *m, enum move_kind kind, struct json *body)
{
    (void)ctx;
    (void)m;
    (void)kind;
    json_free(body);
}

static bool rests(const struct receive_move *m)
{
    enum target_stage s = m->handover.stage;

    return m->accepted && (s == TARGET_PREPARED || s == TARGET_RUNNING || s == TARGET_LOST ||
                           s == TARGET_ABANDONED || s == TARGET_ENDED);
}

static void on_stage(void *ctx, struct receive_move *m, const char *name)
{
    struct here *h = ctx;

    log_debug("the move is %s", name);
    if (rests(m))
        loop_leave(h->loop);
}

static void on_kick(void *ctx)
{
    (void)ctx;
}

static void on_patience(void *ctx)
{
    loop_leave(((struct here *)ctx)->loop);
}

/* Runs the loop until the move has come to rest. */
static void settle_here(struct here *h)
{
    loop_timer_set(&h->patience, loop_refresh_us(h->loop) + WAIT_US);
    if (!rests(h->move))
        loop_run(h->loop);
}

static enum err decide(const struct run_migrate_resolve_config *c, struct run *run, struct here *h)
{
    struct receive_move *m = h->move;
    const char *id = m->note.id;

    settle_here(h);
    if (c->keep_destination && m->handover.stage == TARGET_PREPARED)
        receive_move_record(m, MOVE_HANDOVER, NULL);
    else if (c->keep_source && rests(m))
        receive_move_drop(m);
    settle_here(h);
    switch (m->handover.stage) {
    case TARGET_RUNNING:
        if (c->keep_source)
            return reason_give(&run->reason, ERR_USAGE,
                               "the guest runs here already: stop it first, if it must not");
        return say_outcome(run, id, "moved", "the guest is this host's, and runs");
    case TARGET_ABANDONED:
    case TARGET_ENDED:
        if (m->handover.stage == TARGET_ABANDONED) /* a person knows it: nobody must be told */
            receive_move_record(m, MOVE_RUNS, NULL);
        if (c->keep_destination)
            return reason_give(&run->reason, ERR_UNSUPPORTED, "the guest is not here any more: %s",
                               m->run.reason.text);
        return say_outcome(run, id, "source_runs", "the guest is the source's");
    case TARGET_PREPARED:
        return reason_give(&run->reason, ERR_UNDECIDED,
                           "the guest stands here whole: start farspan migrate receive, so that "
                           "its source can say whose it is, or say --keep-destination when you "
                           "know that it does not run there, --keep-source when it does");
    case TARGET_LOST:
        return reason_give(&run->reason, ERR_UNDECIDED,
                           "its QEMU died here when the guest was let go: say --keep-source when "
                           "what it may have done since does not count");
    default:
        return reason_give(&run->reason, ERR_UNREACHABLE, "its QEMU does not answer");
    }
}

static enum err resolve_destination(const struct run_migrate_resolve_config *c, struct run *run,
                                    const struct move_notes *notes, const struct move_note *n)
{
    struct here h = {0};
    struct receive_owner owner = {.say = on_say, .stage = on_stage, .kick = on_kick, .ctx = &h};
    enum err e = loop_new(&h.loop);

    if (e)
        return e;
    loop_timer_init(&h.patience, h.loop, on_patience, &h);
    e = receive_move_again(h.loop, notes, &owner, n, &h.move);
    if (!e)
        e = decide(c, run, &h);
    receive_move_free(h.move);
    loop_timer_release(&h.patience);
    loop_free(h.loop);
    return e;
}

enum err run_migrate_resolve(const struct run_migrate_resolve_config *config, struct run *run)
{
    struct move_notes notes;
    struct move_note n;
    enum err e = move_notes_open(&notes);

    if (config->keep_source && config->keep_destination)
        return reason_give(&run->reason, ERR_USAGE, "keep one of the two");
    if (!e)
        e = move_notes_get(&notes, config->id, &n);
    if (e == ERR_NOT_FOUND)
        return reason_give(&run->reason, e, "no move %.40s here (see: farspan migrate status)",
                           config->id);
    if (!e && move_notes_owned(&notes, &n))
        return reason_give(&run->reason, ERR_BUSY, "process %d works on that move: end it first",
                           n.owner_pid);
    if (!e)
        e = move_notes_take(&notes, config->id, &n);
    if (e)
        return reason_give(&run->reason, e, "the note of that move cannot be used");
    return move_note_of_source(&n) ? resolve_source(config, run, &n)
                                   : resolve_destination(config, run, &notes, &n);
}
