#include "core/screen/display.h"

#include <stdio.h>
#include <string.h>

bool display_is_named(const char *name)
{
    return strncmp(name, "x11", 3) == 0 && (name[3] == 0 || name[3] == ':');
}

enum err display_of_name(const char *name, char space[DISPLAY_CHARS], const char **out,
                         char *reason, size_t room)
{
    *out = NULL;
    if (name[3] == 0)
        return OK;
    const char *rest = name + 4;
    bool number = *rest >= '0' && *rest <= '9' && !strchr(rest, ':');
    int n = snprintf(space, DISPLAY_CHARS, "%s%s", number ? ":" : "", rest);
    if (n <= 1 || n >= DISPLAY_CHARS) {
        snprintf(reason, room, "x11 takes a display: x11, x11::0, x11:HOST:0");
        return ERR_USAGE;
    }
    *out = space;
    return OK;
}
