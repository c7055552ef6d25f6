/* sim_host: real sessions and a real listener as nodes of the simulator. */
#ifndef FARSPAN_SIM_HOST_H
#define FARSPAN_SIM_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/crypt/invite.h"
#include "core/crypt/key.h"
#include "core/peer/listener.h"
#include "core/peer/peer.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_app.h"

enum { SIM_SERVER_SESSIONS = 64, SIM_SERVER_KEYS = 64 };

/* One client with at most one session. */
struct sim_client {
    struct sim *sim;
    size_t node;
    struct key_pair identity;
    struct peer_config config;
    struct peer_dial dial; /* what the next sim_client_dial says; identity is filled in */
    struct peer *peer;     /* owned */
    struct sim_app app;
};

/* One session that a server has taken. */
struct sim_session {
    struct peer *peer; /* the listener's */
    struct sim_app app;
};

/* One listener with its sessions. */
struct sim_server {
    struct sim *sim;
    size_t node;
    struct key_pair identity;
    struct listener_config config;
    struct listener *listener;                        /* owned */
    struct sim_session *session[SIM_SERVER_SESSIONS]; /* owned */
    size_t sessions;
    uint8_t key[SIM_SERVER_KEYS][KEY_BYTES]; /* who may come in, besides invitations */
    size_t keys;
    struct invite_table *invites; /* owned */
    unsigned dropped;             /* sessions that were over and given back */
    bool keep;                    /* does not give sessions back */
    /* Called for each new session, to give it traffic; may be NULL. */
    void (*welcome)(struct sim_server *sv, struct sim_session *session, void *context);
    void *context;
};

/* Gives a client node with a new identity. */
struct sim_client *sim_host_client(struct sim *s, const char *name, const struct addr *address,
                                   const struct peer_config *config);

/* Takes a client that is no longer used by the simulation. */
void sim_host_client_free(struct sim_client *c);

/* Begins a session as c->dial says, in place of any it had; its traffic is kept and starts anew
 * when it has not begun. */
void sim_host_dial(struct sim_client *c);

/* Ends the client's session without a word, as a killed process does. */
void sim_host_hang_up(struct sim_client *c);

/* Gives a server node with a new identity and an invitation table, listening. `config`: its
 * identity and auth are filled in. */
struct sim_server *sim_host_server(struct sim *s, const char *name, const struct addr *address,
                                   const struct listener_config *config);

/* Takes a server that is no longer used by the simulation. */
void sim_host_server_free(struct sim_server *sv);

/* Forgets everything but identity and trust, as a restarted process does. */
void sim_host_restart(struct sim_server *sv);

/* Lets a key in. */
void sim_host_trust(struct sim_server *sv, const uint8_t key[KEY_BYTES]);

#endif
