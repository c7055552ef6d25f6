/* png: a picture as a PNG file, written row by row. */
#ifndef FARSPAN_PNG_H
#define FARSPAN_PNG_H

#include "core/base/err.h"
#include "core/base/io.h"
#include "core/codec/pic.h"
#include "core/codec/samples.h"

/* Writes `p`, whose pixels are of format `from`, as a PNG of 8 bits a sample: RGBA when the picture
 * has alpha, else RGB; planes are converted (samples_to_rgb). No colour space is named. ERR_MEMORY
 * and the errors of `out`. */
enum err png_write(struct io_out *out, const struct pic *p, enum samples from,
                   bool full_range) MUST_USE;

#endif
