/* block_history: what is inside a block's history, for the encoder and decoder of blocks. */
#ifndef FARSPAN_BLOCK_HISTORY_H
#define FARSPAN_BLOCK_HISTORY_H

#include "core/base/bytes.h"
#include "core/codec/block.h"

/* The content that serves as dictionary, borrowed from `h` (NULL: nothing). */
struct bytes block_history_content(const struct block_history *h);

#endif
