/* netns: network namespaces: found by name, made without one, and entered for a moment. */
#ifndef FARSPAN_NETNS_H
#define FARSPAN_NETNS_H

#include "core/base/err.h"

/* All failures here are logged; without the privilege they are ERR_UNSUPPORTED. */

/* Opens the namespace `ns` (a name of `ip netns`, or a path with a slash); *fd is the caller's.
 * ERR_NOT_FOUND, ERR_SYSTEM. */
enum err netns_open(const char *ns, int *fd) MUST_USE;

/* Makes a namespace of its own that has no name and a loopback device that is up; it goes away with
 * the last descriptor, socket and process in it. *fd is the caller's. ERR_SYSTEM. */
enum err netns_make(int *fd) MUST_USE;

/* Puts the calling thread in the namespace `fd`; *home is the way back. No other thread may rely on
 * which one it is in meanwhile. ERR_SYSTEM. */
enum err netns_enter(int fd, int *home) MUST_USE;

/* Goes back, and closes `home`. ERR_SYSTEM. */
enum err netns_leave(int home) MUST_USE;

/* Closes the descriptor of one and makes it -1; fine when it is. */
void netns_close(int *fd);

#endif
