#include "core/run/stop.h"

#include <signal.h>

#include "core/base/heap.h"

enum { SIGNALS = 3 };

static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

struct stop {
    struct loop *loop; /* borrowed */
    struct run *run;   /* borrowed, or NULL */
    struct stop_owner owner;
    struct loop_signal *signal[SIGNALS];
};

static void stop(struct stop *s, int which)
{
    /* From now on the default action holds: whoever cannot wait for a clean end may ask again. */
    loop_signal_free(s->signal[which]);
    s->signal[which] = NULL;
    if (s->run && !s->run->signal)
        s->run->signal = numbers[which];
    if (s->owner.asked)
        s->owner.asked(s->owner.ctx);
    else
        loop_stop(s->loop, 0);
}

static void on_int(void *ctx)
{
    stop(ctx, 0);
}

static void on_term(void *ctx)
{
    stop(ctx, 1);
}

static void on_hup(void *ctx)
{
    struct stop *s = ctx;

    if (s->owner.reread)
        s->owner.reread(s->owner.ctx);
    else
        stop(s, 2);
}

enum err stop_new(struct loop *l, const struct stop_owner *owner, struct run *run,
                  struct stop **out)
{
    struct stop *s = heap_alloc(sizeof *s);

    *out = NULL;
    if (!s)
        return ERR_MEMORY;
    s->loop = l;
    s->run = run;
    s->owner = *owner;
    void (*const fn[SIGNALS])(void *ctx) = {on_int, on_term, on_hup};
    for (int i = 0; i < SIGNALS; i++)
        if (loop_signal_new(l, numbers[i], fn[i], s, &s->signal[i])) {
            stop_free(s);
            return ERR_MEMORY;
        }
    *out = s;
    return OK;
}

void stop_free(struct stop *s)
{
    if (!s)
        return;
    /* No moment of the default action between the one and the other. */
    sigset_t ours, before;
    sigemptyset(&ours);
    for (int i = 0; i < SIGNALS; i++)
        sigaddset(&ours, numbers[i]);
    sigprocmask(SIG_BLOCK, &ours, &before);
    for (int i = 0; i < SIGNALS; i++) {
        bool watched = s->signal[i] != NULL;
        loop_signal_free(s->signal[i]);
        if (watched)
            signal(numbers[i], SIG_IGN);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    heap_free(s);
}
