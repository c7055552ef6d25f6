/* pool: worker threads for pure functions over jobs (the only locks and atomics). */
#ifndef FARSPAN_POOL_H
#define FARSPAN_POOL_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/run/loop.h"

struct pool;

/* One piece of work, in its owner's storage (the first member of a larger struct as a rule). From
 * pool_submit until its done() the pool owns it and all it points to: nobody else touches it. */
struct pool_job {
    void (*work)(struct pool_job *job); /* on a worker: no loop, no shared state; see log_keep */
    void (*done)(struct pool_job *job); /* on the loop's thread: the job is its owner's again */
    struct pool_job *next;              /* the pool's */
};

/* Starts `threads` workers (0: one a processor but one, at least one) for up to `max_jobs` (> 0)
 * jobs at a time. ERR_MEMORY, ERR_SYSTEM (logged). */
enum err pool_new(struct loop *l, unsigned threads, size_t max_jobs, struct pool **out) MUST_USE;

/* Drains and ends the workers; takes the pool, not within a done(). NULL is fine. */
void pool_free(struct pool *p);

/* Queues a job: first come, first begun; those of one worker end in that order. ERR_AGAIN: max_jobs
 * are queued, at work or not yet reported; the job stays the caller's. */
enum err pool_submit(struct pool *p, struct pool_job *job) MUST_USE;

/* Waits until every job has been worked on and calls their done(), also of jobs that those submit.
 * Not within a done(). */
void pool_drain(struct pool *p);

/* How many processors this process may use. */
unsigned pool_processors(void);

/* The number of workers. */
unsigned pool_threads(const struct pool *p);

#endif
