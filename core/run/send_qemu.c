#include "core/run/send_qemu.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/num.h"

enum { ALL_BYTES_PER_S_LOG = 40, ANY_DOWNTIME_MS = 2000000 };

static void ended(void *ctx, enum err e)
{
    struct send_qemu *s = ctx;

    s->ended(s->ctx, e);
}

static void go(struct send_qemu *s, const struct dialog_step *steps, size_t n,
               void (*fn)(void *ctx, enum err e), void *ctx)
{
    s->ended = fn;
    s->ctx = ctx;
    guest_qemu_do(&s->q, steps, n, ended, s);
}

/* The dialog's context is the guest_qemu's owner here, that is this. */

/* ---- beginning ---- */

static enum err hear_capabilities(void *ctx, const struct json_value *v, const char *refused)
{
    struct send_qemu *s = ctx;

    if (refused)
        return reason_give(&s->q.run->reason, ERR_UNSUPPORTED, "QEMU tells no capabilities: %s",
                           refused);
    guest_capabilities_hear(&s->before, v);
    return OK;
}

static enum err hear_parameters(void *ctx, const struct json_value *v, const char *refused)
{
    struct send_qemu *s = ctx;

    if (refused)
        return reason_give(&s->q.run->reason, ERR_UNSUPPORTED, "QEMU tells no parameters: %s",
                           refused);
    s->before_downtime_ms = (uint64_t)json_int(json_member(v, "downtime-limit"), 300);
    s->before_bandwidth_bytes = (uint64_t)json_int(json_member(v, "max-bandwidth"), 128 << 20);
    return OK;
}

static struct json *wanted_capabilities(void *ctx)
{
    struct send_qemu *s = ctx;

    s->changed = true;
    return guest_capabilities_change(&s->before, GUEST_SOURCE, false);
}

static struct json *wanted_parameters(void *ctx)
{
    const struct send_qemu *s = ctx;
    struct json *j = json_new();

    json_put_int(j, "downtime-limit", 1);
    json_put_int(j, "max-bandwidth",
                 s->rate_bps ? (int64_t)num_max(s->rate_bps / 8, 1)
                             : (int64_t)1 << ALL_BYTES_PER_S_LOG);
    return j;
}

static int take_fd(void *ctx)
{
    struct send_qemu *s = ctx;
    int fd = s->give;

    s->give = -1;
    return fd;
}

void send_qemu_begin(struct send_qemu *s, void (*fn)(void *ctx, enum err e), void *ctx)
{
    static const struct dialog_step steps[] = {
        {"query-migrate-capabilities", .heard = hear_capabilities},
        {"query-migrate-parameters", .heard = hear_parameters},
        {"migrate-set-capabilities", .arguments = wanted_capabilities},
        {"migrate-set-parameters", .arguments = wanted_parameters},
        {"getfd", .name = "fdname", .text = "farspan-memory", .give = take_fd},
        {"migrate", .name = "uri", .text = "fd:farspan-memory"},
    };

    go(s, steps, COUNT_OF(steps), fn, ctx);
}

/* ---- on the way ---- */

static uint64_t count_of(const struct json_value *v, const char *key)
{
    int64_t n = json_int(json_member(v, key), 0);

    return n > 0 ? (uint64_t)n : 0;
}

static void on_progress(void *ctx, const struct json_value *v, const char *refused)
{
    struct send_qemu *s = ctx;
    const struct json_value *ram = json_member(v, "ram");

    if (refused || !ram)
        return;
    uint64_t page = num_clamp(count_of(ram, "page-size"), 1, 1 << 30);
    s->progress = (struct send_progress){
        .total_bytes = count_of(ram, "total"),
        .remaining_bytes = count_of(ram, "remaining"),
        .sent_bytes = count_of(ram, "transferred"),
        .rounds = count_of(ram, "dirty-sync-count"),
        .dirty_bps = num_mul_div(count_of(ram, "dirty-pages-rate"), page * 8, 1),
    };
    if (s->progressed)
        s->progressed(s->progress_ctx);
}

static void ask(struct send_qemu *s, const char *command, struct json *arguments,
                monitor_answer *fn)
{
    enum err e = monitor_do(s->q.monitor, command, arguments, fn, s);

    if (e && e != ERR_END)
        log_warn("QEMU could not be told %s: %s", command, err_text(e));
}

void send_qemu_ask(struct send_qemu *s)
{
    ask(s, "query-migrate", NULL, on_progress);
}

static void on_go_on(void *ctx, const struct json_value *v, const char *refused)
{
    (void)ctx;
    (void)v;
    if (refused)
        log_warn("QEMU does not go on to the switch-over: %s", refused);
}

void send_qemu_switch(struct send_qemu *s)
{
    struct json *j = json_new();

    json_put_int(j, "downtime-limit", ANY_DOWNTIME_MS);
    ask(s, "migrate-set-parameters", j, NULL);
}

void send_qemu_go_on(struct send_qemu *s)
{
    struct json *j = json_new();

    json_put_string(j, "state", "pre-switchover");
    ask(s, "migrate-continue", j, on_go_on);
}

void send_qemu_cancel(struct send_qemu *s)
{
    ask(s, "migrate_cancel", NULL, NULL);
}

bool send_qemu_migrates(const struct send_qemu *s)
{
    static const char *const ended_ones[] = {"", "none", "completed", "failed", "cancelled"};

    for (size_t i = 0; i < COUNT_OF(ended_ones); i++)
        if (strcmp(s->q.facts.migration, ended_ones[i]) == 0)
            return false;
    return true;
}

/* ---- afterwards ---- */

static enum err hear_resumed(void *ctx, const struct json_value *v, const char *refused)
{
    struct send_qemu *s = ctx;

    (void)v;
    return refused ? reason_give(&s->q.run->reason, ERR_UNSUPPORTED,
                                 "QEMU does not let the guest go on: %s", refused)
                   : OK;
}

void send_qemu_resume(struct send_qemu *s, void (*fn)(void *ctx, enum err e), void *ctx)
{
    static const struct dialog_step steps[] = {{"cont", .heard = hear_resumed}};

    go(s, steps, guest_facts_runs(&s->q.facts) ? COUNT_OF(steps) : 0, fn, ctx);
}

static struct json *capabilities_before(void *ctx)
{
    const struct send_qemu *s = ctx;

    return guest_capabilities_change(&s->before, GUEST_SOURCE, true);
}

static struct json *parameters_before(void *ctx)
{
    const struct send_qemu *s = ctx;
    struct json *j = json_new();

    json_put_int(j, "downtime-limit", (int64_t)s->before_downtime_ms);
    json_put_int(j, "max-bandwidth", (int64_t)s->before_bandwidth_bytes);
    return j;
}

static enum err forgive(void *ctx, const struct json_value *v, const char *refused)
{
    (void)ctx;
    (void)v;
    if (refused)
        log_warn("QEMU keeps what was set for the move: %s", refused);
    return OK;
}

void send_qemu_restore(struct send_qemu *s, void (*fn)(void *ctx, enum err e), void *ctx)
{
    /* As a rule it goes on by itself, and then to be told changes nothing. */
    static const struct dialog_step steps[] = {
        {"migrate-set-capabilities", .arguments = capabilities_before, .heard = forgive},
        {"migrate-set-parameters", .arguments = parameters_before, .heard = forgive},
        {"cont", .heard = hear_resumed},
    };

    if (!s->changed)
        fn(ctx, OK);
    else
        go(s, steps, COUNT_OF(steps) - !guest_facts_runs(&s->q.facts), fn, ctx);
}

void send_qemu_quit(struct send_qemu *s, void (*fn)(void *ctx, enum err e), void *ctx)
{
    static const struct dialog_step steps[] = {{.command = "quit"}};

    go(s, steps, COUNT_OF(steps), fn, ctx);
}
