#include "core/run/stop.h"

#include <signal.h>

#include "core/base/heap.h"

enum { SIGNALS = 3 };

struct stop {
    struct loop *loop; /* borrowed */
    struct run *run;   /* borrowed, or NULL */
    struct stop_owner owner;
    struct loop_signal *signal[SIGNALS];
};

static void stop(struct stop *s, int which, int number)
{
    /* From now on the default action holds: whoever cannot wait for a clean end may ask again. */
    loop_signal_free(s->signal[which]);
    s->signal[which] = NULL;
    if (s->run && !s->run->signal)
        s->run->signal = number;
    if (s->owner.asked)
        s->owner.asked(s->owner.ctx);
    else
        loop_stop(s->loop, 0);
}

static void on_int(void *ctx)
{
    stop(ctx, 0, SIGINT);
}

static void on_term(void *ctx)
{
    stop(ctx, 1, SIGTERM);
}

static void on_hup(void *ctx)
{
    struct stop *s = ctx;

    if (s->owner.reread)
        s->owner.reread(s->owner.ctx);
    else
        stop(s, 2, SIGHUP);
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
    enum err e = loop_signal_new(l, SIGINT, on_int, s, &s->signal[0]);
    if (!e)
        e = loop_signal_new(l, SIGTERM, on_term, s, &s->signal[1]);
    if (!e)
        e = loop_signal_new(l, SIGHUP, on_hup, s, &s->signal[2]);
    if (e) {
        stop_free(s);
        return e;
    }
    *out = s;
    return OK;
}

void stop_free(struct stop *s)
{
    if (!s)
        return;
    for (int i = 0; i < SIGNALS; i++)
        loop_signal_free(s->signal[i]);
    heap_free(s);
}
