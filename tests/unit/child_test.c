#include "core/os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/file.h"
#include "core/os/os.h"
#include "tests/unit/test.h"

static const char program[] = "./child_test.program", heard[] = "child_test.heard";

static void quiet(enum log_level level, const char *line)
{
    (void)level, (void)line;
}

/* Makes the program: a script of these lines. */
static enum err script(const char *lines)
{
    char text[1024];

    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", lines);
    unlink(heard);
    return file_replace(program, bytes_of_string(text), 0700);
}

/* Its exit status, when it has ended. */
static int ending(int pid)
{
    siginfo_t info;
    int status = -1;

    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    return child_ended(pid, &status) ? status : -1;
}

static int run(const struct child_env *env)
{
    int pid;

    return child_start(program, "word", env, &pid) ? -1 : ending(pid);
}

/* What the program has written to its file. */
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

static void variables_are_lines_of_text(void)
{
    static struct child_env env;
    char text[2 * CHILD_VARIABLE_CHARS];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    child_env_add(&env, "A", "one\ntwo\x1b\177three");
    child_env_add(&env, "B", text);
    EXPECT(strcmp(env.line[0], "A=one?two??three") == 0);
    EXPECT(strlen(env.line[1]) == CHILD_VARIABLE_CHARS - 1);
    for (int i = 0; i < 2 * CHILD_VARIABLES; i++)
        child_env_add(&env, "C", "");
    EXPECT_EQ(env.count, CHILD_VARIABLES);
}

static void only_programs_are_taken(void)
{
    EXPECT_EQ(script("exit 0"), OK);
    EXPECT_EQ(child_check(program), OK);
    EXPECT_EQ(child_check("sh"), ERR_USAGE); /* no search along $PATH */
    EXPECT_EQ(child_check("./child_test.none"), ERR_USAGE);
    EXPECT_EQ(chmod(program, 0), 0);
    EXPECT(getuid() == 0 || child_check(program) == ERR_USAGE);
    unlink(program);
}

static void how_it_ended_is_known(void)
{
    struct child_env env = {0};

    EXPECT_EQ(script("exit 7"), OK);
    EXPECT_EQ(run(&env), 7);
    EXPECT_EQ(script("kill -TERM $$"), OK);
    EXPECT_EQ(run(&env), 128 + SIGTERM);
    EXPECT_EQ(script("read line && exit 1; exit 0"), OK);
    EXPECT_EQ(run(&env), 0); /* there is nothing to read */
    unlink(program);
}

static void it_gets_its_word_and_no_secrets(void)
{
    struct child_env env = {0};

    setenv("FARSPAN_TICKET", "secret", 1);
    setenv("NOTIFY_SOCKET", "secret", 1);
    setenv("LISTEN_FDS", "secret", 1);
    setenv("CHILD_TEST", "before", 1);
    setenv("CHILD_TESTS", "kept", 1);
    child_env_add(&env, "CHILD_TEST", "after");
    EXPECT_EQ(script("{ echo \"word $*\"; env; } >child_test.heard"), OK);
    EXPECT_EQ(run(&env), 0);
    EXPECT(strncmp(heard_text(), "word word\n", 10) == 0);
    EXPECT(strstr(heard_text(), "\nCHILD_TEST=after\n"));
    EXPECT(strstr(heard_text(), "\nCHILD_TESTS=kept\n"));
    EXPECT(!strstr(heard_text(), "secret") && !strstr(heard_text(), "before"));
    unsetenv("NOTIFY_SOCKET");
    unlink(program);
    unlink(heard);
}

/* Signals that this process ignores or blocks are not ignored or blocked there. */
static void signals_are_as_usual(void)
{
    struct child_env env = {0};
    sigset_t some;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigprocmask(SIG_BLOCK, &some, NULL);
    EXPECT_EQ(script("exec cat /proc/self/status >child_test.heard"), OK);
    EXPECT_EQ(run(&env), 0);
    sigprocmask(SIG_UNBLOCK, &some, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    const char *blocked = strstr(heard_text(), "SigBlk:\t");
    EXPECT(blocked && strtoull(blocked + 8, NULL, 16) == 0);
    const char *ignored = strstr(heard_text(), "SigIgn:\t");
    uint64_t of_libc = UINT64_C(3) << 31; /* 32 and 33 are glibc's own */
    EXPECT(ignored && (strtoull(ignored + 8, NULL, 16) & ~of_libc) == 0);
    unlink(program);
    unlink(heard);
}

/* The program and what it has started are ended; it lives until then. */
static void all_of_it_can_be_ended(void)
{
    struct child_env env = {0};
    int pid, status, ends[2];
    char c;

    EXPECT(pipe(ends) == 0);
    char lines[128];
    snprintf(lines, sizeof lines, "sleep 1000 & echo x >&%d; wait", ends[1]);
    EXPECT_EQ(script(lines), OK);
    EXPECT_EQ(child_start(program, "word", &env, &pid), OK);
    close(ends[1]);
    EXPECT_EQ(read(ends[0], &c, 1), 1);
    EXPECT(!child_ended(pid, &status));
    child_kill(pid);
    EXPECT(waitpid(pid, NULL, 0) < 0 && errno == ECHILD);
    /* Nobody holds the other end of the pipe any more. */
    EXPECT_EQ(read(ends[0], &c, 1), 1); /* the line's end */
    EXPECT_EQ(read(ends[0], &c, 1), 0);
    close(ends[0]);
    unlink(program);
}

static void what_fails_is_said(void)
{
    struct child_env env = {0};
    int pid = 0;

    log_set_sink(quiet);
    EXPECT_EQ(child_start("./child_test.none", "word", &env, &pid), ERR_SYSTEM);
    EXPECT_EQ(script("exit 0"), OK);
    os_fail_at(OS_FD, 1, EAGAIN);
    EXPECT_EQ(child_start(program, "word", &env, &pid), ERR_SYSTEM);
    os_fail_at(OS_FD, 0, 0);
    heap_fail_at(1);
    EXPECT_EQ(child_start(program, "word", &env, &pid), ERR_MEMORY);
    heap_fail_at(0);
    EXPECT_EQ(run(&env), 0);
    log_set_sink(NULL);
    unlink(program);
}

TEST_MAIN({"variables_are_lines_of_text", variables_are_lines_of_text},
          {"only_programs_are_taken", only_programs_are_taken},
          {"how_it_ended_is_known", how_it_ended_is_known},
          {"it_gets_its_word_and_no_secrets", it_gets_its_word_and_no_secrets},
          {"signals_are_as_usual", signals_are_as_usual},
          {"all_of_it_can_be_ended", all_of_it_can_be_ended},
          {"what_fails_is_said", what_fails_is_said})
