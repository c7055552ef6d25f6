#include "core/screen/x11_cursor.h"

#include <string.h>

#include <xcb/render.h>

#include "core/base/limits.h"
#include "core/base/num.h"

uint32_t x11_cursor_format(struct x11_conn *x)
{
    uint32_t found = 0;

    if (!x->render)
        return 0;
    xcb_render_query_pict_formats_reply_t *r =
        x11_conn_demand(x, xcb_render_query_pict_formats(x->c).sequence);
    if (!r)
        return 0;
    for (xcb_render_pictforminfo_iterator_t i = xcb_render_query_pict_formats_formats_iterator(r);
         i.rem && !found; xcb_render_pictforminfo_next(&i)) {
        const xcb_render_directformat_t *d = &i.data->direct;
        if (i.data->type == XCB_RENDER_PICT_TYPE_DIRECT && i.data->depth == 32 &&
            d->alpha_mask == 0xff && d->alpha_shift == 24 && d->red_mask == 0xff &&
            d->red_shift == 16 && d->green_mask == 0xff && d->green_shift == 8 &&
            d->blue_mask == 0xff && d->blue_shift == 0)
            found = i.data->id;
    }
    x11_conn_drop(r);
    return found;
}

/* A pixmap with these bytes as its image; XCB_NONE when they are more than one request carries. */
static xcb_pixmap_t pixmap_of(struct x11_conn *x, uint8_t depth, uint8_t format, uint32_t width,
                              uint32_t height, const void *bytes, size_t count)
{
    if (count / 4 + 16 > xcb_get_maximum_request_length(x->c))
        return XCB_NONE;
    xcb_pixmap_t map = xcb_generate_id(x->c);
    xcb_gcontext_t gc = xcb_generate_id(x->c);
    xcb_create_pixmap(x->c, depth, map, x->screen->root, (uint16_t)width, (uint16_t)height);
    xcb_create_gc(x->c, gc, map, 0, NULL);
    xcb_put_image(x->c, format, map, gc, (uint16_t)width, (uint16_t)height, 0, 0, 0, depth,
                  (uint32_t)count, bytes);
    xcb_free_gc(x->c, gc);
    return map;
}

static xcb_cursor_t in_colour(struct x11_conn *x, uint32_t format, const struct source_pointer *p)
{
    xcb_pixmap_t map = pixmap_of(x, 32, XCB_IMAGE_FORMAT_Z_PIXMAP, p->width, p->height, p->argb,
                                 (size_t)p->width * p->height * 4);

    if (map == XCB_NONE)
        return XCB_NONE;
    xcb_render_picture_t picture = xcb_generate_id(x->c);
    xcb_cursor_t cursor = xcb_generate_id(x->c);
    xcb_render_create_picture(x->c, picture, map, format, 0, NULL);
    xcb_render_create_cursor(x->c, cursor, picture, (uint16_t)p->hot_x, (uint16_t)p->hot_y);
    xcb_render_free_picture(x->c, picture);
    xcb_free_pixmap(x->c, map);
    return cursor;
}

/* Bitmaps as the X protocol sends them: rows of whole 32-bit units, the first pixel in the lowest
 * or the highest bit of its byte. */
static void set_bit(const struct x11_conn *x, uint8_t *bits, size_t row_bytes, uint32_t px,
                    uint32_t py)
{
    bool low = xcb_get_setup(x->c)->bitmap_format_bit_order == XCB_IMAGE_ORDER_LSB_FIRST;

    bits[py * row_bytes + px / 8] |= (uint8_t)(1u << (low ? px % 8 : 7 - px % 8));
}

static xcb_cursor_t in_black_and_white(struct x11_conn *x, const struct source_pointer *p)
{
    enum { ROW_BYTES = LIMIT_POINTER_SIDE_PX / 8 };
    uint8_t light[LIMIT_POINTER_SIDE_PX * ROW_BYTES] = {0},
                                          mask[LIMIT_POINTER_SIDE_PX * ROW_BYTES] = {0};
    uint32_t width = p->visible ? p->width : 1, height = p->visible ? p->height : 1;
    size_t row_bytes = num_div_up(width, 32) * 4;

    for (uint32_t y = 0; p->visible && y < height; y++)
        for (uint32_t px = 0; px < width; px++) {
            uint32_t c = p->argb[(size_t)y * width + px];
            if (c >> 24 >= 128)
                set_bit(x, mask, row_bytes, px, y);
            if ((c >> 16 & 255) + (c >> 8 & 255) * 2 + (c & 255) >= 512)
                set_bit(x, light, row_bytes, px, y);
        }
    xcb_pixmap_t a =
        pixmap_of(x, 1, XCB_IMAGE_FORMAT_XY_PIXMAP, width, height, light, row_bytes * height);
    xcb_pixmap_t b =
        pixmap_of(x, 1, XCB_IMAGE_FORMAT_XY_PIXMAP, width, height, mask, row_bytes * height);
    xcb_cursor_t cursor = xcb_generate_id(x->c);
    xcb_create_cursor(x->c, cursor, a, b, 0xffff, 0xffff, 0xffff, 0, 0, 0,
                      (uint16_t)(p->visible ? p->hot_x : 0), (uint16_t)(p->visible ? p->hot_y : 0));
    xcb_free_pixmap(x->c, a);
    xcb_free_pixmap(x->c, b);
    return cursor;
}

xcb_cursor_t x11_cursor_new(struct x11_conn *x, uint32_t format, const struct source_pointer *p)
{
    if (p->visible &&
        (p->width < 1 || p->height < 1 || p->width > LIMIT_POINTER_SIDE_PX ||
         p->height > LIMIT_POINTER_SIDE_PX || p->hot_x >= p->width || p->hot_y >= p->height))
        return XCB_NONE;
    if (format && p->visible)
        return in_colour(x, format, p);
    return in_black_and_white(x, p);
}
