/* sim_scenario: named worlds with a story and checks, run by seed. */
#ifndef FARSPAN_SIM_SCENARIO_H
#define FARSPAN_SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/sim/sim.h"

/* One story. */
struct sim_scenario {
    const char *name;
    const char *what;    /* one sentence: what must hold */
    const char *without; /* the mechanism it is about: without it this fails; NULL: none */
    void (*run)(struct sim *s, uint32_t without);
};

/* A mechanism of the protocol under test that can be switched off: a bit of session and hosts, or
 * of the desk, those 32 higher. */
struct sim_mechanism {
    const char *name;
    uint64_t bit;
};

/* How a run ended. */
struct sim_outcome {
    char failure[300]; /* empty when all was well */
    uint64_t hash;     /* of everything that happened */
    uint64_t virtual_us;
};

/* Runs a story once with `seed`, mechanisms of the bits `without` switched off, the log as text to
 * `log` (NULL: nowhere). */
struct sim_outcome sim_scenario_run(const struct sim_scenario *sc, uint64_t seed, uint64_t without,
                                    FILE *log);

/* As sim_scenario_run twice; that both runs log the same is one more thing that must hold. */
struct sim_outcome sim_scenario_run_twice(const struct sim_scenario *sc, uint64_t seed,
                                          uint64_t without);

#endif
