/* gate: who may come in to a server: authorized keys and invitations, as a listener's judge. */
#ifndef FARSPAN_GATE_H
#define FARSPAN_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/crypt/authorized.h"
#include "core/crypt/invite.h"
#include "core/os/folder.h"
#include "core/peer/listener.h"
#include "core/run/run.h"

/* What opens the gate. */
struct gate_config {
    const char *authorized; /* a file, which must be there; NULL: the default one, if it is there */
    const char *invite;     /* "view" or "control", then ",uses=N"; NULL: no invitation */
    uint64_t invite_for_us; /* how long it is good; 0: as long as the server lives */
    uint32_t invite_roles;  /* when not 0: the invitation's roles, whatever `invite` says */
    uint32_t needed;        /* role bits of which a caller must have one */
};

/* The caller's storage. */
struct gate {
    struct gate_config config;
    char path[FOLDER_PATH_CHARS]; /* of the keys; empty: none */
    struct authorized keys;
    struct invite_table *invites; /* owned */
    const struct invite
        *invite; /* the one made at the start; borrowed from the table; NULL: none */
    uint8_t told_key[KEY_BYTES]; /* who was refused last, as the log says, and when; 0: nobody */
    uint64_t told_us;
};

/* Reads the keys and makes the invitation. ERR_USAGE when neither lets anybody in, with a reason
 * that says what to add; else as authorized_parse and invite_add, with a reason. */
enum err gate_open(struct gate *g, const struct gate_config *config, uint64_t now_us,
                   struct run *run) MUST_USE;

/* Wipes and frees it. */
void gate_release(struct gate *g);

/* Reads the keys anew; after a failure, which is logged, the old ones stay. */
void gate_reload(struct gate *g);

/* Whether `key` still has a role that lets it in. */
bool gate_knows(const struct gate *g, const uint8_t *key);

/* The calls for a listener; the context is `g`. */
struct listener_auth gate_auth(struct gate *g);

#endif
