/* torture: one command after the other in a process of its own, each with one fault in it. */
#ifndef FARSPAN_TORTURE_H
#define FARSPAN_TORTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/run/run.h"

/* What is made to fail once. */
struct torture_fault {
    bool memory;  /* an allocation; else a system call */
    int error;    /* its errno */
    uint64_t nth; /* which one; 0: none */
};

/* How the command ended. */
struct torture_end {
    bool fired;     /* the fault was reached */
    bool late;      /* it had to be killed after TORTURE_LIMIT_MS */
    int status;     /* exit status; 128 + signal when one ended it */
    char said[400]; /* the beginning of what stands on its stderr */
};

enum { TORTURE_LIMIT_MS = 20000 };

/* Runs command(config, run) with the fault in a forked process, its stdout in the file `out`; then
 * run_exit. While it runs, `helper` (0: none) may end first: then the command gets SIGTERM. */
void torture_run(enum err (*command)(const void *config, struct run *run), const void *config,
                 const struct torture_fault *fault, const char *out, int helper,
                 struct torture_end *end);

/* Forks; gives the child's pid, or 0 in the child, whose stdout and stderr go to `out`. */
int torture_fork(const char *out);

/* Ends a process started with torture_fork by `number` and gives its exit status as in
 * torture_end. */
int torture_stop(int pid, int number);

/* The fault to try after `nth`: the next one with FARSPAN_FULL; else, and beyond a thousand, in
 * growing steps. */
uint64_t torture_next(uint64_t nth);

/* Whether the file `path` holds `text`. */
bool torture_holds(const char *path, const char *text);

#endif
