#include "core/screen/x11_pointer.h"

#include <stdlib.h>
#include <string.h>

#include <xcb/xfixes.h>

#include "core/base/num.h"

/* The core protocol has no event for "the pointer moved somewhere": ask, often only while something
 * goes on. An answer costs about 10 us at both ends. */
enum {
    ACTIVE_EVERY_US = 20 * 1000,
    IDLE_EVERY_US = 250 * 1000,
    ACTIVE_FOR_US = 1000 * 1000,
    WATCHED_FOR_US = 1000 * 1000, /* then whoever asked is taken to look no more */
};

void x11_pointer_init(struct x11_pointer *p, struct x11_conn *x)
{
    memset(p, 0, sizeof *p);
    p->now.argb = p->argb;
    p->stale = x->xfixes;
    p->next_us = UINT64_MAX;
    if (x->xfixes)
        xcb_xfixes_select_cursor_input(x->c, x->screen->root,
                                       XCB_XFIXES_CURSOR_NOTIFY_MASK_DISPLAY_CURSOR);
}

void x11_pointer_event(struct x11_pointer *p, const struct x11_conn *x,
                       const xcb_generic_event_t *e)
{
    if (x->xfixes && (e->response_type & 0x7f) == x->xfixes_event + XCB_XFIXES_CURSOR_NOTIFY)
        p->stale = true;
}

void x11_pointer_wake(struct x11_pointer *p, uint64_t now_us)
{
    p->active_until_us = now_us + ACTIVE_FOR_US;
    if (now_us < p->watched_until_us)
        p->next_us = num_min(p->next_us, now_us + ACTIVE_EVERY_US);
}

void x11_pointer_watch(struct x11_pointer *p, uint64_t now_us)
{
    if (now_us >= p->watched_until_us)
        p->next_us = now_us;
    p->watched_until_us = now_us + WATCHED_FOR_US;
}

/* The top left part of a cursor that is larger than what is allowed; the hot spot stays inside. */
static void take_image(struct x11_pointer *p, const xcb_xfixes_get_cursor_image_reply_t *r)
{
    const uint32_t *from = xcb_xfixes_get_cursor_image_cursor_image(r);
    struct source_pointer *to = &p->now;
    bool visible = false;

    if ((size_t)xcb_xfixes_get_cursor_image_cursor_image_length(r) < (size_t)r->width * r->height)
        return;
    to->width = (uint32_t)num_min(r->width, LIMIT_POINTER_SIDE_PX);
    to->height = (uint32_t)num_min(r->height, LIMIT_POINTER_SIDE_PX);
    to->hot_x = (uint32_t)num_min(r->xhot, num_sub0(to->width, 1));
    to->hot_y = (uint32_t)num_min(r->yhot, num_sub0(to->height, 1));
    for (uint32_t y = 0; y < to->height; y++)
        memcpy(p->argb + y * to->width, from + (size_t)y * r->width, to->width * sizeof *from);
    for (uint32_t i = 0; i < to->width * to->height && !visible; i++)
        visible = p->argb[i] >> 24;
    to->visible = visible;
    to->serial++;
    to->x = r->x;
    to->y = r->y;
    p->known = true;
}

static void take_shape(struct x11_pointer *p, struct x11_conn *x)
{
    void *reply;
    enum err e = x11_conn_reply(x, p->asked_shape, 0, &reply, NULL);

    if (e == ERR_AGAIN)
        return;
    p->asked_shape = 0;
    if (reply) {
        take_image(p, reply);
    } else {
        p->now.visible = false;
        p->now.serial++;
    }
    x11_conn_drop(reply);
}

static void take_place(struct x11_pointer *p, struct x11_conn *x, uint64_t now_us)
{
    void *reply;
    enum err e = x11_conn_reply(x, p->asked_place, 0, &reply, NULL);

    if (e == ERR_AGAIN)
        return;
    p->asked_place = 0;
    xcb_query_pointer_reply_t *r = reply;
    if (r && (r->root_x != p->now.x || r->root_y != p->now.y))
        x11_pointer_wake(p, now_us);
    if (r) {
        p->now.x = r->root_x;
        p->now.y = r->root_y;
        p->known = true;
    }
    x11_conn_drop(reply);
}

void x11_pointer_work(struct x11_pointer *p, struct x11_conn *x, uint64_t now_us)
{
    if (p->asked_shape)
        take_shape(p, x);
    if (p->asked_place)
        take_place(p, x, now_us);
    if (p->stale && !p->asked_shape) {
        p->stale = false;
        p->asked_shape = xcb_xfixes_get_cursor_image(x->c).sequence;
    }
    if (now_us >= p->next_us && now_us >= p->watched_until_us) {
        p->next_us = UINT64_MAX;
    } else if (now_us >= p->next_us) {
        if (!p->asked_place)
            p->asked_place = xcb_query_pointer(x->c, x->screen->root).sequence;
        p->next_us = now_us + (now_us < p->active_until_us ? ACTIVE_EVERY_US : IDLE_EVERY_US);
    }
    xcb_flush(x->c);
}

uint64_t x11_pointer_deadline_us(const struct x11_pointer *p)
{
    return p->next_us;
}
