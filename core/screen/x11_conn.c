#include "core/screen/x11_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xcb/damage.h>
#include <xcb/render.h>
#include <xcb/shm.h>
#include <xcb/xfixes.h>
#include <xcb/xkb.h>
#include <xcb/xcbext.h>
#include <xcb/xtest.h>

#include "core/base/addr.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/os/wait.h"

/* ---- names ---- */

/* The length of "N" or "N.S" at the end of a display name; 0 when `s` is anything else. */
static size_t number_length(const char *s)
{
    size_t n = strspn(s, "0123456789");

    if (n == 0 || n > 5)
        return 0;
    if (s[n] == '.') {
        size_t screen = strspn(s + n + 1, "0123456789");
        if (screen == 0 || screen > 3)
            return 0;
        n += 1 + screen;
    }
    return s[n] ? 0 : n;
}

/* Whether `host` can be reached without asking anybody what it means; *as is what libxcb gets. */
static bool plain_host(const char *host, size_t n, char as[X11_DISPLAY_CHARS])
{
    char text[X11_DISPLAY_CHARS / 2];
    struct addr address;

    if (n >= sizeof text)
        return false;
    memcpy(text, host, n);
    text[n] = 0;
    if (n == 0 || !strcmp(text, "unix") || !strcmp(text, "unix/"))
        return snprintf(as, X11_DISPLAY_CHARS, "unix"), true;
    if (!strcmp(text, "localhost"))
        return snprintf(as, X11_DISPLAY_CHARS, "127.0.0.1"), true;
    snprintf(as, X11_DISPLAY_CHARS, "%s", text);
    bool six = n > 2 && text[0] == '[' && text[n - 1] == ']';
    if (six)
        text[n - 1] = 0;
    return addr_parse_ip(text + six, &address) == OK && six == (strchr(text, ':') != NULL);
}

enum err x11_conn_name(const char *display, char out[X11_DISPLAY_CHARS], char *reason, size_t room)
{
    const char *name = display ? display : getenv("DISPLAY");
    char host[X11_DISPLAY_CHARS];

    if (!name || !*name) {
        snprintf(reason, room, "no X display: DISPLAY is not set and none was named (as in x11:0)");
        return ERR_USAGE;
    }
    const char *colon = strrchr(name, ':');
    /* "x11:0" names the display ":0". */
    const char *number = colon ? colon + 1 : name;
    size_t digits = number_length(number);
    if (digits == 0) {
        snprintf(reason, room, "\"%.40s\" is not an X display: it takes the form :0", name);
        return ERR_USAGE;
    }
    if (!plain_host(name, colon ? (size_t)(colon - name) : 0, host)) {
        snprintf(reason, room,
                 "X display \"%.40s\": only local displays and numeric addresses are reached; run "
                 "farspan on that host, or give its address",
                 name);
        return ERR_USAGE;
    }
    /* The bare ":N" would let libxcb fall back to TCP and a name service: never that. */
    snprintf(out, X11_DISPLAY_CHARS, "%.60s:%s", host, number);
    return OK;
}

/* ---- opening ---- */

/* Whether the user has asked to do without the extension `word`. */
static bool without(const char *word)
{
    const char *list = getenv("FARSPAN_X11_WITHOUT");
    size_t n = strlen(word);

    while (list && *list) {
        size_t span = strcspn(list, ",");
        if (span == n && !memcmp(list, word, n))
            return true;
        list += span + (list[span] == ',');
    }
    return false;
}

/* The extension's data when it is there and wanted, else NULL. */
static const xcb_query_extension_reply_t *extension(struct x11_conn *x, xcb_extension_t *id,
                                                    const char *word)
{
    const xcb_query_extension_reply_t *q = xcb_get_extension_data(x->c, id);

    return q && q->present && !without(word) ? q : NULL;
}

/* Shared memory is used by passing descriptors alone (1.2): the older kind needs System V segments,
 * which fail between containers and can outlive a killed process. */
static bool has_shm(struct x11_conn *x)
{
    if (!extension(x, &xcb_shm_id, "shm"))
        return false;
    xcb_shm_query_version_reply_t *r = x11_conn_demand(x, xcb_shm_query_version(x->c).sequence);
    bool good = r && (r->major_version > 1 || r->minor_version >= 2);
    x11_conn_drop(r);
    return good;
}

static bool has_damage(struct x11_conn *x)
{
    const xcb_query_extension_reply_t *q = extension(x, &xcb_damage_id, "damage");

    if (!q)
        return false;
    x->damage_event = q->first_event;
    void *r = x11_conn_demand(x, xcb_damage_query_version(x->c, 1, 1).sequence);
    x11_conn_drop(r);
    return r != NULL;
}

static bool has_xfixes(struct x11_conn *x)
{
    const xcb_query_extension_reply_t *q = extension(x, &xcb_xfixes_id, "xfixes");

    if (!q)
        return false;
    x->xfixes_event = q->first_event;
    void *r = x11_conn_demand(x, xcb_xfixes_query_version(x->c, 4, 0).sequence);
    x11_conn_drop(r);
    return r != NULL;
}

static bool has_xkb(struct x11_conn *x)
{
    const xcb_query_extension_reply_t *q = extension(x, &xcb_xkb_id, "xkb");

    if (!q)
        return false;
    x->xkb_event = q->first_event;
    xcb_xkb_use_extension_reply_t *r =
        x11_conn_demand(x, xcb_xkb_use_extension(x->c, 1, 0).sequence);
    bool good = r && r->supported;
    x11_conn_drop(r);
    return good;
}

static bool has_render(struct x11_conn *x)
{
    if (!extension(x, &xcb_render_id, "render"))
        return false;
    void *r = x11_conn_demand(x, xcb_render_query_version(x->c, 0, 11).sequence);
    x11_conn_drop(r);
    return r != NULL;
}

static void find_extensions(struct x11_conn *x)
{
    x->shm = has_shm(x);
    x->damage = has_damage(x);
    x->xfixes = has_xfixes(x);
    x->xkb = has_xkb(x);
    x->render = has_render(x);
    x->xtest = extension(x, &xcb_test_id, "xtest") != NULL;
}

/* The root window's visual, which the connection owns. */
static const xcb_visualtype_t *root_visual(const xcb_screen_t *s)
{
    for (xcb_depth_iterator_t d = xcb_screen_allowed_depths_iterator(s); d.rem; xcb_depth_next(&d))
        for (xcb_visualtype_iterator_t v = xcb_depth_visuals_iterator(d.data); v.rem;
             xcb_visualtype_next(&v))
            if (v.data->visual_id == s->root_visual)
                return v.data;
    return NULL;
}

static unsigned bits_a_pixel(const xcb_setup_t *setup, uint8_t depth)
{
    for (xcb_format_iterator_t f = xcb_setup_pixmap_formats_iterator(setup); f.rem;
         xcb_format_next(&f))
        if (f.data->depth == depth)
            return f.data->bits_per_pixel;
    return 0;
}

static enum err check_pixels(const struct x11_conn *x, char *reason, size_t room)
{
    const xcb_setup_t *setup = xcb_get_setup(x->c);
    const xcb_visualtype_t *v = root_visual(x->screen);
    unsigned bits = bits_a_pixel(setup, x->screen->root_depth);

    if (x->screen->root_depth == 24 && bits == 32 && v &&
        v->_class == XCB_VISUAL_CLASS_TRUE_COLOR && v->red_mask == 0xff0000 &&
        v->green_mask == 0xff00 && v->blue_mask == 0xff &&
        setup->image_byte_order == XCB_IMAGE_ORDER_LSB_FIRST)
        return OK;
    snprintf(reason, room,
             "X display %s has depth %u (%u bits a pixel, %s-endian, red mask 0x%x): only depth 24 "
             "in 32 bits, little-endian, red mask 0xff0000 is supported; start that X server with "
             "depth 24",
             x->display, x->screen->root_depth, bits,
             setup->image_byte_order == XCB_IMAGE_ORDER_LSB_FIRST ? "little" : "big",
             v ? v->red_mask : 0);
    return ERR_UNSUPPORTED;
}

static xcb_screen_t *nth_screen(xcb_connection_t *c, int n)
{
    xcb_screen_iterator_t s = xcb_setup_roots_iterator(xcb_get_setup(c));

    while (s.rem && n-- > 0)
        xcb_screen_next(&s);
    return s.rem ? s.data : NULL;
}

enum err x11_conn_open(struct x11_conn *x, const char *display, char *reason, size_t room)
{
    char name[X11_DISPLAY_CHARS];
    int number = 0;
    enum err e;

    memset(x, 0, sizeof *x);
    if ((e = x11_conn_name(display, name, reason, room)))
        return e;
    snprintf(x->display, sizeof x->display, "%s", name + (strncmp(name, "unix:", 5) ? 0 : 4));
    x->c = xcb_connect(name, &number);
    if (!xcb_connection_has_error(x->c))
        x->screen = nth_screen(x->c, number);
    if (!x->screen) {
        snprintf(reason, room,
                 "cannot open X display %s: is an X server running there, and may this user use it "
                 "(XAUTHORITY)?",
                 x->display);
        e = ERR_UNREACHABLE;
    } else {
        e = check_pixels(x, reason, room);
    }
    if (!e)
        find_extensions(x);
    if (!e && x->gone) {
        snprintf(reason, room, "X display %s went away while it was opened", x->display);
        e = ERR_UNREACHABLE;
    }
    if (e)
        x11_conn_close(x);
    return e;
}

void x11_conn_close(struct x11_conn *x)
{
    if (x->c)
        xcb_disconnect(x->c);
    x->c = NULL;
}

/* ---- talking ---- */

static enum err lost(struct x11_conn *x, const char *why)
{
    if (!x->gone)
        log_error("X display %s: %s", x->display, why);
    x->gone = true;
    return ERR_UNREACHABLE;
}

static void take_in(struct x11_conn *x, xcb_generic_event_t *e)
{
    if (e->response_type == 0) {
        const xcb_generic_error_t *error = (const xcb_generic_error_t *)e;
        log_debug("X display %s: error %u to request %u.%u", x->display, error->error_code,
                  error->major_code, error->minor_code);
    } else if (x->on_event) {
        x->on_event(x->owner, e);
    }
    x11_conn_drop(e);
}

enum err x11_conn_pump(struct x11_conn *x)
{
    xcb_generic_event_t *e;

    if (x->gone)
        return ERR_UNREACHABLE;
    xcb_flush(x->c);
    while ((e = xcb_poll_for_event(x->c)))
        take_in(x, e);
    return xcb_connection_has_error(x->c) ? lost(x, "the X server has closed the connection") : OK;
}

/* Takes the answer when it is in memory. */
static bool take_reply(struct x11_conn *x, unsigned sequence, void **reply, uint8_t *error)
{
    xcb_generic_error_t *e = NULL;

    if (!xcb_poll_for_reply(x->c, sequence, reply, &e))
        return false;
    if (error)
        *error = e ? e->error_code : 0;
    if (e)
        log_debug("X display %s: error %u to request %u.%u", x->display, e->error_code,
                  e->major_code, e->minor_code);
    x11_conn_drop(e);
    return true;
}

enum err x11_conn_reply(struct x11_conn *x, unsigned sequence, uint32_t patience_ms, void **reply,
                        uint8_t *error)
{
    enum { SLICE_MS = 10 };
    enum err e;

    *reply = NULL;
    for (uint32_t waited = 0;;) {
        if ((e = x11_conn_pump(x)))
            return e;
        if (take_reply(x, sequence, reply, error))
            return OK;
        if (waited >= patience_ms)
            return ERR_AGAIN;
        uint32_t slice = (uint32_t)num_min(SLICE_MS, patience_ms - waited);
        e = wait_readable(xcb_get_file_descriptor(x->c), slice);
        if (e == ERR_AGAIN)
            waited += slice;
        else if (e)
            return lost(x, "cannot wait for the X server");
    }
}

void *x11_conn_demand(struct x11_conn *x, unsigned sequence)
{
    void *reply = NULL;

    if (x11_conn_reply(x, sequence, X11_PATIENCE_MS, &reply, NULL) == ERR_AGAIN)
        (void)lost(x, "the X server does not answer");
    return reply;
}

void x11_conn_linger(struct x11_conn *x, uint32_t ms)
{
    enum { SLICE_MS = 10, MOST_WAKEUPS = 1000 };

    for (int i = 0; ms > 0 && i < MOST_WAKEUPS && x11_conn_pump(x) == OK; i++) {
        uint32_t slice = (uint32_t)num_min(SLICE_MS, ms);
        if (wait_readable(xcb_get_file_descriptor(x->c), slice) == ERR_AGAIN)
            ms -= slice;
    }
}

void x11_conn_drop(void *from_xcb)
{
    free(from_xcb);
}

xcb_atom_t x11_conn_atom(struct x11_conn *x, const char *name)
{
    xcb_intern_atom_reply_t *r =
        x11_conn_demand(x, xcb_intern_atom(x->c, 0, (uint16_t)strlen(name), name).sequence);
    xcb_atom_t a = r ? r->atom : XCB_ATOM_NONE;

    x11_conn_drop(r);
    return a;
}
