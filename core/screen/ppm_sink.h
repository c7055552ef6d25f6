/* ppm_sink: a sink that writes every picture to a file, as a stream of P6 images. */
#ifndef FARSPAN_PPM_SINK_H
#define FARSPAN_PPM_SINK_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/screen/sink.h"

/* Opens a sink that empties `path` and appends each picture presented; a picture that does not fit
 * on the disk is cut off again, with a line in the log. ERR_SYSTEM with a sentence in `reason`,
 * ERR_MEMORY. */
enum err ppm_sink_open(const char *path, struct sink **out, char *reason, size_t room) MUST_USE;

#endif
