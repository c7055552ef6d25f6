#include "core/codec/pic.h"

#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* the hash state on the stack: we link the same version */
#include <xxhash.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/codec/pic_kernels.h"

static const struct tile black;

static enum err new_empty(const struct pic *like, struct pic **out)
{
    size_t tiles = (size_t)like->columns * like->rows;
    struct pic *p = heap_alloc(sizeof *p + tiles * sizeof p->tile[0]);

    if (!p)
        return ERR_MEMORY;
    *p = (struct pic){.width = like->width,
                      .height = like->height,
                      .columns = like->columns,
                      .rows = like->rows,
                      .refs = 1,
                      .alpha = like->alpha,
                      .pool = like->pool};
    *out = p;
    return OK;
}

enum err pic_new(struct tile_pool *pool, uint32_t width, uint32_t height, bool alpha,
                 struct pic **out)
{
    if (width < 1 || height < 1 || width > LIMIT_PICTURE_SIDE_PX ||
        height > LIMIT_PICTURE_SIDE_PX || (uint64_t)width * height > LIMIT_PICTURE_PIXELS)
        return ERR_LIMIT;
    struct pic shape = {.width = width,
                        .height = height,
                        .columns = (uint32_t)num_div_up(width, TILE_SIDE_PX),
                        .rows = (uint32_t)num_div_up(height, TILE_SIDE_PX),
                        .alpha = alpha,
                        .pool = pool};
    return new_empty(&shape, out);
}

enum err pic_copy(const struct pic *from, struct pic **out)
{
    struct pic *p;
    enum err e = new_empty(from, &p);

    if (e)
        return e;
    for (uint32_t i = 0; i < pic_tiles(from); i++)
        p->tile[i] = from->tile[i] ? tile_ref(from->tile[i]) : NULL;
    *out = p;
    return OK;
}

struct pic *pic_ref(struct pic *p)
{
    CHECK(p->refs > 0);
    p->refs++;
    return p;
}

void pic_unref(struct pic *p)
{
    if (!p)
        return;
    CHECK(p->refs > 0);
    if (--p->refs)
        return;
    for (uint32_t i = 0; i < pic_tiles(p); i++)
        tile_unref(p->pool, p->tile[i]);
    heap_free(p);
}

void pic_set(struct pic *p, uint32_t index, struct tile *t)
{
    CHECK(index < pic_tiles(p));
    struct tile *old = p->tile[index];
    p->tile[index] = t;
    tile_unref(p->pool, old);
}

struct rect pic_tile_rect(const struct pic *p, uint32_t index)
{
    struct rect r = {.x = index % p->columns * TILE_SIDE_PX,
                     .y = index / p->columns * TILE_SIDE_PX};

    r.width = (uint32_t)num_min(TILE_SIDE_PX, p->width - r.x);
    r.height = (uint32_t)num_min(TILE_SIDE_PX, p->height - r.y);
    return r;
}

/* What two rectangles share; false when nothing. */
static bool intersect(struct rect a, struct rect b, struct rect *out)
{
    uint64_t x = num_max(a.x, b.x), y = num_max(a.y, b.y);
    uint64_t right = num_min((uint64_t)a.x + a.width, (uint64_t)b.x + b.width);
    uint64_t bottom = num_min((uint64_t)a.y + a.height, (uint64_t)b.y + b.height);

    if (x >= right || y >= bottom)
        return false;
    *out = (struct rect){(uint32_t)x, (uint32_t)y, (uint32_t)(right - x), (uint32_t)(bottom - y)};
    return true;
}

/* Compares the part `r` of the tile (in picture coordinates) and replaces the tile if it differs.
 */
static enum err update_tile(struct pic *p, uint32_t index, const struct pixels *from, struct rect r,
                            uint8_t *changed, uint32_t *count)
{
    const struct pic_kernels *k = pic_kernels_best();
    const uint32_t mask = p->alpha ? 0xffffffffu : 0x00ffffffu;
    const struct tile *old = p->tile[index] ? p->tile[index] : &black;
    const uint32_t *px = from->px + (size_t)r.y * from->stride_px + r.x;
    size_t at = (size_t)(r.y % TILE_SIDE_PX) * TILE_SIDE_PX + r.x % TILE_SIDE_PX;

    if (!k->differ(old->px + at, TILE_SIDE_PX, px, from->stride_px, r.width, r.height, mask))
        return OK;
    struct tile *t = tile_new(p->pool);
    if (!t)
        return ERR_MEMORY;
    memcpy(t->px, old->px, sizeof t->px);
    k->copy(t->px + at, TILE_SIDE_PX, px, from->stride_px, r.width, r.height, mask);
    pic_set(p, index, t);
    changed[index] = 1;
    ++*count;
    return OK;
}

enum err pic_update(struct pic *p, const struct pixels *from, struct rect area, uint8_t *changed,
                    uint32_t *count)
{
    struct rect part;

    CHECK(from->width == p->width && from->height == p->height);
    if (!intersect(area, (struct rect){0, 0, p->width, p->height}, &area))
        return OK;
    uint32_t last_column = (area.x + area.width - 1) / TILE_SIDE_PX;
    uint32_t last_row = (area.y + area.height - 1) / TILE_SIDE_PX;
    for (uint32_t row = area.y / TILE_SIDE_PX; row <= last_row; row++)
        for (uint32_t column = area.x / TILE_SIDE_PX; column <= last_column; column++) {
            uint32_t index = row * p->columns + column;
            if (!intersect(area, pic_tile_rect(p, index), &part))
                continue;
            enum err e = update_tile(p, index, from, part, changed, count);
            if (e)
                return e;
        }
    return OK;
}

void pic_read(const struct pic *p, struct rect area, uint32_t *to, size_t stride_px)
{
    CHECK(area.x <= p->width && area.width <= p->width - area.x);
    CHECK(area.y <= p->height && area.height <= p->height - area.y);
    for (uint32_t y = 0; y < area.height; y++) {
        uint32_t row = (area.y + y) / TILE_SIDE_PX, in_y = (area.y + y) % TILE_SIDE_PX;

        for (uint32_t x = 0, n; x < area.width; x += n) {
            uint32_t column = (area.x + x) / TILE_SIDE_PX, in_x = (area.x + x) % TILE_SIDE_PX;
            const struct tile *t = p->tile[row * p->columns + column];

            n = (uint32_t)num_min(TILE_SIDE_PX - in_x, area.width - x);
            memcpy(to + y * stride_px + x, (t ? t : &black)->px + in_y * TILE_SIDE_PX + in_x,
                   n * sizeof *to);
        }
    }
}

/* The digest of one tile's visible part, as docs/codec.md defines it. */
static void tile_digest(const struct tile *t, uint32_t width, uint32_t height, bool alpha,
                        uint8_t digest[16])
{
    uint8_t packed[TILE_PIXELS * 4 + 8];
    const struct pic_kernels *k = pic_kernels_best();
    size_t n = 0;

    for (uint32_t y = 0; y < height; y++) {
        const uint32_t *row = t->px + (size_t)y * TILE_SIDE_PX;

        if (!alpha) {
            k->pack_rgb(packed + n, row, width);
            n += (size_t)width * 3;
            continue;
        }
        for (uint32_t x = 0; x < width; x++, n += 4) {
            uint32_t v = row[x];
            num_put_le(packed + n, 4, (v & 0xff00ff00u) | (v >> 16 & 0xff) | (v & 0xff) << 16);
        }
    }
    XXH128_canonicalFromHash((XXH128_canonical_t *)(void *)digest, XXH3_128bits(packed, n));
}

void pic_hash(struct pic *p, uint8_t hash[16])
{
    XXH3_state_t state;
    uint8_t head[9], dark[16];
    uint16_t dark_shape = 0;

    num_put_le(head, 4, p->width);
    num_put_le(head + 4, 4, p->height);
    head[8] = p->alpha;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, head, sizeof head);
    for (uint32_t i = 0; i < pic_tiles(p); i++) {
        struct rect r = pic_tile_rect(p, i);
        struct tile *t = p->tile[i];
        uint16_t shape = (uint16_t)(0x8000 | p->alpha << 14 | (r.width - 1) << 6 | (r.height - 1));

        if (t && t->digested != shape) {
            tile_digest(t, r.width, r.height, p->alpha, t->digest);
            t->digested = shape;
        }
        if (!t && dark_shape != shape) {
            tile_digest(&black, r.width, r.height, p->alpha, dark);
            dark_shape = shape;
        }
        XXH3_128bits_update(&state, t ? t->digest : dark, 16);
    }
    XXH128_canonicalFromHash((XXH128_canonical_t *)(void *)hash, XXH3_128bits_digest(&state));
}

bool pic_equal(const struct pic *a, const struct pic *b)
{
    if (a->width != b->width || a->height != b->height || a->alpha != b->alpha)
        return false;
    for (uint32_t i = 0; i < pic_tiles(a); i++) {
        const struct tile *s = a->tile[i] ? a->tile[i] : &black;
        const struct tile *t = b->tile[i] ? b->tile[i] : &black;

        if (s != t && memcmp(s->px, t->px, sizeof s->px))
            return false;
    }
    return true;
}
