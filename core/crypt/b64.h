/* b64: keys, ids and secrets as unpadded base64url text (RFC 4648, section 5), one text a value. */
#ifndef FARSPAN_B64_H
#define FARSPAN_B64_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* The characters that `n` bytes need, without an end. */
#define B64_CHARS(n) (((n)*8 + 5) / 6)

/* Writes the B64_CHARS(n) characters of `n` borrowed bytes and a terminating zero to `out`. Takes
 * the same time for all values. */
void b64_put(const uint8_t *from, size_t n, char *out);

/* Reads exactly `n` bytes from borrowed text. ERR_MALFORMED unless it is precisely what b64_put
 * writes for them: right length, this alphabet, no padding, spare bits zero; `out` is then wiped.
 */
enum err b64_get(struct bytes text, uint8_t *out, size_t n) MUST_USE;

#endif
