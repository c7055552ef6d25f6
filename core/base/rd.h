/* rd: a reading cursor over borrowed bytes with a sticky error and zeros past the end. */
#ifndef FARSPAN_RD_H
#define FARSPAN_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

struct rd {
    const uint8_t *p; /* borrowed; the next byte */
    size_t left;
    bool bad; /* something was read that was not there: every later value is 0 */
};

/* A cursor at the start of borrowed bytes. */
static inline struct rd rd_of(struct bytes b)
{
    return (struct rd){b.p, b.n, false};
}

/* The next byte, or 0 and the sticky error. */
uint8_t rd_u8(struct rd *r);

/* The next 2 bytes, little-endian, or 0 and the sticky error. */
uint16_t rd_u16(struct rd *r);

/* The next 4 bytes, little-endian, or 0 and the sticky error. */
uint32_t rd_u32(struct rd *r);

/* The next 8 bytes, little-endian, or 0 and the sticky error. */
uint64_t rd_u64(struct rd *r);

/* A variable-length number of 0 .. 2^62-1: the low two bits of the first byte give the length
 * (1, 2, 4 or 8 bytes, little-endian), the rest is the value. Any length is accepted for any
 * value. 0 and the sticky error where bytes are missing. */
uint64_t rd_var(struct rd *r);

/* The next `n` bytes, borrowed from the input, or nothing and the sticky error. */
struct bytes rd_bytes(struct rd *r, size_t n);

/* Copies the next `n` bytes to `to`; zeros and the sticky error where they are missing. */
void rd_copy(struct rd *r, void *to, size_t n);

/* A rd_var length followed by so many bytes, borrowed; sticky error when longer than `max`. */
struct bytes rd_sized(struct rd *r, size_t max);

/* OK when nothing was missing and nothing is left over, else ERR_MALFORMED. */
enum err rd_done(const struct rd *r) MUST_USE;

#endif
