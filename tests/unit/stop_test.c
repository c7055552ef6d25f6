#include "core/run/stop.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "tests/unit/test.h"

static int asked, reread;

static void on_asked(void *ctx)
{
    asked++;
    loop_stop(ctx, 5);
}

static void on_reread(void *ctx)
{
    reread++;
    loop_stop(ctx, 6);
}

static void signals_ask_for_the_end(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct run run = {0};
    struct loop *l;
    struct stop *s;

    EXPECT_EQ(loop_new(&l), OK);
    for (int i = 0; i < 3; i++) {
        struct stop_owner owner = {.asked = on_asked, .ctx = l};
        run.signal = asked = 0;
        EXPECT_EQ(stop_new(l, &owner, &run, &s), OK);
        raise(numbers[i]);
        EXPECT_EQ(loop_run(l), 5);
        EXPECT(asked == 1 && run.signal == numbers[i]);
        stop_free(s);
    }
    struct stop_owner owner = {.asked = on_asked, .reread = on_reread, .ctx = l};
    EXPECT_EQ(stop_new(l, &owner, NULL, &s), OK);
    for (int i = 0; i < 2; i++) {
        raise(SIGHUP);
        EXPECT_EQ(loop_run(l), 6);
    }
    EXPECT(reread == 2 && asked == 1);
    stop_free(s);
    struct stop_owner nothing = {0};
    EXPECT_EQ(stop_new(l, &nothing, NULL, &s), OK);
    raise(SIGTERM);
    EXPECT_EQ(loop_run(l), 0);
    stop_free(s);
    stop_free(NULL);
    loop_free(l);
}

/* A process that does not come to its end after the first signal goes at the second. */
static void the_second_signal_ends_it(void)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct stop_owner owner = {.asked = on_asked};
        struct loop *l;
        struct stop *s;
        if (loop_new(&l) != OK)
            _exit(1);
        owner.ctx = l;
        if (stop_new(l, &owner, NULL, &s) != OK)
            _exit(1);
        raise(SIGTERM);
        loop_run(l);
        raise(SIGTERM);
        _exit(asked == 1 ? 2 : 3);
    }
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* Once the work is over no signal changes how it ended, unless one was asked for before. */
static void none_counts_after_the_end(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct stop_owner owner = {.asked = on_asked};
        struct loop *l;
        struct stop *s;
        if (loop_new(&l) != OK)
            _exit(1);
        owner.ctx = l;
        if (stop_new(l, &owner, NULL, &s) != OK)
            _exit(1);
        asked = 0;
        raise(SIGINT); /* in the pipe of the loop, and never looked at */
        stop_free(s);
        loop_free(l);
        for (int i = 0; i < 3; i++)
            raise(numbers[i]);
        _exit(asked == 0 ? 7 : 3);
    }
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void memory_may_run_out(void)
{
    struct stop_owner owner = {0};
    struct loop *l;
    struct stop *s;
    int failures = 0;

    EXPECT_EQ(loop_new(&l), OK);
    for (uint64_t n = 1; n < 10; n++) {
        heap_fail_at(n);
        enum err e = stop_new(l, &owner, NULL, &s);
        failures += e == ERR_MEMORY;
        stop_free(s);
        if (!heap_fault_fired())
            break;
    }
    heap_fail_at(0);
    EXPECT_EQ(failures, 4);
    loop_free(l);
}

TEST_MAIN({"signals_ask_for_the_end", signals_ask_for_the_end},
          {"the_second_signal_ends_it", the_second_signal_ends_it},
          {"none_counts_after_the_end", none_counts_after_the_end},
          {"memory_may_run_out", memory_may_run_out})
