/* unix_socket: stream sockets in the file system, to neighbours on this host. What can be done with
 * a connection stands in stream_socket.h. */
#ifndef FARSPAN_UNIX_SOCKET_H
#define FARSPAN_UNIX_SOCKET_H

#include "core/base/err.h"

enum { UNIX_SOCKET_PATH_CHARS = 107 }; /* Linux: sun_path without its end */

/* Opens a non-blocking listening socket at the borrowed path, which only this user may connect to,
 * and gives it. One that nobody listens on any more is taken away first. ERR_USAGE: the path is too
 * long, or empty; ERR_EXISTS: something else is there; ERR_BUSY: somebody listens there;
 * ERR_SYSTEM (logged). */
enum err unix_socket_listen(const char *path, int *fd) MUST_USE;

/* Connects without waiting. ERR_USAGE: the path is too long, or empty. ERR_NOT_FOUND: nobody
 * listens there. ERR_AGAIN: more wait there already than are let wait. ERR_SYSTEM (logged). */
enum err unix_socket_connect(const char *path, int *fd) MUST_USE;

/* Takes the name of a listening socket away; the socket stays. */
void unix_socket_remove(const char *path);

#endif
