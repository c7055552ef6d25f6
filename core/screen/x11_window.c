#include "core/screen/x11_window.h"

#include <stdio.h>
#include <string.h>

#include "core/base/num.h"

enum { BAR_HEIGHT = 19, BAR_BASE = 14, FONT_WIDTH = 6, BAR_MARGIN = 6 };

static const char title[] = "farspan";

static void set_string(struct x11_window *w, struct x11_conn *x, xcb_atom_t property,
                       xcb_atom_t type, const char *s, size_t n)
{
    xcb_change_property(x->c, XCB_PROP_MODE_REPLACE, w->id, property, type, 8, (uint32_t)n, s);
}

static void make_bar(struct x11_window *w, struct x11_conn *x)
{
    static const char name[] = "fixed";
    xcb_font_t font = xcb_generate_id(x->c);
    uint32_t back[2] = {x->screen->black_pixel, XCB_EVENT_MASK_EXPOSURE};

    w->bar = xcb_generate_id(x->c);
    w->bar_gc = xcb_generate_id(x->c);
    xcb_create_window(x->c, XCB_COPY_FROM_PARENT, w->bar, w->id, 0, 0, 1, BAR_HEIGHT, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT,
                      XCB_CW_BACK_PIXEL | XCB_CW_EVENT_MASK, back);
    xcb_open_font(x->c, font, sizeof name - 1, name);
    uint32_t values[3] = {x->screen->white_pixel, x->screen->black_pixel, font};
    xcb_create_gc(x->c, w->bar_gc, w->bar, XCB_GC_FOREGROUND | XCB_GC_BACKGROUND | XCB_GC_FONT,
                  values);
    /* A server without that font has refused the drawing context too: then there is no bar. */
    void *r = x11_conn_demand(x, xcb_query_font(x->c, font).sequence);
    w->has_font = r != NULL;
    x11_conn_drop(r);
}

static void name_window(struct x11_window *w, struct x11_conn *x)
{
    static const char class_of[] = "farspan\0farspan";
    /* ICCCM 4.1.2.4: this client wants the keyboard. */
    const uint32_t hints[9] = {1, 1};

    set_string(w, x, XCB_ATOM_WM_CLASS, XCB_ATOM_STRING, class_of, sizeof class_of);
    xcb_change_property(x->c, XCB_PROP_MODE_REPLACE, w->id, XCB_ATOM_WM_HINTS, XCB_ATOM_WM_HINTS,
                        32, 9, hints);
    xcb_change_property(x->c, XCB_PROP_MODE_REPLACE, w->id, w->protocols, XCB_ATOM_ATOM, 32, 1,
                        &w->delete_window);
    set_string(w, x, XCB_ATOM_WM_NAME, XCB_ATOM_STRING, title, sizeof title - 1);
    set_string(w, x, w->net_name, w->utf8, title, sizeof title - 1);
}

void x11_window_init(struct x11_window *w, struct x11_conn *x)
{
    const uint32_t values[2] = {x->screen->black_pixel,
                                XCB_EVENT_MASK_KEY_PRESS | XCB_EVENT_MASK_KEY_RELEASE |
                                    XCB_EVENT_MASK_BUTTON_PRESS | XCB_EVENT_MASK_BUTTON_RELEASE |
                                    XCB_EVENT_MASK_POINTER_MOTION | XCB_EVENT_MASK_EXPOSURE |
                                    XCB_EVENT_MASK_STRUCTURE_NOTIFY | XCB_EVENT_MASK_FOCUS_CHANGE};

    memset(w, 0, sizeof *w);
    w->protocols = x11_conn_atom(x, "WM_PROTOCOLS");
    w->delete_window = x11_conn_atom(x, "WM_DELETE_WINDOW");
    w->net_name = x11_conn_atom(x, "_NET_WM_NAME");
    w->utf8 = x11_conn_atom(x, "UTF8_STRING");
    w->net_state = x11_conn_atom(x, "_NET_WM_STATE");
    w->net_full = x11_conn_atom(x, "_NET_WM_STATE_FULLSCREEN");
    w->net_check = x11_conn_atom(x, "_NET_SUPPORTING_WM_CHECK");
    w->width = w->height = 1;
    w->id = xcb_generate_id(x->c);
    w->gc = xcb_generate_id(x->c);
    xcb_create_window(x->c, XCB_COPY_FROM_PARENT, w->id, x->screen->root, 0, 0, 1, 1, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT,
                      XCB_CW_BACK_PIXEL | XCB_CW_EVENT_MASK, values);
    const uint32_t no_exposures = 0;
    xcb_create_gc(x->c, w->gc, w->id, XCB_GC_GRAPHICS_EXPOSURES, &no_exposures);
    name_window(w, x);
    make_bar(w, x);
}

static void resize(struct x11_window *w, struct x11_conn *x, uint16_t width, uint16_t height)
{
    const uint32_t size[2] = {width, height};

    xcb_configure_window(x->c, w->id, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, size);
}

void x11_window_show(struct x11_window *w, struct x11_conn *x, uint16_t width, uint16_t height)
{
    w->wanted_width = (uint16_t)num_min(width, x->screen->width_in_pixels);
    w->wanted_height = (uint16_t)num_min(height, x->screen->height_in_pixels);
    if (!w->full)
        resize(w, x, w->wanted_width, w->wanted_height);
    if (!w->mapped)
        xcb_map_window(x->c, w->id);
    w->mapped = true;
}

static void place_bar(struct x11_window *w, struct x11_conn *x)
{
    const uint32_t v[3] = {(uint32_t)num_sub0(w->height, BAR_HEIGHT),
                           (uint32_t)strlen(w->text) * FONT_WIDTH + 2 * BAR_MARGIN,
                           XCB_STACK_MODE_ABOVE};

    xcb_configure_window(
        x->c, w->bar, XCB_CONFIG_WINDOW_Y | XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_STACK_MODE,
        v);
}

static void draw_bar(struct x11_window *w, struct x11_conn *x)
{
    char ascii[X11_WINDOW_TEXT];
    size_t n = strlen(w->text);

    for (size_t i = 0; i < n; i++)
        ascii[i] = w->text[i] >= ' ' && w->text[i] <= '~' ? w->text[i] : '?';
    xcb_clear_area(x->c, 0, w->bar, 0, 0, 0, 0);
    xcb_image_text_8(x->c, (uint8_t)n, w->bar, w->bar_gc, BAR_MARGIN, BAR_BASE, ascii);
}

void x11_window_set_text(struct x11_window *w, struct x11_conn *x, const char *text)
{
    char line[sizeof title + 3 + X11_WINDOW_TEXT];

    if (!strcmp(text, w->text))
        return;
    snprintf(w->text, sizeof w->text, "%s", text);
    snprintf(line, sizeof line, "%s%s%s", title, *w->text ? ": " : "", w->text);
    set_string(w, x, XCB_ATOM_WM_NAME, w->utf8, line, strlen(line));
    set_string(w, x, w->net_name, w->utf8, line, strlen(line));
    if (w->bar_shown) {
        place_bar(w, x);
        draw_bar(w, x);
    }
}

/* Whether a window manager is there that can be asked (EWMH, _NET_SUPPORTING_WM_CHECK). */
static bool managed(const struct x11_window *w, struct x11_conn *x)
{
    xcb_get_property_reply_t *r = x11_conn_demand(
        x,
        xcb_get_property(x->c, 0, x->screen->root, w->net_check, XCB_ATOM_WINDOW, 0, 1).sequence);
    bool there = r && r->type == XCB_ATOM_WINDOW;

    x11_conn_drop(r);
    return there;
}

void x11_window_toggle_full(struct x11_window *w, struct x11_conn *x)
{
    w->full = !w->full;
    if (managed(w, x)) {
        xcb_client_message_event_t e = {.response_type = XCB_CLIENT_MESSAGE,
                                        .format = 32,
                                        .window = w->id,
                                        .type = w->net_state,
                                        .data.data32 = {w->full, w->net_full, 0, 1}};
        xcb_send_event(x->c, 0, x->screen->root,
                       XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY | XCB_EVENT_MASK_SUBSTRUCTURE_REDIRECT,
                       (const char *)&e);
        return;
    }
    const uint32_t place[2] = {0, 0};
    xcb_configure_window(x->c, w->id, XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y, place);
    xcb_get_geometry_reply_t *root =
        x11_conn_demand(x, xcb_get_geometry(x->c, x->screen->root).sequence);
    if (w->full && root)
        resize(w, x, root->width, root->height);
    else
        resize(w, x, w->wanted_width, w->wanted_height);
    x11_conn_drop(root);
}

void x11_window_toggle_bar(struct x11_window *w, struct x11_conn *x)
{
    if (!w->has_font)
        return;
    w->bar_shown = !w->bar_shown;
    if (w->bar_shown) {
        place_bar(w, x);
        xcb_map_window(x->c, w->bar);
    } else {
        xcb_unmap_window(x->c, w->bar);
    }
}

bool x11_window_take(struct x11_window *w, struct x11_conn *x, const xcb_generic_event_t *e)
{
    const xcb_configure_notify_event_t *c = (const void *)e;

    if ((e->response_type & 0x7f) == XCB_EXPOSE &&
        ((const xcb_expose_event_t *)e)->window == w->bar)
        draw_bar(w, x);
    if ((e->response_type & 0x7f) != XCB_CONFIGURE_NOTIFY || c->window != w->id ||
        (c->width == w->width && c->height == w->height))
        return false;
    w->width = c->width;
    w->height = c->height;
    if (w->bar_shown)
        place_bar(w, x);
    return true;
}

bool x11_window_is_close(const struct x11_window *w, const xcb_generic_event_t *e)
{
    const xcb_client_message_event_t *m = (const void *)e;

    return (e->response_type & 0x7f) == XCB_CLIENT_MESSAGE && m->window == w->id &&
           m->type == w->protocols && m->data.data32[0] == w->delete_window;
}
