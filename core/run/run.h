/* run: what every command is told and how it answers: output, events, failure. */
#ifndef FARSPAN_RUN_H
#define FARSPAN_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/reason.h"

/* Filled by the command line before a run_* call, which borrows it. */
struct run {
    bool json;            /* stdout gets one JSON object a line and nothing else */
    bool quiet;           /* only errors on stderr */
    bool verbose;         /* and debug lines on stderr */
    const char *identity; /* path of the identity file, NULL: the default one */
    uint64_t timeout_us;  /* for reaching a peer */
    int signal;           /* set by run_*: ended by this signal after a clean close (exit 128+n) */
    struct reason reason; /* set by run_* when it fails */
};

/* Call it first in main: makes the process safe to open files in (see standard_fill). */
void run_begin(void);

/* Takes one event or result and prints it as a line when JSON is wanted; else only frees it, and
 * looks whether what was said to people could be written. ERR_MEMORY, ERR_SYSTEM as json_print,
 * with the reason given. */
enum err run_event(struct run *run, struct json *event) MUST_USE;

/* Prints one formatted line for people on stdout, unless JSON is wanted. */
void run_say(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exit status for what a run_* call gave: prints the failure's reason on stderr and, with JSON,
 * the error event as the last line of stdout. */
int run_exit(struct run *run, enum err e);

#endif
