/* io_file: files read or written in order, or read at a place; what was written whole stays. */
#ifndef FARSPAN_IO_FILE_H
#define FARSPAN_IO_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/io.h"

/* A file open for reading. */
struct io_file_in {
    struct io_in in; /* in order; ERR_AGAIN when a signal came or a pipe has nothing yet */
    struct io_at at; /* at a place, for regular files; size_bytes is 0 for others */
    int fd;
    bool regular; /* a file that has a size and can be read again */
    char *path;   /* owned; for messages */
};

/* Opens `path` for reading ("-": standard input), the caller's to close. ERR_NOT_FOUND (not
 * logged); logged: ERR_SYSTEM (also for folders), ERR_MEMORY. */
enum err io_file_open_in(const char *path, struct io_file_in **out) MUST_USE;

/* Where from `offset` on something is kept of it: the offset itself, or behind a hole of the file;
 * UINT64_MAX: there is only a hole. */
uint64_t io_file_next_data(const struct io_file_in *s, uint64_t offset);

/* Takes and closes it; NULL is fine. */
void io_file_close_in(struct io_file_in *s);

/* A file being written; `out` collects bytes and writes them in large pieces. */
struct io_file_out {
    struct io_out out;
    int fd;
    uint64_t bytes; /* taken in so far */
    uint64_t kept;  /* of these, what io_file_keep has made the file's content */
    bool failed;
    char *path; /* owned; for messages */
    uint8_t *space;
    size_t used;
};

/* Makes or empties `path` and opens it for writing ("-": standard output), the caller's to close.
 * A regular file gets exactly the permissions `mode` when `exact_mode`, else `mode` less the umask
 * when it is new. Logged: ERR_SYSTEM, ERR_MEMORY. */
enum err io_file_open_out(const char *path, unsigned mode, bool exact_mode,
                          struct io_file_out **out) MUST_USE;

/* Writes out what was taken in so far: it will stay whatever comes. ERR_SYSTEM (logged). */
enum err io_file_keep(struct io_file_out *s) MUST_USE;

/* Takes `s` and closes it (NULL is fine): after a failure cut back to what io_file_keep kept, else
 * with everything written. ERR_SYSTEM (logged by whoever saw it first) when something is missing.
 */
enum err io_file_close_out(struct io_file_out *s) MUST_USE;

#endif
