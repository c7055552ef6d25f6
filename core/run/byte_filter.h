/* byte_filter: what bytes go through on their way between a socket and a channel. */
#ifndef FARSPAN_BYTE_FILTER_H
#define FARSPAN_BYTE_FILTER_H

#include <stddef.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* One direction; its owner's. */
struct byte_filter {
    /* Takes some of `in`, *used bytes: less than all only while there is output. With nothing it
     * goes on with what it has. Errors: of no use any more. */
    enum err (*put)(void *ctx, struct bytes in, size_t *used);
    /* Nothing more comes. NULL: that makes no difference. */
    enum err (*end)(void *ctx);
    /* What has come out, borrowed until the next call; so much of it has been taken. */
    struct bytes (*output)(void *ctx);
    void (*taken)(void *ctx, size_t n);
    void *ctx; /* borrowed */
};

#endif
