#include "core/run/guest_qemu.h"

#include <string.h>

#include "core/base/log.h"
#include "core/os/process.h"

enum {
    LOOK_US = 10000,
    GIVE_UP_US = 3000000,
    ANNOUNCE_FIRST_MS = 50, /* between the first two, then longer, until there are enough */
    ANNOUNCE_MOST_MS = 550,
    ANNOUNCE_STEP_MS = 100
};

static void after_facts(void *ctx, enum err e)
{
    struct guest_qemu *q = ctx;

    if (e == ERR_UNREACHABLE)
        return; /* on_lost says so */
    q->ready |= e == OK;
    q->owner.ready(q->owner.ctx, e);
}

static struct json *fact_arguments(void *ctx)
{
    const struct guest_qemu *q = ctx;
    const struct guest_question *a = &guest_facts_questions[q->dialog.at];
    struct json *j = json_new();

    json_put_string(j, "path", a->object);
    if (a->property)
        json_put_string(j, "property", a->property);
    return j;
}

static enum err hear_fact(void *ctx, const struct json_value *value, const char *refused)
{
    struct guest_qemu *q = ctx;
    const struct guest_question *a = &guest_facts_questions[q->dialog.at - 1];

    if (refused)
        return reason_give(&q->run->reason, ERR_UNSUPPORTED, "QEMU does not answer %s: %s",
                           a->command, refused);
    enum err e = a->hear(&q->facts, value);
    return e ? reason_give(&q->run->reason, e, "QEMU's answer to %s is not understood: %s",
                           a->command, err_text(e))
             : OK;
}

void guest_qemu_ask(struct guest_qemu *q)
{
    size_t n = 0;

    memset(&q->facts, 0, sizeof q->facts);
    for (; guest_facts_questions[n].command; n++)
        q->step[n] = (struct dialog_step){
            .command = guest_facts_questions[n].command,
            .arguments = guest_facts_questions[n].object ? fact_arguments : NULL,
            .heard = hear_fact,
        };
    dialog_begin(&q->dialog, q->monitor, q->run, q->step, n, after_facts, q);
}

static void on_ready(void *ctx)
{
    struct guest_qemu *q = ctx;

    if (process_of_socket(monitor_fd(q->monitor), &q->pid) ||
        process_started(q->pid, &q->started_ticks))
        q->pid = 0;
    guest_qemu_ask(q);
}

static void on_told(void *ctx, const char *name, const struct json_value *data, int64_t at_us)
{
    struct guest_qemu *q = ctx;

    log_debug("QEMU tells %s", name);
    if (q->owner.told)
        q->owner.told(q->owner.ctx, name, data, at_us);
}

/* The process may need a moment to end. */
static void on_look(void *ctx)
{
    struct guest_qemu *q = ctx;
    bool gone = q->pid && !process_lives(q->pid, q->started_ticks);

    if (!gone && loop_now_us(q->loop) < q->give_up_us)
        loop_timer_set(&q->look, loop_now_us(q->loop) + LOOK_US);
    else
        q->owner.lost(q->owner.ctx, gone);
}

static void on_lost(void *ctx, enum err e)
{
    struct guest_qemu *q = ctx;

    if (q->ready) {
        q->give_up_us = loop_now_us(q->loop) + GIVE_UP_US;
        on_look(q);
        return;
    }
    dialog_drop(&q->dialog);
    if (e == ERR_BUSY)
        e = reason_give(&q->run->reason, e,
                        "QEMU does not greet on %.80s: another client has that monitor (a farspan "
                        "that moves the guest? see migrate status); else start QEMU with one more, "
                        "-qmp unix:PATH,server=on,wait=off",
                        q->path);
    else if (e == ERR_MALFORMED)
        e = reason_give(&q->run->reason, e, "%.100s is not a QMP monitor", q->path);
    else
        e = reason_give(&q->run->reason, e, "QEMU has closed its monitor %.100s", q->path);
    q->owner.ready(q->owner.ctx, e);
}

enum err guest_qemu_open(struct guest_qemu *q, struct loop *l, const char *path,
                         const struct guest_qemu_owner *owner, struct run *run)
{
    struct monitor_owner mine = {.ready = on_ready, .told = on_told, .lost = on_lost, .ctx = q};

    *q = (struct guest_qemu){.loop = l, .run = run, .path = path, .owner = *owner};
    enum err e = monitor_new(l, path, &mine, &q->monitor);
    if (e)
        return reason_give(&run->reason, e,
                           e == ERR_NOT_FOUND ? "no QEMU listens on %.100s: is it running, with "
                                                "-qmp unix:PATH,server=on,wait=off?"
                                              : "cannot use the monitor %.100s",
                           path);
    loop_timer_init(&q->look, l, on_look, q);
    return OK;
}

void guest_qemu_close(struct guest_qemu *q)
{
    if (!q->monitor)
        return;
    dialog_drop(&q->dialog);
    loop_timer_release(&q->look);
    monitor_free(q->monitor);
    q->monitor = NULL;
}

void guest_qemu_do(struct guest_qemu *q, const struct dialog_step *steps, size_t n,
                   void (*ended)(void *ctx, enum err e), void *ctx)
{
    dialog_begin(&q->dialog, q->monitor, q->run, steps, n, ended, ctx);
}

void guest_qemu_announce(struct guest_qemu *q, unsigned rounds)
{
    struct json *j = json_new();

    json_put_int(j, "initial", ANNOUNCE_FIRST_MS);
    json_put_int(j, "max", ANNOUNCE_MOST_MS);
    json_put_int(j, "rounds", rounds);
    json_put_int(j, "step", ANNOUNCE_STEP_MS);
    if (monitor_do(q->monitor, "announce-self", j, NULL, NULL))
        log_warn("the guest could not be announced");
}
