#include "core/screen/x11_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xcb/damage.h>
#include <xcb/shm.h>

#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/screen/rects.h"
#include "core/screen/x11_conn.h"
#include "core/screen/x11_image.h"
#include "core/screen/x11_input.h"
#include "core/screen/x11_pointer.h"

enum {
    MAX_FETCHES = 256,
    STRIP_PIXELS = 1024 * 1024, /* without shared memory: one answer of the server */
    PATIENCE_MS = 50            /* the loop has other things to do */
};

/* Pixels asked for. */
struct fetch {
    struct rect area;
    size_t at; /* where in the image the server writes them; the area's place, or scratch */
    unsigned sequence;
};

struct x11_source {
    struct source head;
    struct x11_conn conn;
    struct x11_image image; /* width * height pixels of the picture, then scratch */
    uint32_t width, height;
    size_t scratch_px;
    xcb_damage_damage_t damage;
    struct rects rects; /* damaged and not asked for yet */
    bool whole_due;     /* no capture of everything has succeeded since the last change of size */
    bool resized;       /* the root window's size is to be asked for */
    /* the capture under way */
    struct fetch fetch[MAX_FETCHES];
    size_t fetches, fetched;
    struct rects fetching;
    bool fetching_whole;
    uint64_t asked_us;
    struct x11_pointer pointer;
    struct x11_input input;
    uint64_t now_us;
};

/* ---- events ---- */

static void take_event(void *owner, const xcb_generic_event_t *e)
{
    struct x11_source *s = owner;
    uint8_t type = e->response_type & 0x7f;

    x11_pointer_event(&s->pointer, &s->conn, e);
    x11_input_take(&s->input, &s->conn, e);
    if (s->conn.damage && type == s->conn.damage_event + XCB_DAMAGE_NOTIFY) {
        const xcb_rectangle_t *a = &((const xcb_damage_notify_event_t *)e)->area;
        if (a->x >= 0 && a->y >= 0)
            rects_add(&s->rects,
                      (struct rect){(uint32_t)a->x, (uint32_t)a->y, a->width, a->height});
        x11_pointer_wake(&s->pointer, s->now_us);
    }
    if (type == XCB_CONFIGURE_NOTIFY)
        s->resized = true;
}

/* ---- size ---- */

static bool size_allowed(uint32_t width, uint32_t height)
{
    return width > 0 && height > 0 && width <= LIMIT_PICTURE_SIDE_PX &&
           height <= LIMIT_PICTURE_SIDE_PX && (uint64_t)width * height <= LIMIT_PICTURE_PIXELS;
}

/* Asks for the root window's size and makes room for a picture of it when it is a new one. */
static enum err measure(struct x11_source *s)
{
    struct x11_conn *x = &s->conn;
    xcb_get_geometry_reply_t *r =
        x11_conn_demand(x, xcb_get_geometry(x->c, x->screen->root).sequence);

    if (!r)
        return ERR_UNREACHABLE;
    uint32_t width = r->width, height = r->height;
    x11_conn_drop(r);
    s->resized = width != s->width || height != s->height;
    if (!s->resized)
        return OK;
    if (!size_allowed(width, height)) {
        log_error("X display %s is %u x %u pixels: larger than what is supported", x->display,
                  width, height);
        return ERR_LIMIT;
    }
    x11_image_release(&s->image, x);
    s->width = s->height = 0;
    size_t pixels = (size_t)width * height, scratch = pixels / 4 + 64 * 1024;
    enum err e = x11_image_init(&s->image, x, pixels + scratch);
    if (e)
        return e;
    s->width = width;
    s->height = height;
    s->scratch_px = scratch;
    s->resized = false;
    s->whole_due = true;
    log_info("X display %s: %u x %u, %s", x->display, width, height,
             s->image.segment ? "by shared memory" : "without shared memory");
    return OK;
}

/* ---- fetching ---- */

static void ask(struct x11_source *s, struct rect a, size_t at)
{
    struct x11_conn *x = &s->conn;
    struct fetch *f = &s->fetch[s->fetches];

    /* More than are kept: it stays damaged, for the next capture. */
    if (s->fetches == MAX_FETCHES) {
        rects_add(&s->rects, a);
        return;
    }
    s->fetches++;
    *f = (struct fetch){.area = a, .at = at};
    if (s->image.segment)
        f->sequence =
            xcb_shm_get_image(x->c, x->screen->root, (int16_t)a.x, (int16_t)a.y, (uint16_t)a.width,
                              (uint16_t)a.height, ~0u, XCB_IMAGE_FORMAT_Z_PIXMAP, s->image.segment,
                              (uint32_t)(at * sizeof(uint32_t)))
                .sequence;
    else
        f->sequence = xcb_get_image(x->c, XCB_IMAGE_FORMAT_Z_PIXMAP, x->screen->root, (int16_t)a.x,
                                    (int16_t)a.y, (uint16_t)a.width, (uint16_t)a.height, ~0u)
                          .sequence;
}

/* Full rows are written by the server straight to their place in the picture, at the price of
 * pixels left and right that nobody asked for; what is narrow goes through scratch. */
static void ask_shared(struct x11_source *s, struct rect a, size_t *scratch)
{
    bool narrow = a.width * 2 < s->width && rects_area(a) <= s->scratch_px - *scratch;

    if (narrow) {
        ask(s, a, (size_t)s->width * s->height + *scratch);
        *scratch += rects_area(a);
    } else {
        a.x = 0;
        a.width = s->width;
        ask(s, a, (size_t)a.y * s->width);
    }
}

static void ask_strips(struct x11_source *s, struct rect a)
{
    uint32_t rows = (uint32_t)num_max(STRIP_PIXELS / a.width, 1), end = a.y + a.height;

    for (; a.y < end; a.y += a.height) {
        a.height = (uint32_t)num_min(rows, end - a.y);
        ask(s, a, 0);
    }
}

/* Starts a capture of what is damaged, or of everything. */
static void start(struct x11_source *s, bool whole)
{
    struct x11_conn *x = &s->conn;
    struct rects todo = s->rects;
    size_t scratch = 0;

    if (s->damage)
        xcb_damage_subtract(x->c, s->damage, XCB_NONE, XCB_NONE);
    if (whole)
        todo = (struct rects){.r = {{0, 0, s->width, s->height}}, .count = 1};
    rects_clear(&s->rects);
    rects_clear(&s->fetching);
    s->fetching_whole = whole;
    s->fetches = s->fetched = 0;
    s->asked_us = s->now_us;
    for (size_t i = 0; i < todo.count; i++) {
        struct rect a = rects_clip(todo.r[i], s->width, s->height);
        if (rects_area(a) == 0)
            continue;
        s->fetching.r[s->fetching.count++] = a;
        if (s->image.segment)
            ask_shared(s, a, &scratch);
        else
            ask_strips(s, a);
    }
}

static void copy_in(struct x11_source *s, struct rect a, const uint32_t *from)
{
    uint32_t *to = s->image.px + (size_t)a.y * s->width + a.x;

    for (uint32_t y = 0; y < a.height; y++)
        memcpy(to + (size_t)y * s->width, from + (size_t)y * a.width, a.width * sizeof *from);
}

/* Takes in one answer; false when it is not what was asked for. */
static bool take_pixels(struct x11_source *s, const struct fetch *f, const void *reply)
{
    size_t bytes = rects_area(f->area) * sizeof(uint32_t);

    if (!reply)
        return false;
    if (s->image.segment) {
        if (f->at >= (size_t)s->width * s->height)
            copy_in(s, f->area, s->image.px + f->at);
        return ((const xcb_shm_get_image_reply_t *)reply)->size >= bytes;
    }
    if (4 * (size_t)((const xcb_get_image_reply_t *)reply)->length < bytes)
        return false;
    copy_in(s, f->area, (const void *)xcb_get_image_data(reply));
    return true;
}

/* Gives up the capture under way: everything is to be fetched again, at the size of then. */
static void restart(struct x11_source *s)
{
    for (; s->fetched < s->fetches; s->fetched++)
        xcb_discard_reply(s->conn.c, s->fetch[s->fetched].sequence);
    s->fetches = s->fetched = 0;
    s->resized = s->whole_due = true;
}

/* Waits a little for what was asked for, and longer for the first picture of a size: there is none
 * to show before it. OK: all is there, or the capture was given up (then nothing is `fetching`).
 * ERR_AGAIN, ERR_UNREACHABLE. */
static enum err finish(struct x11_source *s)
{
    uint32_t patience_ms = s->whole_due ? X11_PATIENCE_MS : PATIENCE_MS;
    bool last = s->whole_due || s->now_us - s->asked_us > X11_PATIENCE_MS * 1000ull;

    while (s->fetched < s->fetches) {
        const struct fetch *f = &s->fetch[s->fetched];
        void *reply;
        enum err e = x11_conn_reply(&s->conn, f->sequence, patience_ms, &reply, NULL);
        if (e == ERR_AGAIN && last) {
            log_error("X display %s: the X server does not answer", s->conn.display);
            s->conn.gone = true;
            return ERR_UNREACHABLE;
        }
        if (e)
            return e;
        s->fetched++;
        bool good = take_pixels(s, f, reply);
        x11_conn_drop(reply);
        /* The screen has shrunk since the request was made. */
        if (!good) {
            restart(s);
            rects_clear(&s->fetching);
        }
    }
    s->fetches = s->fetched = 0;
    return OK;
}

/* ---- the source ---- */

static enum err source_poll(struct source *head, uint64_t now_us)
{
    struct x11_source *s = (struct x11_source *)head;

    s->now_us = now_us;
    enum err e = x11_conn_pump(&s->conn);
    if (e)
        return e;
    x11_input_work(&s->input, &s->conn, now_us);
    x11_pointer_work(&s->pointer, &s->conn, now_us);
    return s->conn.gone ? ERR_UNREACHABLE : OK;
}

static bool source_damaged(const struct source *head)
{
    const struct x11_source *s = (const struct x11_source *)head;

    return !s->damage || s->rects.count || s->fetches || s->whole_due || s->resized;
}

/* Finishes or makes one capture; ERR_AGAIN: the pixels are on their way. */
static enum err advance(struct x11_source *s, bool whole)
{
    enum { MOST_TRIES = 5 };
    enum err e;

    if (s->fetches && ((e = finish(s)) || !whole || s->fetching_whole))
        return e;
    for (int i = 0; i < MOST_TRIES; i++) {
        if (s->resized && (e = measure(s)))
            return e;
        whole |= !s->damage || s->whole_due;
        if (!whole && s->rects.count == 0)
            return OK;
        start(s, whole);
        e = finish(s);
        if (e || s->fetching.count)
            return e;
    }
    return OK;
}

static enum err source_capture(struct source *head, uint64_t now_us, bool whole,
                               struct source_frame *out)
{
    struct x11_source *s = (struct x11_source *)head;
    enum err e;

    s->now_us = now_us;
    if ((e = x11_conn_pump(&s->conn)))
        return e;
    e = advance(s, whole);
    if (e && e != ERR_AGAIN)
        return e;
    *out = (struct source_frame){
        .pixels = {s->image.px, s->width, s->height, s->width},
        .captured_us = now_us,
    };
    if (!e) {
        memcpy(out->damage, s->fetching.r, sizeof out->damage);
        out->damage_count = s->fetching.count;
        out->whole = s->fetching_whole && s->fetching.count;
        if (out->whole)
            s->whole_due = false;
        rects_clear(&s->fetching);
    }
    x11_pointer_work(&s->pointer, &s->conn, now_us);
    return OK;
}

static bool source_pointer(struct source *head, struct source_pointer *out)
{
    struct x11_source *s = (struct x11_source *)head;

    x11_pointer_watch(&s->pointer, s->now_us);
    *out = s->pointer.now;
    return s->pointer.known;
}

static void source_input(struct source *head, uint64_t now_us, const struct input_event *e)
{
    struct x11_source *s = (struct x11_source *)head;

    s->now_us = now_us;
    x11_input_act(&s->input, &s->conn, now_us, e);
    x11_pointer_wake(&s->pointer, now_us);
}

static bool source_typing(const struct source *head)
{
    return ((const struct x11_source *)head)->input.queued > 0;
}

static int source_fd(const struct source *head)
{
    return xcb_get_file_descriptor(((const struct x11_source *)head)->conn.c);
}

static uint64_t source_deadline_us(const struct source *head)
{
    const struct x11_source *s = (const struct x11_source *)head;

    return num_min(x11_pointer_deadline_us(&s->pointer), x11_input_deadline_us(&s->input));
}

static void source_free(struct source *head)
{
    struct x11_source *s = (struct x11_source *)head;

    if (!s)
        return;
    x11_input_release(&s->input, &s->conn);
    x11_image_release(&s->image, &s->conn);
    x11_conn_close(&s->conn);
    heap_free(s);
}

static const struct source_ops ops = {
    .name = "x11",
    .poll = source_poll,
    .damaged = source_damaged,
    .capture = source_capture,
    .pointer = source_pointer,
    .input = source_input,
    .typing = source_typing,
    .fd = source_fd,
    .deadline_us = source_deadline_us,
    .free = source_free,
};

/* Asks the server to tell what happens to the root window. */
static void watch(struct x11_source *s)
{
    struct x11_conn *x = &s->conn;
    uint32_t mask = XCB_EVENT_MASK_STRUCTURE_NOTIFY;

    xcb_change_window_attributes(x->c, x->screen->root, XCB_CW_EVENT_MASK, &mask);
    if (!x->damage) {
        log_warn("X display %s has no DAMAGE: the whole screen is fetched for every frame",
                 x->display);
        return;
    }
    s->damage = xcb_generate_id(x->c);
    xcb_damage_create(x->c, s->damage, x->screen->root, XCB_DAMAGE_REPORT_LEVEL_DELTA_RECTANGLES);
}

enum err x11_source_open(const char *display, uint64_t now_us, struct source **out, char *reason,
                         size_t room)
{
    struct x11_source *s = heap_alloc(sizeof *s);
    enum err e;

    if (!s)
        return ERR_MEMORY;
    s->head.ops = &ops;
    s->now_us = now_us;
    s->image.shared.fd = -1;
    if ((e = x11_conn_open(&s->conn, display, reason, room))) {
        heap_free(s);
        return e;
    }
    s->conn.on_event = take_event;
    s->conn.owner = s;
    watch(s);
    x11_pointer_init(&s->pointer, &s->conn);
    x11_input_init(&s->input, &s->conn);
    if ((e = measure(s))) {
        snprintf(reason, room, "X display %s: %s", s->conn.display, err_text(e));
        source_free(&s->head);
        return e;
    }
    *out = &s->head;
    return OK;
}
