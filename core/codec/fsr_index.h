/* fsr_index: where a recording's key frames are: a bounded list, thinned when it grows too long. */
#ifndef FARSPAN_FSR_INDEX_H
#define FARSPAN_FSR_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

enum { FSR_INDEX_ENTRIES = 8192 };

/* A frame that can be decoded without any before it. */
struct fsr_key {
    uint64_t frame, offset, time_us;
};

/* Some of the key frames, by rising frame and offset: any of them serve to reach those after. */
struct fsr_index {
    struct fsr_key *key; /* owned: FSR_INDEX_ENTRIES */
    size_t n;
    uint64_t every, seen; /* of the keys offered every so many-th is kept */
    uint64_t frames;      /* whole frames in the recording */
    uint64_t end_us;      /* time of the last one */
};

/* Makes an empty index in the caller's storage. ERR_MEMORY. */
enum err fsr_index_init(struct fsr_index *x) MUST_USE;

/* Frees what it holds; a zeroed index is fine. */
void fsr_index_release(struct fsr_index *x);

/* Offers the next key frame; keeps it or not. */
void fsr_index_add(struct fsr_index *x, struct fsr_key key);

/* The last key frame at or before `frame`, borrowed, or NULL. */
const struct fsr_key *fsr_index_find(const struct fsr_index *x, uint64_t frame);

/* Appends the whole index record, its head and tail included, to `out`. ERR_MEMORY, ERR_LIMIT. */
enum err fsr_index_encode(const struct fsr_index *x, struct buf *out) MUST_USE;

/* Reads the payload of an index record of a file in which records end at `end` into an empty index.
 * ERR_MALFORMED. */
enum err fsr_index_decode(struct fsr_index *x, struct bytes payload, uint64_t end) MUST_USE;

/* Where the index record begins that ends with the borrowed last FSR_TAIL_BYTES of a file of `size`
 * bytes. ERR_MALFORMED: none does. */
enum err fsr_index_locate(const uint8_t *tail, uint64_t size_bytes, uint64_t *offset) MUST_USE;

#endif
