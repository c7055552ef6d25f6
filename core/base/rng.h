/* rng: injected randomness: the system's for real work, a seeded one for simulation. */
#ifndef FARSPAN_RNG_H
#define FARSPAN_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    void (*fill)(struct rng *r, void *to, size_t n); /* NULL: the seeded generator below */
    uint64_t state[4];
};

/* Makes a reproducible generator (xoshiro256**, Blackman and Vigna 2018) from `seed`; never for
 * secrets of real sessions. */
void rng_seed(struct rng *r, uint64_t seed);

/* Fills `n` bytes at `to`. */
void rng_fill(struct rng *r, void *to, size_t n);

/* A uniform 64-bit number. */
uint64_t rng_u64(struct rng *r);

/* A uniform number below `bound` (> 0). */
uint64_t rng_below(struct rng *r, uint64_t bound);

/* True with probability `millionths` / 1,000,000. */
bool rng_chance(struct rng *r, uint32_t millionths);

#endif
