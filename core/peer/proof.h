/* proof: what shows that a stranger receives where it sends from: a cookie, or an address token. */
#ifndef FARSPAN_PROOF_H
#define FARSPAN_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/rng.h"
#include "core/crypt/cookie.h"
#include "core/crypt/key.h"
#include "core/crypt/token.h"
#include "core/wire/packet.h"

/* What a listener keeps for all proofs. Secret: end it with proof_wipe. */
struct proof_keys {
    struct cookie_key cookie;
    struct token_key token;
    uint64_t wall_offset_us;
};

/* Prepares the caller's storage: cookies are good for this listener alone, address tokens for all
 * of `identity` (borrowed during the call). `wall_offset_us` is what makes wall-clock time of
 * now_us, by which tokens end. */
void proof_init(struct proof_keys *k, const struct key_pair *identity, uint64_t wall_offset_us,
                struct rng *rng);

/* Wipes the keys. */
void proof_wipe(struct proof_keys *k);

/* Makes the cookie for who sent `nonce` from `from`: cookie_make over the IP address (16 bytes) and
 * the port (2, little-endian). */
void proof_cookie(const struct proof_keys *k, uint64_t now_us, const struct addr *from,
                  const uint8_t nonce[PACKET_NONCE_BYTES], uint8_t cookie[COOKIE_BYTES]);

/* Makes the address token that a client at `from` gets for its next session. */
void proof_token(const struct proof_keys *k, uint64_t now_us, const struct addr *from,
                 uint8_t token[TOKEN_BYTES]);

/* Whether an INIT's proof is good for the address that it came from; `fresh`: only a cookie is. */
bool proof_good(const struct proof_keys *k, uint64_t now_us, const struct addr *from,
                const struct packet_long *init, bool fresh);

#endif
