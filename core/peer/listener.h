/* listener: the side that is called: cookies, budgets, who may come in, and its sessions. */
#ifndef FARSPAN_LISTENER_H
#define FARSPAN_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/mark.h"
#include "core/base/rng.h"
#include "core/crypt/key.h"
#include "core/peer/peer.h"

/* What the owner says of a caller. */
struct listener_verdict {
    bool welcome;
    bool busy;          /* not welcome now, for want of room */
    uint32_t roles;     /* granted, enum role bits */
    const uint8_t *psk; /* 32 bytes, borrowed until the call's end; NULL: none */
    const char *reason; /* why not; borrowed */
};

/* Who may come in. Both calls must not change the listener. */
struct listener_auth {
    void *context;
    /* Judges a caller that has shown `key`; `token_id` is NULL or names an invitation. Message 1
     * may be a replay: nothing is spent here. */
    void (*judge)(void *context, uint64_t now_us, const uint8_t *key, const uint8_t *token_id,
                  struct listener_verdict *out);
    /* The caller has proven that it holds its keys now: spends the invitation. NULL, or why not
     * after all. */
    const char *(*enrol)(void *context, uint64_t now_us, const uint8_t *key,
                         const uint8_t *token_id);
};

/* How a listener behaves; borrowed pointers must outlive it. */
struct listener_config {
    const struct key_pair *identity;
    struct listener_auth auth;
    struct peer_config peer;   /* of its sessions */
    uint8_t ciphers;           /* bit (1 << enum cipher); 0: all that run here */
    uint32_t max_peers;        /* 0: LIMIT_PEERS */
    uint32_t handshakes_per_s; /* 0: LIMIT_HANDSHAKES_PER_S */
    uint32_t strangers_per_s;  /* of each kind; 0: LIMIT_STRANGERS_PER_S */
    uint64_t wall_offset_us;   /* added to now_us for the expiry of address tokens */
    bool without_cookies;      /* a simulation's switch: work before the address is proven */
};

/* What a listener has seen. */
struct listener_counters {
    uint64_t received, malformed, cookies_sent, bad_proofs, over_budget, handshakes, refused,
        bad_messages, unknown_sessions, half_open, peers;
    uint64_t shed;   /* HELLOs and INITs dropped before anything was done for them */
    uint64_t hashed; /* cookies made and proofs checked */
};

struct listener;

/* Makes a listener. ERR_MEMORY, ERR_UNSUPPORTED when no cipher runs here. */
enum err listener_new(const struct listener_config *config, const struct rng *rng, uint64_t now_us,
                      struct listener **out) MUST_USE;

/* Takes it and frees it with all its sessions; NULL is fine. */
void listener_free(struct listener *l);

/* Takes a datagram in, as peer_input; it goes to its session if it has one. */
void listener_input(struct listener *l, uint64_t now_us, const struct addr *from,
                    struct bytes datagram, uint8_t ecn);

/* As peer_opening, of the session that a datagram belongs to. */
bool listener_opening(const struct listener *l, struct bytes datagram, struct peer_sealing *out);

/* As peer_input_opened, for the session that it belongs to if that is still there. */
void listener_input_opened(struct listener *l, uint64_t now_us, const struct addr *from,
                           struct bytes datagram, uint8_t ecn, const struct peer_sealing *how,
                           bool good);

/* Writes the next datagram of the listener or any session, as peer_output. */
enum err listener_output(struct listener *l, uint64_t now_us, uint8_t *space, size_t room,
                         size_t *n, struct addr *to) MUST_USE;

/* As listener_output, with the sealing left to the caller as peer_output_unsealed leaves it. */
enum err listener_output_unsealed(struct listener *l, uint64_t now_us, uint8_t *space, size_t room,
                                  size_t *n, struct addr *to, struct peer_sealing *left) MUST_USE;

/* As peer_output_ecn, of the last listener_output. */
uint8_t listener_output_ecn(const struct listener *l);

/* What goes to `to` gets nowhere for now, or does again: peer_block of the sessions there. */
void listener_block(struct listener *l, const struct addr *to, bool full);

/* Whether a session whose caller has proven itself, and that is not over, is at that address. */
bool listener_uses(const struct listener *l, const struct addr *at);

/* When listener_output wants to be called again; UINT64_MAX: never. */
uint64_t listener_deadline_us(const struct listener *l, uint64_t now_us);

/* What may pass a filter before the socket while strangers send too much. */
struct listener_sieve {
    bool on;             /* else: everything */
    struct mark_key key; /* data packets whose connection id is 4 bytes and then their mark */
    uint32_t keep_hello, keep_init; /* keep + 1 of 2^32, by chance */
};

/* Says what may pass from now on; false when nothing has changed since the last call. To be asked
 * after listener_input and listener_output. Where nothing filters, the listener itself drops what
 * is too much before it does anything for it. */
bool listener_sieve(struct listener *l, struct listener_sieve *out);

/* The next session whose caller has proven itself, owned by the listener until listener_drop; NULL
 * when none is new. Its first event is PEER_EVENT_CONNECTED with its key and roles. */
struct peer *listener_next_peer(struct listener *l);

/* Whether any session that the owner knows of has an event. */
bool listener_has_event(const struct listener *l);

/* The owner is done with a session (closing it first if it has not): the listener tells the other
 * side and frees it. */
void listener_drop(struct listener *l, uint64_t now_us, struct peer *p);

/* Whether nothing more needs to be said: peer_over of every session whose caller has proven itself.
 */
bool listener_over(const struct listener *l);

/* What was seen so far. */
void listener_count(const struct listener *l, struct listener_counters *out);

#endif
