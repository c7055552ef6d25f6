#include "core/screen/x11_image.h"

#include <stdlib.h>

#include <xcb/xcbext.h>

#include "core/base/heap.h"
#include "core/base/log.h"

/* Whether the server took the request `sequence`, which has no answer of its own. */
static bool accepted(struct x11_conn *x, unsigned sequence)
{
    xcb_generic_error_t *error = NULL;
    void *none = NULL, *sync = x11_conn_demand(x, xcb_get_input_focus(x->c).sequence);
    bool good = sync != NULL;

    if (good && xcb_poll_for_reply(x->c, sequence, &none, &error) && error)
        good = false;
    x11_conn_drop(sync);
    x11_conn_drop(none);
    x11_conn_drop(error);
    return good;
}

static enum err share(struct x11_image *m, struct x11_conn *x, size_t count)
{
    enum err e = shared_init(&m->shared, count * sizeof *m->px);

    if (e)
        return e;
    m->segment = xcb_generate_id(x->c);
    /* libxcb closes the descriptor once it is sent. */
    unsigned sequence =
        xcb_shm_attach_fd_checked(x->c, m->segment, shared_give_fd(&m->shared), 0).sequence;
    if (!accepted(x, sequence)) {
        m->segment = 0;
        shared_release(&m->shared);
        return x->gone ? ERR_UNREACHABLE : ERR_UNSUPPORTED;
    }
    m->px = m->shared.p;
    m->count = count;
    return OK;
}

enum err x11_image_init(struct x11_image *m, struct x11_conn *x, size_t count)
{
    *m = (struct x11_image){.shared.fd = -1};
    if (x->shm) {
        enum err e = share(m, x, count);
        if (!e || e == ERR_UNREACHABLE)
            return e;
        log_warn("X display %s: shared memory is refused, pixels go through the connection",
                 x->display);
        x->shm = false;
    }
    m->px = heap_array(count, sizeof *m->px);
    m->count = m->px ? count : 0;
    return m->px ? OK : ERR_MEMORY;
}

void x11_image_release(struct x11_image *m, struct x11_conn *x)
{
    if (m->segment) {
        xcb_shm_detach(x->c, m->segment);
        shared_release(&m->shared);
    } else {
        heap_free(m->px);
    }
    *m = (struct x11_image){.shared.fd = -1};
}
