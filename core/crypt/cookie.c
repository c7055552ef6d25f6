#include "core/crypt/cookie.h"

#include <sodium.h>

#include "core/base/check.h"
#include "core/base/wr.h"
#include "core/crypt/crypt.h"

void cookie_init(struct cookie_key *k, const uint8_t seed[COOKIE_SEED_BYTES])
{
    static const char label[] = "farspan cookie";

    crypto_generichash(k->key, sizeof k->key, (const uint8_t *)label, sizeof label - 1, seed,
                       COOKIE_SEED_BYTES);
}

static void make_for_slot(const struct cookie_key *k, uint64_t slot, struct bytes address,
                          struct bytes nonce, uint8_t cookie[COOKIE_BYTES])
{
    uint8_t input[8 + 1 + COOKIE_INPUT_MAX];
    struct wr w = wr_of(input, sizeof input);

    CHECK(address.n <= COOKIE_INPUT_MAX && nonce.n <= COOKIE_INPUT_MAX - address.n);
    wr_u64(&w, slot);
    wr_u8(&w, (uint8_t)address.n);
    wr_bytes(&w, address);
    wr_bytes(&w, nonce);
    crypto_generichash(cookie, COOKIE_BYTES, input, w.n, k->key, sizeof k->key);
}

void cookie_make(const struct cookie_key *k, uint64_t now_us, struct bytes address,
                 struct bytes nonce, uint8_t cookie[COOKIE_BYTES])
{
    make_for_slot(k, now_us / COOKIE_SLOT_US, address, nonce, cookie);
}

bool cookie_check(const struct cookie_key *k, uint64_t now_us, struct bytes address,
                  struct bytes nonce, struct bytes cookie)
{
    uint64_t slot = now_us / COOKIE_SLOT_US;
    uint8_t now[COOKIE_BYTES], before[COOKIE_BYTES];

    if (cookie.n != COOKIE_BYTES)
        return false;
    make_for_slot(k, slot, address, nonce, now);
    make_for_slot(k, slot ? slot - 1 : 0, address, nonce, before);
    /* Both are compared, so that the time does not tell which one it was. */
    int good = crypt_equal(now, cookie.p, COOKIE_BYTES);
    good |= crypt_equal(before, cookie.p, COOKIE_BYTES);
    return good;
}

void cookie_wipe(struct cookie_key *k)
{
    crypt_wipe(k, sizeof *k);
}
