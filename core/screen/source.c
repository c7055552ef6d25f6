#include "core/screen/source.h"

#include <stdio.h>
#include <string.h>

#include "core/screen/test_source.h"
#include "core/screen/x11_source.h"

/* Whether `name` is `kind` alone or followed by ':' or ','. */
static bool is_kind(const char *name, const char *kind)
{
    size_t n = strlen(kind);

    return strncmp(name, kind, n) == 0 && (name[n] == 0 || name[n] == ':' || name[n] == ',');
}

enum err source_open(const char *name, uint64_t now_us, struct source **out, char *reason,
                     size_t room)
{
    *out = NULL;
    snprintf(reason, room, "out of memory");
    if (is_kind(name, "test"))
        return test_source_open(name, now_us, out, reason, room);
    if (is_kind(name, "x11"))
        return x11_source_open(name[3] ? name + 4 : NULL, now_us, out, reason, room);
    snprintf(reason, room, "%s: no such source (x11[:DISPLAY], test[:WxH])", name);
    return ERR_USAGE;
}
