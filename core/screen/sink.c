#include "core/screen/sink.h"

#include <stdio.h>
#include <string.h>

#include "core/screen/null_sink.h"

enum err sink_open(const char *name, uint64_t now_us, struct sink **out, char *reason, size_t room)
{
    (void)now_us;
    *out = NULL;
    snprintf(reason, room, "out of memory");
    if (strcmp(name, "null") == 0)
        return null_sink_open(out);
    snprintf(reason, room, "%s: no such sink (null)", name);
    return ERR_USAGE;
}
