/* sockaddr: struct addr to and from the kernel's socket addresses. */
#ifndef FARSPAN_SOCKADDR_H
#define FARSPAN_SOCKADDR_H

#include <sys/socket.h>

#include "core/base/addr.h"

/* Fills *to for a socket of family AF_INET or AF_INET6 (there IPv4 becomes IPv4-mapped) and gives
 * its length; 0 when `a` cannot be reached through such a socket. */
socklen_t sockaddr_put(const struct addr *a, int family, struct sockaddr_storage *to);

/* Reads a borrowed kernel address, IPv4-mapped ones as IPv4; ADDR_NONE for other families. */
struct addr sockaddr_get(const struct sockaddr *from);

#endif
