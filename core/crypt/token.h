/* token: address tokens, with which a client known from an earlier session skips the cookie. */
#ifndef FARSPAN_TOKEN_H
#define FARSPAN_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"

enum { TOKEN_BYTES = 24, TOKEN_SEED_BYTES = 32, TOKEN_ADDRESS_MAX = 32 };

#define TOKEN_LIFE_US (24ull * 60 * 60 * 1000 * 1000)

/* What a server keeps for all address tokens. Secret: end it with token_wipe. */
struct token_key {
    uint8_t key[TOKEN_SEED_BYTES];
};

/* Prepares the caller's storage from a borrowed seed. When it comes from the server's identity
 * (key_derive) and times from the wall clock, tokens survive a restart. The key is BLAKE2b with a
 * 32-byte output, keyed with the seed, over "farspan address token". */
void token_init(struct token_key *k, const uint8_t seed[TOKEN_SEED_BYTES]);

/* Makes a token, good for TOKEN_LIFE_US from `now_us`, for a client that has proven to receive at
 * the IP address `ip` (borrowed, 4 or 16 bytes, without the port: a client has another one each
 * time). It is given out inside a session, and used once. Its bytes: the expiry in microseconds (8,
 * little-endian), and BLAKE2b with a 16-byte output, keyed, over those 8 and the address. It is not
 * bound to the client's key, which the server cannot know before it has done the work that the
 * token is asked for; a token proves an address and no more. */
void token_make(const struct token_key *k, uint64_t now_us, struct bytes ip,
                uint8_t token[TOKEN_BYTES]);

/* Whether `token` was made with this key for this address and is not over, nor from a future that
 * cannot be (more than TOKEN_LIFE_US to go). Compares in constant time. */
bool token_check(const struct token_key *k, uint64_t now_us, struct bytes ip, struct bytes token);

/* Wipes the key. */
void token_wipe(struct token_key *k);

#endif
