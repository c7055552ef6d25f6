/* deflate: bytes to a zlib stream (RFC 1950, 1951) as they come, for PNG files. */
#ifndef FARSPAN_DEFLATE_H
#define FARSPAN_DEFLATE_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/io.h"

/* An encoder: 32 KiB of history, greedy matches, one block with the fixed codes. */
struct deflate;

/* Gives an encoder that writes to borrowed `out`, or NULL without memory. Allocates nothing later.
 */
struct deflate *deflate_new(struct io_out *out);

/* Takes and frees it; NULL is fine. */
void deflate_free(struct deflate *d);

/* Takes the next borrowed bytes. Errors of `out`, after which the encoder is of no more use. */
enum err deflate_add(struct deflate *d, struct bytes data) MUST_USE;

/* Writes the rest and the end of the stream. Errors of `out`. */
enum err deflate_finish(struct deflate *d) MUST_USE;

#endif
