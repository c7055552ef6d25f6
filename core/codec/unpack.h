/* unpack: the other end of pack: chunks to the bytes that they were. */
#ifndef FARSPAN_UNPACK_H
#define FARSPAN_UNPACK_H

#include <stddef.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* The expanding end of one stream of chunks. */
struct unpack;

/* Gives an expander. ERR_MEMORY. */
enum err unpack_new(struct unpack **out) MUST_USE;

/* Takes it; NULL is fine. */
void unpack_free(struct unpack *u);

/* Reads the chunk at the start of `in`: *used of its bytes, *out the raw ones, borrowed from `in`
 * or `u` until the next call. ERR_AGAIN: not whole yet, *used is how long it is at least;
 * ERR_MALFORMED, ERR_MEMORY. */
enum err unpack_chunk(struct unpack *u, struct bytes in, size_t *used, struct bytes *out) MUST_USE;

#endif
