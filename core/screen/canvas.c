#include "core/screen/canvas.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/utf8.h"

enum { ONE = 64, HALF = 32, OPAQUE = 255 };

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t most(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int64_t root(int64_t v)
{
    int64_t r = 0;

    for (int64_t bit = (int64_t)1 << 30; bit; bit >>= 1)
        if ((r + bit) * (r + bit) <= v)
            r += bit;
    return r;
}

uint32_t canvas_mix(uint32_t under, uint32_t over, uint32_t cover)
{
    uint32_t result = 0;

    for (unsigned shift = 0; shift < 24; shift += 8) {
        uint32_t u = under >> shift & 255, o = over >> shift & 255;
        result |= (u * (OPAQUE - cover) + o * cover + OPAQUE / 2) / OPAQUE << shift;
    }
    return result;
}

static uint32_t *at(struct canvas *c, int32_t x, int32_t y)
{
    return c->px + (size_t)y * c->stride_px + (size_t)x;
}

static void blend(struct canvas *c, int32_t x, int32_t y, uint32_t colour, uint32_t cover)
{
    uint32_t *p = at(c, x, y);

    if (cover >= OPAQUE)
        *p = colour;
    else if (cover)
        *p = canvas_mix(*p, colour, cover);
}

/* How much of a pixel lies inside an edge, from its middle's distance (64ths, inside negative). */
static uint32_t cover_of(int64_t distance)
{
    int64_t v = (HALF - distance) * OPAQUE / ONE;

    return v < 0 ? 0 : v > OPAQUE ? OPAQUE : (uint32_t)v;
}

void canvas_fill(struct canvas *c, struct box b, uint32_t colour)
{
    b = box_meet(b, c->clip);
    for (int32_t y = b.y0; y < b.y1; y++)
        for (int32_t x = b.x0; x < b.x1; x++)
            *at(c, x, y) = colour;
}

static uint32_t fade_at(struct box b, int32_t y, uint32_t top, uint32_t bottom)
{
    int32_t span = most(b.y1 - b.y0 - 1, 1);

    return canvas_mix(top, bottom, (uint32_t)((int64_t)(y - b.y0) * OPAQUE / span));
}

void canvas_fade(struct canvas *c, struct box b, uint32_t top, uint32_t bottom)
{
    struct box seen = box_meet(b, c->clip);

    for (int32_t y = seen.y0; y < seen.y1; y++)
        canvas_fill(c, (struct box){seen.x0, y, seen.x1, y + 1}, fade_at(b, y, top, bottom));
}

/* The coverage of x, y by `b` with corners of `radius`; `lower`: the lower ones are round too. */
static uint32_t round_cover(struct box b, int32_t radius, bool lower, int32_t x, int32_t y)
{
    int32_t dx = most(b.x0 + radius - 1 - x, x - (b.x1 - radius));
    int32_t dy = most(b.y0 + radius - 1 - y, lower ? y - (b.y1 - radius) : -1);

    if (dx < 0 || dy < 0)
        return OPAQUE;
    int64_t ex = (int64_t)dx * ONE + HALF, ey = (int64_t)dy * ONE + HALF;
    return cover_of(root(ex * ex + ey * ey) - (int64_t)radius * ONE);
}

/* Blends the pixels of `seen` in the columns that the corners of `b` reach; fills those between. */
static void round_row(struct canvas *c, struct box b, int32_t radius, bool lower, int32_t y,
                      struct box seen, uint32_t colour)
{
    bool corner = y < b.y0 + radius || (lower && y >= b.y1 - radius);
    int32_t left = corner ? b.x0 + radius : seen.x0, right = corner ? b.x1 - radius : seen.x1;

    for (int32_t x = seen.x0; x < least(left, seen.x1); x++)
        blend(c, x, y, colour, round_cover(b, radius, lower, x, y));
    canvas_fill(c, (struct box){left, y, right, y + 1}, colour);
    for (int32_t x = most(right, seen.x0); x < seen.x1; x++)
        blend(c, x, y, colour, round_cover(b, radius, lower, x, y));
}

void canvas_round(struct canvas *c, struct box b, int32_t radius, uint32_t colour)
{
    struct box seen = box_meet(b, c->clip);

    for (int32_t y = seen.y0; y < seen.y1; y++)
        round_row(c, b, radius, true, y, seen, colour);
}

void canvas_cap(struct canvas *c, struct box b, int32_t radius, uint32_t top, uint32_t bottom)
{
    struct box seen = box_meet(b, c->clip);

    for (int32_t y = seen.y0; y < seen.y1; y++)
        round_row(c, b, radius, false, y, seen, fade_at(b, y, top, bottom));
}

/* The part of a shadow in `strip`, which lies outside `b`. */
static void shadow_strip(struct canvas *c, struct box b, int64_t reach, uint32_t cover,
                         struct box strip)
{
    strip = box_meet(strip, c->clip);
    for (int32_t y = strip.y0; y < strip.y1; y++)
        for (int32_t x = strip.x0; x < strip.x1; x++) {
            int64_t dx = most(most(b.x0 - x, x - b.x1 + 1), 0);
            int64_t dy = most(most(b.y0 - y, y - b.y1 + 1), 0);
            int64_t left =
                reach * ONE - (dx && dy ? root((dx * dx + dy * dy) * ONE * ONE) : (dx + dy) * ONE);
            if (left > 0)
                blend(c, x, y, 0, (uint32_t)(left * left * cover / (reach * reach * ONE * ONE)));
        }
}

void canvas_shadow(struct canvas *c, struct box b, int32_t reach, uint32_t cover)
{
    struct box all = box_grow(b, reach);

    shadow_strip(c, b, reach, cover, (struct box){all.x0, all.y0, all.x1, b.y0});
    shadow_strip(c, b, reach, cover, (struct box){all.x0, b.y0, b.x0, b.y1});
    shadow_strip(c, b, reach, cover, (struct box){b.x1, b.y0, all.x1, b.y1});
    shadow_strip(c, b, reach, cover, (struct box){all.x0, b.y1, all.x1, all.y1});
}

void canvas_copy(struct canvas *c, struct box b, const uint32_t *from, size_t stride_px)
{
    struct box seen = box_meet(b, c->clip);

    if (box_empty(seen))
        return;
    for (int32_t y = seen.y0; y < seen.y1; y++)
        memcpy(at(c, seen.x0, y), from + (size_t)(y - b.y0) * stride_px + (size_t)(seen.x0 - b.x0),
               (size_t)(seen.x1 - seen.x0) * sizeof *from);
}

/* The pixels that a shape between these 64ths can touch. */
static struct box touched(const struct canvas *c, int32_t x0, int32_t y0, int32_t x1, int32_t y1)
{
    return box_meet((struct box){x0 / ONE - 2, y0 / ONE - 2, x1 / ONE + 2, y1 / ONE + 2}, c->clip);
}

void canvas_disc(struct canvas *c, struct canvas_point centre, int32_t radius_64, uint32_t colour,
                 uint32_t cover)
{
    struct box seen = touched(c, centre.x - radius_64, centre.y - radius_64, centre.x + radius_64,
                              centre.y + radius_64);

    for (int32_t y = seen.y0; y < seen.y1; y++)
        for (int32_t x = seen.x0; x < seen.x1; x++) {
            int64_t dx = (int64_t)x * ONE + HALF - centre.x,
                    dy = (int64_t)y * ONE + HALF - centre.y;
            blend(c, x, y, colour, cover_of(root(dx * dx + dy * dy) - radius_64) * cover / OPAQUE);
        }
}

static int64_t segment_distance(int64_t x, int64_t y, struct canvas_point a, struct canvas_point b)
{
    int64_t dx = b.x - a.x, dy = b.y - a.y, square = dx * dx + dy * dy;
    int64_t t = (x - a.x) * dx + (y - a.y) * dy;
    int64_t ex = x - a.x, ey = y - a.y;

    if (square > 0 && t >= square)
        ex = x - b.x, ey = y - b.y;
    else if (square > 0 && t > 0)
        ex -= dx * t / square, ey -= dy * t / square;
    return root(ex * ex + ey * ey);
}

void canvas_line(struct canvas *c, struct canvas_point a, struct canvas_point b, int32_t radius_64,
                 uint32_t colour)
{
    struct box seen = touched(c, least(a.x, b.x) - radius_64, least(a.y, b.y) - radius_64,
                              most(a.x, b.x) + radius_64, most(a.y, b.y) + radius_64);

    for (int32_t y = seen.y0; y < seen.y1; y++)
        for (int32_t x = seen.x0; x < seen.x1; x++) {
            int64_t d = segment_distance((int64_t)x * ONE + HALF, (int64_t)y * ONE + HALF, a, b);
            blend(c, x, y, colour, cover_of(d - radius_64));
        }
}

void canvas_convex(struct canvas *c, const struct canvas_point *p, size_t count, uint32_t colour)
{
    enum { MAX_POINTS = 16 };
    int64_t length[MAX_POINTS];
    int32_t x0 = INT32_MAX, y0 = INT32_MAX, x1 = INT32_MIN, y1 = INT32_MIN;

    CHECK(count >= 3 && count <= MAX_POINTS);
    for (size_t i = 0; i < count; i++) {
        const struct canvas_point *q = &p[(i + 1) % count];
        int64_t dx = q->x - p[i].x, dy = q->y - p[i].y;
        length[i] = most((int32_t)root(dx * dx + dy * dy), 1);
        x0 = least(x0, p[i].x), y0 = least(y0, p[i].y);
        x1 = most(x1, p[i].x), y1 = most(y1, p[i].y);
    }
    struct box seen = touched(c, x0, y0, x1, y1);
    for (int32_t y = seen.y0; y < seen.y1; y++)
        for (int32_t x = seen.x0; x < seen.x1; x++) {
            uint32_t cover = OPAQUE;
            for (size_t i = 0; i < count && cover; i++) {
                const struct canvas_point *q = &p[(i + 1) % count];
                int64_t ex = (int64_t)x * ONE + HALF - p[i].x,
                        ey = (int64_t)y * ONE + HALF - p[i].y;
                int64_t outside = (ex * (q->y - p[i].y) - ey * (q->x - p[i].x)) / length[i];
                uint32_t here = cover_of(outside);
                cover = here < cover ? here : cover;
            }
            blend(c, x, y, colour, cover);
        }
}

static void draw_cell(struct canvas *c, const struct font *f, int32_t x, int32_t y, uint32_t colour,
                      size_t index)
{
    const uint8_t *cell = font_cell(f, index);
    struct box seen = box_meet(box_at(x, y, (int32_t)f->width_px, (int32_t)f->height_px), c->clip);

    for (int32_t cy = seen.y0; cy < seen.y1; cy++)
        for (int32_t cx = seen.x0; cx < seen.x1; cx++)
            blend(c, cx, cy, colour, cell[(cy - y) * (int32_t)f->width_px + (cx - x)]);
}

int32_t canvas_text(struct canvas *c, const struct font *f, int32_t x, int32_t y, uint32_t colour,
                    struct bytes text)
{
    uint32_t code;

    for (; utf8_next(&text, &code); x += (int32_t)f->width_px)
        draw_cell(c, f, x, y, colour, font_index(code));
    return x;
}

int32_t canvas_label(struct canvas *c, const struct font *f, int32_t x, int32_t y, uint32_t colour,
                     struct bytes text)
{
    uint32_t code;

    while (utf8_next(&text, &code)) {
        size_t index = font_index(code);
        draw_cell(c, f, x - f->left[index], y, colour, index);
        x += f->advance[index];
    }
    return x;
}

int32_t canvas_label_width(const struct font *f, struct bytes text)
{
    int32_t width = 0;
    uint32_t code;

    while (utf8_next(&text, &code))
        width += f->advance[font_index(code)];
    return width;
}
