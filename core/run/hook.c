#include "core/run/hook.h"

#include "core/base/heap.h"
#include "core/base/log.h"

/* How often a running program is looked after: it runs for a moment, and rarely. */
enum { LOOK_US = 20 * 1000 };

struct call_for {
    const char *event; /* static */
    struct child_env env;
};

struct hook {
    struct loop *loop; /* borrowed */
    const char *path;  /* borrowed */
    struct loop_timer timer;
    struct call_for waiting[HOOK_WAITING];
    size_t first, count; /* the running one is not among them */
    int pid;             /* 0: none runs */
    const char *running; /* its event */
    uint64_t since_us, dropped;
};

static void begin(struct hook *h)
{
    while (h->count && !h->pid) {
        const struct call_for *c = &h->waiting[h->first];
        h->first = (h->first + 1) % HOOK_WAITING;
        h->count--;
        h->running = c->event;
        h->since_us = loop_now_us(h->loop);
        if (child_start(h->path, c->event, &c->env, &h->pid))
            h->pid = 0; /* said in the log; the next one may do better */
        else
            loop_timer_set(&h->timer, h->since_us + LOOK_US);
    }
}

static void on_timer(void *ctx)
{
    struct hook *h = ctx;
    uint64_t now = loop_now_us(h->loop);
    int status = 0;

    if (!h->pid)
        return;
    if (child_ended(h->pid, &status)) {
        h->pid = 0;
        if (status)
            log_warn("the hook ended with %d at the event %s", status, h->running);
    } else if (now - h->since_us >= HOOK_LIMIT_US) {
        log_warn("the hook took more than %d s at the event %s and was ended",
                 HOOK_LIMIT_US / 1000000, h->running);
        child_kill(h->pid);
        h->pid = 0;
    } else {
        loop_timer_set(&h->timer, now + LOOK_US);
    }
    begin(h);
}

enum err hook_new(struct loop *l, const char *path, struct run *run, struct hook **out)
{
    *out = NULL;
    if (child_check(path))
        return reason_give(&run->reason, ERR_USAGE,
                           "--hook %.100s: give the path of a program that can be started, such as "
                           "./hook.sh with chmod +x",
                           path);
    struct hook *h = heap_alloc(sizeof *h);
    if (!h)
        return ERR_MEMORY;
    h->loop = l;
    h->path = path;
    loop_timer_init(&h->timer, l, on_timer, h);
    *out = h;
    return OK;
}

void hook_event(struct hook *h, const char *event, const struct child_env *env)
{
    if (!h)
        return;
    if (h->count == HOOK_WAITING) {
        if (h->dropped++ == 0)
            log_warn("the hook is too slow: it will not hear of every event");
        return;
    }
    struct call_for *c = &h->waiting[(h->first + h->count++) % HOOK_WAITING];
    c->event = event;
    c->env = *env;
    child_env_add(&c->env, "FARSPAN_EVENT", event);
    begin(h);
}

void hook_drain(struct hook *h)
{
    if (!h)
        return;
    for (uint64_t until = loop_refresh_us(h->loop) + HOOK_LIMIT_US;
         h->pid && loop_now_us(h->loop) < until;)
        loop_turn(h->loop, true);
}

void hook_free(struct hook *h)
{
    if (!h)
        return;
    if (h->pid)
        child_kill(h->pid);
    loop_timer_release(&h->timer);
    heap_free(h);
}
