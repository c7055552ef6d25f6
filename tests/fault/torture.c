#include "tests/fault/torture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/os/os.h"

enum { PATIENCE_MS = 400 };

static void output_to(const char *path, int fd)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

    if (file < 0 || dup2(file, fd) != fd)
        _exit(99);
    close(file);
}

int torture_fork(const char *out)
{
    int pid = fork();

    if (pid == 0) {
        output_to(out, STDOUT_FILENO);
        dup2(STDOUT_FILENO, STDERR_FILENO);
    }
    return pid;
}

static int status_of(int raw)
{
    return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
}

int torture_stop(int pid, int number)
{
    int raw = 0;

    kill(pid, number);
    while (waitpid(pid, &raw, 0) < 0 && errno == EINTR)
        ;
    return status_of(raw);
}

static void set_fault(const struct torture_fault *f)
{
    if (f->memory)
        heap_fail_at(f->nth);
    else
        os_fail_at(OS_ANY, f->nth, f->error);
}

/* Whether the process has ended; it is left to be waited for. */
static bool over(int pid)
{
    siginfo_t i = {0};

    return waitid(P_PID, (id_t)pid, &i, WEXITED | WNOHANG | WNOWAIT) == 0 && i.si_pid == pid;
}

/* Waits for the command; when its helper has ended and it does not follow, it is told to. */
static int watch(int pid, int helper, bool *late)
{
    int raw = 0, left_ms = TORTURE_LIMIT_MS;
    int patience_ms = helper ? PATIENCE_MS : -1;

    while (waitpid(pid, &raw, WNOHANG) == 0) {
        if (patience_ms > 0 && over(helper))
            patience_ms -= 2;
        if (patience_ms == 0) {
            patience_ms = -1;
            kill(pid, SIGTERM);
        }
        if (left_ms == 0) {
            *late = true;
            return torture_stop(pid, SIGKILL);
        }
        poll(NULL, 0, 2);
        left_ms -= left_ms < 2 ? left_ms : 2;
    }
    return status_of(raw);
}

void torture_run(enum err (*command)(const void *config, struct run *run), const void *config,
                 const struct torture_fault *fault, const char *out, int helper,
                 struct torture_end *end)
{
    char errors[300];
    bool *fired =
        mmap(NULL, sizeof *fired, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    memset(end, 0, sizeof *end);
    snprintf(errors, sizeof errors, "%s.err", out);
    int pid = fork();
    if (pid == 0) {
        struct run run = {.json = true, .timeout_us = 3000000};
        output_to(out, STDOUT_FILENO);
        output_to(errors, STDERR_FILENO);
        set_fault(fault);
        enum err e = command(config, &run);
        *fired = fault->memory ? heap_fault_fired() : os_fault_fired(OS_ANY);
        set_fault(&(struct torture_fault){.memory = fault->memory});
        exit(run_exit(&run, e));
    }
    end->status = watch(pid, helper, &end->late);
    end->fired = *fired || (fault->nth && end->status >= 128);
    munmap(fired, sizeof *fired);
    int fd = open(errors, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, end->said, sizeof end->said - 1);
    end->said[n > 0 ? n : 0] = 0;
    close(fd);
}

uint64_t torture_next(uint64_t nth)
{
    bool full = getenv("FARSPAN_FULL") != NULL;
    uint64_t close_by = full ? 1000 : 8;

    return nth + 1 + (nth > close_by ? (nth - close_by) / (full ? 16 : 3) : 0);
}

bool torture_holds(const char *path, const char *text)
{
    static char all[1 << 20];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, all, sizeof all - 1);

    all[n > 0 ? n : 0] = 0;
    close(fd);
    return strstr(all, text) != NULL;
}
