/* fsr_writer: pictures to a recording, as they come. */
#ifndef FARSPAN_FSR_WRITER_H
#define FARSPAN_FSR_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/io.h"
#include "core/codec/pic.h"
#include "core/codec/samples.h"

struct fsr_writer;

/* A piece of a frame to be encoded: a pure function of what it points to. */
struct fsr_job;

/* Encodes the piece; on any thread, each job on one at a time. */
void fsr_writer_work(struct fsr_job *j);

/* Somebody who works on several jobs at a time. */
struct fsr_workers {
    size_t count; /* how many at most, 1..FSR_MAX_WORKERS */
    /* Calls fsr_writer_work for each of the `n` (<= count) borrowed jobs and returns when all are
     * done. */
    void (*run)(struct fsr_workers *w, struct fsr_job *const *jobs, size_t n);
};

enum { FSR_MAX_WORKERS = 64 };

/* What a recording is of. */
struct fsr_writer_config {
    struct io_out *out;          /* borrowed until the writer is freed */
    struct fsr_workers *workers; /* borrowed likewise; NULL: the calling thread alone. The bytes are
                                  * the same whoever works */
    enum samples samples;        /* of all pictures; its alpha is theirs */
    bool full_range;             /* of planes */
    const char *line;            /* first line of the y4m that they come from, or NULL; borrowed for
                                  * the call, at most FSR_LINE_CHARS */
};

/* What one frame has cost. */
struct fsr_frame_cost {
    uint64_t frame; /* its number, from 0 */
    uint64_t bytes; /* in the file */
    uint32_t tiles; /* that were encoded */
    bool key;
};

/* Gives a writer, which has written the file's header. Errors of `out`, ERR_MEMORY. */
enum err fsr_writer_new(const struct fsr_writer_config *config, struct fsr_writer **out) MUST_USE;

/* Appends `p` as the next frame: what differs from the last one, or all of it as a key frame when
 * it is the first, the size is another, or enough was written since the last key frame. Keeps
 * references to the tiles, not to `p`, which may be changed at once. `time_us` counts from any
 * start and should not go back. *cost may be NULL. The frame is in the file when it returns.
 * ERR_LIMIT (a time beyond FSR_TIME_MAX), ERR_MEMORY, errors of `out`: after any of these the file
 * ends with the frame before, and so does every later call. */
enum err fsr_writer_frame(struct fsr_writer *w, const struct pic *p, uint64_t time_us,
                          struct fsr_frame_cost *cost) MUST_USE;

/* Writes the index, which is an aid: a recording without it is whole too. The error of an earlier
 * call, ERR_MEMORY, errors of `out`. */
enum err fsr_writer_finish(struct fsr_writer *w) MUST_USE;

/* The bytes written so far. */
uint64_t fsr_writer_bytes(const struct fsr_writer *w);

/* Takes and frees it, finished or not; NULL is fine. */
void fsr_writer_free(struct fsr_writer *w);

#endif
