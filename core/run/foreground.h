/* foreground: work that a person or a script waits for: signals that stop it, progress shown. */
#ifndef FARSPAN_FOREGROUND_H
#define FARSPAN_FOREGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/io.h"
#include "core/os/io_file.h"
#include "core/run/loop.h"
#include "core/run/run.h"
#include "core/run/stop.h"

/* A command at work, in the caller's storage. */
struct foreground {
    struct run *run;   /* borrowed */
    struct loop *loop; /* owned */
    struct stop *stop; /* owned */
    bool terminal;     /* progress is shown there */
    uint64_t shown_us; /* when it was last; 0: never */
};

/* From now on SIGINT, SIGTERM and SIGHUP set run->signal and do no more when they come once.
 * ERR_SYSTEM (logged), ERR_MEMORY; to be ended all the same. */
enum err foreground_begin(struct foreground *f, struct run *run) MUST_USE;

/* Takes the progress line away, and has no ear for signals any more (see stop_free). */
void foreground_end(struct foreground *f);

/* Whether a signal has come. */
bool foreground_stopped(struct foreground *f);

/* Shows a formatted line of progress in the place of the last one, where stderr is a terminal and
 * not more than a few times a second. */
void foreground_progress(struct foreground *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A file read in order, waiting for pipes and terminals; its read gives ERR_AGAIN only when a
 * signal has come. */
struct foreground_in {
    struct io_in in;
    struct foreground *f;    /* borrowed */
    struct io_file_in *file; /* borrowed */
};

/* Prepares the caller's storage. */
void foreground_in_init(struct foreground_in *i, struct foreground *f, struct io_file_in *file);

#endif
