/* jpeg_check: whether a JPEG's Huffman tables are of a size that stb_image survives. */
#ifndef FARSPAN_JPEG_CHECK_H
#define FARSPAN_JPEG_CHECK_H

#include <stdbool.h>

#include "core/base/bytes.h"

/* Whether every table that stb_image might read from a file that begins with FF D8 has at most 256
 * codes (ITU-T T.81, B.2.4.2): the version in Debian 12 writes past the end of its own tables where
 * one has more. Goes through the segments as stb_image does up to the first scan; from there on,
 * whatever looks like a table has to be one. */
bool jpeg_check(struct bytes file);

#endif
