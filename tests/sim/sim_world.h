/* sim_world: one client, one server and the links between them: what most scenarios need. */
#ifndef FARSPAN_SIM_WORLD_H
#define FARSPAN_SIM_WORLD_H

#include "tests/sim/sim_host.h"

enum { SECOND_US = 1000000, SIM_WORLD_GUESTS = 16 };

struct sim_world {
    struct sim *sim;
    struct sim_client *client;
    struct sim_server *server;
    struct sim_session *session;                /* the server's newest; NULL: none yet */
    struct sim_client *guest[SIM_WORLD_GUESTS]; /* more clients, owned */
    size_t guests;
    uint32_t without;
};

/* How to make one; zero means the usual. */
struct sim_world_plan {
    const struct wan_config *up, *down; /* NULL: no limit, no delay; down NULL: as up */
    struct peer_config client, server;  /* `without` is filled in by it */
    struct listener_config listener;
    bool stranger; /* the client's key is not let in */
};

/* Makes the world: the client knows the server's key and address, and has not dialled. */
void sim_world_make(struct sim_world *w, struct sim *s, uint32_t without,
                    const struct sim_world_plan *plan);

/* What the world's server does with a new session, for who stands in between: `context` is the
 * world. */
void sim_world_welcome(struct sim_server *sv, struct sim_session *session, void *context);

/* Frees what sim_world_make made. */
void sim_world_end(struct sim_world *w);

/* Dials and runs until both ends are connected; fails the simulation when that takes longer. */
void sim_world_connect(struct sim_world *w, uint64_t within_us);

/* Runs for so long; false when it failed. */
bool sim_world_pass(struct sim_world *w, uint64_t us);

/* Runs until both apps have all their traffic through; fails when that takes longer. */
void sim_world_finish(struct sim_world *w, uint64_t within_us);

/* Adds another client at 10.0.0.`host` with the first one's configuration, a stranger as yet, which
 * has not dialled. `down` NULL: as up. */
struct sim_client *sim_world_guest(struct sim_world *w, const char *name, uint8_t host,
                                   const struct wan_config *up, const struct wan_config *down);

/* As sim_world_guest, through the links that join the first client to the server: one bottleneck.
 */
struct sim_client *sim_world_guest_beside(struct sim_world *w, const char *name, uint8_t host);

/* Fails unless a client's session is over with `error` within so long. */
void sim_world_expect_closed(struct sim_world *w, struct sim_client *c, enum err error,
                             uint64_t within_us);

/* Fails unless a client, which has dialled, is connected at both ends within so long. */
void sim_world_expect_connected(struct sim_world *w, struct sim_client *c, uint64_t within_us);

/* Bytes of heap in use by the whole program; 0 where that cannot be known (under ASan). */
uint64_t sim_world_memory_bytes(void);

/* Fails unless `ok`, with what should have been. */
#define SIM_EXPECT(world, ok)                                                                      \
    do {                                                                                           \
        if (!(ok))                                                                                 \
            sim_fail((world)->sim, "%s:%d: not %s", __FILE__, __LINE__, #ok);                      \
    } while (0)

/* A link of `rate_bps` (0: unlimited) and `delay_us`. */
struct wan_config sim_world_link(uint64_t rate_bps, uint64_t delay_us);

#endif
