/* sim_table: all scenarios and all mechanisms that can be switched off. */
#ifndef FARSPAN_SIM_TABLE_H
#define FARSPAN_SIM_TABLE_H

#include "tests/sim/sim_scenario.h"

/* The mechanisms, beginning with those of enum peer_without. */
extern const struct sim_mechanism sim_table_mechanism[];
extern const size_t sim_table_mechanisms;

/* The scenarios of each topic, ended by one without a name. */
extern const struct sim_scenario scenario_setup_table[], scenario_data_table[],
    scenario_path_table[], scenario_rate_table[], scenario_attack_table[], scenario_picture_table[],
    scenario_desk_table[], scenario_hands_table[], scenario_share_table[], scenario_link_table[],
    scenario_change_table[], scenario_live_table[], scenario_load_table[], scenario_mtu_table[],
    scenario_ecn_table[], scenario_goals_table[], scenario_reach_table[];

/* Random weather over a transport alone, with traffic of all kinds: the cheapest of the swarms. */
extern const struct sim_scenario scenario_path_swarm;

/* Any crowd of flows, ours and CUBIC's, on any link. */
extern const struct sim_scenario scenario_share_swarm;

/* Random weather over a session with all kinds of traffic: what swarms run. */
extern const struct sim_scenario scenario_swarm;

/* Random weather over a desk: a picture that changes, and users. */
extern const struct sim_scenario scenario_desk_swarm;

/* Scenario `i` of all tables, NULL beyond the last. */
const struct sim_scenario *sim_table_scenario(size_t i);

/* The scenario of that name, NULL when there is none. */
const struct sim_scenario *sim_table_find(const char *name);

/* What is seen instead where a scenario states a goal that is not reached yet, NULL for all others.
 * Such a one runs when it is named, or with --open. */
const char *sim_table_seen(const struct sim_scenario *sc);

/* The bit of the mechanism of that name; 0 when there is none. */
uint64_t sim_table_bit(const char *name);

#endif
