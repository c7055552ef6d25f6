#include "core/screen/font.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

/* Coordinates below are in 64ths of a pixel of the cell that is drawn. Integers only: the same
 * pixels on every machine. */
enum { ONE = 64, CURVE_STEPS = 8, UNITS_TALL = 32, FULL = 18, UNDER_MARK = 14 };

struct pen {
    uint8_t *cell;
    int64_t width, height;
    int64_t radius;
    int64_t x, y; /* where the last point was */
};

/* How the description's units become the cell's: y' = 23 - (23 - y) * squeeze / FULL + down. */
struct frame {
    int64_t px; /* height of the cell */
    int64_t squeeze, down;
};

static int64_t root(int64_t v)
{
    int64_t r = 0;

    for (int64_t bit = (int64_t)1 << 30; bit; bit >>= 1)
        if ((r + bit) * (r + bit) <= v)
            r += bit;
    return r;
}

static int64_t distance(int64_t px, int64_t py, int64_t ax, int64_t ay, int64_t bx, int64_t by)
{
    int64_t dx = bx - ax, dy = by - ay, square = dx * dx + dy * dy;
    int64_t t = (px - ax) * dx + (py - ay) * dy, ex, ey;

    if (square == 0 || t <= 0)
        ex = px - ax, ey = py - ay;
    else if (t >= square)
        ex = px - bx, ey = py - by;
    else
        ex = px - ax - dx * t / square, ey = py - ay - dy * t / square;
    return root(ex * ex + ey * ey);
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static void draw_segment(struct pen *pen, int64_t bx, int64_t by)
{
    int64_t ax = pen->x, ay = pen->y, reach = pen->radius + ONE;
    int64_t x0 = clamp(((ax < bx ? ax : bx) - reach) / ONE, 0, pen->width);
    int64_t x1 = clamp(((ax > bx ? ax : bx) + reach) / ONE + 1, 0, pen->width);
    int64_t y0 = clamp(((ay < by ? ay : by) - reach) / ONE, 0, pen->height);
    int64_t y1 = clamp(((ay > by ? ay : by) + reach) / ONE + 1, 0, pen->height);

    for (int64_t y = y0; y < y1; y++)
        for (int64_t x = x0; x < x1; x++) {
            int64_t d = distance(x * ONE + ONE / 2, y * ONE + ONE / 2, ax, ay, bx, by);
            int64_t c = clamp((pen->radius + ONE / 2 - d) * 255 / ONE, 0, 255);
            uint8_t *at = pen->cell + y * pen->width + x;
            if (c > *at)
                *at = (uint8_t)c;
        }
    pen->x = bx;
    pen->y = by;
}

static void draw_curve(struct pen *pen, int64_t cx, int64_t cy, int64_t bx, int64_t by)
{
    int64_t ax = pen->x, ay = pen->y, n = CURVE_STEPS;

    for (int64_t i = 1; i <= n; i++) {
        int64_t u = n - i;
        draw_segment(pen, (u * u * ax + 2 * u * i * cx + i * i * bx) / (n * n),
                     (u * u * ay + 2 * u * i * cy + i * i * by) / (n * n));
    }
}

/* Reads "x,y" of the table, which is ours: a mistake in it is a bug. */
static const char *read_point(const char *at, const struct frame *f, int64_t *x, int64_t *y)
{
    int64_t v[2] = {0, 0};

    for (int i = 0; i < 2; i++) {
        CHECK(*at >= '0' && *at <= '9');
        for (; *at >= '0' && *at <= '9'; at++)
            v[i] = v[i] * 10 + (*at - '0');
        if (i == 0)
            CHECK(*at++ == ',');
    }
    v[1] = FULL * (23 + f->down) - (23 - v[1]) * f->squeeze;
    *x = v[0] * ONE * f->px / UNITS_TALL;
    *y = v[1] * ONE * f->px / UNITS_TALL / FULL;
    return at;
}

static void draw_path(struct pen *pen, const char *at, const struct frame *f)
{
    bool begun = false, curve = false;
    int64_t cx = 0, cy = 0, x, y;

    while (*at) {
        if (*at == ' ') {
            at++;
        } else if (*at == ';') {
            begun = false;
            at++;
        } else if (*at == '~') {
            at = read_point(at + 1, f, &cx, &cy);
            curve = true;
        } else {
            at = read_point(at, f, &x, &y);
            if (!begun)
                pen->x = x, pen->y = y, draw_segment(pen, x, y);
            else if (curve)
                draw_curve(pen, cx, cy, x, y);
            else
                draw_segment(pen, x, y);
            begun = true;
            curve = false;
        }
    }
}

static void draw_glyph(struct pen *pen, const struct font_stroke *g, uint32_t px)
{
    struct frame plain = {px, FULL, 0};

    if (g->path) {
        draw_path(pen, g->path, &plain);
        return;
    }
    const struct font_stroke *base = &font_table[font_index(g->base)];
    /* Capitals are squeezed to make room for what stands above them. */
    bool capital = (g->base >= 'A' && g->base <= 'Z') || (g->base >= 0x410 && g->base < 0x430);
    bool tall = capital && g->mark[0] != '_';
    struct frame squeezed = {px, UNDER_MARK, 0}, raised = {px, FULL, -3};
    CHECK(base->path);
    draw_path(pen, base->path, tall ? &squeezed : &plain);
    draw_path(pen, g->mark[0] == '_' ? g->mark + 1 : g->mark, tall ? &raised : &plain);
}

static void measure(struct font *f, size_t index)
{
    const uint8_t *cell = font_cell(f, index);
    uint32_t first = f->width_px, end = 0, gap = (uint32_t)num_max(f->height_px / 8, 1);

    for (uint32_t y = 0; y < f->height_px; y++)
        for (uint32_t x = 0; x < f->width_px; x++)
            if (cell[y * f->width_px + x] > 64) {
                first = (uint32_t)num_min(first, x);
                end = (uint32_t)num_max(end, x + 1);
            }
    if (first >= end)
        first = 0, end = f->height_px / 5;
    f->left[index] = (uint8_t)first;
    f->advance[index] = (uint8_t)(end - first + gap);
}

struct font *font_new(uint32_t height_px, uint32_t weight_64)
{
    CHECK(height_px >= FONT_MIN_PX && height_px <= FONT_MAX_PX && height_px % 2 == 0);
    struct font *f = heap_alloc(sizeof *f);
    size_t cells = font_table_count + 1, cell_bytes = (size_t)height_px * height_px / 2;
    static const struct font_stroke missing = {0, "3,5 13,5 13,23 3,23 3,5", 0, NULL};

    if (!f)
        return NULL;
    f->width_px = height_px / 2;
    f->height_px = height_px;
    f->cover = heap_array(cells, cell_bytes);
    f->left = heap_alloc(cells);
    f->advance = heap_alloc(cells);
    if (!f->cover || !f->left || !f->advance) {
        font_free(f);
        return NULL;
    }
    for (size_t i = 0; i < cells; i++) {
        struct pen pen = {f->cover + i * cell_bytes,           f->width_px, height_px,
                          (int64_t)weight_64 * height_px / 32, 0,           0};
        draw_glyph(&pen, i < font_table_count ? &font_table[i] : &missing, height_px);
        measure(f, i);
    }
    return f;
}

void font_free(struct font *f)
{
    if (!f)
        return;
    heap_free(f->cover);
    heap_free(f->left);
    heap_free(f->advance);
    heap_free(f);
}

size_t font_index(uint32_t code)
{
    size_t lo = 0, hi = font_table_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (font_table[mid].code < code)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < font_table_count && font_table[lo].code == code ? lo : font_table_count;
}
