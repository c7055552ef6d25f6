#include "core/run/run_migrate_send.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/path.h"
#include "core/run/qemu_words.h"
#include "core/run/send_steps.h"

static enum err check_config(const struct run_migrate_send_config *c, struct run *run)
{
    if (!c->qmp)
        return reason_give(&run->reason, ERR_USAGE,
                           "say which guest: --qmp SOCKET, the monitor of its QEMU");
    if (c->safe && c->fast)
        return reason_give(&run->reason, ERR_USAGE, "--safe and --fast: one of the two");
    if (strlen(c->qmp) > MOVE_PATH_CHARS)
        return reason_give(&run->reason, ERR_USAGE, "--qmp: that path is too long");
    if (c->disks && strcmp(c->disks, "shared") != 0 && strcmp(c->disks, "copy") != 0)
        return reason_give(&run->reason, ERR_USAGE,
                           "--disks %.40s: copy, or shared when both hosts have them", c->disks);
    return OK;
}

/* The first ends the command, and is said then. */
static void take_problem(void *ctx, const char *text)
{
    struct reason *first = ctx;

    if (first->text[0])
        log_warn("%s", text);
    else
        reason_give(first, ERR_UNSUPPORTED, "%s", text);
}

/* As `check` tells it; nothing ends because of that. */
static void warn(void *ctx, const char *text)
{
    struct json *j = json_new();

    log_warn("%s", text);
    json_put_string(j, "event", "warning");
    json_put_string(j, "says", text);
    if (run_event(ctx, j))
        log_warn("that could not be written");
}

static enum err check_guest(struct send_move *s)
{
    struct reason *why = &s->run->reason;

    if (!guest_facts_leaves(&s->qemu.q.facts, s->config.disks, take_problem, why))
        return ERR_UNSUPPORTED;
    guest_facts_doubts(&s->qemu.q.facts, warn, s->run);
    return qemu_words_free(s->qemu.q.pid, why);
}

static void fill_note(struct send_move *s)
{
    const struct guest_qemu *q = &s->qemu.q;
    size_t n = strcspn(s->target, "#"); /* what follows is secret */

    snprintf(s->note.target, sizeof s->note.target, "%.*s", (int)n, s->target);
    snprintf(s->note.guest, sizeof s->note.guest, "%s", q->facts.name);
    if (path_whole(s->config.qmp, s->note.qmp, sizeof s->note.qmp)) /* for other folders, later */
        snprintf(s->note.qmp, sizeof s->note.qmp, "%s", s->config.qmp);
    s->note.pid = q->pid;
    s->note.started_ticks = q->started_ticks;
    s->note.runs = guest_facts_runs(&q->facts);
}

/* A guest that is being moved, or that nobody knows the owner of, is not moved again. */
static enum err other_move(void *ctx, const struct move_note *n)
{
    struct send_move *s = ctx;
    const struct guest_qemu *q = &s->qemu.q;

    if (!q->pid || n->pid != q->pid || n->started_ticks != q->started_ticks)
        return OK;
    if (move_notes_owned(&s->notes, n))
        return reason_give(&s->run->reason, ERR_BUSY, "process %d works on a move of this guest",
                           n->owner_pid);
    if (n->stage == NOTE_HANDED || n->stage == NOTE_PREPARED || n->stage == NOTE_STARTING)
        return reason_give(&s->run->reason, ERR_UNDECIDED,
                           "an earlier move of this guest is undecided: farspan migrate resolve %s",
                           n->id);
    if (n->stage != NOTE_MOVING)
        return OK;
    if (send_qemu_migrates(&s->qemu) || strcmp(q->facts.status, "postmigrate") == 0)
        return reason_give(&s->run->reason, ERR_UNSUPPORTED,
                           "an earlier move of this guest was cut off: farspan migrate resolve %s",
                           n->id);
    move_notes_drop(&s->notes, n->id); /* it goes on here, so that has come to nothing */
    return OK;
}

static enum err work(struct send_move *s)
{
    enum err e = send_steps_look(s);

    if (!e)
        e = move_notes_each(&s->notes, other_move, s);
    if (!e)
        e = check_guest(s);
    if (e)
        return e;
    send_steps_tidy(s);
    fill_note(s);
    e = send_report_guest(&s->report, &s->qemu.q.facts);
    if (!e)
        e = send_steps_go(s);
    bool moving = s->phase == SEND_MOVE, offered = s->phase == SEND_OFFER;
    send_steps_clean_up(s);
    if (moving)
        return send_steps_conclude(s);
    if (e) {
        send_hook_end(&s->hook, false, reason_text(&s->run->reason, e));
        if (!monitor_lost(s->qemu.q.monitor))
            run_say(s->run, "%s: %s stays here as it was",
                    e == ERR_REFUSED && offered ? "the destination refuses" : "nothing was moved",
                    s->note.guest[0] ? s->note.guest : "the guest");
    }
    return e;
}

enum err run_migrate_send(const struct run_migrate_send_config *config, struct run *run)
{
    const struct send_config c = {.target = config->target ? config->target : "",
                                  .qmp = config->qmp,
                                  .disks = config->disks,
                                  .max_downtime_us = config->max_downtime_us,
                                  .rate_bps = config->rate_bps,
                                  .patience_us = config->patience_us,
                                  .fast = config->fast,
                                  .keep = config->keep,
                                  .accept_new = config->accept_new,
                                  .tcp = config->tcp,
                                  .hook = config->hook};
    enum err e = check_config(config, run);

    if (e)
        return e;
    struct send_move *s = heap_alloc(sizeof *s);
    if (!s)
        return ERR_MEMORY;
    e = send_steps_begin(s, &c, run);
    if (!e)
        e = work(s);
    send_steps_end(s);
    heap_free(s);
    return e;
}
