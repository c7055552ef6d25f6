/* gcm: AES-256-GCM two blocks an instruction, where the processor has VAES and VPCLMULQDQ. */
#ifndef FARSPAN_GCM_H
#define FARSPAN_GCM_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

enum {
    GCM_KEY_BYTES = 32,
    GCM_NONCE_BYTES = 12,
    GCM_TAG_BYTES = 16,
    GCM_ROUND_KEYS = 15,
    GCM_BLOCKS = 16 /* hashed between two reductions */
};

/* A key made ready. Secret; it may be copied by assignment. */
struct gcm_key {
    uint8_t round[GCM_ROUND_KEYS][16];
    uint8_t power[GCM_BLOCKS][16]; /* of the hash key, the highest first */
};

/* Makes the borrowed key ready (FIPS 197, 5.2). This and the calls below only where cpu_vaes(). */
void gcm_init(struct gcm_key *k, const uint8_t key[GCM_KEY_BYTES]);

/* Encrypts `plain` and authenticates it and `ad`, all borrowed (NIST SP 800-38D with a nonce of 96
 * bits): writes plain.n + GCM_TAG_BYTES bytes to `out`, the tag last. `out` may be where `plain`
 * is, else they must not overlap. No branch and no address depends on a secret. */
void gcm_seal(const struct gcm_key *k, const uint8_t nonce[GCM_NONCE_BYTES], struct bytes ad,
              struct bytes plain, uint8_t *out);

/* Undoes gcm_seal: `sealed` with its tag, of GCM_TAG_BYTES bytes at least, gives sealed.n -
 * GCM_TAG_BYTES bytes in `out`, which may be where `sealed` is. ERR_VERIFY when anything differs.
 * One pass decrypts and hashes, so `out` is written before the tag is known to be right. After
 * ERR_VERIFY it holds bytes that nobody vouches for, which must not be used or shown; and what was
 * opened in place is lost: who may need to try another key opens to a place of its own. */
enum err gcm_open(const struct gcm_key *k, const uint8_t nonce[GCM_NONCE_BYTES], struct bytes ad,
                  struct bytes sealed, uint8_t *out) MUST_USE;

#endif
