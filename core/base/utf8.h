/* utf8: Unicode text as bytes: one character at a time, strictly. */
#ifndef FARSPAN_UTF8_H
#define FARSPAN_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"

enum { UTF8_MAX_BYTES = 4, UTF8_BAD = 0xfffd /* what stands for bytes that are no character */ };

/* Takes the first character off the borrowed text and gives its code point; where the bytes are
 * none (cut short, overlong, a surrogate, beyond U+10FFFF) takes one byte and gives UTF8_BAD.
 * False at the end of the text. */
bool utf8_next(struct bytes *text, uint32_t *code);

/* The offset of the first byte that does not begin a character, or text.n when all is well. */
size_t utf8_bad_at(struct bytes text);

/* Writes `code` (a code point, no surrogate) to `to`; gives the number of bytes, 0 for what is no
 * code point. */
size_t utf8_put(uint32_t code, uint8_t to[UTF8_MAX_BYTES]);

/* Copies borrowed text that came from elsewhere to `to` (room > 0), fit for a terminal and for
 * JSON: controls and bytes that are no character become '?'; what does not fit is cut off between
 * two characters. Ends it with a zero byte. */
void utf8_clean(struct bytes text, char *to, size_t room);

#endif
