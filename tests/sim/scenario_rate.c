#include "tests/sim/sim_table.h"
const struct sim_scenario scenario_rate_table[] = {{0}};
