/* sim_toy: a stop-and-wait protocol, small enough to be seen right, to test the harness itself. */
#ifndef FARSPAN_SIM_TOY_H
#define FARSPAN_SIM_TOY_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/sim.h"

/* Mechanisms that can be switched off. */
enum sim_toy_without {
    SIM_TOY_WITHOUT_RESEND = 1,   /* nothing is sent twice */
    SIM_TOY_WITHOUT_CHECKSUM = 2, /* damaged datagrams are believed */
    SIM_TOY_WITHOUT_NUMBERS = 4,  /* a block that comes twice counts twice */
    SIM_TOY_WITHOUT_PATH = 8,     /* answers go to the first address that was seen */
};

enum { SIM_TOY_BLOCK = 1000 };

/* One end: the sender gets `blocks` blocks of pattern across, the receiver checks them. */
struct sim_toy {
    struct sim *sim; /* borrowed */
    bool sends;
    uint32_t without;
    struct addr peer;     /* receiver: as last seen */
    uint64_t blocks;      /* sender: in all */
    uint64_t at;          /* sender: acknowledged; receiver: received */
    uint64_t resend_us;   /* sender: when the block is sent (again) */
    uint64_t patience_us; /* sender: how long it waits for an answer */
    uint64_t answers;     /* receiver: acknowledgements to be sent */
    uint64_t sent;        /* datagrams */
};

/* What the harness calls on a struct sim_toy. */
extern const struct sim_ops sim_toy_ops;

/* Prepares the caller's storage for a sender to `to`. */
void sim_toy_init_sender(struct sim_toy *t, struct sim *s, const struct addr *to, uint64_t blocks,
                         uint32_t without);

/* Prepares the caller's storage for a receiver. */
void sim_toy_init_receiver(struct sim_toy *t, struct sim *s, uint32_t without);

/* Whether the sender (a struct sim_toy) has everything acknowledged: for sim_run. */
bool sim_toy_done(void *sender);

#endif
