#include "core/codec/block_predict.h"

#include <string.h>

#include "core/base/check.h"
#include "core/codec/block_cell.h"

/* A cell is coded row by row, each pixel by its planes G, R-G, B-G, A. Every sample is predicted
 * from its left, upper and upper left neighbours in its plane (the median predictor of LOCO-I:
 * Weinberger, Seroussi, Sapiro 1996); what is left over is sorted by contexts: by how rough the
 * neighbourhood is, for R-G and B-G also by how far off the plane before was. */

enum { PLANES = 4, LINE = CELL_SIDE_PX + 1, CLASSES_G = 6, CLASSES_RB = 5 };

/* What a residual costs by estimate: a start, and for every bit of its value. */
enum { COST_SAMPLE = 8, COST_LENGTH = 12 };

/* One row of a plane: [0] is the neighbour to the left, then up to 16 samples. */
struct line {
    uint8_t at[PLANES][LINE];
};

/* The first context of each plane. */
static const uint8_t first_context[PLANES] = {0, CLASSES_G, CLASSES_G + CLASSES_RB,
                                              CLASSES_G + 2 * CLASSES_RB};

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
static inline void put(struct line *l, uint32_t i, uint32_t px)
{
    uint8_t g = (uint8_t)(px >> 8);

    l->at[0][i] = g;
    l->at[1][i] = (uint8_t)((px >> 16) - g + 128);
    l->at[2][i] = (uint8_t)(px - g + 128);
    l->at[3][i] = (uint8_t)(px >> 24);
}

/* Loads what is above the first row of the part r, and what is to its left. Outside of the tile
 * the nearest pixel inside stands in; above the first row that is the one to the left. */
static void load_above(struct line *above, const struct tile *t, struct rect r)
{
    const uint32_t *row = t->px + (size_t)r.y * TILE_SIDE_PX + r.x;

    if (r.y == 0) {
        for (uint32_t x = 0; x <= r.width; x++)
            put(above, x, r.x ? row[-1] : 0);
        return;
    }
    row -= TILE_SIDE_PX;
    put(above, 0, r.x ? row[-1] : row[0]);
    for (uint32_t x = 0; x < r.width; x++)
        put(above, x + 1, row[x]);
}

/* Loads the neighbour to the left of row y of the part. */
static void load_left(struct line *l, const struct line *above, const struct tile *t, struct rect r,
                      uint32_t y)
{
    if (r.x)
        put(l, 0, t->px[(size_t)(r.y + y) * TILE_SIDE_PX + r.x - 1]);
    else
        for (int p = 0; p < PLANES; p++)
            l->at[p][0] = above->at[p][1];
}

/* At the tile's left edge the corner is the pixel above. */
static void fix_corner(struct line *above, struct rect r)
{
    for (int p = 0; p < PLANES && r.x == 0; p++)
        above->at[p][0] = above->at[p][1];
}

static inline int min_of(int a, int b)
{
    return a < b ? a : b;
}

static inline int max_of(int a, int b)
{
    return a > b ? a : b;
}

/* The median of left, up and their gradient, all modulo 256. */
static inline uint8_t predict(uint8_t left, uint8_t up, uint8_t corner)
{
    uint8_t gradient = (uint8_t)(left + up - corner);

    return (uint8_t)max_of(min_of(left, up), min_of(gradient, max_of(left, up)));
}

static inline uint8_t distance(uint8_t a, uint8_t b)
{
    return (uint8_t)(max_of(a, b) - min_of(a, b));
}

static inline uint8_t add_sat(uint8_t a, uint8_t b)
{
    return (uint8_t)min_of(a + b, 255);
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
    return (uint8_t)(z >> 1 ^ -(z & 1));
}

/* Residuals of one row, and a measure for each: the context of G, what it is made of for R and B.
 */
struct coded_row {
    uint8_t z[PLANES][CELL_SIDE_PX], c[PLANES][CELL_SIDE_PX];
};

/* Makes residuals and contexts of one row; whole lines, so that the compiler can use vectors. */
static void code_row(const struct line *restrict above, const struct line *restrict row,
                     struct coded_row *restrict out, int planes)
{
    for (int p = 0; p < planes; p++)
        for (int x = 0; x < CELL_SIDE_PX; x++) {
            uint8_t left = row->at[p][x], up = above->at[p][x + 1], corner = above->at[p][x];

            out->z[p][x] = fold((uint8_t)(row->at[p][x + 1] - predict(left, up, corner)));
            out->c[p][x] = roughness(left, up, corner);
        }
}

/* Turns the measures into contexts. */
static void class_row(struct coded_row *r)
{
    for (int x = 0; x < CELL_SIDE_PX; x++) {
        r->c[0][x] = class_g(r->c[0][x]);
        r->c[1][x] = (uint8_t)(CLASSES_G + class_rb(add_sat(r->z[0][x], r->c[1][x])));
        r->c[2][x] = (uint8_t)(CLASSES_G + CLASSES_RB + class_rb(add_sat(r->z[1][x], r->c[2][x])));
        r->c[3][x] = CLASSES_G + 2 * CLASSES_RB;
    }
}

void block_predict_add(struct predict_samples *s, const struct tile *t, struct rect r, bool alpha)
{
    int planes = alpha ? 4 : 3;
    struct line above = {0}, row = {0};
    struct coded_row c;

    CHECK(s->n + (size_t)r.width * r.height * 4 <= PREDICT_SAMPLES);
    load_above(&above, t, r);
    for (uint32_t y = 0; y < r.height; y++) {
        const uint32_t *px = t->px + (size_t)(r.y + y) * TILE_SIDE_PX + r.x;

        load_left(&row, &above, t, r, y);
        fix_corner(&above, r);
        for (uint32_t x = 0; x < r.width; x++)
            put(&row, x + 1, px[x]);
        code_row(&above, &row, &c, planes);
        class_row(&c);
        for (uint32_t x = 0; x < r.width; x++)
            for (int p = 0; p < planes; p++) {
                s->residual[s->n] = c.z[p][x];
                s->context[s->n++] = c.c[p][x];
                s->of_context[c.c[p][x]]++;
            }
        above = row;
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

void block_predict_start(struct predict_reader *r, unsigned detail)
{
    for (int i = 0; i < 256; i++) {
        r->section_g[i] = section_of[detail][class_g((uint8_t)i)];
        r->section_r[i] = section_of[detail][first_context[1] + class_rb((uint8_t)i)];
        r->section_b[i] = section_of[detail][first_context[2] + class_rb((uint8_t)i)];
    }
    r->section_a = section_of[detail][first_context[3]];
}

/* Takes the next residual of section k. */
static inline uint8_t take(struct predict_reader *r, uint8_t k)
{
    return *r->at[k]++;
}

void block_predict_fill(struct predict_reader *s, struct tile *t, struct rect r, bool alpha)
{
    struct line above = {0}, row = {0};

    load_above(&above, t, r);
    for (uint32_t y = 0; y < r.height; y++) {
        uint32_t *px = t->px + (size_t)(r.y + y) * TILE_SIDE_PX + r.x;

        load_left(&row, &above, t, r, y);
        fix_corner(&above, r);
        uint8_t g = row.at[0][0], rg = row.at[1][0], bg = row.at[2][0], a = row.at[3][0];
        for (uint32_t x = 0; x < r.width; x++) {
            uint8_t up = above.at[0][x + 1], corner = above.at[0][x];
            uint8_t z_g = take(s, s->section_g[roughness(g, up, corner)]);
            g = (uint8_t)(predict(g, up, corner) + unfold(z_g));

            up = above.at[1][x + 1], corner = above.at[1][x];
            uint8_t z_r = take(s, s->section_r[add_sat(z_g, roughness(rg, up, corner))]);
            rg = (uint8_t)(predict(rg, up, corner) + unfold(z_r));

            up = above.at[2][x + 1], corner = above.at[2][x];
            uint8_t z_b = take(s, s->section_b[add_sat(z_r, roughness(bg, up, corner))]);
            bg = (uint8_t)(predict(bg, up, corner) + unfold(z_b));

            if (alpha) {
                up = above.at[3][x + 1], corner = above.at[3][x];
                a = (uint8_t)(predict(a, up, corner) + unfold(take(s, s->section_a)));
            }
            row.at[0][x + 1] = g, row.at[1][x + 1] = rg;
            row.at[2][x + 1] = bg, row.at[3][x + 1] = a;
            px[x] = (uint32_t)a << 24 | (uint32_t)(uint8_t)(rg + g - 128) << 16 | (uint32_t)g << 8 |
                    (uint8_t)(bg + g - 128);
        }
        above = row;
    }
}

uint32_t block_predict_cost(const struct tile *t, struct rect r, bool alpha, uint32_t enough)
{
    static const uint8_t inside[2 * CELL_SIDE_PX] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                     255, 255, 255, 255, 255, 255, 255, 255};
    const uint8_t *mask = inside + CELL_SIDE_PX - r.width;
    int planes = alpha ? 4 : 3;
    struct line above = {0}, row = {0};
    struct coded_row c;
    uint32_t cost = 0;

    load_above(&above, t, r);
    for (uint32_t y = 0; y < r.height && cost < enough; y++) {
        const uint32_t *px = t->px + (size_t)(r.y + y) * TILE_SIDE_PX + r.x;
        uint32_t lengths = 0, active = 0;

        load_left(&row, &above, t, r, y);
        fix_corner(&above, r);
        for (uint32_t x = 0; x < r.width; x++)
            put(&row, x + 1, px[x]);
        code_row(&above, &row, &c, planes);
        for (int p = 0; p < planes; p++)
            for (int x = 0; x < CELL_SIDE_PX; x++) {
                uint8_t z = c.z[p][x] & mask[x];
                lengths += (uint8_t)((z > 0) + (z > 1) + (z > 3) + (z > 7) + (z > 15) + (z > 31) +
                                     (z > 63) + (z > 127));
            }
        /* Where nothing happens, runs of zeros cost next to nothing. */
        for (int x = 0; x < CELL_SIDE_PX; x++)
            active += ((c.c[0][x] | c.z[0][x] | c.z[1][x] | c.z[2][x]) & mask[x]) != 0;
        cost += COST_SAMPLE * (uint32_t)planes * active + COST_LENGTH * lengths;
        above = row;
    }
    return cost;
}
