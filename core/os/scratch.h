/* scratch: a file without a name, for what a process needs as long as it lives. */
#ifndef FARSPAN_SCRATCH_H
#define FARSPAN_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* Makes one in `folder`, empty; whatever way the process ends, it is gone. ERR_SYSTEM (logged). */
enum err scratch_open(const char *folder, int *fd) MUST_USE;

/* Closes it; -1 is fine. */
void scratch_close(int fd);

/* Writes the borrowed bytes at `at`. ERR_SYSTEM (logged): the disk is full, or broken. */
enum err scratch_write(int fd, uint64_t at, struct bytes b) MUST_USE;

/* Reads `n` bytes from `at`; what was never written is zeroes. ERR_SYSTEM (logged), also beyond its
 * end. */
enum err scratch_read(int fd, uint64_t at, void *to, size_t n) MUST_USE;

#endif
