#include "core/run/pool.h"

#include <errno.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/os/os.h"
#include "tests/unit/test.h"

enum { JOBS = 500 };

/* A job that hashes its own bytes; `again` more times it is submitted by its own done(). */
struct sum {
    struct pool_job job;
    struct loop *loop;
    struct pool *pool;
    int *left; /* the loop stops when it comes to 0 */
    int again, runs, reports;
    uint8_t data[512];
    uint64_t value;
};

static void work(struct pool_job *job)
{
    struct sum *s = (struct sum *)job;

    s->runs++;
    for (size_t i = 0; i < sizeof s->data; i++)
        s->value = s->value * 31 + s->data[i];
}

static void done(struct pool_job *job)
{
    struct sum *s = (struct sum *)job;

    s->reports++;
    if (s->again-- > 0) {
        if (pool_submit(s->pool, job) != OK)
            test_fail(__FILE__, __LINE__, "a place that was just left is free");
    } else if (--*s->left == 0) {
        loop_stop(s->loop, 0);
    }
}

static uint64_t expected(const struct sum *s, int runs)
{
    uint64_t v = 0;

    for (int r = 0; r < runs; r++)
        for (size_t i = 0; i < sizeof s->data; i++)
            v = v * 31 + s->data[i];
    return v;
}

static void give_up(void *ctx)
{
    loop_stop(ctx, 99);
}

static void run(unsigned threads, int again, bool drain)
{
    static struct sum sums[JOBS];
    struct loop_timer t;
    struct loop *l;
    struct pool *p;
    int left = JOBS;

    memset(sums, 0, sizeof sums);
    EXPECT_EQ(loop_new(&l), OK);
    loop_timer_init(&t, l, give_up, l);
    loop_timer_set(&t, loop_now_us(l) + 60 * 1000000);
    EXPECT_EQ(pool_new(l, threads, JOBS, &p), OK);
    EXPECT(pool_threads(p) >= 1 && (!threads || pool_threads(p) == threads));
    for (int i = 0; i < JOBS; i++) {
        struct sum *s = &sums[i];
        *s = (struct sum){{work, done, NULL}, l, p, &left, again, 0, 0, {0}, 0};
        memset(s->data, i, sizeof s->data);
        EXPECT_EQ(pool_submit(p, &s->job), OK);
    }
    struct sum late = {.job = {work, done, NULL}};
    EXPECT_EQ(pool_submit(p, &late.job), ERR_AGAIN);
    EXPECT_EQ(late.runs, 0);
    if (drain)
        pool_drain(p);
    else
        EXPECT_EQ(loop_run(l), 0);
    EXPECT_EQ(left, 0);
    for (int i = 0; i < JOBS; i++) {
        EXPECT(sums[i].runs == again + 1 && sums[i].reports == again + 1);
        EXPECT(sums[i].value == expected(&sums[i], again + 1));
    }
    pool_free(p);
    loop_free(l);
}

static void jobs_come_back_through_the_loop(void)
{
    run(0, 0, false);
    run(1, 1, false);
    run(4, 3, false);
}

static void draining_waits_for_all(void)
{
    run(0, 0, true);
    run(3, 2, true);
}

/* Freeing with work under way reports it first. */
static void freeing_reports_what_is_left(void)
{
    struct sum s[20];
    struct loop *l;
    struct pool *p;
    int left = 1000;

    EXPECT_EQ(loop_new(&l), OK);
    EXPECT_EQ(pool_new(l, 2, COUNT_OF(s), &p), OK);
    for (size_t i = 0; i < COUNT_OF(s); i++) {
        s[i] = (struct sum){.job = {work, done, NULL}, .loop = l, .pool = p, .left = &left};
        EXPECT_EQ(pool_submit(p, &s[i].job), OK);
    }
    pool_free(p);
    for (size_t i = 0; i < COUNT_OF(s); i++)
        EXPECT(s[i].runs == 1 && s[i].reports == 1);
    pool_free(NULL);
    loop_free(l);
}

static void starting_fails_cleanly(void)
{
    struct loop *l;
    struct pool *p;
    int failures = 0;

    EXPECT_EQ(loop_new(&l), OK);
    for (uint64_t n = 1; n < 100; n++) {
        heap_fail_at(n);
        enum err e = pool_new(l, 2, 4, &p);
        pool_free(e ? NULL : p);
        EXPECT(e == OK || e == ERR_MEMORY);
        failures += e != OK;
        if (!heap_fault_fired())
            break;
    }
    heap_fail_at(0);
    EXPECT_EQ(failures, 2);
    os_fail_at(OS_FD, 1, EMFILE);
    EXPECT_EQ(pool_new(l, 2, 4, &p), ERR_SYSTEM);
    os_fail_at(OS_FD, 2, EAGAIN);
    EXPECT_EQ(pool_new(l, 2, 4, &p), ERR_SYSTEM);
    os_fail_at(OS_FD, 3, EAGAIN); /* the second thread only: one is enough */
    EXPECT_EQ(pool_new(l, 2, 4, &p), OK);
    EXPECT_EQ(pool_threads(p), 1);
    pool_free(p);
    loop_free(l);
}

TEST_MAIN({"jobs_come_back_through_the_loop", jobs_come_back_through_the_loop},
          {"draining_waits_for_all", draining_waits_for_all},
          {"freeing_reports_what_is_left", freeing_reports_what_is_left},
          {"starting_fails_cleanly", starting_fails_cleanly})
