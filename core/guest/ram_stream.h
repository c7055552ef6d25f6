/* ram_stream: where in QEMU's migration stream the guest's pages are. */
#ifndef FARSPAN_RAM_STREAM_H
#define FARSPAN_RAM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"

enum { RAM_PAGE_BYTES = 4096, RAM_HEAD_BYTES = 8, RAM_BLOCKS = 64, RAM_NAME_BYTES = 255 };

/* The stream of a pre-copy migration, version 3, as QEMU's docs/devel/migration and
 * scripts/analyze-migration.py describe it and QEMU 7.2 writes it. Device state has no lengths:
 * what follows the memory is not looked into, and neither is anything after the first byte that is
 * not understood. That never changes a byte; it only costs what could have been saved. */

enum ram_kind {
    RAM_OTHER, /* bytes that say nothing of pages */
    RAM_HEAD,  /* RAM_HEAD_BYTES: where the next page is, and of which kind */
    RAM_FILL,  /* one byte: all that is in that page */
    RAM_PART   /* bytes of that page's content, in order, RAM_PAGE_BYTES in all */
};

/* One piece of the stream; bytes are borrowed from the input or the parser until the next call. */
struct ram_item {
    enum ram_kind kind;
    struct bytes bytes;
    uint64_t page; /* of HEAD that names a page, FILL and PART: its number over all blocks */
    bool expected; /* HEAD: as ram_stream_expect would have it */
};

/* A block of memory, as the stream's beginning names it. */
struct ram_block {
    uint8_t name[RAM_NAME_BYTES];
    size_t name_bytes;
    uint64_t first_page, pages;
};

/* In its owner's storage; zeroed it is at the beginning of a stream. */
struct ram_stream {
    unsigned stage, next; /* what comes, and what after it when it is of a length */
    uint8_t head[16 + RAM_NAME_BYTES];
    size_t head_n;
    uint64_t left;    /* of what is only passed over, or of a page */
    uint32_t section; /* the memory's number */
    bool has_section;
    unsigned type;      /* of the section that is read */
    uint64_t announced; /* bytes of blocks yet to be named */
    struct ram_block block[RAM_BLOCKS];
    size_t blocks;
    uint64_t pages;       /* of all blocks; 0: not known yet */
    struct ram_block *at; /* the block of the last record */
    uint64_t address, flags, page;
};

/* Takes the next piece off `b`, *used bytes of it. False: all of it was taken, and makes no piece
 * yet. */
bool ram_stream_next(struct ram_stream *r, struct bytes b, size_t *used, struct ram_item *out);

/* The most likely next head: the page after the last, in the same block, all of one byte (`fill`)
 * or with content. False: there is no such page, or no head is due. */
bool ram_stream_expect(const struct ram_stream *r, bool fill, uint8_t to[RAM_HEAD_BYTES]);

/* What was taken and has made no piece yet, borrowed until the next call: all that is left when the
 * stream ends there. */
struct bytes ram_stream_rest(const struct ram_stream *r);

/* Whether it looks for pages yet; false: for good. */
bool ram_stream_opaque(const struct ram_stream *r);

/* Whether a page's content has begun and not ended. */
bool ram_stream_in_page(const struct ram_stream *r);

#endif
