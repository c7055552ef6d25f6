/* tcp_socket: TCP connections that hold little back: what the kernel has not sent stays ours. */
#ifndef FARSPAN_TCP_SOCKET_H
#define FARSPAN_TCP_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/bytes.h"
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

/* What became of it, once writable. ERR_UNREACHABLE. */
enum err tcp_socket_connected(int fd) MUST_USE;

/* Reads up to `room` bytes without waiting, *n of them. ERR_AGAIN: nothing there. ERR_END: the
 * other has closed. ERR_UNREACHABLE: the connection is broken. */
enum err tcp_socket_receive(int fd, void *space, size_t room, size_t *n) MUST_USE;

/* Writes as much of `b` as the socket takes without waiting, *n bytes. OK also when that is less
 * than all, and the rest must wait until it is writable. ERR_UNREACHABLE: it is broken. */
enum err tcp_socket_send(int fd, struct bytes b, size_t *n) MUST_USE;

/* Closes it; what was written is still sent. -1 is fine. */
void tcp_socket_close(int fd);

#endif
