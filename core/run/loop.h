/* loop: the event loop of the one thread that owns all state (the only libev). */
#ifndef FARSPAN_LOOP_H
#define FARSPAN_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

/* One turn: wait; freeze the clock; descriptors and signals; due timers, earliest first; deferred
 * tasks. Everything here is for the loop's own thread, except where it says otherwise. */
struct loop;

/* A descriptor being watched. */
struct loop_io;

/* A signal being watched. */
struct loop_signal;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

/* What loop_run gives after loop_leave. */
enum { LOOP_LEFT = -1000 };

/* A deadline that is never reached. */
#define LOOP_NEVER UINT64_MAX

/* One timer, in its owner's storage; a loop is made for a few dozen of them. */
struct loop_timer {
    struct loop *loop; /* borrowed */
    struct loop_timer *next, *prev;
    uint64_t deadline_us; /* LOOP_NEVER: off */
    uint64_t turn;        /* the turn in which it last fired */
    void (*fn)(void *ctx);
    void *ctx; /* borrowed */
};

/* One piece of deferred work, in its owner's storage. */
struct loop_task {
    struct loop *loop; /* borrowed */
    struct loop_task *next, *prev;
    bool queued;
    void (*fn)(void *ctx);
    void *ctx; /* borrowed */
};

/* Gives a loop; SIGPIPE is ignored from then on. ERR_SYSTEM (logged), ERR_MEMORY. */
enum err loop_new(struct loop **out) MUST_USE;

/* Takes the loop; its watchers, timers and tasks must be gone or never be used again. */
void loop_free(struct loop *l);

/* Runs turns until loop_stop; gives the code that it was called with. */
int loop_run(struct loop *l);

/* Runs one turn, waiting for something to happen when `wait` is set. For tests. */
void loop_turn(struct loop *l, bool wait);

/* Makes loop_run return `code` after this turn; the first code given wins. */
void loop_stop(struct loop *l, int code);

/* Makes loop_run return LOOP_LEFT after this turn, for a part of a command that runs the loop until
 * something it waits for has come. A loop_stop in the same turn is kept for the next loop_run. */
void loop_leave(struct loop *l);

/* The monotonic time in us, the same for a whole turn. */
uint64_t loop_now_us(const struct loop *l);

/* Reads the clock anew within a turn, after work that took long, and gives it. */
uint64_t loop_refresh_us(struct loop *l);

/* How long all turns before this one took, without the waits between them: against the time that
 * has passed it tells whether this thread keeps up. */
uint64_t loop_busy_us(const struct loop *l);

/* Watches descriptor `fd` (not owned), for nothing yet: fn(ctx, LOOP_READ | LOOP_WRITE) is called
 * while it is ready. ERR_MEMORY. */
enum err loop_io_new(struct loop *l, int fd, void (*fn)(void *ctx, unsigned events), void *ctx,
                     struct loop_io **out) MUST_USE;

/* Changes what is waited for: a sum of LOOP_READ and LOOP_WRITE, or 0. */
void loop_io_want(struct loop_io *io, unsigned events);

/* Takes a watcher, also within its own call; NULL is fine. The descriptor stays open. */
void loop_io_free(struct loop_io *io);

/* Prepares the caller's storage for a timer that is off. */
void loop_timer_init(struct loop_timer *t, struct loop *l, void (*fn)(void *ctx), void *ctx);

/* Calls fn(ctx) once in the first turn whose time is >= `deadline_us`; replaces an earlier
 * deadline; LOOP_NEVER turns it off. A timer fires once a turn at most. */
void loop_timer_set(struct loop_timer *t, uint64_t deadline_us);

/* Turns the timer off and forgets it. */
void loop_timer_release(struct loop_timer *t);

/* Prepares the caller's storage for a task that is not queued. */
void loop_task_init(struct loop_task *t, struct loop *l, void (*fn)(void *ctx), void *ctx);

/* Calls fn(ctx) once, later in this turn, or in the next one when called from a task; nothing when
 * queued already. */
void loop_task_defer(struct loop_task *t);

/* Forgets the task. */
void loop_task_release(struct loop_task *t);

/* Calls fn(ctx) in the loop's thread whenever the signal arrives; one loop a signal. ERR_MEMORY. */
enum err loop_signal_new(struct loop *l, int number, void (*fn)(void *ctx), void *ctx,
                         struct loop_signal **out) MUST_USE;

/* Takes it and restores the signal's default action; NULL is fine. */
void loop_signal_free(struct loop_signal *s);

#endif
