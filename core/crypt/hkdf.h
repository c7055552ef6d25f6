/* hkdf: BLAKE2b hash, HMAC and HKDF as Noise wants them (64-byte hash, 128-byte block). */
#ifndef FARSPAN_HKDF_H
#define FARSPAN_HKDF_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"

enum { HKDF_HASH_BYTES = 64, HKDF_BLOCK_BYTES = 128 };

/* BLAKE2b-512 (RFC 7693, no key) of two borrowed runs one after the other; either may be empty.
 * `out` may be where an input is. */
void hkdf_hash(struct bytes a, struct bytes b, uint8_t out[HKDF_HASH_BYTES]);

/* HMAC (RFC 2104) over BLAKE2b-512 of `a` then `b`, all borrowed; a key longer than a block is
 * hashed first. `out` may be where an input is. */
void hkdf_hmac(struct bytes key, struct bytes a, struct bytes b, uint8_t out[HKDF_HASH_BYTES]);

/* Noise's HKDF (revision 34, section 4.3): `count` (2 or 3) outputs of 64 bytes each, one after
 * the other in `out`, from a 64-byte chaining key and input key material of 0 or 32 bytes. `out`
 * must not overlap them. */
void hkdf_expand(const uint8_t chaining_key[HKDF_HASH_BYTES], struct bytes material, size_t count,
                 uint8_t *out);

#endif
