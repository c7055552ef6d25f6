/* x11_source: the picture of an X display, by MIT-SHM and DAMAGE where the server has them. */
#ifndef FARSPAN_X11_SOURCE_H
#define FARSPAN_X11_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/screen/source.h"

/* Opens `display` (":0"; NULL: $DISPLAY) as a source, the caller's to free by its ops. Damage is
 * subtracted before the pixels are fetched, so that nothing drawn meanwhile is lost; the pixels'
 * top byte is undefined. A capture whose pixels have not come within 50 ms gives no damage and
 * stays `damaged`; one after X11_PATIENCE_MS gives ERR_UNREACHABLE. ERR_USAGE, ERR_UNREACHABLE,
 * ERR_UNSUPPORTED, ERR_MEMORY, with a sentence in `reason` (`room` bytes). */
enum err x11_source_open(const char *display, uint64_t now_us, struct source **out, char *reason,
                         size_t room) MUST_USE;

#endif
