#include "core/screen/source.h"

#include <stdio.h>
#include <string.h>

#include "core/screen/display.h"
#include "core/screen/file_source.h"
#include "core/screen/test_source.h"
#include "core/screen/x11_source.h"

/* Whether `name` is "test" alone or followed by a size or a pace. */
static bool is_test(const char *name)
{
    return strncmp(name, "test", 4) == 0 && (name[4] == 0 || name[4] == ':' || name[4] == ',');
}

enum err source_open(const char *name, uint32_t fps, uint64_t now_us, struct source **out,
                     char *reason, size_t room)
{
    *out = NULL;
    snprintf(reason, room, "out of memory");
    if (is_test(name))
        return test_source_open(name, now_us, out, reason, room);
    if (display_is_named(name)) {
        char space[DISPLAY_CHARS];
        const char *display;
        enum err e = display_of_name(name, space, &display, reason, room);
        return e ? e : x11_source_open(display, now_us, out, reason, room);
    }
    enum err e = file_source_open(name, fps, out, reason, room);
    if (e == ERR_NOT_FOUND)
        snprintf(reason, room,
                 "%s: no such file, and no such source: x11[:DISPLAY], test[:WxH] or "
                 "FILE (image, y4m, ppm stream, .fsr)",
                 name);
    return e;
}
