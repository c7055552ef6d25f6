#include "tests/sim/sim_scenario.h"

#include <inttypes.h>

struct sim_outcome sim_scenario_run(const struct sim_scenario *sc, uint64_t seed, uint64_t without,
                                    FILE *log)
{
    struct sim_outcome o = {.failure = ""};
    struct sim *s = sim_new(seed);

    sim_log_to(s, log);
    sim_set_desk_without(s, (uint32_t)(without >> 32));
    sc->run(s, (uint32_t)without);
    if (sim_failure(s))
        snprintf(o.failure, sizeof o.failure, "%s", sim_failure(s));
    o.hash = sim_hash(s);
    o.virtual_us = sim_now_us(s) - SIM_START_US;
    sim_free(s);
    return o;
}

struct sim_outcome sim_scenario_run_twice(const struct sim_scenario *sc, uint64_t seed,
                                          uint64_t without)
{
    struct sim_outcome first = sim_scenario_run(sc, seed, without, NULL);
    struct sim_outcome second = sim_scenario_run(sc, seed, without, NULL);

    if (!first.failure[0] && first.hash != second.hash)
        snprintf(first.failure, sizeof first.failure,
                 "a second run logged something else (%016" PRIx64 ", %016" PRIx64 ")", first.hash,
                 second.hash);
    return first;
}
