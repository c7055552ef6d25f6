/* verify_file: a recording against the pictures that it is said to hold. */
#ifndef FARSPAN_VERIFY_FILE_H
#define FARSPAN_VERIFY_FILE_H

#include "core/base/err.h"
#include "core/base/parse.h"
#include "core/run/run.h"

/* Compares the frames of recording `path` with the pictures of `inputs`, one by one, to the first
 * difference. ERR_VERIFY with frame and position in the reason, also for damage and for another
 * number of frames; ERR_USAGE, ERR_NOT_FOUND, and errors of what is read. */
enum err verify_file(const char *path, const struct parse_list *inputs, struct run *run) MUST_USE;

#endif
