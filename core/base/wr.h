/* wr: a writing cursor over fixed space with a sticky overflow. */
#ifndef FARSPAN_WR_H
#define FARSPAN_WR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"

struct wr {
    uint8_t *p;  /* borrowed space */
    size_t n;    /* bytes written */
    size_t room; /* size of the space */
    bool full;   /* something did not fit: nothing more is written */
};

/* A cursor at the start of borrowed space of `room` bytes. */
static inline struct wr wr_of(void *p, size_t room)
{
    return (struct wr){p, 0, room, false};
}

/* Appends one byte. */
void wr_u8(struct wr *w, uint8_t v);

/* Appends 2 bytes, little-endian. */
void wr_u16(struct wr *w, uint16_t v);

/* Appends 4 bytes, little-endian. */
void wr_u32(struct wr *w, uint32_t v);

/* Appends 8 bytes, little-endian. */
void wr_u64(struct wr *w, uint64_t v);

/* Appends a variable-length number (0 .. 2^62-1, shortest form; see rd_var). */
void wr_var(struct wr *w, uint64_t v);

/* The bytes that wr_var needs for `v`: 1, 2, 4 or 8. */
size_t wr_var_size(uint64_t v);

/* Appends borrowed bytes. */
void wr_bytes(struct wr *w, struct bytes b);

/* Appends a wr_var length and then the borrowed bytes. */
void wr_sized(struct wr *w, struct bytes b);

/* Appends `n` zero bytes. */
void wr_zeros(struct wr *w, size_t n);

/* Appends `n` bytes that the caller writes: gives their place, NULL where they do not fit. */
uint8_t *wr_space(struct wr *w, size_t n);

/* The bytes that still fit. */
static inline size_t wr_left(const struct wr *w)
{
    return w->full ? 0 : w->room - w->n;
}

/* What was written, borrowed from the space. */
static inline struct bytes wr_done(const struct wr *w)
{
    return bytes_of(w->p, w->n);
}

#endif
