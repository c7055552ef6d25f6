#include "core/screen/x11_sink.h"

#include <stdio.h>
#include <string.h>

#include <xcb/shm.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/screen/rects.h"
#include "core/screen/x11_conn.h"
#include "core/screen/x11_cursor.h"
#include "core/screen/x11_image.h"
#include "core/screen/x11_user.h"
#include "core/screen/x11_view.h"
#include "core/screen/x11_window.h"

enum {
    RAW_EVENTS = 1024,
    STRIP_PIXELS = 32 * 1024 /* without shared memory: one request */
};

struct x11_sink {
    struct sink head;
    struct x11_conn conn;
    struct x11_window window;
    struct x11_user user;
    struct x11_view view;
    uint32_t cursor_format, cursor_serial;
    xcb_cursor_t cursor;
    bool closed;
    /* the picture as it is to be on the screen */
    struct x11_image image;
    uint32_t width, height, columns, rows;
    uint8_t *dirty;   /* columns * rows: to be sent */
    unsigned waiting; /* a request after the last pixels; what comes meanwhile stays dirty */
    uint32_t strip[STRIP_PIXELS];
    /* events not yet worked on: handlers may not wait for the server */
    xcb_generic_event_t raw[RAW_EVENTS];
    size_t raw_first, raw_count;
};

/* ---- pixels ---- */

static void put_strips(struct x11_sink *s, struct rect a, int16_t to_x, int16_t to_y)
{
    uint32_t rows = (uint32_t)num_max(STRIP_PIXELS / a.width, 1);

    for (uint32_t y = 0; y < a.height; y += rows) {
        uint32_t n = (uint32_t)num_min(rows, a.height - y);
        for (uint32_t i = 0; i < n; i++)
            memcpy(s->strip + i * a.width, s->image.px + (size_t)(a.y + y + i) * s->width + a.x,
                   a.width * sizeof *s->strip);
        xcb_put_image(s->conn.c, XCB_IMAGE_FORMAT_Z_PIXMAP, s->window.id, s->window.gc,
                      (uint16_t)a.width, (uint16_t)n, to_x, (int16_t)(to_y + (int32_t)y), 0, 24,
                      n * a.width * 4, (const uint8_t *)s->strip);
    }
}

/* Sends the part of `a` that the window shows. */
static void put(struct x11_sink *s, struct rect a)
{
    int32_t left, top;

    a = x11_view_visible(&s->view, rects_clip(a, s->width, s->height));
    if (a.width == 0)
        return;
    x11_view_origin(&s->view, &left, &top);
    int16_t to_x = (int16_t)((int32_t)a.x + left), to_y = (int16_t)((int32_t)a.y + top);
    if (!s->image.segment) {
        put_strips(s, a, to_x, to_y);
        return;
    }
    xcb_shm_put_image(s->conn.c, s->window.id, s->window.gc, (uint16_t)s->width,
                      (uint16_t)s->height, (uint16_t)a.x, (uint16_t)a.y, (uint16_t)a.width,
                      (uint16_t)a.height, to_x, to_y, 24, XCB_IMAGE_FORMAT_Z_PIXMAP, 0,
                      s->image.segment, 0);
}

/* Whether all of a row's tiles from `column` on, `n` of them, are dirty. */
static bool all_dirty(const struct x11_sink *s, uint32_t row, uint32_t column, uint32_t n)
{
    const uint8_t *d = s->dirty + (size_t)row * s->columns + column;

    for (uint32_t i = 0; i < n; i++)
        if (!d[i])
            return false;
    return true;
}

/* Takes the largest block of dirty tiles that begins with this one, as wide as it goes first. */
static struct rect take_block(struct x11_sink *s, uint32_t row, uint32_t column)
{
    uint32_t n = 1, deep = 1;

    while (column + n < s->columns && all_dirty(s, row, column + n, 1))
        n++;
    while (row + deep < s->rows && all_dirty(s, row + deep, column, n))
        deep++;
    for (uint32_t i = 0; i < deep; i++)
        memset(s->dirty + (size_t)(row + i) * s->columns + column, 0, n);
    return (struct rect){column * TILE_SIDE_PX, row * TILE_SIDE_PX, n * TILE_SIDE_PX,
                         deep * TILE_SIDE_PX};
}

/* Sends what is dirty, unless the server still works on the last: a slow one gets fewer pictures,
 * never a queue of them. */
static void flush_tiles(struct x11_sink *s)
{
    bool any = false;

    if (s->waiting || !s->window.mapped)
        return;
    for (uint32_t row = 0; row < s->rows; row++)
        for (uint32_t column = 0; column < s->columns; column++)
            if (s->dirty[(size_t)row * s->columns + column]) {
                put(s, take_block(s, row, column));
                any = true;
            }
    if (any)
        s->waiting = xcb_get_input_focus(s->conn.c).sequence;
}

/* Marks what an area of the window shows. */
static void spoil(struct x11_sink *s, int32_t x, int32_t y, uint32_t width, uint32_t height)
{
    int32_t left, top;

    x11_view_origin(&s->view, &left, &top);
    for (uint32_t row = 0; row < s->rows; row++)
        for (uint32_t column = 0; column < s->columns; column++) {
            int32_t tx = left + (int32_t)(column * TILE_SIDE_PX),
                    ty = top + (int32_t)(row * TILE_SIDE_PX);
            if (tx < x + (int32_t)width && x < tx + TILE_SIDE_PX && ty < y + (int32_t)height &&
                y < ty + TILE_SIDE_PX)
                s->dirty[(size_t)row * s->columns + column] = 1;
        }
}

static void spoil_all(struct x11_sink *s)
{
    if (s->dirty)
        memset(s->dirty, 1, (size_t)s->columns * s->rows);
}

/* ---- events ---- */

static void take_event(void *owner, const xcb_generic_event_t *e)
{
    struct x11_sink *s = owner;
    uint8_t type = e->response_type & 0x7f;
    xcb_generic_event_t *last =
        &s->raw[(s->raw_first + s->raw_count + RAW_EVENTS - 1) % RAW_EVENTS];

    /* Of motions that nobody looked at only the last counts. */
    if (type == XCB_MOTION_NOTIFY && s->raw_count &&
        (last->response_type & 0x7f) == XCB_MOTION_NOTIFY) {
        *last = *e;
        return;
    }
    if (s->raw_count == RAW_EVENTS) {
        log_warn("X display %s: too many events at once, some are lost", s->conn.display);
        s->raw_count = 1;
        s->raw[s->raw_first] = (xcb_generic_event_t){.response_type = XCB_FOCUS_OUT};
        spoil_all(s);
    }
    s->raw[(s->raw_first + s->raw_count++) % RAW_EVENTS] = *e;
}

/* Moves the visible part when the pointer asks for it. */
static void pan(struct x11_sink *s, const xcb_motion_notify_event_t *e)
{
    int32_t before[2], after[2];

    x11_view_origin(&s->view, &before[0], &before[1]);
    s->view.pointer_x = e->event_x;
    s->view.pointer_y = e->event_y;
    x11_view_origin(&s->view, &after[0], &after[1]);
    if (memcmp(before, after, sizeof before))
        spoil_all(s);
}

static void work_on(struct x11_sink *s, const xcb_generic_event_t *e)
{
    const xcb_expose_event_t *x = (const void *)e;
    uint8_t type = e->response_type & 0x7f;

    if (x11_window_is_close(&s->window, e))
        s->closed = true;
    if (x11_window_take(&s->window, &s->conn, e)) {
        s->view.window_width = s->window.width;
        s->view.window_height = s->window.height;
        spoil_all(s);
    }
    if (type == XCB_EXPOSE && x->window == s->window.id)
        spoil(s, x->x, x->y, x->width, x->height);
    if (type == XCB_MOTION_NOTIFY || type == XCB_BUTTON_PRESS || type == XCB_BUTTON_RELEASE)
        pan(s, (const void *)e);
    switch (x11_user_take(&s->user, &s->conn, &s->view, e)) {
    case X11_USER_FULL_SCREEN:
        x11_window_toggle_full(&s->window, &s->conn);
        break;
    case X11_USER_STATUS:
        x11_window_toggle_bar(&s->window, &s->conn);
        break;
    case X11_USER_NONE:
        break;
    }
}

/* Works on the events that have come and sends what can be sent; leaves nothing that was read
 * behind, since nothing would wake the loop for it. */
static enum err settle(struct x11_sink *s)
{
    enum err e;
    void *reply;

    do {
        if ((e = x11_conn_pump(&s->conn)))
            return e;
        while (s->raw_count) {
            xcb_generic_event_t event = s->raw[s->raw_first];
            s->raw_first = (s->raw_first + 1) % RAW_EVENTS;
            s->raw_count--;
            work_on(s, &event);
        }
        e = s->waiting ? x11_conn_reply(&s->conn, s->waiting, 0, &reply, NULL) : ERR_AGAIN;
        if (e && e != ERR_AGAIN)
            return e;
        if (!e) {
            s->waiting = 0;
            x11_conn_drop(reply);
        }
        flush_tiles(s);
        xcb_flush(s->conn.c);
    } while (s->raw_count);
    return OK;
}

/* ---- the sink ---- */

static enum err sink_resize(struct x11_sink *s, const struct pic *p)
{
    x11_image_release(&s->image, &s->conn);
    heap_free(s->dirty);
    s->dirty = NULL;
    s->width = s->height = s->columns = s->rows = 0;
    enum err e = x11_image_init(&s->image, &s->conn, (size_t)p->width * p->height);
    if (e)
        return e;
    s->dirty = heap_array(pic_tiles(p), 1);
    if (!s->dirty)
        return ERR_MEMORY;
    s->width = s->view.picture_width = p->width;
    s->height = s->view.picture_height = p->height;
    s->columns = p->columns;
    s->rows = p->rows;
    x11_window_show(&s->window, &s->conn, (uint16_t)p->width, (uint16_t)p->height);
    /* What the last picture covered and this one does not. */
    xcb_clear_area(s->conn.c, 0, s->window.id, 0, 0, 0, 0);
    return OK;
}

static enum err sink_present(struct sink *head, const struct sink_frame *f)
{
    struct x11_sink *s = (struct x11_sink *)head;
    const struct pic *p = f->pic;
    bool all = !f->changed;
    enum err e;

    if (s->conn.gone)
        return ERR_UNREACHABLE;
    if (p->width != s->width || p->height != s->height) {
        all = true;
        if ((e = sink_resize(s, p)))
            return e;
    }
    for (uint32_t i = 0; i < pic_tiles(p); i++) {
        struct rect a = {i % p->columns * TILE_SIDE_PX, i / p->columns * TILE_SIDE_PX, TILE_SIDE_PX,
                         TILE_SIDE_PX};
        if (!all && !f->changed[i])
            continue;
        a = rects_clip(a, s->width, s->height);
        pic_read(p, a, s->image.px + (size_t)a.y * s->width + a.x, s->width);
        s->dirty[i] = 1;
    }
    return settle(s);
}

static void sink_pointer(struct sink *head, const struct source_pointer *p)
{
    struct x11_sink *s = (struct x11_sink *)head;

    if (s->conn.gone || (s->cursor && p->serial == s->cursor_serial))
        return;
    xcb_cursor_t next = x11_cursor_new(&s->conn, s->cursor_format, p);
    if (next == XCB_NONE)
        return;
    xcb_change_window_attributes(s->conn.c, s->window.id, XCB_CW_CURSOR, &next);
    if (s->cursor)
        xcb_free_cursor(s->conn.c, s->cursor);
    s->cursor = next;
    s->cursor_serial = p->serial;
    xcb_flush(s->conn.c);
}

static enum err sink_poll(struct sink *head, uint64_t now_us)
{
    struct x11_sink *s = (struct x11_sink *)head;
    enum err e = settle(s);

    (void)now_us;
    return !e && s->closed ? ERR_END : e;
}

static bool sink_input(struct sink *head, struct input_event *out)
{
    return x11_user_next(&((struct x11_sink *)head)->user, out);
}

static void sink_status(struct sink *head, const char *text)
{
    struct x11_sink *s = (struct x11_sink *)head;

    if (s->conn.gone)
        return;
    x11_window_set_text(&s->window, &s->conn, text);
    xcb_flush(s->conn.c);
}

static int sink_fd(const struct sink *head)
{
    return xcb_get_file_descriptor(((const struct x11_sink *)head)->conn.c);
}

static void sink_free(struct sink *head)
{
    struct x11_sink *s = (struct x11_sink *)head;

    if (!s)
        return;
    x11_user_release(&s->user);
    x11_image_release(&s->image, &s->conn);
    heap_free(s->dirty);
    x11_conn_close(&s->conn);
    heap_free(s);
}

static const struct sink_ops ops = {
    .name = "x11",
    .interactive = true,
    .present = sink_present,
    .pointer = sink_pointer,
    .poll = sink_poll,
    .input = sink_input,
    .status = sink_status,
    .fd = sink_fd,
    .free = sink_free,
};

enum err x11_sink_open(const char *display, uint64_t now_us, struct sink **out, char *reason,
                       size_t room)
{
    struct x11_sink *s = heap_alloc(sizeof *s);
    enum err e;

    (void)now_us;
    if (!s)
        return ERR_MEMORY;
    s->head.ops = &ops;
    s->image.shared.fd = -1;
    if ((e = x11_conn_open(&s->conn, display, reason, room))) {
        heap_free(s);
        return e;
    }
    s->conn.on_event = take_event;
    s->conn.owner = s;
    x11_user_init(&s->user, &s->conn);
    x11_window_init(&s->window, &s->conn);
    s->cursor_format = x11_cursor_format(&s->conn);
    if (s->conn.gone) {
        snprintf(reason, room, "X display %s went away while it was opened", s->conn.display);
        sink_free(&s->head);
        return ERR_UNREACHABLE;
    }
    *out = &s->head;
    return OK;
}
