#include "core/crypt/seal.h"

#include <sodium.h>

#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/crypt/gcm.h"

_Static_assert(SEAL_KEY_BYTES == crypto_aead_aes256gcm_KEYBYTES, "key size");
_Static_assert(SEAL_KEY_BYTES == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "key size");
_Static_assert(SEAL_TAG_BYTES == crypto_aead_aes256gcm_ABYTES, "tag size");
_Static_assert(SEAL_TAG_BYTES == crypto_aead_chacha20poly1305_ietf_ABYTES, "tag size");
_Static_assert(SEAL_AES_STATE_BYTES == sizeof(crypto_aead_aes256gcm_state), "state size");
_Static_assert(SEAL_AES_STATE_BYTES >= sizeof(struct gcm_key), "state size");
_Static_assert(_Alignof(struct seal_key) >= _Alignof(crypto_aead_aes256gcm_state), "alignment");

void seal_init(struct seal_key *k, enum cipher c, const uint8_t key[SEAL_KEY_BYTES])
{
    CHECK(cipher_available(c));
    /* `key` may be k->key: seal_next works in place. */
    memmove(k->key, key, SEAL_KEY_BYTES);
    k->cipher = c;
    memset(k->aes_state, 0, sizeof k->aes_state);
    if (c == CIPHER_AESGCM && cpu_vaes())
        gcm_init((struct gcm_key *)(void *)k->aes_state, k->key);
    else if (c == CIPHER_AESGCM)
        crypto_aead_aes256gcm_beforenm((crypto_aead_aes256gcm_state *)(void *)k->aes_state, k->key);
}

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION

/* Fuzz builds seal with nothing, so that mutated bytes reach the decoders behind the AEAD. */
void seal_close(const struct seal_key *k, uint64_t nonce, struct bytes ad, struct bytes plain,
                uint8_t *out)
{
    (void)k, (void)nonce, (void)ad;
    if (plain.n)
        memmove(out, plain.p, plain.n);
    memset(out + plain.n, 0, SEAL_TAG_BYTES);
}

enum err seal_open(const struct seal_key *k, uint64_t nonce, struct bytes ad, struct bytes sealed,
                   uint8_t *out)
{
    (void)k, (void)nonce, (void)ad;
    if (sealed.n < SEAL_TAG_BYTES)
        return ERR_MALFORMED;
    if (sealed.n > SEAL_TAG_BYTES)
        memmove(out, sealed.p, sealed.n - SEAL_TAG_BYTES);
    return OK;
}

#else

enum { NONCE_BYTES = 12 };

static const crypto_aead_aes256gcm_state *aes_of(const struct seal_key *k)
{
    return (const crypto_aead_aes256gcm_state *)(const void *)k->aes_state;
}

static const struct gcm_key *gcm_of(const struct seal_key *k)
{
    return (const struct gcm_key *)(const void *)k->aes_state;
}

static void make_nonce(const struct seal_key *k, uint64_t counter, uint8_t out[NONCE_BYTES])
{
    num_put_le(out, 4, 0);
    num_put_le(out + 4, 8, k->cipher == CIPHER_AESGCM ? __builtin_bswap64(counter) : counter);
}

void seal_close(const struct seal_key *k, uint64_t nonce, struct bytes ad, struct bytes plain,
                uint8_t *out)
{
    uint8_t npub[NONCE_BYTES];

    CHECK(nonce != UINT64_MAX);
    make_nonce(k, nonce, npub);
    if (k->cipher == CIPHER_AESGCM && cpu_vaes())
        gcm_seal(gcm_of(k), npub, ad, plain, out);
    else if (k->cipher == CIPHER_AESGCM)
        crypto_aead_aes256gcm_encrypt_detached_afternm(out, out + plain.n, NULL, plain.p, plain.n,
                                                       ad.p, ad.n, NULL, npub, aes_of(k));
    else
        crypto_aead_chacha20poly1305_ietf_encrypt_detached(out, out + plain.n, NULL, plain.p,
                                                           plain.n, ad.p, ad.n, NULL, npub, k->key);
}

enum err seal_open(const struct seal_key *k, uint64_t nonce, struct bytes ad, struct bytes sealed,
                   uint8_t *out)
{
    uint8_t npub[NONCE_BYTES];
    int bad;

    if (sealed.n < SEAL_TAG_BYTES)
        return ERR_MALFORMED;
    if (nonce == UINT64_MAX)
        return ERR_VERIFY;
    make_nonce(k, nonce, npub);
    size_t n = sealed.n - SEAL_TAG_BYTES;
    if (k->cipher == CIPHER_AESGCM && cpu_vaes())
        return gcm_open(gcm_of(k), npub, ad, sealed, out);
    if (k->cipher == CIPHER_AESGCM)
        bad = crypto_aead_aes256gcm_decrypt_detached_afternm(out, NULL, sealed.p, n, sealed.p + n,
                                                             ad.p, ad.n, npub, aes_of(k));
    else
        bad = crypto_aead_chacha20poly1305_ietf_decrypt_detached(
            out, NULL, sealed.p, n, sealed.p + n, ad.p, ad.n, npub, k->key);
    return bad ? ERR_VERIFY : OK;
}

#endif

bool seal_is_quick(const struct seal_key *k)
{
    return k->cipher == CIPHER_AESGCM && cpu_vaes();
}

void seal_next(const struct seal_key *k, struct seal_key *next)
{
    static const char label[] = "farspan key update";
    uint8_t key[SEAL_KEY_BYTES];

    crypto_generichash(key, sizeof key, (const uint8_t *)label, sizeof label - 1, k->key,
                       sizeof k->key);
    seal_init(next, k->cipher, key);
    crypt_wipe(key, sizeof key);
}

void seal_wipe(struct seal_key *k)
{
    crypt_wipe(k, sizeof *k);
}
