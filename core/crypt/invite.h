/* invite: the table of invitations of one listener: who may enrol a key, how often, until when. */
#ifndef FARSPAN_INVITE_H
#define FARSPAN_INVITE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/rng.h"
#include "core/crypt/key.h"

enum {
    INVITE_ID_BYTES = 8,
    INVITE_SECRET_BYTES = 32, /* the psk of the handshake */
    INVITE_ANY_USES = 0,      /* any number of uses by any key: nobody is bound */
    INVITE_KEYS = LIMIT_PEERS /* keys that can be bound by all invitations together */
};

#define INVITE_NEVER UINT64_MAX /* an expiry that does not come */

/* Why an invitation is good or not; the client is told the reason (invite_reason). */
enum invite_verdict { INVITE_GOOD, INVITE_UNKNOWN, INVITE_SPENT, INVITE_EXPIRED };

/* One invitation. */
struct invite {
    uint8_t secret[INVITE_SECRET_BYTES];
    uint8_t id[INVITE_ID_BYTES];
    uint64_t expiry_us;
    uint32_t roles;     /* enum role bits */
    uint32_t uses_left; /* not for `any` */
    uint32_t bound;     /* keys enrolled by it */
    bool any;           /* made with INVITE_ANY_USES */
    bool used;          /* this place of the table is taken */
};

/* A key that has enrolled. */
struct invite_key {
    uint8_t key[KEY_BYTES];
    uint32_t place; /* of its invitation */
};

/* All invitations of a listener; about 50 KiB, without a pointer. Secret: end with invite_release.
 */
struct invite_table {
    struct invite invites[LIMIT_TOKENS];
    struct invite_key keys[INVITE_KEYS];
    uint32_t key_count;
    uint32_t promised; /* places of `keys` that uses not yet spent may need */
};

/* Prepares the caller's storage, and locks the secrets where that is allowed. */
void invite_init(struct invite_table *t);

/* Wipes the table. */
void invite_release(struct invite_table *t);

/* Adds an invitation with a random id and secret from `rng`, for `roles`, good for `uses`
 * enrolments (or INVITE_ANY_USES) until `expiry_us` (or INVITE_NEVER); *out is borrowed from the
 * table and valid until the next invite_add. Invitations that are over and bound nobody make room
 * for it. ERR_LIMIT when LIMIT_TOKENS stand, or when uses beyond INVITE_KEYS would be promised;
 * ERR_USAGE without a role. */
enum err invite_add(struct invite_table *t, struct rng *rng, uint64_t now_us, uint32_t roles,
                    uint32_t uses, uint64_t expiry_us, const struct invite **out) MUST_USE;

/* Whether a client that names the invitation `id` and showed `key` in message 1 may come in; both
 * borrowed. Good, with *out borrowed from the table (its secret is the psk): a key that it has
 * bound, for as long as the table lives; or any key while uses are left and the time is not over.
 * Changes nothing, since message 1 can be a replay. *out is NULL when not good. */
enum invite_verdict invite_find(const struct invite_table *t, const uint8_t id[INVITE_ID_BYTES],
                                const uint8_t key[KEY_BYTES], uint64_t now_us,
                                const struct invite **out);

/* Spends a use and binds `key`, at the client's first valid transport packet (which proves that it
 * holds secret and key, now). Good also for a key that is bound already, which spends nothing.
 * Anything else means that another client was faster or that the time is over by now: close the
 * session with that reason. */
enum invite_verdict invite_enrol(struct invite_table *t, const uint8_t id[INVITE_ID_BYTES],
                                 const uint8_t key[KEY_BYTES], uint64_t now_us);

/* The roles (enum role bits) that invitations have bound to `key`, 0 for none: a client that comes
 * back without its ticket is known by its key alone, under the zero psk. */
uint32_t invite_roles(const struct invite_table *t, const uint8_t key[KEY_BYTES]);

/* Whether a key that is in no list could still come in by some invitation. */
bool invite_open(const struct invite_table *t, uint64_t now_us);

/* The sentence for the client, static, at most LIMIT_REASON_CHARS. */
const char *invite_reason(enum invite_verdict v);

#endif
