/* file_source: a file as a source: images shown still, streams and recordings played. */
#ifndef FARSPAN_FILE_SOURCE_H
#define FARSPAN_FILE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/screen/source.h"

enum { FILE_SOURCE_FPS = 30 /* frames a second where neither the file nor the user says */ };

/* Opens the file `path` by its content: PNG, JPEG, BMP; a stream of P6 images; y4m; .fsr. Streams
 * begin when they are first captured, are played by the frames' own times, else by the stream's
 * rate, else `fps` frames a second (0: FILE_SOURCE_FPS), and `ended` comes with their last picture.
 * Video is converted to RGB; pictures with alpha lie on black. Damaged frames of a recording are
 * left out, with a line in the log. Other errors in the first picture come here, later ones from
 * poll: ERR_MALFORMED with a line in the log, after the last good picture. ERR_NOT_FOUND,
 * ERR_SYSTEM, ERR_USAGE (no such format, 16 bits a sample), ERR_MALFORMED, ERR_VERSION, ERR_LIMIT,
 * ERR_MEMORY, with a sentence in `reason` (`room` bytes). */
enum err file_source_open(const char *path, uint32_t fps, struct source **out, char *reason,
                          size_t room) MUST_USE;

#endif
