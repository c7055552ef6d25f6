/* relay_udp: datagrams of any number of clients through two modelled links to one server. */
#ifndef FARSPAN_RELAY_UDP_H
#define FARSPAN_RELAY_UDP_H

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/run/loop.h"
#include "core/run/relay_losses.h"
#include "core/wan/wan_link.h"

enum {
    RELAY_UDP_CLIENTS = 512,
    RELAY_UDP_IDLE_S = 300,   /* a client silent in both directions for so long is forgotten ... */
    RELAY_UDP_RECLAIM_S = 30, /* ... and the most silent one after this, when its place is needed */
    RELAY_UDP_GRAIN_US = 100, /* under load datagrams leave together, at most so late */
};

struct relay_udp;

/* Listens on `listen` (port 0: any) and passes clients' datagrams through `up` to `server`, each
 * client from a socket of its own, and the answers through `down`. Borrows the links; both start
 * with the first datagram. A WAN_CHANGE_REBIND of `up` gives every client a new socket, so that
 * the server sees a new address. ERR_SYSTEM, ERR_BUSY (logged), ERR_MEMORY. */
enum err relay_udp_new(struct loop *l, const struct addr *listen, const struct addr *server,
                       struct wan_link *up, struct wan_link *down, struct relay_udp **out) MUST_USE;

/* Takes the relay; NULL is fine. */
void relay_udp_free(struct relay_udp *r);

/* The address it listens on, with the real port; borrowed. */
const struct addr *relay_udp_local(const struct relay_udp *r);

/* The losses so far in the direction to the server (`up`) or from it. */
struct relay_losses relay_udp_count(const struct relay_udp *r, bool up);

/* The number of clients that have a socket now. */
size_t relay_udp_clients(const struct relay_udp *r);

#endif
