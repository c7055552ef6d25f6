/* migration_stream: bytes as QEMU writes them when it migrates, made up. */
#ifndef FARSPAN_MIGRATION_STREAM_H
#define FARSPAN_MIGRATION_STREAM_H

#include "core/base/buf.h"
#include "core/base/rng.h"

/* How a made-up guest is. */
struct migration_guest {
    unsigned pages;       /* of its first block; there are two small ones beside it */
    unsigned rounds;      /* after the first */
    unsigned dirty_pages; /* sent again in each */
    const char *kind;     /* what a page sent again is: "same", "delta", "new" */
};

/* Appends a whole stream: head, configuration, commands, memory in rounds, device state, the end.
 * False without memory. */
bool migration_stream_make(const struct migration_guest *g, struct rng *rng, struct buf *out);

#endif
