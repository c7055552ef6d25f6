/* sim_cubic: a bulk flow as kernels' TCP makes it, to share a simulated bottleneck with. */
#ifndef FARSPAN_SIM_CUBIC_H
#define FARSPAN_SIM_CUBIC_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/sim.h"

enum {
    SIM_CUBIC_SEGMENT = 1448,   /* bytes of payload in each full datagram ... */
    SIM_CUBIC_DATAGRAM = 1472,  /* ... which is so long: 1,500 bytes of IP */
    SIM_CUBIC_SEGMENTS = 32768, /* the most a sender has outstanding: its window and buffers */
};

#define SIM_CUBIC_ENDLESS UINT64_MAX

struct sim_cubic_sender;
struct sim_cubic_receiver;

/* One flow: CUBIC (RFC 9438) behind slow start with HyStart's delay test, selective
 * acknowledgements of three blocks (RFC 2018), loss by three segments sacked above (RFC 6675), of
 * retransmissions by time (RFC 8985), time-outs of at least 200 ms (RFC 6298), an ACK for every
 * second segment or after 40 ms. Not modelled: the handshake, pacing (Linux without fq has none),
 * tail-loss probes, adaptation to reordering, undo. */
struct sim_cubic {
    size_t from, to; /* its two nodes, to be joined by links of the caller's choice */
    struct sim_cubic_sender *sender;     /* owned */
    struct sim_cubic_receiver *receiver; /* owned */
};

/* Adds the two ends of a flow of `segments` full segments, which begins at true time `start_us`. */
void sim_cubic_make(struct sim_cubic *c, struct sim *s, const struct addr *from,
                    const struct addr *to, uint64_t segments, uint64_t start_us);

/* Before it begins: it knows of ECN (RFC 3168): marks make it back off as losses do. */
void sim_cubic_ecn(struct sim_cubic *c);

/* Frees both ends, once the simulation no longer runs. */
void sim_cubic_end(struct sim_cubic *c);

/* Bytes that have come in order. */
uint64_t sim_cubic_read_bytes(const struct sim_cubic *c);

/* Whether all of it (a struct sim_cubic) is acknowledged: for sim_run. */
bool sim_cubic_done(void *cubic);

/* Writes a line of its state to the log. */
void sim_cubic_note(const struct sim_cubic *c, struct sim *s);

#endif
