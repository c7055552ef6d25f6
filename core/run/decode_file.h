/* decode_file: a recording, or one frame of it, as PNG, ppm or y4m. */
#ifndef FARSPAN_DECODE_FILE_H
#define FARSPAN_DECODE_FILE_H

#include "core/base/err.h"
#include "core/run/run.h"

/* Writes the frames of recording `from` to `to`, whose ending says the format; `frame` (NULL: all)
 * is the number of the only one wanted, as text. Frames that are damaged are left out and told of.
 * ERR_USAGE, ERR_NOT_FOUND, ERR_MALFORMED (also when frames were left out), ERR_VERSION,
 * ERR_SYSTEM, ERR_MEMORY with the reason in the run's. */
enum err decode_file(const char *from, const char *to, const char *frame, struct run *run) MUST_USE;

#endif
