/* block_history: what is inside a block's history, for the encoder and decoder of blocks. */
#ifndef FARSPAN_BLOCK_HISTORY_H
#define FARSPAN_BLOCK_HISTORY_H

#include "core/base/bytes.h"
#include "core/codec/block.h"
#include "core/codec/block_colour.h"

/* The last `max` (even) bytes of the content, which serve as dictionary, borrowed from `h` (NULL:
 * nothing); an even number. */
struct bytes block_history_tail(const struct block_history *h, size_t max);

/* The colours that `h` (NULL: none) knows, oldest first, borrowed; their number goes to *count. */
const uint32_t *block_history_colours(const struct block_history *h, size_t *count);

/* Copies a digest of the content to `key`, which tells histories apart; zeros for NULL. */
void block_history_key(const struct block_history *h, uint8_t key[16]);

/* Appends to `payload` (NULL: nothing is done) what a block adds to a history: its new colours and
 * the bytes that its first zstd frame held (an even number). ERR_LIMIT, ERR_MEMORY. */
enum err block_history_payload(const uint32_t *colours, size_t count, struct bytes content,
                               struct buf *payload) MUST_USE;

#endif
