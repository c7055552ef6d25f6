#include "core/run/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/file.h"
#include "core/os/os.h"
#include "tests/unit/test.h"

static const char program[] = "./hook_test.program", heard[] = "hook_test.heard";
static struct loop *loop;
static struct hook *hook;
static struct run run;
static int warnings;
static char warning[256];

static void keep(enum log_level level, const char *line)
{
    if (level > LOG_WARN)
        return;
    warnings++;
    snprintf(warning, sizeof warning, "%s", line);
}

static enum err begin(const char *lines)
{
    char text[512];

    warnings = 0;
    warning[0] = 0;
    run = (struct run){0};
    unlink(heard);
    log_set_sink(keep);
    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", lines);
    enum err e = file_replace(program, bytes_of_string(text), 0700);
    if (!e)
        e = loop_new(&loop);
    return e ? e : hook_new(loop, program, &run, &hook);
}

static void end(void)
{
    hook_free(hook);
    loop_free(loop);
    log_set_sink(NULL);
    unlink(program);
    unlink(heard);
}

static const char *heard_text(void)
{
    static char text[8192];
    struct buf b;

    buf_init(&b, sizeof text - 1);
    text[0] = 0;
    if (file_read(heard, false, &b) == OK) {
        memcpy(text, b.p, b.n);
        text[b.n] = 0;
    }
    buf_release(&b);
    return text;
}

static void events_come_in_order_one_at_a_time(void)
{
    static const char *const names[] = {"connected", "control", "moved", "disconnected"};
    struct child_env env = {0};

    EXPECT_EQ(begin("[ ! -e hook_test.lock ] || echo both\n: >hook_test.lock\n"
                    "echo $1 $FARSPAN_EVENT $N >>hook_test.heard\nrm hook_test.lock"),
              OK);
    for (int i = 0; i < 4; i++) {
        char n[2] = {(char)('0' + i), 0};
        env.count = 0;
        child_env_add(&env, "N", n);
        hook_event(hook, names[i], &env);
    }
    hook_drain(hook);
    EXPECT(strcmp(heard_text(), "connected connected 0\ncontrol control 1\nmoved moved 2\n"
                                "disconnected disconnected 3\n") == 0);
    EXPECT_EQ(warnings, 0);
    hook_drain(hook); /* nothing is left */
    end();
}

static void one_that_fails_is_said_and_the_next_comes(void)
{
    struct child_env env = {0};

    EXPECT_EQ(begin("echo $1 >>hook_test.heard\n[ $1 != connected ] || exit 7"), OK);
    hook_event(hook, "connected", &env);
    hook_event(hook, "disconnected", &env);
    hook_drain(hook);
    EXPECT(strcmp(heard_text(), "connected\ndisconnected\n") == 0);
    EXPECT(warnings == 1 && strstr(warning, "ended with 7 at the event connected"));
    /* One that cannot be started is no reason not to try the next. */
    os_fail_at(OS_FD, 1, EAGAIN);
    hook_event(hook, "connected", &env);
    os_fail_at(OS_FD, 0, 0);
    hook_event(hook, "moved", &env);
    hook_drain(hook);
    EXPECT(strcmp(heard_text(), "connected\ndisconnected\nmoved\n") == 0);
    end();
}

/* The first runs until it is let go; what is too much meanwhile is dropped, and that is said. */
static void too_many_are_dropped(void)
{
    struct child_env env = {0};
    int lines = 0;

    EXPECT_EQ(begin("[ -e hook_test.go ] || read go <hook_test.pipe; echo $1 >>hook_test.heard"),
              OK);
    unlink("hook_test.go");
    unlink("hook_test.pipe");
    EXPECT_EQ(mkfifo("hook_test.pipe", 0600), 0);
    for (int i = 0; i < HOOK_WAITING + 5; i++)
        hook_event(hook, "moved", &env);
    EXPECT(warnings == 1 && strstr(warning, "too slow"));
    int pipe = open("hook_test.pipe", O_WRONLY); /* waits for the first to be there */
    EXPECT(pipe >= 0);
    EXPECT_EQ(file_replace("hook_test.go", bytes_of_string(""), 0600), OK);
    close(pipe);
    hook_drain(hook);
    for (const char *p = heard_text(); (p = strchr(p, '\n')); p++)
        lines++;
    EXPECT_EQ(lines, HOOK_WAITING + 1);
    unlink("hook_test.go");
    unlink("hook_test.pipe");
    end();
}

/* What still runs at the end is ended; the loop is not needed for it. */
static void the_end_waits_for_nobody(void)
{
    struct child_env env = {0};

    EXPECT_EQ(begin("trap '' TERM; sleep 1000"), OK);
    hook_event(hook, "connected", &env);
    hook_event(hook, "disconnected", &env);
    end();
    hook_event(NULL, "connected", &env);
    hook_drain(NULL);
    hook_free(NULL);
}

static void what_is_none_is_refused(void)
{
    EXPECT_EQ(loop_new(&loop), OK);
    run = (struct run){0};
    EXPECT_EQ(hook_new(loop, "echo", &run, &hook), ERR_USAGE);
    EXPECT(!hook && strstr(run.reason.text, "chmod +x"));
    heap_fail_at(1);
    EXPECT_EQ(hook_new(loop, "/bin/sh", &run, &hook), ERR_MEMORY);
    heap_fail_at(0);
    EXPECT(!hook);
    loop_free(loop);
}

TEST_MAIN({"events_come_in_order_one_at_a_time", events_come_in_order_one_at_a_time},
          {"one_that_fails_is_said_and_the_next_comes", one_that_fails_is_said_and_the_next_comes},
          {"too_many_are_dropped", too_many_are_dropped},
          {"the_end_waits_for_nobody", the_end_waits_for_nobody},
          {"what_is_none_is_refused", what_is_none_is_refused})
