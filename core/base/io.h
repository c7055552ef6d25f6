/* io: bytes in and out in order, or read at a place: a file, memory, or a fault. */
#ifndef FARSPAN_IO_H
#define FARSPAN_IO_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

/* Bytes that come in order. An implementation has this as its first member. */
struct io_in {
    /* Reads up to `room` (> 0) bytes to `to`; *got is at least 1 with OK. ERR_END at the end;
     * ERR_AGAIN: nothing was read because somebody asked to stop; ERR_SYSTEM (logged). */
    enum err (*read)(struct io_in *in, void *to, size_t room, size_t *got) MUST_USE;
};

/* Bytes that go in order. */
struct io_out {
    /* Writes all of the borrowed bytes. ERR_SYSTEM (logged), ERR_LIMIT; a part may be written. */
    enum err (*write)(struct io_out *out, struct bytes data) MUST_USE;
};

/* Bytes to be read at any place. */
struct io_at {
    uint64_t size_bytes; /* as found when it was opened */
    /* Reads `n` bytes from `offset` to `to`; *got < n only where they end. ERR_SYSTEM (logged). */
    enum err (*read_at)(struct io_at *at, uint64_t offset, void *to, size_t n,
                        size_t *got) MUST_USE;
};

/* Borrowed memory to read from, in order and at a place. */
struct io_memory {
    struct io_in in;
    struct io_at at;
    struct bytes data; /* borrowed */
    size_t next;       /* where reading in order goes on */
};

/* Prepares the caller's storage to read from borrowed `data`. */
void io_memory_init(struct io_memory *m, struct bytes data);

/* Bytes that go to the end of a borrowed buffer. */
struct io_buf {
    struct io_out out;
    struct buf *to; /* borrowed */
};

/* Prepares the caller's storage; writing gives what buf_append gives. */
void io_buf_init(struct io_buf *b, struct buf *to);

#endif
