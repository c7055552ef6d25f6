/* scenario_setup: how sessions begin. */
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_world.h"

static void clean(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 30000);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_app_write(&w.client->app, PEER_BULK, 1 << 20);
    sim_world_connect(&w, 2 * SECOND_US);
    if (w.session)
        sim_app_write(&w.session->app, PEER_BULK, 1 << 20);
    sim_world_finish(&w, 5 * SECOND_US);
    sim_world_end(&w);
}

const struct sim_scenario scenario_setup_table[] = {
    {"clean", "a session over a good link carries data both ways", NULL, clean},
    {0},
};
