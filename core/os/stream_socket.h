/* stream_socket: what every connected stream socket does, TCP or local: take, read, write, end. */
#ifndef FARSPAN_STREAM_SOCKET_H
#define FARSPAN_STREAM_SOCKET_H

#include <stddef.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

struct sockaddr_storage;

/* Takes the next connection of a listening socket without waiting, and whose it is to *from (NULL:
 * nobody wants to know). ERR_AGAIN: there is none. ERR_LIMIT: no descriptors or memory for it
 * (logged). ERR_SYSTEM: the socket is broken (logged). */
enum err stream_socket_accept(int listener, int *fd, struct sockaddr_storage *from) MUST_USE;

/* Reads up to `room` bytes without waiting, *n of them. ERR_AGAIN: nothing there. ERR_END: the
 * other has ended its direction. ERR_UNREACHABLE: the connection is broken. */
enum err stream_socket_receive(int fd, void *space, size_t room, size_t *n) MUST_USE;

/* Writes as much of `b` as the socket takes without waiting, *n bytes. OK also when that is less
 * than all, and the rest must wait until it is writable. ERR_UNREACHABLE: it is broken. */
enum err stream_socket_send(int fd, struct bytes b, size_t *n) MUST_USE;

/* As stream_socket_send over a local socket, and with the first byte a copy of the descriptor
 * `give` (borrowed), as SCM_RIGHTS does (unix(7)). When *n is 0, it has not gone. */
enum err stream_socket_send_with(int fd, struct bytes b, int give, size_t *n) MUST_USE;

/* Gives two connected local sockets that do not wait: what is written to the one is read from the
 * other. About `buffer_bytes` written and not read fit in each (0: as many as usual). ERR_SYSTEM
 * (logged). */
enum err stream_socket_pair(int fd[2], size_t buffer_bytes) MUST_USE;

/* Ends the direction from here: the other reads to the end. One that is broken is left alone. */
void stream_socket_finish(int fd);

/* What became of a connection that was begun, once writable. ERR_UNREACHABLE. */
enum err stream_socket_connected(int fd) MUST_USE;

/* Closes it; what was written is still sent. -1 is fine. */
void stream_socket_close(int fd);

#endif
