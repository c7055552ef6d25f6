/* stream_hash: a fast 128-bit hash of bytes as they come, against mistakes, not people. */
#ifndef FARSPAN_STREAM_HASH_H
#define FARSPAN_STREAM_HASH_H

#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

enum { STREAM_HASH_BYTES = 16 };

struct stream_hash;

/* Gives one of no bytes yet (XXH3, 128 bits). ERR_MEMORY. */
enum err stream_hash_new(struct stream_hash **out) MUST_USE;

/* Takes it; NULL is fine. */
void stream_hash_free(struct stream_hash *h);

/* Takes borrowed bytes in. */
void stream_hash_add(struct stream_hash *h, struct bytes b);

/* Writes the hash of all so far, in one order on every machine. */
void stream_hash_now(const struct stream_hash *h, uint8_t to[STREAM_HASH_BYTES]);

/* Writes it as hexadecimal digits. */
void stream_hash_text(const uint8_t hash[STREAM_HASH_BYTES], char to[2 * STREAM_HASH_BYTES + 1]);

/* The 64-bit hash of one run of bytes. */
uint64_t stream_hash_once(struct bytes b);

#endif
