#include "tests/sim/sim_crowd.h"

#include "core/base/num.h"
#include "tests/sim/sim_bulk.h"

void sim_crowd_make(struct sim_crowd *c, struct sim *s, uint32_t without,
                    const struct wan_config *link)
{
    *c = (struct sim_crowd){.rate_bps = link->rate_bps};
    sim_bulk_make(&c->w, s, without, NULL, link);
    c->ours[c->ours_count++] = c->w.client;
}

/* Nobody begins at the same moment in another run. */
static void wait_a_little(struct sim_crowd *c)
{
    sim_world_pass(&c->w, rng_below(sim_rng(c->w.sim), SECOND_US / 5));
}

void sim_crowd_add_ours(struct sim_crowd *c)
{
    wait_a_little(c);
    struct sim_client *guest = sim_bulk_guest(&c->w, "guest", (uint8_t)(10 + c->ours_count));

    if (guest)
        c->ours[c->ours_count++] = guest;
}

void sim_crowd_add_cubic(struct sim_crowd *c)
{
    struct addr from = sim_addr((uint8_t)(100 + c->cubics), 80);
    struct addr to = sim_addr((uint8_t)(200 + c->cubics), 50000);
    struct sim_cubic *flow = &c->cubic[c->cubics++];

    wait_a_little(c);
    sim_cubic_make(flow, c->w.sim, &from, &to, SIM_CUBIC_ENDLESS, sim_now_us(c->w.sim));
    sim_share(c->w.sim, flow->from, flow->to, c->w.server->node, c->w.client->node);
}

void sim_crowd_end(struct sim_crowd *c)
{
    for (size_t i = 0; i < c->cubics; i++)
        sim_cubic_end(&c->cubic[i]);
    sim_world_end(&c->w);
}

void sim_crowd_shares(struct sim_crowd *c, uint64_t us, uint64_t share[2 * SIM_CROWD_FLOWS])
{
    size_t n = 0;

    for (size_t i = 0; i < c->ours_count; i++)
        share[n++] = c->ours[i]->app.read_bytes;
    for (size_t i = 0; i < c->cubics; i++)
        share[n++] = sim_cubic_read_bytes(&c->cubic[i]);
    sim_world_pass(&c->w, us);
    n = 0;
    for (size_t i = 0; i < c->ours_count; i++, n++)
        share[n] = c->ours[i]->app.read_bytes - share[n];
    for (size_t i = 0; i < c->cubics; i++, n++)
        share[n] = sim_cubic_read_bytes(&c->cubic[i]) - share[n];
    for (size_t i = 0; i < n; i++) {
        share[i] = num_mul_div(share[i] * 8, 1000ull * SECOND_US, us) / c->rate_bps;
        sim_note(c->w.sim, "%s %zu: %llu per mille", i < c->ours_count ? "ours" : "cubic", i,
                 (unsigned long long)share[i]);
    }
    for (size_t i = 0; i < c->cubics; i++)
        sim_cubic_note(&c->cubic[i], c->w.sim);
}

void sim_crowd_expect(struct sim_crowd *c, uint64_t us, uint64_t least, uint64_t most,
                      uint64_t together)
{
    uint64_t share[2 * SIM_CROWD_FLOWS], sum = 0;

    sim_crowd_shares(c, us, share);
    for (size_t i = 0; i < c->ours_count + c->cubics; i++) {
        sum += share[i];
        if (share[i] < least || share[i] > most)
            sim_fail(c->w.sim, "%s %zu has %llu per mille, not %llu .. %llu",
                     i < c->ours_count ? "ours" : "cubic", i, (unsigned long long)share[i],
                     (unsigned long long)least, (unsigned long long)most);
    }
    if (sum < together)
        sim_fail(c->w.sim, "all together have %llu per mille, not %llu", (unsigned long long)sum,
                 (unsigned long long)together);
}
