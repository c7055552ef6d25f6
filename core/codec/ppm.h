/* ppm: P6 images, one after the other, as ffmpeg's image2pipe makes and eats them. */
#ifndef FARSPAN_PPM_H
#define FARSPAN_PPM_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/io.h"
#include "core/base/reason.h"
#include "core/codec/pic.h"
#include "core/codec/samples.h"

/* A reader of P6 images with 8 bits a sample (Netpbm's ppm(5), comments included). */
struct ppm_reader;

/* Gives a reader, or NULL without memory. */
struct ppm_reader *ppm_reader_new(void);

/* Takes and frees it; NULL is fine. */
void ppm_reader_free(struct ppm_reader *r);

/* Takes the next bytes from the front of *in. OK: an image is whole (ppm_reader_pixels) and *in
 * holds what follows it; ERR_AGAIN: all of *in was taken. ERR_MALFORMED, ERR_LIMIT (size),
 * ERR_USAGE (not 8 bits a sample), ERR_MEMORY, with the reason and the byte it is about; then the
 * reader is of no more use. */
enum err ppm_reader_feed(struct ppm_reader *r, struct bytes *in, struct reason *why) MUST_USE;

/* After the last byte: OK between images (and after at least one), ERR_MALFORMED within one. */
enum err ppm_reader_end(const struct ppm_reader *r, struct reason *why) MUST_USE;

/* The image that is whole, borrowed until the next feed. */
struct pixels ppm_reader_pixels(const struct ppm_reader *r);

/* Writes `p`, whose pixels are of format `from`, as one P6 image; alpha is left out, planes are
 * converted (samples_to_rgb). ERR_MEMORY and the errors of `out`. */
enum err ppm_write(struct io_out *out, const struct pic *p, enum samples from,
                   bool full_range) MUST_USE;

#endif
