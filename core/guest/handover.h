/* handover: the words that two hosts use when they decide which of them runs a guest. */
#ifndef FARSPAN_HANDOVER_H
#define FARSPAN_HANDOVER_H

/* The source owns the guest until it has noted, durably, that it has handed it over, and says so
 * only then; after that it never lets its guest go on, unless the destination has said that it has
 * abandoned it. The destination never lets its guest go before it has heard of the hand-over and
 * has noted that; and once it has said that it has abandoned the guest, never at all. Nothing is
 * ever decided by time alone. */

/* How a move has ended for a host. */
enum handover_outcome {
    HANDOVER_OPEN,        /* it has not */
    HANDOVER_MOVED,       /* the destination has the guest */
    HANDOVER_SOURCE_RUNS, /* the source keeps it, and lets it run if it ran */
    HANDOVER_SOURCE_GONE, /* its QEMU has died at the source, before the destination had it whole */
    HANDOVER_STOPPED,     /* it is at the source, but does not go on there: a person must look */
    HANDOVER_UNDECIDED    /* it was handed over, and nobody knows whether it was taken */
};

#endif
