#include "core/run/receive_qemu.h"

#include <string.h>

#include "core/base/num.h"
#include "core/run/qemu_words.h"

static void ended(void *ctx, enum err e)
{
    struct receive_qemu *s = ctx;

    s->ended(s->ctx, e);
}

static void go(struct receive_qemu *s, const struct dialog_step *steps, size_t n,
               void (*fn)(void *ctx, enum err e), void *ctx)
{
    s->ended = fn;
    s->ctx = ctx;
    guest_qemu_do(&s->q, steps, n, ended, s);
}

enum err receive_qemu_fits(const struct receive_qemu *s, const struct guest_facts *offered,
                           void (*tell)(void *ctx, const char *problem), void *ctx)
{
    const struct guest_facts *f = &s->q.facts;

    if (strcmp(f->status, "inmigrate") != 0)
        return reason_give(&s->q.run->reason, ERR_BUSY,
                           "the QEMU there does not wait for a guest (it is %.40s): start it with "
                           "-incoming defer",
                           f->status);
    enum err e = qemu_words_defers(s->q.pid, &s->q.run->reason);
    if (e)
        return e;
    if (tell)
        return guest_facts_compare(offered, f, tell, ctx) ? OK : ERR_UNSUPPORTED;
    return guest_facts_match(offered, f, &s->q.run->reason);
}

/* ---- beginning ---- */

static enum err hear_capabilities(void *ctx, const struct json_value *v, const char *refused)
{
    struct receive_qemu *s = ctx;

    if (refused)
        return reason_give(&s->q.run->reason, ERR_UNSUPPORTED, "QEMU tells no capabilities: %s",
                           refused);
    guest_capabilities_hear(&s->before, v);
    return OK;
}

static struct json *wanted_capabilities(void *ctx)
{
    const struct receive_qemu *s = ctx;

    return guest_capabilities_change(&s->before, GUEST_DESTINATION, false);
}

static int take_fd(void *ctx)
{
    struct receive_qemu *s = ctx;
    int fd = s->give;

    s->give = -1;
    return fd;
}

void receive_qemu_begin(struct receive_qemu *s, void (*fn)(void *ctx, enum err e), void *ctx)
{
    /* While it waits for a guest, `stop` means that it is not to let it go by itself. */
    static const struct dialog_step steps[] = {
        {.command = "stop"},
        {"query-migrate-capabilities", .heard = hear_capabilities},
        {"migrate-set-capabilities", .arguments = wanted_capabilities},
        {"getfd", .name = "fdname", .text = "farspan-memory", .give = take_fd},
        {"migrate-incoming", .name = "uri", .text = "fd:farspan-memory"},
    };

    s->begun = true;
    go(s, steps, COUNT_OF(steps), fn, ctx);
}

/* ---- afterwards ---- */

static enum err hear_cont(void *ctx, const struct json_value *v, const char *refused)
{
    struct receive_qemu *s = ctx;

    (void)v;
    return refused ? reason_give(&s->q.run->reason, ERR_UNSUPPORTED,
                                 "QEMU does not let the guest go: %s", refused)
                   : OK;
}

void receive_qemu_start(struct receive_qemu *s, bool runs, void (*fn)(void *ctx, enum err e),
                        void *ctx)
{
    static const struct dialog_step steps[] = {{"cont", .heard = hear_cont}};

    go(s, steps, runs ? COUNT_OF(steps) : 0, fn, ctx);
}
