#include "core/screen/sink.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/screen/display.h"
#include "core/screen/fsr_sink.h"
#include "core/screen/null_sink.h"
#include "core/screen/png_sink.h"
#include "core/screen/ppm_sink.h"
#include "core/screen/x11_sink.h"
#include "core/screen/y4m_sink.h"

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);

    return n > m && strcasecmp(name + n - m, suffix) == 0;
}

enum err sink_open(const char *name, uint64_t now_us, struct sink **out, char *reason, size_t room)
{
    *out = NULL;
    snprintf(reason, room, "out of memory");
    if (strcmp(name, "null") == 0)
        return null_sink_open(out);
    if (ends_in(name, ".png"))
        return png_sink_open(name, out, reason, room);
    if (ends_in(name, ".ppm"))
        return ppm_sink_open(name, out, reason, room);
    if (ends_in(name, ".y4m"))
        return y4m_sink_open(name, now_us, out, reason, room);
    if (ends_in(name, ".fsr"))
        return fsr_sink_open(name, now_us, out, reason, room);
    if (display_is_named(name)) {
        char space[DISPLAY_CHARS];
        const char *display;
        enum err e = display_of_name(name, space, &display, reason, room);
        return e ? e : x11_sink_open(display, now_us, out, reason, room);
    }
    snprintf(reason, room,
             "%s: no such sink; there are x11[:DISPLAY], null, FILE.png (the last picture), "
             "FILE.ppm, FILE.y4m and FILE.fsr (every picture)",
             name);
    return ERR_USAGE;
}
