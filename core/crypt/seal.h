/* seal: closing and opening packets with one AEAD key, and the step to the next key. */
#ifndef FARSPAN_SEAL_H
#define FARSPAN_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/crypt/cipher.h"

enum { SEAL_KEY_BYTES = 32, SEAL_TAG_BYTES = 16, SEAL_AES_STATE_BYTES = 512 };

/* One key, for one direction. Secret: end it with seal_wipe. It may be copied by assignment; its
 * alignment of 16 is what heap_alloc gives. Read only after seal_init, so several threads may use
 * one at a time, each with nonces of its own. */
struct seal_key {
    _Alignas(
        16) uint8_t aes_state[SEAL_AES_STATE_BYTES]; /* the expanded key, for AES only: of
                                                        gcm.h with cpu_vaes, else libsodium's */
    uint8_t key[SEAL_KEY_BYTES];
    enum cipher cipher;
};

/* Prepares the caller's storage with a borrowed key. `c` must be available (cipher_available). */
void seal_init(struct seal_key *k, enum cipher c, const uint8_t key[SEAL_KEY_BYTES]);

/* Encrypts and authenticates `plain` and authenticates `ad`, both borrowed: writes plain.n +
 * SEAL_TAG_BYTES bytes to `out`, the tag last. `out` may be where `plain` is (in place), else they
 * must not overlap. The 96-bit nonce is four zero bytes and `nonce`, big-endian for AESGCM and
 * little-endian for ChaChaPoly (Noise revision 34, section 12). A nonce must never be used twice
 * with one key; 2^64-1 is reserved and must not be used. */
void seal_close(const struct seal_key *k, uint64_t nonce, struct bytes ad, struct bytes plain,
                uint8_t *out);

/* Undoes seal_close: writes sealed.n - SEAL_TAG_BYTES bytes to `out`, which may be where `sealed`
 * is. ERR_MALFORMED when shorter than a tag, ERR_VERIFY when the key, nonce, ad or any bit
 * differs; then what `out` holds is not defined and not to be used, and what was opened in place is
 * lost for another key. */
enum err seal_open(const struct seal_key *k, uint64_t nonce, struct bytes ad, struct bytes sealed,
                   uint8_t *out) MUST_USE;

/* Whether a packet takes so little (0.2 us, by VAES) that to hand it to another thread costs about
 * as much. */
bool seal_is_quick(const struct seal_key *k);

/* Makes the key that follows `k`, one way, with the same cipher: BLAKE2b with a 32-byte output,
 * keyed with the 32 bytes of k's key, over the 18 ASCII bytes "farspan key update". `next` may be
 * `k`. Whether nonces go on counting or start again is the caller's choice. */
void seal_next(const struct seal_key *k, struct seal_key *next);

/* Wipes the key. */
void seal_wipe(struct seal_key *k);

#endif
