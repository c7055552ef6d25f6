/* fsr_sink: a sink that records every picture, exact and compressed, in an .fsr file. */
#ifndef FARSPAN_FSR_SINK_H
#define FARSPAN_FSR_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/screen/sink.h"

/* Opens a sink that empties `path` (readable by its owner alone: mode 0600) and appends each
 * picture presented, at its time since `now_us`. It keeps references to tiles of the pictures: free
 * it before their pool. What does not fit on the disk is cut off again, with a line in the log; the
 * recording stays readable up to there. ERR_SYSTEM with a sentence in `reason`, ERR_MEMORY. */
enum err fsr_sink_open(const char *path, uint64_t now_us, struct sink **out, char *reason,
                       size_t room) MUST_USE;

#endif
