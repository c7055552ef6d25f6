/* page_coder: QEMU's migration stream to what has to go over of it. */
#ifndef FARSPAN_PAGE_CODER_H
#define FARSPAN_PAGE_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/codec/stream_hash.h"
#include "core/guest/known_list.h"

struct page_coder;

/* What became of the pages. */
struct page_counters {
    uint64_t fills, same, copies, known, deltas, literals; /* pages */
    uint64_t raw_bytes;                                    /* beside them */
};

/* Gives one whose file is in `folder` (borrowed). ERR_MEMORY. */
enum err page_coder_new(const char *folder, struct page_coder **out) MUST_USE;

/* Pages that `known` (borrowed) has are named from now on. */
void page_coder_know(struct page_coder *c, const struct known_list *known);

/* Takes it; NULL is fine. */
void page_coder_free(struct page_coder *c);

/* Takes bytes of the stream. ERR_MEMORY, ERR_SYSTEM (its file, logged): of no use any more. */
enum err page_coder_put(struct page_coder *c, struct bytes b) MUST_USE;

/* The stream has ended: what was held back goes as well. ERR_MEMORY. */
enum err page_coder_end(struct page_coder *c) MUST_USE;

/* Whether what was put last ends the stream (stream_end.h). */
bool page_coder_all_written(const struct page_coder *c);

/* What is to go over, borrowed until the next call. */
struct bytes page_coder_output(const struct page_coder *c);

/* So many bytes of it have gone. */
void page_coder_sent(struct page_coder *c, size_t n);

/* How much was put. */
uint64_t page_coder_bytes(const struct page_coder *c);

/* The hash of all that was put, and how much that was. */
void page_coder_digest(const struct page_coder *c, uint8_t hash[STREAM_HASH_BYTES],
                       uint64_t *bytes);

/* What became of the pages so far. */
struct page_counters page_coder_counters(const struct page_coder *c);

#endif
