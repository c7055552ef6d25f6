/* test_source: the built-in desktop as a source: it needs nothing but time. */
#ifndef FARSPAN_TEST_SOURCE_H
#define FARSPAN_TEST_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/screen/source.h"

enum { TEST_SOURCE_MIN_PX = 64 };

/* Opens "test[:WxH][,idle|,busy]": 1280x720 where no size is given. It moves 2 s of every 4 s at 30
 * steps a second and ticks once a second, so that it rests for two whole seconds less one tick;
 * with "idle" only input changes it, with "busy" it never rests. The picture depends on the time
 * since opening and the input alone. What is wrong goes to `reason` (at most `room` bytes).
 * ERR_USAGE, ERR_LIMIT, ERR_MEMORY. */
enum err test_source_open(const char *name, uint64_t now_us, struct source **out, char *reason,
                          size_t room) MUST_USE;

#endif
