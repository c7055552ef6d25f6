#include "core/codec/block_predict.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/codec/block_cell.h"

/* A cell is coded row by row, in each row plane by plane: G, R-G, B-G, A. Every sample is predicted
 * from its left, upper and upper left neighbours in its plane (the median predictor of LOCO-I:
 * Weinberger, Seroussi, Sapiro 1996); what is left over is sorted by contexts: for G by how rough
 * the neighbourhood is, for the others also by how far the planes before were off. */

enum { PLANES = 4, EDGE = 1, LINE = CELL_SIDE_PX + EDGE };

/* One plane's row: [0] is the neighbour to the left, then up to 16 samples. */
typedef uint8_t line[LINE];

struct window {
    line above[PLANES], row[PLANES];
};

/* The first context of each plane, and how many it has. */
static const uint8_t first_context[PLANES] = {0, 6, 11, 16};

/* The section of a context at each level of detail. */
static const uint8_t section_of[PREDICT_DETAILS][PREDICT_SECTIONS] = {
    {0},
    {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
};

unsigned block_predict_sections(unsigned detail)
{
    return section_of[detail][PREDICT_SECTIONS - 1] + 1u;
}

/* Splits a pixel into its planes. */
static inline void split(uint32_t px, uint8_t out[PLANES])
{
    uint8_t g = (uint8_t)(px >> 8);

    out[0] = g;
    out[1] = (uint8_t)((px >> 16) - g + 128);
    out[2] = (uint8_t)(px - g + 128);
    out[3] = (uint8_t)(px >> 24);
}

static inline uint32_t join(const uint8_t in[PLANES])
{
    uint8_t r = (uint8_t)(in[1] + in[0] - 128), b = (uint8_t)(in[2] + in[0] - 128);

    return (uint32_t)in[3] << 24 | (uint32_t)r << 16 | (uint32_t)in[0] << 8 | b;
}

static void put(line planes[PLANES], uint32_t i, uint32_t px)
{
    uint8_t v[PLANES];

    split(px, v);
    for (int p = 0; p < PLANES; p++)
        planes[p][i] = v[p];
}

/* Loads what is above the row y of the part r, and what is to the left of both. Outside of the
 * tile the nearest pixel inside stands in; above the first row that is the one to the left. */
static void load_above(struct window *w, const struct tile *t, struct rect r, uint32_t y)
{
    const uint32_t *row = t->px + (size_t)(r.y + y) * TILE_SIDE_PX + r.x;
    const uint32_t *above = r.y + y ? row - TILE_SIDE_PX : NULL;
    uint32_t left = r.x ? row[-1] : above ? above[0] : 0;

    put(w->row, 0, left);
    put(w->above, 0, !above ? left : r.x ? above[-1] : above[0]);
    for (uint32_t x = 0; x < r.width; x++)
        put(w->above, x + 1, above ? above[x] : left);
}

static inline uint8_t min_u8(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static inline uint8_t max_u8(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

/* The median of left, up and their gradient, all modulo 256. */
static inline uint8_t predict(uint8_t left, uint8_t up, uint8_t corner)
{
    uint8_t gradient = (uint8_t)(left + up - corner);

    return max_u8(min_u8(left, up), min_u8(gradient, max_u8(left, up)));
}

static inline uint8_t distance(uint8_t a, uint8_t b)
{
    return (uint8_t)(max_u8(a, b) - min_u8(a, b));
}

static inline uint8_t add_sat(uint8_t a, uint8_t b)
{
    unsigned s = a + b;

    return (uint8_t)(s > 255 ? 255 : s);
}

/* How rough the neighbourhood is: |left - corner| + |up - corner|, at most 255. */
static inline uint8_t roughness(uint8_t left, uint8_t up, uint8_t corner)
{
    return add_sat(distance(left, corner), distance(up, corner));
}

static inline uint8_t class_g(uint8_t rough)
{
    return (uint8_t)((rough > 0) + (rough > 2) + (rough > 5) + (rough > 11) + (rough > 24));
}

static inline uint8_t class_rb(uint8_t s)
{
    return (uint8_t)((s > 0) + (s > 2) + (s > 6) + (s > 16));
}

/* Differences as small numbers: 0, -1, 1, -2 ... become 0, 1, 2, 3 ... */
static inline uint8_t fold(uint8_t d)
{
    return (uint8_t)(d << 1 ^ (d & 128 ? 255 : 0));
}

static inline uint8_t unfold(uint8_t z)
{
    return (uint8_t)(z >> 1 ^ (z & 1 ? 255 : 0));
}

/* The context class of a sample of plane p, before its plane's first context is added. */
static inline uint8_t class_of(int p, uint8_t rough, uint8_t z_g, uint8_t z_r)
{
    if (p == 0)
        return class_g(rough);
    if (p == 1)
        return class_rb(add_sat(z_g, rough));
    return p == 2 ? class_rb(add_sat(z_r, z_g >> 1)) : 0;
}

/* Makes residuals and contexts of one row; whole lines, so that the compiler can use vectors. */
static void code_row(const struct window *w, uint8_t z[PLANES][CELL_SIDE_PX],
                     uint8_t c[PLANES][CELL_SIDE_PX], int planes)
{
    for (int p = 0; p < planes; p++)
        for (int x = 0; x < CELL_SIDE_PX; x++) {
            uint8_t left = w->row[p][x], up = w->above[p][x + 1], corner = w->above[p][x];

            z[p][x] = fold((uint8_t)(w->row[p][x + 1] - predict(left, up, corner)));
            c[p][x] = roughness(left, up, corner);
        }
    for (int x = 0; x < CELL_SIDE_PX; x++)
        c[0][x] = class_g(c[0][x]);
    for (int x = 0; x < CELL_SIDE_PX; x++)
        c[1][x] = (uint8_t)(6 + class_rb(add_sat(z[0][x], c[1][x])));
    for (int x = 0; x < CELL_SIDE_PX; x++)
        c[2][x] = (uint8_t)(11 + class_rb(add_sat(z[1][x], z[0][x] >> 1)));
    for (int x = 0; x < CELL_SIDE_PX; x++)
        c[3][x] = 16;
}

void block_predict_add(struct predict_samples *s, const struct tile *t, struct rect r, bool alpha)
{
    int planes = alpha ? 4 : 3;
    struct window w = {0};
    uint8_t z[PLANES][CELL_SIDE_PX], c[PLANES][CELL_SIDE_PX];

    CHECK(s->n + (size_t)r.width * r.height * 4 <= PREDICT_SAMPLES);
    for (uint32_t y = 0; y < r.height; y++) {
        const uint32_t *row = t->px + (size_t)(r.y + y) * TILE_SIDE_PX + r.x;

        load_above(&w, t, r, y);
        for (uint32_t x = 0; x < r.width; x++)
            put(w.row, x + 1, row[x]);
        code_row(&w, z, c, planes);
        for (int p = 0; p < planes; p++) {
            memcpy(s->residual + s->n, z[p], r.width);
            memcpy(s->context + s->n, c[p], r.width);
            for (uint32_t x = 0; x < r.width; x++)
                s->of_context[c[p][x]]++;
            s->n += r.width;
        }
    }
}

void block_predict_sort(const struct predict_samples *s, unsigned detail, uint8_t *out,
                        uint32_t size[PREDICT_SECTIONS])
{
    uint8_t *to[PREDICT_SECTIONS];
    const uint8_t *section = section_of[detail];
    size_t at = 0;

    memset(size, 0, PREDICT_SECTIONS * sizeof *size);
    for (int c = 0; c < PREDICT_SECTIONS; c++)
        size[section[c]] += s->of_context[c];
    for (int k = 0; k < PREDICT_SECTIONS; k++) {
        to[k] = out + at;
        at += size[k];
    }
    for (size_t i = 0; i < s->n; i++)
        *to[section[s->context[i]]]++ = s->residual[i];
}

/* Reads one row of plane p; z keeps the residuals of the planes so far. */
static bool fill_row(struct predict_sections *s, struct window *w, uint32_t width, int p,
                     uint8_t z[PLANES][CELL_SIDE_PX])
{
    const uint8_t *section = section_of[s->detail] + first_context[p];
    uint8_t left = w->row[p][0];

    for (uint32_t x = 0; x < width; x++) {
        uint8_t up = w->above[p][x + 1], corner = w->above[p][x];
        uint8_t k = section[class_of(p, roughness(left, up, corner), z[0][x], z[1][x])];

        if (s->at[k] == s->end[k])
            return false;
        z[p][x] = *s->at[k]++;
        left = (uint8_t)(predict(left, up, corner) + unfold(z[p][x]));
        w->row[p][x + 1] = left;
    }
    return true;
}

enum err block_predict_fill(struct predict_sections *s, struct tile *t, struct rect r, bool alpha)
{
    int planes = alpha ? 4 : 3;
    struct window w = {0};
    uint8_t z[PLANES][CELL_SIDE_PX];

    for (uint32_t y = 0; y < r.height; y++) {
        uint32_t *row = t->px + (size_t)(r.y + y) * TILE_SIDE_PX + r.x;

        load_above(&w, t, r, y);
        for (int p = 0; p < planes; p++)
            if (!fill_row(s, &w, r.width, p, z))
                return ERR_MALFORMED;
        for (uint32_t x = 0; x < r.width; x++) {
            uint8_t v[PLANES] = {w.row[0][x + 1], w.row[1][x + 1], w.row[2][x + 1],
                                 alpha ? w.row[3][x + 1] : 0};
            row[x] = join(v);
        }
    }
    return OK;
}

/* The cost of a residual: about what Huffman codes by context spend on it. */
static uint32_t residual_cost(uint8_t z)
{
    return 8 + 12 * (z ? 32 - (uint32_t)__builtin_clz(z) : 0);
}

uint32_t block_predict_cost(const struct tile *t, struct rect r, bool alpha)
{
    int planes = alpha ? 4 : 3;
    struct window w = {0};
    uint8_t z[PLANES][CELL_SIDE_PX], c[PLANES][CELL_SIDE_PX];
    uint32_t cost = 0;

    for (uint32_t y = 0; y < r.height; y++) {
        const uint32_t *row = t->px + (size_t)(r.y + y) * TILE_SIDE_PX + r.x;

        load_above(&w, t, r, y);
        for (uint32_t x = 0; x < r.width; x++)
            put(w.row, x + 1, row[x]);
        code_row(&w, z, c, planes);
        for (uint32_t x = 0; x < r.width; x++) {
            /* Where nothing happens, runs of zeros cost next to nothing. */
            if (c[0][x] == 0 && (z[0][x] | z[1][x] | z[2][x]) == 0)
                continue;
            for (int p = 0; p < planes; p++)
                cost += residual_cost(z[p][x]);
        }
    }
    return cost;
}
