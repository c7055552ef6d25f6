/* buf: an owned, growing run of bytes with a maximum. */
#ifndef FARSPAN_BUF_H
#define FARSPAN_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

struct buf {
    uint8_t *p;      /* owned */
    size_t n;        /* bytes in use */
    size_t capacity; /* bytes allocated from p on */
    size_t dropped;  /* and before it: they had been used */
    size_t max;      /* never more in use than this */
};

/* Prepares the caller's storage for an empty buffer of at most `max` bytes; allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* Frees what it holds and leaves it empty with the same maximum. */
void buf_release(struct buf *b);

/* Makes room for `more` bytes after the used ones. ERR_LIMIT beyond max, ERR_MEMORY. */
enum err buf_reserve(struct buf *b, size_t more) MUST_USE;

/* Appends a copy of borrowed bytes. ERR_LIMIT beyond max, ERR_MEMORY; then nothing was added. */
enum err buf_append(struct buf *b, struct bytes data) MUST_USE;

/* Removes the first `n` (<= b->n) bytes; p moves on. */
void buf_drop(struct buf *b, size_t n);

/* The used bytes, borrowed until the next change. */
static inline struct bytes buf_bytes(const struct buf *b)
{
    return bytes_of(b->p, b->n);
}

#endif
