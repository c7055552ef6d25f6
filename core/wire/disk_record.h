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
    DISK_KINDS
};

enum { DISK_HEAD_BYTES = 16 };

/* One record, without what follows its head. */
struct disk_record {
    enum disk_kind kind;
    bool hole;       /* of DISK_ZERO: it need not be allocated */
    uint32_t length; /* of DISK_DONE: an NBD error, 0 for none */
    uint64_t offset;
};

/* Encodes a head. */
void disk_record_put(struct wr *w, const struct disk_record *r);

/* Decodes a head, of which `b` has DISK_HEAD_BYTES at least. ERR_MALFORMED: no such kind, an empty
 * write, or one that goes beyond `size_bytes` or LIMIT_NBD_PAYLOAD_BYTES. */
enum err disk_record_get(struct bytes b, uint64_t size_bytes, struct disk_record *out) MUST_USE;

#endif
