/* palette_fill: makes the palette of a PNG or BMP as long as its pixels can ask for. */
#ifndef FARSPAN_PALETTE_FILL_H
#define FARSPAN_PALETTE_FILL_H

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

/* stb_image takes colours that the palette does not have from memory it has not written. Where that
 * could happen, fills *out with a copy of borrowed `file` whose palette goes on in black; else
 * leaves it empty. ERR_MALFORMED: a BMP whose palette cannot be found; ERR_MEMORY, ERR_LIMIT. */
enum err palette_fill(struct bytes file, struct buf *out) MUST_USE;

#endif
