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
    scenario_load_table,   scenario_mtu_table,     scenario_ecn_table,    scenario_goals_table};

/* Goals that are not reached yet. Whoever reaches one takes its line away. */
static const struct {
    const char *name, *seen;
} open_goals[] = {
    {"beside_cubic", "89 % and 4 %"},
    {"before_cubic", "90 % and 4 %"},
    {"two_beside_cubic", "55, 37 and 2 %"},
    {"beside_two_cubics", "86, 3 and 4 %"},
    {"beside_cubic_shallow", "93 and 1 %"},
    {"beside_itself", "61 and 32 %"},
    {"three_of_us", "47, 35 and 12 %"},
    {"cubic_comes_and_goes", "queue p95 above 25 ms"},
    {"intercontinental", "queue p95 70 ms, not 60"},
    {"leased_line_start", "170 Mbit/s are not reached within 1.4 s"},
    {"quiet_line", "queue p95 39 ms, not 25"},
    {"loss_30", "0.7 Mbit/s of 20"},
    {"falls_10_to_1", "queue p95 98 ms"},
    {"falls_100_to_10", "queue p95 98 ms"},
    {"messages_at_loss_5", "p95 172, p99 172, most 291 ms"},
    {"input_at_loss_5", "p95 172, p99 172, most 290 ms"},
    {"messages_beside_bulk_at_loss_5", "p95 160 ms"},
    {"keys_on_a_slow_line", "p95 381 ms"},
    {"lower_class_lives", "it gets nothing"},
    {"ack_jitter", "queue p95 73 ms, not 60"},
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
