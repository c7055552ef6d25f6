/* disk_record: what is written to a disk, as it goes from the host that has it to another. */
#ifndef FARSPAN_DISK_RECORD_H
#define FARSPAN_DISK_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/wr.h"

enum disk_kind {
    DISK_WRITE = 1,   /* length bytes follow */
    DISK_ZERO = 2,    /* length bytes of zeroes */
    DISK_BARRIER = 3, /* all of the disk has been told: make it durable, and say so */
    DISK_DONE = 4,    /* back: it is, or is not (error) */
    DISK_KNOWN = 5,   /* length bytes that the destination has: a disk_known follows */
    DISK_KINDS
};

enum {
    DISK_HEAD_BYTES = 16,
    DISK_KNOWN_BYTES = 16,
    DISK_BLOCK_BYTES = 4096,      /* what is known is whole blocks, at whole blocks' places ... */
    DISK_KNOWN_MOST = 1024 * 1024 /* ... and no more than so many bytes in a record */
};

/* One record, without what follows its head. */
struct disk_record {
    enum disk_kind kind;
    bool hole;       /* of DISK_ZERO: it need not be allocated */
    uint32_t length; /* of DISK_DONE: an NBD error, 0 for none */
    uint64_t offset;
};

/* What follows the head of DISK_KNOWN: entry `first` and those after it, one a block, and what
 * shows that they are the right ones (content_print.h). */
struct disk_known {
    uint64_t first, check;
};

/* Encodes a head. */
void disk_record_put(struct wr *w, const struct disk_record *r);

/* Decodes a head, of which `b` has DISK_HEAD_BYTES at least. ERR_MALFORMED: no such kind, an empty
 * write, or one that goes beyond `size_bytes`, LIMIT_NBD_PAYLOAD_BYTES or DISK_KNOWN_MOST. */
enum err disk_record_get(struct bytes b, uint64_t size_bytes, struct disk_record *out) MUST_USE;

/* Encodes what follows the head of DISK_KNOWN. */
void disk_record_put_known(struct wr *w, const struct disk_known *k);

/* Decodes it from DISK_KNOWN_BYTES. */
void disk_record_get_known(struct bytes b, struct disk_known *out);

#endif
