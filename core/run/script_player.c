#include "core/run/script_player.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/os/file.h"
#include "core/screen/script.h"

struct script_player {
    struct loop *loop; /* borrowed */
    struct run *run;   /* borrowed */
    struct script_player_owner owner;
    struct script script;
    struct loop_timer timer;
    struct loop_io *io; /* more of it may come there; NULL: all of it is here */
    bool running, done, syncing;
};

/* Whether a `sync` is over that waits, or has just come. */
static bool synced(struct script_player *p)
{
    p->syncing = !p->owner.settled(p->owner.ctx);
    if (!p->syncing)
        script_synced(&p->script);
    return !p->syncing;
}

void script_player_go(struct script_player *p)
{
    struct input_event e;

    if (!p || (p->syncing && !synced(p)))
        return;
    while (p->running && !p->done) {
        switch (script_next(&p->script, loop_now_us(p->loop), &e)) {
        case SCRIPT_ACT:
            p->owner.act(p->owner.ctx, &e);
            continue;
        case SCRIPT_WAIT:
            loop_timer_set(&p->timer, script_deadline_us(&p->script));
            return;
        case SCRIPT_SYNC:
            if (synced(p))
                continue;
            return;
        case SCRIPT_MORE:
            return;
        case SCRIPT_END:
            p->done = true;
            p->owner.over(p->owner.ctx);
            return;
        }
    }
}

static void on_timer(void *ctx)
{
    script_player_go(ctx);
}

static enum err refuse(struct script_player *p, enum err e, const struct script_error *why)
{
    if (e == ERR_MEMORY)
        return e;
    return reason_give(&p->run->reason, ERR_USAGE, "the input script, line %llu, column %llu: %s",
                       (unsigned long long)why->line, (unsigned long long)why->column, why->reason);
}

/* Reads what has come of a script on standard input. */
static void on_input(void *ctx, unsigned events)
{
    struct script_player *p = ctx;
    struct script_error why;
    uint8_t space[4096];
    ssize_t n = read(STDIN_FILENO, space, sizeof space);
    enum err e;

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        loop_io_free(p->io);
        p->io = NULL;
        e = script_finish(&p->script, &why);
    } else {
        e = script_feed(&p->script, bytes_of(space, (size_t)n), &why);
    }
    if (e)
        p->owner.failed(p->owner.ctx, refuse(p, e, &why));
    else
        script_player_go(p);
}

static enum err load(struct script_player *p, const char *path)
{
    struct script_error why;
    struct buf text;

    buf_init(&text, LIMIT_SCRIPT_BYTES);
    enum err e = file_read(path, false, &text);
    if (e) {
        buf_release(&text);
        return reason_give(&p->run->reason, e == ERR_NOT_FOUND ? ERR_USAGE : e,
                           "cannot read the input script %.120s", path);
    }
    e = script_feed(&p->script, buf_bytes(&text), &why);
    if (!e)
        e = script_finish(&p->script, &why);
    buf_release(&text);
    return e ? refuse(p, e, &why) : OK;
}

enum err script_player_new(struct loop *l, const char *input,
                           const struct script_player_owner *owner, struct run *run,
                           struct script_player **out)
{
    *out = NULL;
    if (!input)
        return OK;
    struct script_player *p = heap_alloc(sizeof *p);
    if (!p)
        return ERR_MEMORY;
    p->loop = l;
    p->run = run;
    p->owner = *owner;
    script_init(&p->script);
    loop_timer_init(&p->timer, l, on_timer, p);
    enum err e = strcmp(input, "-") == 0 ? loop_io_new(l, STDIN_FILENO, on_input, p, &p->io)
                                         : load(p, input);
    if (e)
        script_player_free(p);
    else
        *out = p;
    return e;
}

void script_player_begin(struct script_player *p)
{
    if (!p)
        return;
    p->running = true;
    if (p->io)
        loop_io_want(p->io, LOOP_READ);
    script_player_go(p);
}

void script_player_stop(struct script_player *p)
{
    if (!p)
        return;
    p->running = false;
    loop_timer_set(&p->timer, LOOP_NEVER);
    if (p->io)
        loop_io_want(p->io, 0);
}

bool script_player_done(const struct script_player *p)
{
    return !p || p->done;
}

void script_player_free(struct script_player *p)
{
    if (!p)
        return;
    loop_timer_release(&p->timer);
    loop_io_free(p->io);
    script_release(&p->script);
    heap_free(p);
}
