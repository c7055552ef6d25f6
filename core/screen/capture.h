/* capture: the server's picture of its source, with a version for every tile. */
#ifndef FARSPAN_CAPTURE_H
#define FARSPAN_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/codec/pic.h"
#include "core/screen/source.h"

/* The newest picture. Versions count captures that changed something, from 1; epochs count pictures
 * of another size, and fresh starts. The caller's storage. */
struct capture {
    struct tile_pool pool; /* of this picture and all that refer to its tiles */
    struct pic *now;       /* owned; NULL before the first capture */
    uint32_t epoch, version;
    uint32_t *tile_version; /* owned; by tile: the version that last changed it, 0: still black */
    uint8_t *changed;       /* owned; by tile: 1 when the last capture_take changed it */
    uint32_t changed_count;
    uint64_t captured_us; /* when the newest version was taken */
    bool whole;           /* the newest picture was compared as a whole: no damage was missed */
    uint64_t whole_us;    /* when */
    uint64_t missed;      /* tiles found by a whole capture that no damage had told of */
};

/* Prepares the caller's storage; allocates nothing. */
void capture_init(struct capture *c);

/* Frees the picture; nobody may hold its tiles any more. */
void capture_release(struct capture *c);

/* Takes in what a source has captured. ERR_MEMORY, ERR_LIMIT (size). */
enum err capture_take(struct capture *c, const struct source_frame *f) MUST_USE;

#endif
