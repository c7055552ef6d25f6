/* cookie: stateless proof that a stranger receives at the address it sends from. */
#ifndef FARSPAN_COOKIE_H
#define FARSPAN_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"

enum {
    COOKIE_BYTES = 16,
    COOKIE_SEED_BYTES = 32,
    COOKIE_SLOT_US = 20 * 1000 * 1000, /* a cookie is good for one to two of these */
    COOKIE_INPUT_MAX = 64,             /* address and nonce together */
};

/* What a listener keeps for all cookies. Secret: end it with cookie_wipe. */
struct cookie_key {
    uint8_t key[COOKIE_SEED_BYTES];
};

/* Prepares the caller's storage from a borrowed seed: random for each listener. The key is
 * BLAKE2b with a 32-byte output, keyed with the seed, over "farspan cookie". */
void cookie_init(struct cookie_key *k, const uint8_t seed[COOKIE_SEED_BYTES]);

/* Makes the cookie of a client at `address` (borrowed: its IP address and port in one fixed form)
 * that sent `nonce` (borrowed, chosen by the client): BLAKE2b with a 16-byte output, keyed, over
 * the slot now_us / COOKIE_SLOT_US (8 bytes, little-endian), the address's length (1 byte), the
 * address and the nonce. The slot does what replacing the secret every 20 s would do, without
 * state. Address and nonce have at most COOKIE_INPUT_MAX bytes together. */
void cookie_make(const struct cookie_key *k, uint64_t now_us, struct bytes address,
                 struct bytes nonce, uint8_t cookie[COOKIE_BYTES]);

/* Whether `cookie` is what cookie_make gave for the same address and nonce in this slot or the one
 * before; takes the same time for all cookies of a length. False for a wrong length. */
bool cookie_check(const struct cookie_key *k, uint64_t now_us, struct bytes address,
                  struct bytes nonce, struct bytes cookie);

/* Wipes the key. */
void cookie_wipe(struct cookie_key *k);

#endif
