/* relay_losses: what a relay loses beside its modelled links, in one direction. */
#ifndef FARSPAN_RELAY_LOSSES_H
#define FARSPAN_RELAY_LOSSES_H

#include <stdint.h>

struct relay_losses {
    uint64_t refused;  /* the kernel did not take it: unreachable, too large, malformed, full */
    uint64_t overflow; /* lost in the kernel's queue before the relay saw it */
    uint64_t no_place; /* from a client too many, or for one that is gone */
};

#endif
