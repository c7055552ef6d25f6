/* sim_tcp: how full a TCP connection of the simulator is: its link's queue is the socket. */
#ifndef FARSPAN_SIM_TCP_H
#define FARSPAN_SIM_TCP_H

#include <stdbool.h>

#include "tests/sim/sim.h"

enum {
    SIM_TCP_UNSENT_BYTES = 16 * 1024, /* above it the socket takes no more */
    SIM_TCP_SOCKET_BYTES = 32 * 1024, /* what more there is gets lost */
    SIM_TCP_POLL_US = 1000            /* how often a full one is looked at */
};

/* A link's figures made those of a TCP connection: reliable as long as nobody sends more than it
 * takes. */
struct wan_config sim_tcp_config(uint64_t rate_bps, uint64_t delay_us);

/* Whether the connection takes no more from that node to the other. */
bool sim_tcp_is_full(struct sim *s, size_t from, size_t to);

#endif
