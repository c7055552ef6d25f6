#include "core/run/link_text.h"

#include <stdio.h>

void link_text(const struct peer_path *path, uint64_t in_bps, bool exact, bool view_only,
               char to[LINK_TEXT_CHARS])
{
    char at[ADDR_CHARS];

    addr_print(&path->remote, at);
    if (!path->connected)
        snprintf(to, LINK_TEXT_CHARS, "reaching %s", at);
    else if (path->silent)
        snprintf(to, LINK_TEXT_CHARS, "reconnecting: %s has been silent for %llu s", at,
                 (unsigned long long)(path->silent_us / 1000000));
    else
        snprintf(to, LINK_TEXT_CHARS, "%s, %.0f ms, %.1f Mbit/s%s%s", at,
                 (double)path->rtt_us / 1e3, (double)in_bps / 1e6, exact ? ", exact" : "",
                 view_only ? ", view only" : "");
}
