/* roster: the sessions of a listener, by connection id and by the message 1 that began each. */
#ifndef FARSPAN_ROSTER_H
#define FARSPAN_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/peer/session.h"

enum {
    ROSTER_RESPONSE_BYTES = 512,
    ROSTER_HALF_OPEN_US = 30000000, /* who has not proven himself by then is forgotten */
    ROSTER_CID_SLOTS = 4 * LIMIT_PEERS
};

/* One session, from message 1 to its end. */
struct roster_entry {
    struct peer *peer; /* owned */
    uint8_t ephemeral[KEY_BYTES];
    uint8_t token_id[HELLO_TOKEN_ID_BYTES];
    bool has_token, known, dropped; /* known: given to the owner; dropped: given back */
    uint64_t created_us;
    uint16_t response_bytes;
    uint8_t response[ROSTER_RESPONSE_BYTES]; /* message 2, until the caller has proven itself */
};

/* All zeros: empty. End it with roster_release. */
struct roster {
    struct roster_entry *entry[LIMIT_PEERS]; /* owned */
    uint64_t tag[LIMIT_PEERS]; /* of each entry's message 1: found without touching the entries */
    uint32_t count;
    uint32_t half_open;                            /* of these: nothing has been proven yet */
    struct roster_entry *by_cid[ROSTER_CID_SLOTS]; /* open addressing; cids are random numbers */
};

/* Frees all sessions, at the roster's end. */
void roster_release(struct roster *r);

/* Takes a session in, half-open, all of its entry filled in; there must be a place. */
void roster_add(struct roster *r, struct roster_entry *e);

/* The caller of a half-open session has proven itself: message 2 is not needed any more. */
void roster_confirm(struct roster *r, struct roster_entry *e);

/* The session whose connection id at this end is `cid`, or NULL. */
struct roster_entry *roster_find(const struct roster *r, const uint8_t cid[PACKET_CID_BYTES]);

/* The session that began with a message 1 of this ephemeral key, or NULL. */
struct roster_entry *roster_find_message(const struct roster *r,
                                         const uint8_t ephemeral[KEY_BYTES]);

/* Where there is no place for one more half-open session, or for any: frees the oldest half-open
 * one if there is one, so that a flood only pushes out its own. */
void roster_make_room(struct roster *r);

/* Whether a session is over: never proven in time, or given back by the owner and closed. */
bool roster_over(const struct roster_entry *e, uint64_t now_us);

/* Frees the sessions that are over. */
void roster_sweep(struct roster *r, uint64_t now_us);

#endif
