#include "core/screen/source.h"

#include <stdio.h>
#include <string.h>

#include "core/screen/file_source.h"
#include "core/screen/test_source.h"
#include "core/screen/x11_source.h"

/* Whether `name` is `kind` alone or followed by ':' or ','. */
static bool is_kind(const char *name, const char *kind)
{
    size_t n = strlen(kind);

    return strncmp(name, kind, n) == 0 && (name[n] == 0 || name[n] == ':' || name[n] == ',');
}

/* Opens "x11", "x11::0", "x11:0" or "x11:HOST:0". */
static enum err open_x11(const char *name, uint64_t now_us, struct source **out, char *reason,
                         size_t room)
{
    char display[256];
    const char *rest = name + strlen("x11");

    if (*rest == 0)
        return x11_source_open(NULL, now_us, out, reason, room);
    rest++;
    bool number = *rest >= '0' && *rest <= '9' && !strchr(rest, ':');
    int n = snprintf(display, sizeof display, "%s%s", number ? ":" : "", rest);
    if (n <= 1 || n >= (int)sizeof display || name[3] != ':') {
        snprintf(reason, room, "x11 takes a display: x11, x11:0, x11:ADDRESS:0");
        return ERR_USAGE;
    }
    return x11_source_open(display, now_us, out, reason, room);
}

enum err source_open(const char *name, uint64_t now_us, struct source **out, char *reason,
                     size_t room)
{
    *out = NULL;
    snprintf(reason, room, "out of memory");
    if (is_kind(name, "test"))
        return test_source_open(name, now_us, out, reason, room);
    if (is_kind(name, "x11"))
        return open_x11(name, now_us, out, reason, room);
    enum err e = file_source_open(name, 0, out, reason, room);
    if (e == ERR_NOT_FOUND)
        snprintf(reason, room,
                 "%s: no such file, and no such source: x11[:DISPLAY], test[:WxH] or "
                 "FILE (image, y4m, ppm stream, .fsr)",
                 name);
    return e;
}
