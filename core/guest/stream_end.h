/* stream_end: whether QEMU's migration stream has been written to its end. */
#ifndef FARSPAN_STREAM_END_H
#define FARSPAN_STREAM_END_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"

/* What follows the memory has no lengths, but for the very last: the end of the file, a byte 6,
 * four bytes of length, big-endian, and so many bytes of JSON that describe the devices (QEMU 2.3
 * and later). It is looked for from the end. To be wrong is harmless: who has not got all of a
 * guest does not run it. In its owner's storage; zeroed it is at the beginning. */
struct stream_end {
    uint8_t head[8]; /* the last bytes that came */
    uint64_t left;   /* of a description that has begun; 0: none has */
    bool whole;      /* it was the last that came */
    uint8_t last;    /* byte */
};

/* Takes the next bytes of the stream. */
void stream_end_take(struct stream_end *e, struct bytes b);

/* Whether what came last was a whole description. */
bool stream_end_reached(const struct stream_end *e);

#endif
