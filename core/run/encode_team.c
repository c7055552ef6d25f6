#include "core/run/encode_team.h"

#include <unistd.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/run/pool.h"

enum {
    MAX_THREADS = FSR_MAX_WORKERS / 2,
    A_THREAD = 2, /* jobs at a time for each, so that none waits for the slowest */
};

struct errand {
    struct pool_job job;
    struct fsr_job *piece; /* borrowed */
};

struct encode_team {
    struct fsr_workers workers;
    struct pool *pool;
    struct errand errand[FSR_MAX_WORKERS];
};

static void work(struct pool_job *job)
{
    fsr_writer_work(((struct errand *)job)->piece);
}

static void done(struct pool_job *job)
{
    (void)job;
}

static void run(struct fsr_workers *w, struct fsr_job *const *jobs, size_t n)
{
    struct encode_team *t = (struct encode_team *)w;

    for (size_t i = 0; i < n; i++) {
        t->errand[i] = (struct errand){{work, done, NULL}, jobs[i]};
        CHECK(pool_submit(t->pool, &t->errand[i].job) == OK);
    }
    pool_drain(t->pool);
}

enum err encode_team_new(struct loop *l, struct encode_team **out)
{
    struct encode_team *t = heap_alloc(sizeof *t);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    *out = NULL;
    if (!t)
        return ERR_MEMORY;
    unsigned threads =
        (unsigned)num_clamp((uint64_t)(processors > 1 ? processors : 1), 1, MAX_THREADS);
    t->workers = (struct fsr_workers){(size_t)threads * A_THREAD, run};
    enum err e = pool_new(l, threads, FSR_MAX_WORKERS, &t->pool);
    if (e)
        heap_free(t);
    else
        *out = t;
    return e;
}

void encode_team_free(struct encode_team *t)
{
    if (t)
        pool_free(t->pool);
    heap_free(t);
}

struct fsr_workers *encode_team_workers(struct encode_team *t)
{
    return &t->workers;
}
