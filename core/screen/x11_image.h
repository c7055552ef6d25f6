/* x11_image: pixels in memory, shared with the X server where it can. */
#ifndef FARSPAN_X11_IMAGE_H
#define FARSPAN_X11_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <xcb/shm.h>

#include "core/base/err.h"
#include "core/os/shared.h"
#include "core/screen/x11_conn.h"

/* Room for pixels; the caller's storage, all zero when there is none. */
struct x11_image {
    uint32_t *px;
    size_t count;
    xcb_shm_seg_t segment; /* 0: ordinary memory, the server has no access */
    struct shared shared;
};

/* Makes room for `count` (> 0) pixels, zeroed: a segment attached to the server when it has MIT-SHM
 * and takes it, else (said in the log) ordinary memory. ERR_MEMORY, ERR_UNREACHABLE. */
enum err x11_image_init(struct x11_image *m, struct x11_conn *x, size_t count) MUST_USE;

/* Detaches and frees it; an empty one is fine. */
void x11_image_release(struct x11_image *m, struct x11_conn *x);

#endif
