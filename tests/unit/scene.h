/* scene: synthetic pictures for tests and benchmarks: text, photo-like parts, windows. */
#ifndef FARSPAN_TEST_SCENE_H
#define FARSPAN_TEST_SCENE_H

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/rng.h"
#include "core/codec/pic.h"

/* A canvas that owns its pixels. */
struct scene {
    uint32_t *px;
    uint32_t width, height;
};

/* Gives a canvas filled with `colour`. */
static inline struct scene scene_new(uint32_t width, uint32_t height, uint32_t colour)
{
    struct scene s = {heap_array((size_t)width * height, 4), width, height};

    CHECK(s.px);
    for (size_t i = 0; i < (size_t)width * height; i++)
        s.px[i] = colour;
    return s;
}

static inline void scene_release(struct scene *s)
{
    heap_free(s->px);
    s->px = NULL;
}

static inline struct pixels scene_pixels(const struct scene *s)
{
    return (struct pixels){s->px, s->width, s->height, s->width};
}

/* Sets one pixel; outside of the canvas nothing happens. */
static inline void scene_dot(struct scene *s, uint32_t x, uint32_t y, uint32_t colour)
{
    if (x < s->width && y < s->height)
        s->px[(size_t)y * s->width + x] = colour;
}

static inline void scene_fill(struct scene *s, struct rect r, uint32_t colour)
{
    for (uint32_t y = 0; y < r.height; y++)
        for (uint32_t x = 0; x < r.width; x++)
            scene_dot(s, r.x + x, r.y + y, colour);
}

/* Draws glyph `c` (7x12 strokes made up from the number, three shades, like smoothed text). */
static inline void scene_glyph(struct scene *s, uint32_t x, uint32_t y, uint32_t c, uint32_t ink,
                               uint32_t paper)
{
    uint64_t bits = (c + 1) * 0x9e3779b97f4a7c15u;
    uint32_t half = ((ink >> 1) & 0x7f7f7f) + ((paper >> 1) & 0x7f7f7f);

    bits ^= bits >> 29;
    for (uint32_t stroke = 0; stroke < 3; stroke++, bits >>= 9) {
        uint32_t at = (uint32_t)(bits & 7) % 6, from = (uint32_t)(bits >> 3 & 3);
        uint32_t to = 6 + (uint32_t)(bits >> 5 & 3);
        for (uint32_t i = from; i < to; i++) {
            bool upright = bits >> 8 & 1;
            scene_dot(s, upright ? x + at : x + i % 6, upright ? y + i : y + at + 2, ink);
            if (upright)
                scene_dot(s, x + at + 1, y + i, half);
        }
    }
}

/* Fills `r` with lines of glyphs; which ones depends on `seed` and the line. */
static inline void scene_text(struct scene *s, struct rect r, uint32_t first_line, uint32_t ink,
                              uint32_t paper)
{
    scene_fill(s, r, paper);
    for (uint32_t line = 0; line * 14 + 13 < r.height; line++) {
        struct rng g;
        rng_seed(&g, first_line + line);
        uint32_t chars = (uint32_t)rng_below(&g, r.width / 8 + 1);
        for (uint32_t i = 0; i < chars; i++) {
            uint64_t c = rng_below(&g, 34);
            if (c < 26)
                scene_glyph(s, r.x + i * 8, r.y + line * 14, (uint32_t)c, ink, paper);
        }
    }
}

/* Fills `r` with smooth colour waves plus noise of the given amplitude (a power of two). */
static inline void scene_photo(struct scene *s, struct rect r, uint64_t seed, uint32_t noise)
{
    struct rng g;

    rng_seed(&g, seed);
    uint32_t ax = (uint32_t)rng_below(&g, 200) + 50, ay = (uint32_t)rng_below(&g, 200) + 50;
    for (uint32_t y = 0; y < r.height; y++)
        for (uint32_t x = 0; x < r.width; x++) {
            uint64_t n = rng_u64(&g);
            uint32_t base = (x * x / ax + y * y / ay + x * 3) >> 4;
            uint32_t wave = base & 256 ? 255 - (base & 255) : base & 255, v = 0;
            for (int c = 0; c < 3; c++, n >>= 8)
                v = v << 8 | ((wave * (3 + (uint32_t)c) / 6 + (n & (noise - 1))) & 255);
            scene_dot(s, r.x + x, r.y + y, v);
        }
}

/* A desktop: wallpaper, a text window at (x, y) that begins with `line`, a photo, a title bar. */
static inline void scene_desktop(struct scene *s, uint32_t x, uint32_t y, uint32_t line)
{
    scene_fill(s, (struct rect){0, 0, s->width, s->height}, 0x2d5a7b);
    scene_photo(s, (struct rect){s->width / 2, s->height / 2, s->width / 3, s->height / 3}, 7, 8);
    scene_fill(s, (struct rect){x, y, s->width / 2 + 4, 22}, 0x3465a4);
    scene_text(s, (struct rect){x + 2, y + 22, s->width / 2, s->height / 2}, line, 0x101010,
               0xffffff);
}

/* Fills the canvas with random pixels, the top byte included. */
static inline void scene_random(struct scene *s, uint64_t seed)
{
    struct rng g;

    rng_seed(&g, seed);
    rng_fill(&g, s->px, (size_t)s->width * s->height * 4);
}

/* Brings the canvas into picture `p` and gives the number of tiles that changed; `changed` (may be
 * NULL) is set as pic_update does. */
static inline uint32_t scene_update(const struct scene *s, struct pic *p, uint8_t *changed)
{
    struct pixels px = scene_pixels(s);
    uint32_t count = 0;
    uint8_t *own = changed ? NULL : heap_alloc(pic_tiles(p));

    CHECK(changed || own);
    CHECK(pic_update(p, &px, (struct rect){0, 0, s->width, s->height}, changed ? changed : own,
                     &count) == OK);
    heap_free(own);
    return count;
}

#endif
