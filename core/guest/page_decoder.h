/* page_decoder: what page_coder says, to QEMU's stream again, byte by byte the same. */
#ifndef FARSPAN_PAGE_DECODER_H
#define FARSPAN_PAGE_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/codec/stream_hash.h"
#include "core/store/content_store.h"

struct page_decoder;

/* Gives one whose file is in `folder` (borrowed). ERR_MEMORY. */
enum err page_decoder_new(const char *folder, struct page_decoder **out) MUST_USE;

/* Pages that are only named are in `store` (borrowed), and those that come are kept there. */
void page_decoder_know(struct page_decoder *d, struct content_store *store);

/* Takes it; NULL is fine. */
void page_decoder_free(struct page_decoder *d);

/* Takes some of `b`, *used bytes: not all when there is much to be taken first (it goes on with
 * what it has when called again, also with nothing). ERR_MALFORMED; ERR_MEMORY, ERR_SYSTEM (its
 * file, logged), ERR_VERIFY (a file of the store was changed): of no use any more. */
enum err page_decoder_put(struct page_decoder *d, struct bytes b, size_t *used) MUST_USE;

/* The stream, as far as it is known and was not taken, borrowed until the next call. */
struct bytes page_decoder_output(const struct page_decoder *d);

/* So many bytes of it have been taken. */
void page_decoder_taken(struct page_decoder *d, size_t n);

/* How much of the stream has been taken. */
uint64_t page_decoder_given(const struct page_decoder *d);

/* The hash of all that came out, and how much that was. */
void page_decoder_digest(const struct page_decoder *d, uint8_t hash[STREAM_HASH_BYTES],
                         uint64_t *bytes);

#endif
