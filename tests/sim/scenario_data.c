#include "tests/sim/sim_table.h"
const struct sim_scenario scenario_data_table[] = {{0}};
