/* sim_bulk: an endless transfer from the server to the client, and what it takes of a link. */
#ifndef FARSPAN_SIM_BULK_H
#define FARSPAN_SIM_BULK_H

#include "tests/sim/sim_world.h"

enum { SIM_BULK_MBIT = 1000000 };

/* Makes a connected world with bulk from the server to the client over `down`, and windows that a
 * long fat path needs. `up` NULL: the rate and delay of `down`, and no fault. Without a session
 * (w->session NULL) the simulation has failed. */
void sim_bulk_make(struct sim_world *w, struct sim *s, uint32_t without,
                   const struct wan_config *up, const struct wan_config *down);

/* As sim_bulk_make with another plan, whose windows are set. */
void sim_bulk_make_as(struct sim_world *w, struct sim *s, uint32_t without,
                      struct sim_world_plan *plan);

/* The windows of a plan: what a long fat path needs. */
void sim_bulk_windows(struct sim_world_plan *plan);

/* Adds one more client, let in and connected through the same links as the first, with bulk to it
 * from now on; NULL when that failed. */
struct sim_client *sim_bulk_guest(struct sim_world *w, const char *name, uint8_t host);

/* Counters of the link down. */
const struct wan_counters *sim_bulk_counters(const struct sim_world *w);

/* What the client reads as stream bytes during `us`, in bits a second. */
uint64_t sim_bulk_goodput(struct sim_world *w, uint64_t us);

/* What is sent down during `us`, in bits a second, with the overhead that the rate counts. */
uint64_t sim_bulk_sending(struct sim_world *w, uint64_t us);

/* The longest time without a byte read during `us`, within 2 ms. */
uint64_t sim_bulk_longest_gap_us(struct sim_world *w, uint64_t us);

/* Runs until goodput over the last `over_us` has reached `bps`, at most `within_us`: gives the time
 * at which that stretch began, counted from now; UINT64_MAX when it was not reached. */
uint64_t sim_bulk_reaches(struct sim_world *w, uint64_t bps, uint64_t over_us, uint64_t within_us);

/* A quantile of the time spent in the queue down by datagrams that left it during `us`. */
uint64_t sim_bulk_queue_us(struct sim_world *w, uint64_t us, unsigned per_mille);

/* What must hold of a stretch of time; 0: nothing. */
struct sim_bulk_bounds {
    uint64_t goodput_bps;  /* at least */
    uint64_t queue_p95_us; /* less */
    uint64_t gap_us;       /* at most without a byte */
};

/* Runs for `us` and fails unless the bounds hold; notes what was. */
void sim_bulk_expect(struct sim_world *w, uint64_t us, struct sim_bulk_bounds bounds);

/* Fails unless goodput over 200 ms reaches `bps` at most `within_us` from now. */
void sim_bulk_expect_soon(struct sim_world *w, uint64_t bps, uint64_t within_us);

/* What the session says of the path down. */
struct peer_path sim_bulk_path(const struct sim_world *w);

/* Fails unless all that was written was read (true already when it differs: the apps compare), the
 * session is the first one and nothing was reset. */
void sim_bulk_expect_unbroken(struct sim_world *w);

#endif
