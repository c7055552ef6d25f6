/* y4m_sink: a sink that writes every picture to a YUV4MPEG2 file, with its time; colours lose. */
#ifndef FARSPAN_Y4M_SINK_H
#define FARSPAN_Y4M_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/screen/sink.h"

/* Opens a sink that empties `path` and appends each picture presented: 4:4:4, integer BT.601 of
 * full range, which loses (a line in the log says so). Each frame says `Xt_us=`, the time since
 * `now_us`, and the head `Xt0_us=`, that moment on the clock. All frames have the first one's size:
 * later ones are cut, or padded with black. What does not fit on the disk is cut off again, with a
 * line in the log. ERR_SYSTEM with a sentence in `reason`, ERR_MEMORY. */
enum err y4m_sink_open(const char *path, uint64_t now_us, struct sink **out, char *reason,
                       size_t room) MUST_USE;

#endif
