/* x11_sink: a window of an X display that shows the picture and takes the user's input. */
#ifndef FARSPAN_X11_SINK_H
#define FARSPAN_X11_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/screen/sink.h"

/* Opens `display` (":0"; NULL: $DISPLAY) as a sink, the caller's to free by its ops. The window
 * comes with the first picture and follows the picture's size; Ctrl+Alt+Return makes it fill the
 * screen and back, Ctrl+Alt+I shows and hides the status in the picture. ERR_USAGE,
 * ERR_UNREACHABLE, ERR_UNSUPPORTED, ERR_MEMORY, with a sentence in `reason` (`room` bytes). */
enum err x11_sink_open(const char *display, uint64_t now_us, struct sink **out, char *reason,
                       size_t room) MUST_USE;

#endif
