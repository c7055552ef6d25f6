#include "core/run/dialog.h"

static void go_on(struct dialog *d);

static void end(struct dialog *d, enum err e)
{
    void (*ended)(void *, enum err) = d->ended;

    d->ended = NULL;
    if (ended)
        ended(d->ctx, e);
}

static void heard(void *ctx, const struct json_value *value, const char *refused)
{
    struct dialog *d = ctx;

    if (d->stale) {
        d->stale--;
        return;
    }
    d->waits = false;
    if (monitor_lost(d->monitor)) {
        end(d, ERR_UNREACHABLE);
        return;
    }
    const struct dialog_step *s = &d->step[d->at++];
    enum err e = OK;
    if (s->heard)
        e = s->heard(d->ctx, value, refused);
    else if (refused)
        e = reason_give(&d->run->reason, ERR_UNSUPPORTED, "QEMU refuses %s: %s", s->command,
                        refused);
    if (e)
        end(d, e);
    else
        go_on(d);
}

static struct json *arguments_of(const struct dialog_step *s, void *ctx)
{
    if (!s->name)
        return s->arguments ? s->arguments(ctx) : NULL;
    struct json *j = json_new();
    json_put_string(j, s->name, s->text);
    return j;
}

static void go_on(struct dialog *d)
{
    enum err e = OK;

    for (; d->at < d->steps; d->at++) {
        const struct dialog_step *s = &d->step[d->at];
        if (s->due && !s->due(d->ctx))
            continue;
        int fd = s->give ? s->give(d->ctx) : -1;
        if (s->give && fd < 0)
            continue;
        struct json *arguments = arguments_of(s, d->ctx);
        e = s->give ? monitor_give(d->monitor, s->command, arguments, fd, heard, d)
                    : monitor_do(d->monitor, s->command, arguments, heard, d);
        d->waits = e == OK;
        if (e)
            end(d, e == ERR_END ? ERR_UNREACHABLE : e);
        return;
    }
    end(d, OK);
}

void dialog_begin(struct dialog *d, struct monitor *m, struct run *run,
                  const struct dialog_step *steps, size_t n, void (*ended)(void *ctx, enum err e),
                  void *ctx)
{
    dialog_drop(d);
    d->monitor = m;
    d->run = run;
    d->step = steps;
    d->steps = n;
    d->at = 0;
    d->ended = ended;
    d->ctx = ctx;
    go_on(d);
}

bool dialog_busy(const struct dialog *d)
{
    return d->ended;
}

void dialog_drop(struct dialog *d)
{
    d->ended = NULL;
    d->stale += d->waits;
    d->waits = false;
}
