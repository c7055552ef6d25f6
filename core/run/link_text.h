/* link_text: a session's path and picture as one line for people. */
#ifndef FARSPAN_LINK_TEXT_H
#define FARSPAN_LINK_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/peer/peer.h"

enum { LINK_TEXT_CHARS = ADDR_CHARS + 80 };

/* Writes a line such as "192.0.2.1:7470, 24 ms, 1.2 Mbit/s, exact": where the other side is, the
 * round trip, what came in a second (`in_bps`), whether the picture is proven exact now, and that
 * input is left out (`view_only`). For a path that is silent, for how long;
 * before the session is up, that it is being reached. */
void link_text(const struct peer_path *path, uint64_t in_bps, bool exact, bool view_only,
               char to[LINK_TEXT_CHARS]);

#endif
