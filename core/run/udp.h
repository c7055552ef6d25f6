/* udp: the pump between a UDP socket and its owner: batches in, pulled bursts out. */
#ifndef FARSPAN_UDP_H
#define FARSPAN_UDP_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/os/dgram_sieve.h"
#include "core/peer/peer.h"
#include "core/run/loop.h"

struct udp;

/* One datagram received. */
struct udp_in {
    struct addr peer;  /* where it came from */
    struct addr local; /* where it came to: answers should leave from there */
    uint8_t ecn;       /* the two ECN bits (RFC 3168) */
    struct bytes data; /* borrowed until the callback returns */
    /* A worker has opened it in place so (true), or found it not authentic; NULL: it is as it came.
     */
    const struct peer_sealing *opened;
    bool good;
};

/* One datagram to send. */
struct udp_out {
    struct addr peer;
    struct addr local; /* the address to leave from; zeroed: let routing choose */
    uint8_t ecn;
    size_t n;                 /* bytes written to the space */
    struct peer_sealing left; /* zeroed: nothing; else the pump seals it, in a worker when many */
};

/* What its owner does; both are called in the loop's thread. */
struct udp_owner {
    /* Takes `count` datagrams (borrowed) that arrived at `now_us`. */
    void (*in)(void *ctx, uint64_t now_us, const struct udp_in *in, size_t count);
    /* Says how a datagram could be opened by a worker, as peer_opening; NULL: none ever is. */
    bool (*opening)(void *ctx, struct bytes datagram, struct peer_sealing *out);
    /* Writes the next datagram that may leave at `now_us` into `space` (room bytes, at least
     * LIMIT_DATAGRAM_BYTES) and fills *out; false when there is none now. Consecutive ones of one
     * size to one peer leave together. NULL: it never sends so. */
    bool (*next)(void *ctx, uint64_t now_us, uint8_t *space, size_t room, struct udp_out *out);
    /* The socket is broken for good (logged); NULL: nobody wants to know. */
    void (*broken)(void *ctx);
    void *ctx; /* borrowed */
    /* The kernel knows no way to that address; NULL: nobody wants to know. */
    void (*refused)(void *ctx, const struct addr *to);
};

/* What has passed; all counts since the start. */
struct udp_counters {
    uint64_t in_datagrams, in_bytes, out_datagrams, out_bytes;
    uint64_t refused;   /* not taken by the kernel: unreachable, too large, device full */
    uint64_t truncated; /* received, but larger than the space */
    uint64_t overflow;  /* lost in the kernel's receive queue */
    uint64_t calls;     /* system calls that moved datagrams */
};

/* Opens a socket bound to the borrowed address (port 0: any; `::` takes IPv4 too) and pumps it;
 * the owner's functions are copied. ERR_SYSTEM, ERR_BUSY (address taken; both logged), ERR_MEMORY.
 */
enum err udp_new(struct loop *l, const struct addr *bind_to, const struct udp_owner *owner,
                 struct udp **out) MUST_USE;

/* As udp_new with an inherited socket, which it takes, also on failure. ERR_USAGE: no UDP socket.
 */
enum err udp_adopt(struct loop *l, int fd, const struct udp_owner *owner,
                   struct udp **out) MUST_USE;

/* Takes the pump and closes its socket; not within its own callbacks. NULL is fine. */
void udp_free(struct udp *u);

/* Says that next() may have something: it is asked at the end of this turn. (After in() it is
 * asked anyway.) */
void udp_kick(struct udp *u);

/* Asks next() at once until it has nothing or the socket is full: for the last words before an
 * end. Not within callbacks. */
void udp_flush(struct udp *u);

/* As dgram_sieve_set for its socket; false when it cannot be. */
bool udp_sieve(struct udp *u, const struct dgram_sieve *s);

/* The address it is bound to, with the real port; borrowed. */
const struct addr *udp_local(const struct udp *u);

/* The counts so far. */
struct udp_counters udp_count(const struct udp *u);

#endif
