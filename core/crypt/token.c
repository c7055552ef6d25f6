#include "core/crypt/token.h"

#include <sodium.h>

#include "core/base/check.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"

enum { EXPIRY_BYTES = 8, MAC_BYTES = TOKEN_BYTES - EXPIRY_BYTES };

void token_init(struct token_key *k, const uint8_t seed[TOKEN_SEED_BYTES])
{
    static const char label[] = "farspan address token";

    crypto_generichash(k->key, sizeof k->key, (const uint8_t *)label, sizeof label - 1, seed,
                       TOKEN_SEED_BYTES);
}

static void make_until(const struct token_key *k, uint64_t expiry_us, struct bytes ip,
                       uint8_t token[TOKEN_BYTES])
{
    uint8_t input[EXPIRY_BYTES + TOKEN_ADDRESS_MAX];

    CHECK(ip.n <= TOKEN_ADDRESS_MAX);
    num_put_le(token, EXPIRY_BYTES, expiry_us);
    memcpy(input, token, EXPIRY_BYTES);
    if (ip.n)
        memcpy(input + EXPIRY_BYTES, ip.p, ip.n);
    crypto_generichash(token + EXPIRY_BYTES, MAC_BYTES, input, EXPIRY_BYTES + ip.n, k->key,
                       sizeof k->key);
}

void token_make(const struct token_key *k, uint64_t now_us, struct bytes ip,
                uint8_t token[TOKEN_BYTES])
{
    make_until(k, now_us + TOKEN_LIFE_US, ip, token);
}

bool token_check(const struct token_key *k, uint64_t now_us, struct bytes ip, struct bytes token)
{
    uint8_t want[TOKEN_BYTES];

    if (token.n != TOKEN_BYTES)
        return false;
    uint64_t expiry_us = num_get_le(token.p, EXPIRY_BYTES);
    make_until(k, expiry_us, ip, want);
    return crypt_equal(want, token.p, TOKEN_BYTES) && expiry_us > now_us &&
           expiry_us - now_us <= TOKEN_LIFE_US;
}

void token_wipe(struct token_key *k)
{
    crypt_wipe(k, sizeof *k);
}
