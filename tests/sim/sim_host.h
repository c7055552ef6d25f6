/* sim_host: real sessions and a real listener as nodes of the simulator. */
#ifndef FARSPAN_SIM_HOST_H
#define FARSPAN_SIM_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/crypt/invite.h"
#include "core/crypt/key.h"
#include "core/peer/listener.h"
#include "core/peer/peer.h"
#include "core/peer/race.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_app.h"

enum { SIM_SERVER_SESSIONS = 64, SIM_SERVER_KEYS = 64 };

/* Mechanisms of the hosts that can be switched off, above those of enum peer_without. */
enum sim_host_without {
    SIM_WITHOUT_GRACE = (int)(1u << 31), /* UDP is left as soon as there is a connection */
    SIM_WITHOUT_TCP = 1 << 20,           /* no TCP where UDP does not get through */
    SIM_WITHOUT_SEARCH = 1 << 21,        /* no other way when a session falls silent */
    SIM_WITHOUT_OTHERS = 1 << 22,        /* only the first of several addresses */
    SIM_WITHOUT_BLOCK = 1 << 23,         /* what TCP cannot take now is dropped */
    SIM_WITHOUT_COOKIES = 1 << 24,       /* the listener works for unproven addresses */
    SIM_WITHOUT_TRUST = 1 << 25,         /* the server lets every key in */
    SIM_WITHOUT_PINNING = 1 << 26,       /* the client accepts every host key */
    SIM_WITHOUT_ENROL = 1 << 27,         /* invitations are never spent */
    SIM_WITHOUT_PROOF = 1 << 28,         /* invitations are spent by message 1 */
    SIM_WITHOUT_BUDGET = 1 << 29,        /* no limit of sessions and handshakes */
    SIM_WITHOUT_TOKENS = 1 << 30,        /* address tokens are not used */
    SIM_WITHOUT_HOST = (int)0xfff00000
};

/* One client with at most one session. */
struct sim_client {
    struct sim *sim;
    size_t node;
    struct key_pair identity;
    struct peer_config config;
    struct peer_dial dial; /* what the next sim_client_dial says; identity is filled in */
    struct peer *peer;     /* owned */
    struct sim_app app;
    uint32_t without;
    /* how it looks for the server: sim_host_race */
    struct addr ways[RACE_ADDRESSES];
    size_t way_count; /* 0: it only knows dial.to */
    bool tcp_only;
    struct race race;
    bool tcp_opens;         /* a connection that is asked for comes about ... */
    uint64_t tcp_trip_us;   /* ... after so long */
    struct addr tcp_to;     /* the server's end of the connection; ADDR_NONE: there is none */
    struct addr tcp_wanted; /* being connected to, until then */
    uint64_t tcp_due_us;
    size_t server_node;
    unsigned tcp_asked, tcp_made; /* connections */
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
    uint8_t key[SIM_SERVER_KEYS][KEY_BYTES]; /* who may come in, besides invitations ... */
    uint32_t roles[SIM_SERVER_KEYS];         /* ... and as what */
    size_t keys;
    struct invite_table *invites; /* owned */
    unsigned dropped;             /* sessions that were over and given back */
    bool keep;                    /* does not give sessions back */
    uint32_t without;
    bool sifts; /* the listener's sieve is before its node, as a kernel's filter is */
    struct listener_sieve sieve;
    /* Called for each new session, to give it traffic; may be NULL. */
    void (*welcome)(struct sim_server *sv, struct sim_session *session, void *context);
    void *context;
};

/* Gives a client node with a new identity. `without`: bits of both kinds, for all its sessions. */
struct sim_client *sim_host_client(struct sim *s, const char *name, const struct addr *address,
                                   const struct peer_config *config, uint32_t without);

/* Takes a client that is no longer used by the simulation. */
void sim_host_client_free(struct sim_client *c);

/* Begins a session as c->dial says, in place of any it had; its traffic is kept and starts anew
 * when it has not begun. */
void sim_host_dial(struct sim_client *c);

/* Ends the client's session without a word, as a killed process does. */
void sim_host_hang_up(struct sim_client *c);

/* From its next session on the client looks for the server by a race of these addresses (copied).
 * Connections to the server's TCP address come about while `tcp_opens`. */
void sim_host_race(struct sim_client *c, size_t server_node, const struct addr *list, size_t count,
                   bool tcp_only);

/* Ends the client's TCP connection, as somebody in between can; both ends learn of it. */
void sim_host_break_tcp(struct sim_client *c);

/* Gives a server node with a new identity and an invitation table, listening. `config`: its
 * identity and auth are filled in. */
struct sim_server *sim_host_server(struct sim *s, const char *name, const struct addr *address,
                                   const struct listener_config *config, uint32_t without);

/* Takes a server that is no longer used by the simulation. */
void sim_host_server_free(struct sim_server *sv);

/* Forgets everything but identity and trust, as a restarted process does. */
void sim_host_restart(struct sim_server *sv);

/* Makes an invitation and has the client's next sessions show it. */
const struct invite *sim_host_invite(struct sim_server *sv, struct sim_client *c, uint32_t uses,
                                     uint64_t for_us);

/* Lets a key in, to view and control. */
void sim_host_trust(struct sim_server *sv, const uint8_t key[KEY_BYTES]);

/* Lets a key in with these roles. */
void sim_host_trust_as(struct sim_server *sv, const uint8_t key[KEY_BYTES], uint32_t roles);

#endif
