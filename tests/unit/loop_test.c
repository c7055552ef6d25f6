#include "core/run/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/os/clock.h"
#include "core/os/os.h"
#include "tests/unit/test.h"

/* What happened, in order, one letter each. */
static char story[64];

static void note(char c)
{
    size_t n = strlen(story);

    if (n + 1 < sizeof story)
        story[n] = c, story[n + 1] = 0;
}

struct actor {
    struct loop *loop;
    struct loop_timer timer;
    struct loop_task task;
    struct loop_io *io;
    uint64_t due_us, fired_us;
    int left, fd;
    char name;
};

static void on_timer(void *ctx)
{
    struct actor *a = ctx;

    note(a->name);
    a->fired_us = loop_now_us(a->loop);
    if (--a->left == 0)
        loop_stop(a->loop, 7);
    else if (a->left > 0)
        loop_timer_set(&a->timer, a->due_us);
}

/* A single turn that has to wait waits for nothing more than what is due already. */
static void a_turn_waits_for_one_thing(void)
{
    struct actor a[2];
    struct loop *l;

    story[0] = 0;
    EXPECT_EQ(loop_new(&l), OK);
    for (int i = 0; i < 2; i++) {
        a[i] = (struct actor){.loop = l, .name = (char)('a' + i)};
        loop_timer_init(&a[i].timer, l, on_timer, &a[i]);
        loop_timer_set(&a[i].timer, i ? loop_now_us(l) + 10000000 : 0);
    }
    loop_turn(l, true);
    EXPECT(strcmp(story, "a") == 0);
    for (int i = 0; i < 2; i++)
        loop_timer_release(&a[i].timer);
    loop_free(l);
}

static void timers_fire_in_order_and_once_a_turn(void)
{
    struct actor a[3];
    struct loop *l;

    memset(a, 0, sizeof a);
    story[0] = 0;
    EXPECT_EQ(loop_new(&l), OK);
    uint64_t now = loop_now_us(l);
    static const int after_us[3] = {3000, 1000, 2000};
    for (int i = 0; i < 3; i++) {
        a[i] = (struct actor){.loop = l, .name = (char)('a' + i)};
        loop_timer_init(&a[i].timer, l, on_timer, &a[i]);
        loop_timer_set(&a[i].timer, now + (uint64_t)after_us[i]);
    }
    a[0].left = 1;
    EXPECT_EQ(loop_run(l), 7);
    EXPECT(strcmp(story, "bca") == 0);
    for (int i = 0; i < 3; i++)
        EXPECT(a[i].fired_us >= now + (uint64_t)after_us[i]);
    /* Always due: once a turn, and others get theirs. */
    story[0] = 0;
    a[0].left = 3;
    loop_timer_set(&a[0].timer, 0);
    a[1].left = -1;
    loop_timer_set(&a[1].timer, 1);
    loop_timer_set(&a[2].timer, LOOP_NEVER);
    EXPECT_EQ(loop_run(l), 7);
    EXPECT(strcmp(story, "abaa") == 0);
    for (int i = 0; i < 3; i++)
        loop_timer_release(&a[i].timer);
    loop_free(l);
}

static void released_timers_are_silent(void)
{
    struct actor a = {.left = -1, .name = 'a'};
    struct loop *l;

    story[0] = 0;
    EXPECT_EQ(loop_new(&l), OK);
    a.loop = l;
    loop_timer_init(&a.timer, l, on_timer, &a);
    loop_timer_set(&a.timer, 0);
    loop_timer_release(&a.timer);
    loop_timer_release(&a.timer);
    loop_turn(l, false);
    EXPECT(story[0] == 0);
    loop_free(l);
    loop_free(NULL);
}

static void on_task(void *ctx)
{
    struct actor *a = ctx;

    note(a->name);
    if (--a->left > 0)
        loop_task_defer(&a->task);
    else
        loop_stop(a->loop, 3);
}

static void tasks_run_soon_in_order_once(void)
{
    struct actor a = {.left = 3, .name = 'x'}, b = {.left = 99, .name = 'y'};
    struct loop *l;

    story[0] = 0;
    EXPECT_EQ(loop_new(&l), OK);
    a.loop = b.loop = l;
    loop_task_init(&a.task, l, on_task, &a);
    loop_task_init(&b.task, l, on_task, &b);
    loop_task_defer(&a.task);
    loop_task_defer(&b.task);
    loop_task_defer(&a.task);
    /* Were the loop to wait between the turns, this would never end. */
    EXPECT_EQ(loop_run(l), 3);
    EXPECT(strncmp(story, "xyxyx", 5) == 0);
    loop_task_release(&b.task);
    story[0] = 0;
    loop_turn(l, false);
    EXPECT(story[0] == 0);
    loop_free(l);
}

static void on_io(void *ctx, unsigned events)
{
    struct actor *a = ctx;
    char c;

    note(events & LOOP_READ ? 'r' : 'w');
    if (events & LOOP_WRITE)
        loop_io_want(a->io, LOOP_READ);
    if (events & LOOP_READ && read(a->fd, &c, 1) == 1) {
        /* A watcher may end within its own call. */
        loop_io_free(a->io);
        a->io = NULL;
        loop_stop(a->loop, 1);
    }
}

static void on_io_write(void *ctx, unsigned events)
{
    struct actor *a = ctx;

    note('W');
    if (events & LOOP_WRITE && write(a->fd, "x", 1) == 1)
        loop_io_want(a->io, 0);
}

static void descriptors_are_watched(void)
{
    struct actor in = {0}, out = {0};
    struct loop *l;
    int ends[2];

    story[0] = 0;
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(loop_new(&l), OK);
    in.loop = out.loop = l;
    in.fd = ends[0], out.fd = ends[1];
    EXPECT_EQ(loop_io_new(l, in.fd, on_io, &in, &in.io), OK);
    EXPECT_EQ(loop_io_new(l, out.fd, on_io_write, &out, &out.io), OK);
    loop_turn(l, false);
    EXPECT(story[0] == 0); /* nothing asked for yet */
    loop_io_want(in.io, LOOP_READ);
    loop_io_want(out.io, LOOP_WRITE);
    EXPECT_EQ(loop_run(l), 1);
    EXPECT(strcmp(story, "Wr") == 0);
    loop_io_free(out.io);
    loop_io_free(NULL);
    close(ends[0]), close(ends[1]);
    loop_free(l);
}

static void on_signal(void *ctx)
{
    loop_stop(ctx, 128 + SIGHUP);
}

static void signals_arrive_in_the_loop(void)
{
    struct loop_signal *s;
    struct loop *l;

    EXPECT_EQ(loop_new(&l), OK);
    EXPECT_EQ(loop_signal_new(l, SIGHUP, on_signal, l, &s), OK);
    raise(SIGHUP);
    EXPECT_EQ(loop_run(l), 128 + SIGHUP);
    loop_signal_free(s);
    loop_signal_free(NULL);
    raise(SIGPIPE); /* a closed reader is an error code, not the end of the process */
    loop_free(l);
}

static void the_first_stop_wins_and_time_stands_still(void)
{
    struct loop *l;

    EXPECT_EQ(loop_new(&l), OK);
    uint64_t now = loop_now_us(l);
    while (clock_mono_us() <= now)
        ;
    EXPECT_EQ(loop_now_us(l), now);
    EXPECT(loop_refresh_us(l) > now);
    loop_stop(l, 4);
    loop_stop(l, 5);
    EXPECT_EQ(loop_run(l), 4);
    loop_free(l);
}

static void spin(void *ctx)
{
    struct actor *a = ctx;

    while (clock_mono_us() < loop_now_us(a->loop) + 5000)
        ;
    on_timer(a);
}

/* What waits is not busy. */
static void turns_are_counted_and_waits_are_not(void)
{
    struct loop *l;

    EXPECT_EQ(loop_new(&l), OK);
    uint64_t begun = clock_mono_us(), wait_us = 200000;
    struct actor a = {.loop = l, .left = 1, .name = 'a'};
    loop_timer_init(&a.timer, l, spin, &a);
    loop_timer_set(&a.timer, loop_now_us(l) + wait_us);
    EXPECT_EQ(loop_run(l), 7);
    uint64_t busy = loop_busy_us(l);
    EXPECT(busy >= 5000 && busy + 1000 <= clock_mono_us() - begun);
    loop_free(l);
}

static void failures_are_clean(void)
{
    struct loop *l;

    heap_fail_at(1);
    EXPECT_EQ(loop_new(&l), ERR_MEMORY);
    os_fail_at(OS_FD, 1, EMFILE);
    EXPECT_EQ(loop_new(&l), ERR_SYSTEM);
    EXPECT(!l);
    EXPECT_EQ(loop_new(&l), OK);
    /* A timer that cannot be set costs processor time, not the deadline. */
    struct actor a = {.loop = l, .left = 1, .name = 'a'};
    loop_timer_init(&a.timer, l, on_timer, &a);
    loop_timer_set(&a.timer, loop_now_us(l) + 2000);
    os_fail_from(OS_FD, 1, EINVAL);
    EXPECT_EQ(loop_run(l), 7);
    os_fail_at(OS_FD, 0, 0);
    loop_free(l);
}

TEST_MAIN({"a_turn_waits_for_one_thing", a_turn_waits_for_one_thing},
          {"timers_fire_in_order_and_once_a_turn", timers_fire_in_order_and_once_a_turn},
          {"released_timers_are_silent", released_timers_are_silent},
          {"tasks_run_soon_in_order_once", tasks_run_soon_in_order_once},
          {"descriptors_are_watched", descriptors_are_watched},
          {"signals_arrive_in_the_loop", signals_arrive_in_the_loop},
          {"the_first_stop_wins_and_time_stands_still", the_first_stop_wins_and_time_stands_still},
          {"turns_are_counted_and_waits_are_not", turns_are_counted_and_waits_are_not},
          {"failures_are_clean", failures_are_clean})
