/* file: small files read whole, replaced whole, made new, or grown by a line. */
#ifndef FARSPAN_FILE_H
#define FARSPAN_FILE_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

/* Appends the whole file `path` to `out`, whose maximum is the limit. With `private` it must be a
 * regular file that only its owner, who must be this user or root, may read or write.
 * ERR_NOT_FOUND (not logged); logged: ERR_SYSTEM, ERR_LIMIT, ERR_MEMORY, and ERR_USAGE when it is
 * not as private as asked. After a failure `out` may hold a part. */
enum err file_read(const char *path, bool private, struct buf *out) MUST_USE;

/* Makes the new file `path` of the borrowed bytes with permissions `mode`, whole and durable or
 * not at all (but for a folder that cannot be synced: then it is there, and ERR_SYSTEM says that it
 * may not last). ERR_EXISTS (not logged) when the name is taken, by whatever it is; ERR_SYSTEM,
 * ERR_MEMORY (logged). */
enum err file_create(const char *path, struct bytes data, unsigned mode) MUST_USE;

/* As file_create, but takes the place of a file that is there: a reader sees the old or the new
 * one whole. */
enum err file_replace(const char *path, struct bytes data, unsigned mode) MUST_USE;

/* Whether a file could be made or replaced at `path`: its folder is there and may be written to,
 * and the name is no folder itself. ERR_SYSTEM (logged), ERR_MEMORY. Promises nothing for later. */
enum err file_check_place(const char *path) MUST_USE;

/* Appends the borrowed line and a newline to `path`, which is made with permissions `mode` when
 * absent; durable, and whole also when several processes append at once. Ends a last line that
 * has no newline first. ERR_SYSTEM, ERR_MEMORY (logged). */
enum err file_append_line(const char *path, struct bytes line, unsigned mode) MUST_USE;

/* Takes the name `path` away, durably as far as can be; fine when it is not there. */
void file_remove(const char *path);

/* Makes the folder `path` and every missing one above it with permissions `mode`; fine when it is
 * there. ERR_SYSTEM (logged). */
enum err file_make_folder(const char *path, unsigned mode) MUST_USE;

#endif
