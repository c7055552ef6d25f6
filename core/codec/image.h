/* image: a PNG, JPEG or BMP file as pixels. */
#ifndef FARSPAN_IMAGE_H
#define FARSPAN_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/reason.h"
#include "core/codec/pic.h"

enum { IMAGE_FILE_BYTES = 256 * 1024 * 1024 /* the largest file taken */ };

/* A decoded image. */
struct image {
    uint32_t *px; /* owned: width * height; 0xAARRGGBB with alpha, else 0x00RRGGBB */
    uint32_t width, height;
    bool alpha;
};

/* Whether borrowed bytes (8 are enough) begin as a PNG, JPEG or BMP does. */
bool image_is(struct bytes head);

/* Decodes a whole file: the pixels that stb_image gives, alpha kept (not premultiplied); the
 * caller's to release. ERR_USAGE (16 bits a sample), ERR_LIMIT (size of picture or file),
 * ERR_MALFORMED, ERR_MEMORY, with the reason. */
enum err image_decode(struct bytes file, struct image *out, struct reason *why) MUST_USE;

/* Frees the pixels. */
void image_release(struct image *i);

/* The pixels, borrowed. */
struct pixels image_pixels(const struct image *i);

#endif
