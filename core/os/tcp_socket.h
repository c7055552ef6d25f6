/* tcp_socket: TCP connections that hold little back: what the kernel has not sent stays ours. What
 * can be done with one stands in stream_socket.h. */
#ifndef FARSPAN_TCP_SOCKET_H
#define FARSPAN_TCP_SOCKET_H

#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/err.h"

enum {
    /* A socket takes no more while so much of it waits unsent: what is more urgent can still go
     * first. The kernel's room for what is sent and not acknowledged grows by itself. */
    TCP_SOCKET_UNSENT_BYTES = 16 * 1024,
};

/* Opens a non-blocking listening socket on the borrowed address (the wildcard `::` takes IPv4 too)
 * and gives it. ERR_BUSY when the address is taken, ERR_SYSTEM; both logged as warnings. */
enum err tcp_socket_listen(const struct addr *at, int *fd) MUST_USE;

/* Makes a listening TCP socket that was inherited (systemd) ours. ERR_USAGE when it is none: then
 * it is left as it is. ERR_SYSTEM (logged). */
enum err tcp_socket_adopt(int fd) MUST_USE;

/* Takes the next connection without waiting and tells who it is. ERR_AGAIN: there is none.
 * ERR_LIMIT: no descriptors or memory for it (logged). ERR_SYSTEM: the socket is broken (logged).
 */
enum err tcp_socket_accept(int listener, int *fd, struct addr *from) MUST_USE;

/* Begins a connection; it is there, or has failed, when the socket becomes writable.
 * ERR_UNREACHABLE when the kernel knows at once that it cannot be, ERR_SYSTEM (logged). */
enum err tcp_socket_connect(const struct addr *to, int *fd) MUST_USE;

#endif
