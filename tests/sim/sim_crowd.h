/* sim_crowd: flows that share one bottleneck: ours, and those of kernels' TCP. */
#ifndef FARSPAN_SIM_CROWD_H
#define FARSPAN_SIM_CROWD_H

#include "tests/sim/sim_cubic.h"
#include "tests/sim/sim_world.h"

enum { SIM_CROWD_FLOWS = 6 };

/* Flows on one link down: ours, the first of which is the world's own, and CUBIC's. */
struct sim_crowd {
    struct sim_world w;
    struct sim_client *ours[SIM_CROWD_FLOWS];
    struct sim_cubic cubic[SIM_CROWD_FLOWS];
    size_t ours_count, cubics;
    uint64_t rate_bps;
};

/* Makes a crowd of one of ours, which sends bulk over `link` from now on. */
void sim_crowd_make(struct sim_crowd *c, struct sim *s, uint32_t without,
                    const struct wan_config *link);

/* One more of ours, or of CUBIC's, from now on; at most SIM_CROWD_FLOWS of each. */
void sim_crowd_add_ours(struct sim_crowd *c);
void sim_crowd_add_cubic(struct sim_crowd *c);

/* Each flow's goodput during `us`, in per mille of the rate: ours first. */
void sim_crowd_shares(struct sim_crowd *c, uint64_t us, uint64_t share[2 * SIM_CROWD_FLOWS]);

/* Fails unless each flow gets least .. most per mille during `us`, and all together `together`. */
void sim_crowd_expect(struct sim_crowd *c, uint64_t us, uint64_t least, uint64_t most,
                      uint64_t together);

/* Frees all that it holds. */
void sim_crowd_end(struct sim_crowd *c);

#endif
