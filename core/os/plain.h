/* plain: kernel TCP connections, with a congestion control and in a namespace that are chosen. */
#ifndef FARSPAN_PLAIN_H
#define FARSPAN_PLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

/* Nothing here blocks; descriptors are the caller's, who closes them by plain_close. Namespaces are
 * descriptors, -1 stands for our own. Failures are logged, but ERR_AGAIN and ERR_END. */

/* Listens on the borrowed address (port 0: any); the real one goes to *bound. ERR_SYSTEM,
 * ERR_UNSUPPORTED without the privilege for the namespace. */
enum err plain_listen(int netns, const struct addr *at, int *fd, struct addr *bound) MUST_USE;

/* Begins a connection with congestion control `control` of the kernel, without delay for what is
 * small. ERR_UNSUPPORTED also when the kernel has no such control; ERR_SYSTEM. */
enum err plain_connect(int netns, const struct addr *to, const char *control, int *fd) MUST_USE;

/* Takes a connection. ERR_AGAIN: none is there yet; ERR_SYSTEM. */
enum err plain_accept(int listening, int *fd) MUST_USE;

/* Sends what the kernel takes of borrowed bytes. ERR_AGAIN: nothing now, or not connected yet;
 * ERR_UNREACHABLE: the connection has failed. */
enum err plain_send(int fd, struct bytes data, size_t *taken) MUST_USE;

/* Reads what has come, up to `room` bytes. ERR_AGAIN, ERR_END, ERR_UNREACHABLE. */
enum err plain_receive(int fd, uint8_t *space, size_t room, size_t *n) MUST_USE;

/* What the kernel knows of the path of a connection. */
struct plain_path {
    uint64_t rtt_us;                       /* smoothed; 0: not known */
    uint64_t sent_segments, lost_segments; /* lost: sent again */
};

/* Reads it; zeros where it cannot be told. */
void plain_look(int fd, struct plain_path *out);

/* Closes a connection at once, whatever is still queued, and makes *fd -1; fine when it is. */
void plain_close(int *fd);

#endif
