#include "tests/sim/sim_table.h"
const struct sim_scenario scenario_path_table[] = {{0}};
