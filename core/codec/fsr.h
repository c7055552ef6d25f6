/* fsr: the layout of a recording: header, records, shapes; docs/codec.md describes it. */
#ifndef FARSPAN_FSR_H
#define FARSPAN_FSR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/base/reason.h"
#include "core/base/wr.h"
#include "core/codec/block.h"
#include "core/codec/samples.h"

enum {
    FSR_MAJOR = 1,
    FSR_HEADER_BYTES = 32,
    FSR_RECORD_HEADER_BYTES = 24,
    FSR_PAYLOAD_BYTES = 256 * 1024, /* the most in one record */
    FSR_RECORD_BYTES = FSR_RECORD_HEADER_BYTES + FSR_PAYLOAD_BYTES,
    FSR_TAIL_BYTES = 8, /* at the end of an index record: how to find it from the file's end */
    FSR_LINE_CHARS = 255,
    FSR_HASH_BYTES = 16,
};

/* The latest time of a frame, in us. */
#define FSR_TIME_MAX ((uint64_t)1 << 61)

/* Additions that this build understands. */
#define FSR_INCOMPATIBLE_KNOWN 0u

/* What a record is. Kinds from 128 on are skipped by readers that do not know them. */
enum fsr_kind { FSR_PART = 1, FSR_INDEX = 2 };

/* Of a part: the first or last of its frame; the frame refers to nothing before it. */
enum { FSR_FIRST = 1, FSR_LAST = 2, FSR_KEY = 4 };

/* The head of a record. */
struct fsr_record {
    uint8_t kind, flags;
    uint32_t payload_bytes;
    uint64_t digest; /* of the payload */
};

/* What the pixels of frames mean; repeated in every key frame. */
struct fsr_shape {
    uint32_t width, height;
    enum samples samples;
    bool full_range;               /* of planes: 0..255, else 16..235 */
    char line[FSR_LINE_CHARS + 1]; /* first line of the y4m that it came from; "" for none */
};

/* The first fields of a part. */
struct fsr_part {
    uint64_t frame, part;   /* both from 0 */
    uint64_t time_us;       /* of first parts */
    struct fsr_shape shape; /* of first parts of key frames */
};

/* Writes the file's header to `to`. */
void fsr_put_header(uint8_t to[FSR_HEADER_BYTES]);

/* Checks a header of `n` bytes that may be cut short. ERR_MALFORMED (no recording, broken), or
 * ERR_VERSION (made by a later release), with the reason. */
enum err fsr_check_header(const uint8_t *p, size_t n, struct reason *why) MUST_USE;

/* Fills in the head of a record in the FSR_RECORD_HEADER_BYTES before borrowed `payload`. */
void fsr_put_record(uint8_t *to, enum fsr_kind kind, unsigned flags, struct bytes payload);

/* Reads the head of a record. ERR_MALFORMED: none is there, or it is damaged. */
enum err fsr_get_record(const uint8_t p[FSR_RECORD_HEADER_BYTES], struct fsr_record *out) MUST_USE;

/* Whether the payload is what the head of its record says. */
bool fsr_payload_good(const struct fsr_record *r, struct bytes payload);

/* Writes the first fields of a part with the FSR_ flags. */
void fsr_put_part(struct wr *w, unsigned flags, const struct fsr_part *p);

/* Reads the first fields of a part. ERR_MALFORMED; ERR_LIMIT: a size beyond limits.h. */
enum err fsr_get_part(struct rd *r, unsigned flags, struct fsr_part *out) MUST_USE;

/* Whether the picture has the hash that a frame's last part names. */
bool fsr_hash_good(struct bytes named, struct pic *p);

/* Whether two shapes are the same in all that counts for pixels. */
bool fsr_shape_equal(const struct fsr_shape *a, const struct fsr_shape *b);

/* Appends a block's payload to `said`, which keeps the last BLOCK_HISTORY_BYTES of a frame's: what
 * the next frame's history takes. ERR_MEMORY. */
enum err fsr_said(struct buf *said, struct bytes payload) MUST_USE;

/* The mark that every record begins with, for those who look for one. */
extern const uint8_t fsr_mark[4];

#endif
