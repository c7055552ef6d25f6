/* dgram: UDP sockets in batches: recvmmsg with GRO in, sendmmsg with GSO out, plain where not. */
#ifndef FARSPAN_DGRAM_H
#define FARSPAN_DGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/err.h"

enum {
    DGRAM_BATCH = 16,          /* bursts a call */
    DGRAM_SEGMENTS = 64,       /* datagrams a burst at most (the kernel's limit for GSO) */
    DGRAM_BURST_BYTES = 65000, /* bytes of a burst of several datagrams at most */
    DGRAM_MAX_BYTES = 65507,   /* largest UDP payload over IPv4 */
};

/* Datagrams of one size between one pair of addresses, one after the other in memory. */
struct dgram_burst {
    struct addr peer;  /* where it came from or goes to */
    struct addr local; /* where it came to or leaves from; ADDR_NONE: unknown, let routing choose */
    const uint8_t *p;  /* borrowed */
    size_t n;          /* bytes in all; 0: one empty datagram */
    size_t each;       /* bytes a datagram, only the last may be shorter; 0 only when n is 0 */
    uint8_t ecn;       /* the two ECN bits (RFC 3168): 0 none, 1 ECT(1), 2 ECT(0), 3 CE */
    bool plain;        /* set by dgram_send when the kernel refused the burst as a whole */
};

/* One socket; what of the kernel's batch calls works is found out as they fail. */
struct dgram {
    int fd;            /* owned; -1: closed */
    int family;        /* AF_INET or AF_INET6 (then IPv4 as well, unless bound to an address) */
    struct addr local; /* the bound address; its port is the real one also when 0 was asked for */
    bool wildcard;     /* bound to 0.0.0.0 or ::, so every datagram has its own local address */
    bool gso, gro;     /* UDP_SEGMENT and UDP_GRO work, as far as is known */
    bool sendmmsg, recvmmsg;
    int recv_buffer_bytes, send_buffer_bytes; /* what the kernel has given */
    struct addr no_way; /* where a refused datagram was to go, when there is no way there; the owner
                           takes note and makes it ADDR_NONE */
    int last_error;     /* errno of the last refused datagram: each is logged once in a row */
    uint64_t calls;     /* system calls that moved or tried to move datagrams */
    uint64_t refused;   /* datagrams that the kernel did not take: unreachable, too large, full */
    uint64_t truncated; /* datagrams larger than the space for them, dropped */
    uint32_t overflow;  /* datagrams lost in the kernel's receive queue (SO_RXQ_OVFL) */
};

/* Memory for one dgram_receive. */
struct dgram_space;

/* Gives space for DGRAM_BATCH bursts; NULL without memory. Serves any number of sockets in turn. */
struct dgram_space *dgram_space_new(void);

/* Takes `s`; NULL is fine. */
void dgram_space_free(struct dgram_space *s);

/* Opens a non-blocking socket bound to the borrowed address (port 0: a free one; the wildcard `::`
 * takes IPv4 as well), with DF set, large buffers, ECN and local addresses reported, GRO on.
 * ERR_SYSTEM (logged), ERR_BUSY when the address is taken (logged). */
enum err dgram_open(struct dgram *d, const struct addr *bind_to) MUST_USE;

/* As dgram_open for a bound UDP socket that was inherited (systemd), without the filter that it may
 * have; takes `fd`, also on failure.
 * ERR_USAGE when it is no UDP socket. */
enum err dgram_adopt(struct dgram *d, int fd) MUST_USE;

/* Closes the socket; a second time is fine. */
void dgram_close(struct dgram *d);

/* Receives up to DGRAM_BATCH bursts without waiting; *count of them, borrowed from `s` until its
 * next use. ERR_AGAIN: nothing there. ERR_SYSTEM: the socket is broken (logged). */
enum err dgram_receive(struct dgram *d, struct dgram_space *s, struct dgram_burst out[DGRAM_BATCH],
                       size_t *count) MUST_USE;

/* Sends bursts in order without waiting; *done of them are gone, and the next one has been moved
 * on past the datagrams that are. What the kernel refuses (no route, too large, a port known to
 * be closed) is dropped and counted: the network may do that too. Port 0 as well.
 * OK: all gone. ERR_AGAIN: the send buffer is full, wait until writable. ERR_BUSY: the device is
 * full, try in a millisecond. ERR_SYSTEM: the socket is broken (logged). */
enum err dgram_send(struct dgram *d, struct dgram_burst *bursts, size_t count,
                    size_t *done) MUST_USE;

#endif
