/* fsr_reader: the pictures of a recording, proven; what is intact of a broken one. */
#ifndef FARSPAN_FSR_READER_H
#define FARSPAN_FSR_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/io.h"
#include "core/base/reason.h"
#include "core/codec/fsr.h"
#include "core/codec/pic.h"

struct fsr_reader;

/* What is known of a recording before its frames are read. */
struct fsr_info {
    uint64_t frames; /* those that are there, damaged ones included as far as can be told */
    uint64_t end_us; /* time of the last one */
    bool finished;   /* it ends with its index: nothing was cut off */
    bool has_shape;  /* there is a key frame to start with, and `shape` is its */
    struct fsr_shape shape;
};

/* One frame. All borrowed until the next call, but the picture may be kept by pic_ref. */
struct fsr_frame {
    struct pic *pic;
    const uint8_t *changed; /* pic_tiles entries: 1 where it may differ from the frame before in the
                             * file; NULL: anywhere */
    const struct fsr_shape *shape;
    uint64_t number, time_us;
};

/* Opens the recording behind borrowed `at`: reads its header and its index, or looks at every
 * record when there is none. Pictures come from borrowed `pool`, which needs room for two of them.
 * Both must outlive the reader. ERR_MALFORMED, ERR_VERSION with the reason, ERR_SYSTEM, ERR_MEMORY.
 */
enum err fsr_reader_open(struct io_at *at, struct tile_pool *pool, struct fsr_reader **out,
                         struct reason *why) MUST_USE;

/* What is known of the recording, borrowed. */
const struct fsr_info *fsr_reader_info(const struct fsr_reader *r);

/* Decodes the next frame; its picture has the hash that the recording names. ERR_END after the last
 * whole one. ERR_MALFORMED or ERR_VERIFY for damage, with frame and byte in the reason: the next
 * call goes on with the next key frame after it. ERR_VERSION, ERR_LIMIT, ERR_MEMORY, ERR_SYSTEM. */
enum err fsr_reader_next(struct fsr_reader *r, struct fsr_frame *out, struct reason *why) MUST_USE;

/* Goes to frame `n`, which the next call of fsr_reader_next gives: decodes from the last key frame
 * at or before it. ERR_NOT_FOUND when there is none; errors of fsr_reader_next, and ERR_MALFORMED
 * when the frame is lost. */
enum err fsr_reader_seek(struct fsr_reader *r, uint64_t n, struct reason *why) MUST_USE;

/* Takes and frees it; NULL is fine. */
void fsr_reader_free(struct fsr_reader *r);

#endif
