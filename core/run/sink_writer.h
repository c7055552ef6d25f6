/* sink_writer: a sink that writes every picture to a file, worked on beside the loop. */
#ifndef FARSPAN_SINK_WRITER_H
#define FARSPAN_SINK_WRITER_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/run/loop.h"
#include "core/screen/sink.h"

/* One picture is written at a time, a copy of its own; who has more shows the newest when that is
 * done. So a slow disk costs pictures, and holds up nothing. */
struct sink_writer;

/* Who is told. */
struct sink_writer_owner {
    /* On the loop's thread: the picture is written, or could not be (logged); then no more can. */
    void (*written)(void *ctx, enum err e);
    void *ctx; /* borrowed */
};

/* Takes `sink` (one with ops->writes; stays the caller's on failure) and starts a worker.
 * ERR_MEMORY, ERR_SYSTEM (logged). */
enum err sink_writer_new(struct loop *l, struct sink *sink, const struct sink_writer_owner *owner,
                         struct sink_writer **out) MUST_USE;

/* Whether a picture is being written. NULL is fine: no. */
bool sink_writer_busy(const struct sink_writer *w);

/* Copies what has changed in the borrowed frame and has it written; only when none is. ERR_MEMORY,
 * ERR_LIMIT. */
enum err sink_writer_present(struct sink_writer *w, const struct sink_frame *f) MUST_USE;

/* Waits for the picture that is being written, writes `last` (NULL: none) after it, and ends the
 * file. Its owner hears nothing any more. The first of the errors, also of earlier ones. */
enum err sink_writer_finish(struct sink_writer *w, const struct sink_frame *last) MUST_USE;

/* Takes it and the sink, after waiting for the worker; NULL is fine. */
void sink_writer_free(struct sink_writer *w);

#endif
