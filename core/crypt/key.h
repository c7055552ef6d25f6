/* key: X25519 identities, their text form and their file. */
#ifndef FARSPAN_KEY_H
#define FARSPAN_KEY_H

#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/rng.h"

enum { KEY_BYTES = 32, KEY_TEXT_CHARS = 43 };

/* A secret and the public key that follows from it (RFC 7748). End it with key_wipe. */
struct key_pair {
    uint8_t secret[KEY_BYTES];
    uint8_t public[KEY_BYTES];
};

/* Makes a pair from 32 bytes of `rng`. */
void key_generate(struct key_pair *pair, struct rng *rng);

/* Makes the pair that belongs to a borrowed secret. */
void key_from_secret(struct key_pair *pair, const uint8_t secret[KEY_BYTES]);

/* Wipes the pair. */
void key_wipe(struct key_pair *pair);

/* X25519: the secret that the owner of `secret` shares with the owner of `public`, to `out`.
 * ERR_MALFORMED when `public` is a point of low order, so that the result would be known to
 * everybody; `out` is then wiped. */
enum err key_agree(const uint8_t secret[KEY_BYTES], const uint8_t public[KEY_BYTES],
                   uint8_t out[KEY_BYTES]) MUST_USE;

/* A 32-byte secret for another purpose, to `out`: BLAKE2b with a 32-byte output, keyed with the
 * pair's secret, over the bytes of the borrowed string `label` (without its end). */
void key_derive(const struct key_pair *pair, const char *label, uint8_t out[KEY_BYTES]);

/* Writes the text form of a public key: KEY_TEXT_CHARS characters of unpadded base64url and a
 * terminating zero. */
void key_to_text(const uint8_t key[KEY_BYTES], char text[KEY_TEXT_CHARS + 1]);

/* Reads what key_to_text writes and nothing else from borrowed text. ERR_MALFORMED, also for a
 * text whose spare bits are not zero (a second text for the same key). */
enum err key_from_text(struct bytes text, uint8_t key[KEY_BYTES]) MUST_USE;

/* Reads the borrowed content of an identity's file, as key_load says. ERR_VERSION, ERR_MALFORMED;
 * `pair` is then of no use, and the caller's to wipe. */
enum err key_parse(struct bytes text, struct key_pair *pair) MUST_USE;

/* Reads an identity from the file `path`: one line "farspan-identity-1 SECRET", SECRET as
 * base64url. Every failure leaves `pair` wiped: ERR_NOT_FOUND (not logged); logged with the path:
 * ERR_SYSTEM, ERR_USAGE when others than its owner may read or write it, ERR_VERSION for a later
 * version of the line, ERR_MALFORMED for anything else. */
enum err key_load(struct key_pair *pair, const char *path) MUST_USE;

/* Writes an identity to a new file `path`, mode 0600, whole and durable or not at all. ERR_EXISTS
 * (not logged) when there is something of that name, which is left alone; ERR_SYSTEM (logged). */
enum err key_save(const struct key_pair *pair, const char *path) MUST_USE;

#endif
