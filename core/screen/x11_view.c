#include "core/screen/x11_view.h"

#include "core/base/num.h"

static int32_t clamp(int32_t v, uint32_t size)
{
    return v < 0 || size == 0 ? 0 : (int32_t)num_min((uint64_t)v, size - 1);
}

static int32_t origin(uint32_t picture, uint32_t window, int32_t pointer)
{
    if (window >= picture)
        return (int32_t)((window - picture) / 2);
    if (window < 2)
        return 0;
    return -(int32_t)((uint64_t)(picture - window) * (uint32_t)clamp(pointer, window) /
                      (window - 1));
}

void x11_view_origin(const struct x11_view *v, int32_t *x, int32_t *y)
{
    *x = origin(v->picture_width, v->window_width, v->pointer_x);
    *y = origin(v->picture_height, v->window_height, v->pointer_y);
}

void x11_view_to_picture(const struct x11_view *v, int32_t window_x, int32_t window_y, int32_t *x,
                         int32_t *y)
{
    int32_t left, top;

    x11_view_origin(v, &left, &top);
    *x = clamp(window_x - left, v->picture_width);
    *y = clamp(window_y - top, v->picture_height);
}

/* Cuts [*at, *at + *size) of the picture to what a window shows of it. */
static void cut(uint32_t *at, uint32_t *size, int32_t from, uint32_t window)
{
    int64_t lo = (int64_t)*at + from, hi = lo + *size;

    lo = lo < 0 ? 0 : lo;
    hi = hi > (int64_t)window ? (int64_t)window : hi;
    *size = hi > lo ? (uint32_t)(hi - lo) : 0;
    *at = *size ? (uint32_t)(lo - from) : 0;
}

struct rect x11_view_visible(const struct x11_view *v, struct rect r)
{
    int32_t left, top;

    x11_view_origin(v, &left, &top);
    cut(&r.x, &r.width, left, v->window_width);
    cut(&r.y, &r.height, top, v->window_height);
    if (r.width == 0 || r.height == 0)
        return (struct rect){0};
    return r;
}
