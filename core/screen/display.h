/* display: which X display a source or sink called "x11..." means. */
#ifndef FARSPAN_DISPLAY_H
#define FARSPAN_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum { DISPLAY_CHARS = 256 };

/* Whether `name` is "x11" or begins with "x11:". */
bool display_is_named(const char *name);

/* The display of such a name: "x11" means $DISPLAY (*out = NULL), "x11:0" and "x11::0" mean ":0",
 * "x11:HOST:0" means "HOST:0". *out points into `space`. ERR_USAGE with a sentence in `reason`
 * (`room` bytes) when it is empty or too long. */
enum err display_of_name(const char *name, char space[DISPLAY_CHARS], const char **out,
                         char *reason, size_t room) MUST_USE;

#endif
