#include "core/peer/proof.h"

#include <string.h>

#include "core/base/num.h"
#include "core/crypt/crypt.h"

enum { COOKIE_ADDRESS_BYTES = 18 };

void proof_init(struct proof_keys *k, const struct key_pair *identity, uint64_t wall_offset_us,
                struct rng *rng)
{
    uint8_t seed[32];

    rng_fill(rng, seed, sizeof seed);
    cookie_init(&k->cookie, seed);
    key_derive(identity, "farspan address token", seed);
    token_init(&k->token, seed);
    crypt_wipe(seed, sizeof seed);
    k->wall_offset_us = wall_offset_us;
}

void proof_wipe(struct proof_keys *k)
{
    cookie_wipe(&k->cookie);
    token_wipe(&k->token);
}

static struct bytes cookie_address(const struct addr *a, uint8_t to[COOKIE_ADDRESS_BYTES])
{
    memcpy(to, a->ip, 16);
    num_put_le(to + 16, 2, a->port);
    return bytes_of(to, COOKIE_ADDRESS_BYTES);
}

static struct bytes token_address(const struct addr *a)
{
    return bytes_of(a->ip, a->family == ADDR_IP4 ? 4 : 16);
}

void proof_cookie(const struct proof_keys *k, uint64_t now_us, const struct addr *from,
                  const uint8_t nonce[PACKET_NONCE_BYTES], uint8_t cookie[COOKIE_BYTES])
{
    uint8_t address[COOKIE_ADDRESS_BYTES];

    cookie_make(&k->cookie, now_us, cookie_address(from, address),
                bytes_of(nonce, PACKET_NONCE_BYTES), cookie);
}

void proof_token(const struct proof_keys *k, uint64_t now_us, const struct addr *from,
                 uint8_t token[TOKEN_BYTES])
{
    token_make(&k->token, now_us + k->wall_offset_us, token_address(from), token);
}

bool proof_good(const struct proof_keys *k, uint64_t now_us, const struct addr *from,
                const struct packet_long *init, bool fresh)
{
    uint8_t address[COOKIE_ADDRESS_BYTES];

    if (init->proof_kind == PACKET_PROOF_COOKIE)
        return cookie_check(&k->cookie, now_us, cookie_address(from, address),
                            bytes_of(init->nonce, sizeof init->nonce), init->proof);
    return init->proof_kind == PACKET_PROOF_TOKEN && !fresh &&
           token_check(&k->token, now_us + k->wall_offset_us, token_address(from), init->proof);
}
