/* png_sink: a sink that keeps the last picture as a PNG file. */
#ifndef FARSPAN_PNG_SINK_H
#define FARSPAN_PNG_SINK_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/screen/sink.h"

/* Opens a sink that writes `path` when it ends, whole or not at all; one picture that was there
 * before stays when none ever came. The folder is tried at once, so that a wrong path is known
 * before the work. ERR_SYSTEM with a sentence in `reason`, ERR_MEMORY. */
enum err png_sink_open(const char *path, struct sink **out, char *reason, size_t room) MUST_USE;

#endif
