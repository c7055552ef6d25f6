#include "core/run/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/os.h"

enum { MAX_THREADS = 256 };

struct queue {
    struct pool_job *first, **end;
};

struct pool {
    struct loop_io *io;
    size_t max_jobs, jobs; /* jobs: submitted and not reported; the loop thread's alone */
    int bell;              /* eventfd: rung when `done` was empty and is not any more */
    unsigned threads;
    pthread_t thread[MAX_THREADS];

    pthread_mutex_t lock; /* over everything below */
    pthread_cond_t work, finished;
    struct queue waiting, done;
    bool ending;
};

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void queue_put(struct queue *q, struct pool_job *job)
{
    job->next = NULL;
    *q->end = job;
    q->end = &job->next;
}

static struct pool_job *queue_take(struct queue *q)
{
    struct pool_job *job = q->first;

    if (job)
        q->first = job->next;
    if (!q->first)
        q->end = &q->first;
    return job;
}

static void ring(struct pool *p)
{
    uint64_t one = 1;

    /* EAGAIN would mean that it has rung 2^64 times without being heard. */
    while (OS_CALL(OS_WRITE, write(p->bell, &one, sizeof one)) < 0 && errno == EINTR)
        ;
}

static void *worker(void *arg)
{
    struct pool *p = arg;
    struct pool_job *job;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!(job = queue_take(&p->waiting)) && !p->ending)
            pthread_cond_wait(&p->work, &p->lock);
        if (!job)
            break;
        pthread_mutex_unlock(&p->lock);
        job->work(job);
        pthread_mutex_lock(&p->lock);
        bool first = !p->done.first;
        queue_put(&p->done, job);
        pthread_cond_signal(&p->finished);
        if (first)
            ring(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Calls done() of what is finished; when `wait`, after waiting for something to be. */
static void report(struct pool *p, bool wait)
{
    pthread_mutex_lock(&p->lock);
    while (wait && !p->done.first)
        pthread_cond_wait(&p->finished, &p->lock);
    struct pool_job *job = p->done.first, *next;
    queue_init(&p->done);
    pthread_mutex_unlock(&p->lock);

    for (; job; job = next) {
        next = job->next; /* done() may free or submit it */
        p->jobs--;
        job->done(job);
    }
}

static void on_bell(void *ctx, unsigned events)
{
    struct pool *p = ctx;
    uint64_t count;

    (void)events;
    if (OS_CALL(OS_READ, read(p->bell, &count, sizeof count)) < 0 && errno != EAGAIN &&
        errno != EINTR)
        log_errno(LOG_ERROR, "cannot hear of finished work");
    report(p, false);
}

unsigned pool_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

static enum err start(struct pool *p, unsigned wanted)
{
    sigset_t all, before;
    int r = 0;

    /* Signals are for the loop's thread. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->threads < wanted && r == 0) {
        r = os_fails(OS_FD) ? errno : pthread_create(&p->thread[p->threads], NULL, worker, p);
        p->threads += r == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (p->threads)
        return OK; /* fewer than wanted do as well */
    errno = r;
    log_errno(LOG_ERROR, "cannot start a worker");
    return ERR_SYSTEM;
}

enum err pool_new(struct loop *l, unsigned threads, size_t max_jobs, struct pool **out)
{
    struct pool *p = heap_alloc(sizeof *p);
    unsigned cpus = pool_processors();

    *out = NULL;
    if (!p)
        return ERR_MEMORY;
    CHECK(max_jobs > 0);
    p->max_jobs = max_jobs;
    queue_init(&p->waiting);
    queue_init(&p->done);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->finished, NULL);
    p->bell = OS_CALL(OS_FD, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    enum err e = OK;
    if (p->bell < 0) {
        log_errno(LOG_ERROR, "cannot make an event descriptor");
        e = ERR_SYSTEM;
    }
    if (!e)
        e = loop_io_new(l, p->bell, on_bell, p, &p->io);
    if (!threads)
        threads = cpus > 1 ? cpus - 1 : 1;
    if (!e)
        e = start(p, threads < MAX_THREADS ? threads : MAX_THREADS);
    if (e) {
        pool_free(p);
        return e;
    }
    loop_io_want(p->io, LOOP_READ);
    *out = p;
    return OK;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pool_drain(p);
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->threads; i++)
        pthread_join(p->thread[i], NULL);
    loop_io_free(p->io);
    if (p->bell >= 0)
        close(p->bell);
    pthread_cond_destroy(&p->finished);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    heap_free(p);
}

enum err pool_submit(struct pool *p, struct pool_job *job)
{
    if (p->jobs >= p->max_jobs)
        return ERR_AGAIN;
    p->jobs++;
    pthread_mutex_lock(&p->lock);
    queue_put(&p->waiting, job);
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
    return OK;
}

void pool_drain(struct pool *p)
{
    while (p->jobs)
        report(p, true);
}

unsigned pool_threads(const struct pool *p)
{
    return p->threads;
}
