#include "tests/sim/sim_table.h"

#include <string.h>

#include "core/base/num.h"
#include "core/screen/without.h"
#include "tests/sim/sim_host.h"

#define DESK(bit) ((uint64_t)(bit) << 32)

const struct sim_mechanism sim_table_mechanism[] = {
    {"resend", PEER_WITHOUT_RESEND},
    {"probes", PEER_WITHOUT_PROBES},
    {"replay", PEER_WITHOUT_REPLAY},
    {"rekey", PEER_WITHOUT_REKEY},
    {"control", PEER_WITHOUT_CONTROL},
    {"flow", PEER_WITHOUT_FLOW},
    {"supersede", PEER_WITHOUT_SUPERSEDE},
    {"path", PEER_WITHOUT_PATH},
    {"classes", PEER_WITHOUT_CLASSES},
    {"reorder", PEER_WITHOUT_REORDER},
    {"validation", PEER_WITHOUT_VALIDATION},
    {"ack_gap", PEER_WITHOUT_ACK_GAP},
    {"repeat", PEER_WITHOUT_REPEAT},
    {"mtu", PEER_WITHOUT_MTU},
    {"black_hole", PEER_WITHOUT_BLACK_HOLE},
    {"ecn", PEER_WITHOUT_ECN},
    {"ecn_check", PEER_WITHOUT_ECN_CHECK},
    {"watch", PEER_WITHOUT_WATCH},
    {"patience", PEER_WITHOUT_PATIENCE},
    {"cookies", SIM_WITHOUT_COOKIES},
    {"trust", SIM_WITHOUT_TRUST},
    {"pinning", SIM_WITHOUT_PINNING},
    {"enrol", SIM_WITHOUT_ENROL},
    {"proof", SIM_WITHOUT_PROOF},
    {"budget", SIM_WITHOUT_BUDGET},
    {"tokens", SIM_WITHOUT_TOKENS},
    {"left", PEER_WITHOUT_LEFT},
    {"tcp", SIM_WITHOUT_TCP},
    {"grace", SIM_WITHOUT_GRACE},
    {"search", SIM_WITHOUT_SEARCH},
    {"others", SIM_WITHOUT_OTHERS},
    {"block", SIM_WITHOUT_BLOCK},
    {"newest", DESK(WITHOUT_NEWEST)},
    {"acked", DESK(WITHOUT_ACKED)},
    {"refresh", DESK(WITHOUT_REFRESH)},
    {"turns", DESK(WITHOUT_TURNS)},
    {"black", DESK(WITHOUT_BLACK)},
    {"vectors", DESK(WITHOUT_VECTORS)},
    {"versions", DESK(WITHOUT_VERSIONS)},
    {"epochs", DESK(WITHOUT_EPOCHS)},
    {"room", DESK(WITHOUT_ROOM)},
    {"look", DESK(WITHOUT_LOOK)},
    {"settle", DESK(WITHOUT_SETTLE)},
    {"roles", DESK(WITHOUT_ROLES)},
    {"let_go", DESK(WITHOUT_LET_GO)},
    {"own_keys", DESK(WITHOUT_OWN_KEYS)},
    {"held", DESK(WITHOUT_HELD)},
    {"pace", DESK(WITHOUT_PACE)},
};
const size_t sim_table_mechanisms = COUNT_OF(sim_table_mechanism);

static const struct sim_scenario *const tables[] = {
    scenario_setup_table,  scenario_data_table,    scenario_path_table,   scenario_rate_table,
    scenario_attack_table, scenario_picture_table, scenario_desk_table,   scenario_hands_table,
    scenario_share_table,  scenario_link_table,    scenario_change_table, scenario_live_table,
    scenario_load_table,   scenario_mtu_table,     scenario_ecn_table,    scenario_goals_table,
    scenario_reach_table};

/* Goals that are not reached yet. Whoever reaches one takes its line away. */
static const struct {
    const char *name, *seen;
} open_goals[] = {
    {"beside_cubic_shallow", "94 and 1 %"},
    {"two_beside_cubic", "41, 35 and 19.9 %"},
    {"keys_on_a_slow_line", "p95 446 ms"},
    {"rises_far", "0.3 to 4 Mbit/s, by the seed"},
    {"beside_cubic_codel", "82 and 12 %"},
};

const struct sim_scenario *sim_table_scenario(size_t i)
{
    for (size_t t = 0; t < COUNT_OF(tables); t++)
        for (const struct sim_scenario *sc = tables[t]; sc->name; sc++)
            if (i-- == 0)
                return sc;
    return NULL;
}

const struct sim_scenario *sim_table_find(const char *name)
{
    const struct sim_scenario *sc;

    if (strcmp(name, scenario_path_swarm.name) == 0)
        return &scenario_path_swarm;
    if (strcmp(name, scenario_share_swarm.name) == 0)
        return &scenario_share_swarm;
    if (strcmp(name, scenario_swarm.name) == 0)
        return &scenario_swarm;
    if (strcmp(name, scenario_desk_swarm.name) == 0)
        return &scenario_desk_swarm;
    for (size_t i = 0; (sc = sim_table_scenario(i)) != NULL; i++)
        if (strcmp(sc->name, name) == 0)
            return sc;
    return NULL;
}

const char *sim_table_seen(const struct sim_scenario *sc)
{
    for (size_t i = 0; i < COUNT_OF(open_goals); i++)
        if (strcmp(open_goals[i].name, sc->name) == 0)
            return open_goals[i].seen;
    return NULL;
}

uint64_t sim_table_bit(const char *name)
{
    for (size_t i = 0; i < sim_table_mechanisms; i++)
        if (strcmp(name, sim_table_mechanism[i].name) == 0)
            return sim_table_mechanism[i].bit;
    return 0;
}
