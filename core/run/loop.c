#include "core/run/loop.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/clock.h"
#include "core/os/os.h"

struct loop {
    struct ev_loop *ev; /* owned */
    uint64_t now_us, turn;
    uint64_t begun_us, busy_us; /* the turn; all turns before */
    int alarm_fd;               /* timerfd: epoll's own time-outs are whole milliseconds */
    uint64_t alarm_us;          /* what it is set to */
    bool alarm_failed;          /* it could not be set once, and that has been said */
    ev_io alarm;
    ev_check begin; /* right after the wait */
    ev_prepare end; /* right before it */
    ev_idle more;   /* active while tasks are left for the next turn, so that it comes at once */
    struct loop_timer timers; /* ring */
    struct loop_task tasks;   /* ring, oldest first */
    bool stopped, left;
    int code;
};

struct loop_io {
    ev_io io;
    struct loop *loop;
    void (*fn)(void *ctx, unsigned events);
    void *ctx;
};

struct loop_signal {
    ev_signal signal;
    struct loop *loop;
    void (*fn)(void *ctx);
    void *ctx;
};

static void begin(struct loop *l)
{
    l->now_us = l->begun_us = clock_mono_us();
    l->turn++;
}

static void on_begin(struct ev_loop *ev, ev_check *w, int events)
{
    (void)ev, (void)events;
    begin(w->data);
}

static void on_alarm(struct ev_loop *ev, ev_io *w, int events)
{
    struct loop *l = w->data;
    uint64_t count;

    (void)ev, (void)events;
    /* The timers themselves run at the end of the turn; this only makes it quiet again. */
    if (OS_CALL(OS_READ, read(l->alarm_fd, &count, sizeof count)) < 0 && errno == EAGAIN)
        return;
    l->alarm_us = LOOP_NEVER;
}

static void on_idle(struct ev_loop *ev, ev_idle *w, int events)
{
    (void)ev, (void)w, (void)events;
}

static struct loop_timer *earliest(struct loop *l, bool fired_too)
{
    struct loop_timer *first = NULL;

    for (struct loop_timer *t = l->timers.next; t != &l->timers; t = t->next)
        if ((fired_too || t->turn != l->turn) && (!first || t->deadline_us < first->deadline_us))
            first = t;
    return first;
}

/* Whether there was any. */
static bool run_timers(struct loop *l)
{
    struct loop_timer *t;
    bool any = false;

    while ((t = earliest(l, false)) && t->deadline_us <= l->now_us) {
        t->deadline_us = LOOP_NEVER;
        t->turn = l->turn;
        t->fn(t->ctx);
        any = true;
    }
    return any;
}

static void unlink_task(struct loop_task *t)
{
    if (!t->queued)
        return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->queued = false;
}

/* Runs what was queued before now; what is queued meanwhile waits behind `stop`. */
static void run_tasks(struct loop *l)
{
    struct loop_task stop = {.loop = l};

    loop_task_defer(&stop);
    while (l->tasks.next != &stop) {
        struct loop_task *t = l->tasks.next;
        unlink_task(t);
        t->fn(t->ctx);
    }
    unlink_task(&stop);
    if (l->tasks.next != &l->tasks)
        ev_idle_start(l->ev, &l->more);
    else
        ev_idle_stop(l->ev, &l->more);
}

static void arm(struct loop *l)
{
    struct loop_timer *t = earliest(l, true);
    uint64_t at = t ? t->deadline_us : LOOP_NEVER;

    if (at == l->alarm_us)
        return;
    /* All zero would turn it off; too far is as good as never. */
    uint64_t us = at == LOOP_NEVER ? 0 : at ? at : 1;
    struct itimerspec spec = {
        .it_value = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000}};
    if (OS_CALL(OS_FD, timerfd_settime(l->alarm_fd, TFD_TIMER_ABSTIME, &spec, NULL)) == 0) {
        l->alarm_us = at;
        return;
    }
    if (!l->alarm_failed)
        log_errno(LOG_ERROR, "cannot set a timer");
    l->alarm_failed = true;
    ev_idle_start(l->ev, &l->more); /* too busy is better than too late */
}

static void on_end(struct ev_loop *ev, ev_prepare *w, int events)
{
    struct loop *l = w->data;

    (void)ev, (void)events;
    run_timers(l);
    run_tasks(l);
    arm(l);
    l->busy_us += clock_mono_us() - l->begun_us;
}

static void start_watchers(struct loop *l)
{
    ev_io_init(&l->alarm, on_alarm, l->alarm_fd, EV_READ);
    ev_check_init(&l->begin, on_begin);
    ev_prepare_init(&l->end, on_end);
    ev_idle_init(&l->more, on_idle);
    /* The clock is frozen before anybody else is called. */
    ev_set_priority(&l->begin, EV_MAXPRI);
    l->alarm.data = l->begin.data = l->end.data = l;
    ev_io_start(l->ev, &l->alarm);
    ev_check_start(l->ev, &l->begin);
    ev_prepare_start(l->ev, &l->end);
}

enum err loop_new(struct loop **out)
{
    struct loop *l = heap_alloc(sizeof *l);

    *out = NULL;
    if (!l)
        return ERR_MEMORY;
    signal(SIGPIPE, SIG_IGN);
    l->timers.next = l->timers.prev = &l->timers;
    l->tasks.next = l->tasks.prev = &l->tasks;
    l->alarm_us = LOOP_NEVER;
    l->turn = 1;
    l->now_us = clock_mono_us();
    l->alarm_fd = OS_CALL(OS_FD, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    if (l->alarm_fd >= 0)
        l->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    if (!l->ev) {
        log_errno(LOG_ERROR, "cannot make an event loop");
        loop_free(l);
        return ERR_SYSTEM;
    }
    start_watchers(l);
    *out = l;
    return OK;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    if (l->ev)
        ev_loop_destroy(l->ev);
    if (l->alarm_fd >= 0)
        close(l->alarm_fd);
    heap_free(l);
}

int loop_run(struct loop *l)
{
    begin(l);
    while (!l->stopped && !l->left)
        ev_run(l->ev, 0);
    if (l->left) {
        l->left = false;
        return LOOP_LEFT;
    }
    l->stopped = false;
    return l->code;
}

void loop_turn(struct loop *l, bool wait)
{
    begin(l);
    /* A timer that was due already is what the turn waits for. */
    ev_run(l->ev, wait && !run_timers(l) ? EVRUN_ONCE : EVRUN_NOWAIT);
    /* A turn ends before the wait of the next: what this one has deferred still runs. */
    run_timers(l);
    run_tasks(l);
    arm(l);
}

void loop_stop(struct loop *l, int code)
{
    if (!l->stopped)
        l->code = code;
    l->stopped = true;
    ev_break(l->ev, EVBREAK_ALL);
}

void loop_leave(struct loop *l)
{
    l->left = true;
    ev_break(l->ev, EVBREAK_ALL);
}

uint64_t loop_now_us(const struct loop *l)
{
    return l->now_us;
}

uint64_t loop_busy_us(const struct loop *l)
{
    return l->busy_us;
}

uint64_t loop_refresh_us(struct loop *l)
{
    l->now_us = clock_mono_us();
    return l->now_us;
}

static void on_io(struct ev_loop *ev, ev_io *w, int events)
{
    struct loop_io *io = w->data;
    unsigned is = 0;

    (void)ev;
    if (events & EV_READ)
        is |= LOOP_READ;
    if (events & EV_WRITE)
        is |= LOOP_WRITE;
    io->fn(io->ctx, is);
}

enum err loop_io_new(struct loop *l, int fd, void (*fn)(void *ctx, unsigned events), void *ctx,
                     struct loop_io **out)
{
    struct loop_io *io = heap_alloc(sizeof *io);

    *out = io;
    if (!io)
        return ERR_MEMORY;
    io->loop = l;
    io->fn = fn;
    io->ctx = ctx;
    ev_io_init(&io->io, on_io, fd, 0);
    io->io.data = io;
    return OK;
}

void loop_io_want(struct loop_io *io, unsigned events)
{
    int want = (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0);

    if (ev_is_active(&io->io) ? (io->io.events & (EV_READ | EV_WRITE)) == want : !want)
        return;
    ev_io_stop(io->loop->ev, &io->io);
    if (!want)
        return;
    ev_io_set(&io->io, io->io.fd, want);
    ev_io_start(io->loop->ev, &io->io);
}

void loop_io_free(struct loop_io *io)
{
    if (io)
        ev_io_stop(io->loop->ev, &io->io);
    heap_free(io);
}

void loop_timer_init(struct loop_timer *t, struct loop *l, void (*fn)(void *ctx), void *ctx)
{
    *t = (struct loop_timer){.loop = l, .deadline_us = LOOP_NEVER, .fn = fn, .ctx = ctx};
    t->next = &l->timers;
    t->prev = l->timers.prev;
    t->prev->next = t->next->prev = t;
}

void loop_timer_set(struct loop_timer *t, uint64_t deadline_us)
{
    CHECK(t->next);
    t->deadline_us = deadline_us;
}

void loop_timer_release(struct loop_timer *t)
{
    if (t->next) {
        t->prev->next = t->next;
        t->next->prev = t->prev;
    }
    *t = (struct loop_timer){.deadline_us = LOOP_NEVER};
}

void loop_task_init(struct loop_task *t, struct loop *l, void (*fn)(void *ctx), void *ctx)
{
    *t = (struct loop_task){.loop = l, .fn = fn, .ctx = ctx};
}

void loop_task_defer(struct loop_task *t)
{
    struct loop *l = t->loop;

    if (t->queued)
        return;
    t->next = &l->tasks;
    t->prev = l->tasks.prev;
    t->prev->next = t->next->prev = t;
    t->queued = true;
}

void loop_task_release(struct loop_task *t)
{
    unlink_task(t);
}

static void on_signal(struct ev_loop *ev, ev_signal *w, int events)
{
    struct loop_signal *s = w->data;

    (void)ev, (void)events;
    s->fn(s->ctx);
}

enum err loop_signal_new(struct loop *l, int number, void (*fn)(void *ctx), void *ctx,
                         struct loop_signal **out)
{
    struct loop_signal *s = heap_alloc(sizeof *s);

    *out = s;
    if (!s)
        return ERR_MEMORY;
    s->loop = l;
    s->fn = fn;
    s->ctx = ctx;
    ev_signal_init(&s->signal, on_signal, number);
    s->signal.data = s;
    ev_signal_start(l->ev, &s->signal);
    return OK;
}

void loop_signal_free(struct loop_signal *s)
{
    if (s)
        ev_signal_stop(s->loop->ev, &s->signal);
    heap_free(s);
}
