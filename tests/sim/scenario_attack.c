#include "tests/sim/sim_table.h"
const struct sim_scenario scenario_attack_table[] = {{0}};
