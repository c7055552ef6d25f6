#include "core/crypt/hkdf.h"

#include <sodium.h>

#include "core/base/check.h"
#include "core/crypt/crypt.h"

static void absorb(crypto_generichash_state *s, struct bytes b)
{
    if (b.n)
        crypto_generichash_update(s, b.p, b.n);
}

void hkdf_hash(struct bytes a, struct bytes b, uint8_t out[HKDF_HASH_BYTES])
{
    crypto_generichash_state s;

    crypto_generichash_init(&s, NULL, 0, HKDF_HASH_BYTES);
    absorb(&s, a);
    absorb(&s, b);
    crypto_generichash_final(&s, out, HKDF_HASH_BYTES);
    crypt_wipe(&s, sizeof s);
}

static void xor_block(uint8_t block[HKDF_BLOCK_BYTES], uint8_t pad)
{
    for (size_t i = 0; i < HKDF_BLOCK_BYTES; i++)
        block[i] ^= pad;
}

void hkdf_hmac(struct bytes key, struct bytes a, struct bytes b, uint8_t out[HKDF_HASH_BYTES])
{
    uint8_t block[HKDF_BLOCK_BYTES] = {0}, inner[HKDF_HASH_BYTES];
    crypto_generichash_state s;

    if (key.n > HKDF_BLOCK_BYTES)
        hkdf_hash(key, bytes_of(NULL, 0), block);
    else if (key.n)
        memcpy(block, key.p, key.n);
    xor_block(block, 0x36);
    crypto_generichash_init(&s, NULL, 0, HKDF_HASH_BYTES);
    absorb(&s, bytes_of(block, sizeof block));
    absorb(&s, a);
    absorb(&s, b);
    crypto_generichash_final(&s, inner, sizeof inner);
    xor_block(block, 0x36 ^ 0x5c);
    hkdf_hash(bytes_of(block, sizeof block), bytes_of(inner, sizeof inner), out);
    crypt_wipe(block, sizeof block);
    crypt_wipe(inner, sizeof inner);
    crypt_wipe(&s, sizeof s);
}

void hkdf_expand(const uint8_t chaining_key[HKDF_HASH_BYTES], struct bytes material, size_t count,
                 uint8_t *out)
{
    uint8_t temp[HKDF_HASH_BYTES];
    struct bytes key = bytes_of(temp, sizeof temp), last = bytes_of(NULL, 0);

    CHECK(count == 2 || count == 3);
    hkdf_hmac(bytes_of(chaining_key, HKDF_HASH_BYTES), material, bytes_of(NULL, 0), temp);
    for (uint8_t i = 1; i <= count; i++, out += HKDF_HASH_BYTES) {
        hkdf_hmac(key, last, bytes_of(&i, 1), out);
        last = bytes_of(out, HKDF_HASH_BYTES);
    }
    crypt_wipe(temp, sizeof temp);
}
