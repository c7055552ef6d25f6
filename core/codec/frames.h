/* frames: the pictures of a file, whichever of our formats it is in, one after the other. */
#ifndef FARSPAN_FRAMES_H
#define FARSPAN_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/io.h"
#include "core/base/reason.h"
#include "core/codec/pic.h"
#include "core/codec/samples.h"

/* An input being read: an image (PNG, JPEG, BMP), a stream of P6 images, or y4m, by its content. */
struct frames;

/* One picture. All borrowed until the next call. */
struct frames_picture {
    struct pixels pixels;
    enum samples samples;
    bool full_range;  /* of planes */
    const char *line; /* the y4m's first line; NULL for what is no y4m */
    bool timed;       /* the input says when: */
    uint64_t time_us;
    uint64_t step_us; /* what the y4m's rate has between frames; 0 when it has none */
};

/* Gives a reader of borrowed `in`, or NULL without memory. Reads nothing yet. */
struct frames *frames_new(struct io_in *in);

/* Takes and frees it; NULL is fine. */
void frames_free(struct frames *f);

/* Reads the next picture. ERR_END after the last one; ERR_AGAIN when the input has nothing now: to
 * be called again. ERR_MALFORMED (also an input without a picture), ERR_USAGE (a format, depth or
 * planes that are not taken), ERR_LIMIT, ERR_MEMORY with the reason; errors of `in`. */
enum err frames_next(struct frames *f, struct frames_picture *out, struct reason *why) MUST_USE;

#endif
