#include <string.h>

#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/codec/pic.h"
#include "tests/unit/scene.h"
#include "tests/unit/test.h"

static const uint32_t sizes[][2] = {{1, 1}, {17, 3}, {64, 64}, {65, 129}, {4097, 1}, {200, 131}};

static void sizes_are_bounded(void)
{
    struct tile_pool pool;
    struct pic *p = NULL;

    tile_pool_init(&pool, 8);
    EXPECT_EQ(pic_new(&pool, 0, 5, false, &p), ERR_LIMIT);
    EXPECT_EQ(pic_new(&pool, 5, 0, false, &p), ERR_LIMIT);
    EXPECT_EQ(pic_new(&pool, LIMIT_PICTURE_SIDE_PX + 1, 1, false, &p), ERR_LIMIT);
    EXPECT_EQ(pic_new(&pool, LIMIT_PICTURE_SIDE_PX, LIMIT_PICTURE_SIDE_PX, false, &p), ERR_LIMIT);
    EXPECT_EQ(pic_new(&pool, 7680, 4320, false, &p), OK);
    EXPECT_EQ(pic_tiles(p), 120 * 68);
    pic_unref(p);
    pic_unref(NULL);
    for (uint64_t nth = 1; nth < 2; nth++) {
        heap_fail_at(nth);
        EXPECT_EQ(pic_new(&pool, 5, 5, false, &p), ERR_MEMORY);
        heap_fail_at(0);
    }
}

/* One size: what goes in comes out, only what differs is replaced, the pad byte never counts. */
static void one_size(uint32_t width, uint32_t height, bool alpha)
{
    struct tile_pool pool;
    struct pic *p, *q;
    struct scene s = scene_new(width, height, 0), back = scene_new(width, height, 0);
    uint32_t mask = alpha ? 0xffffffff : 0xffffff;

    tile_pool_init(&pool, 1000);
    scene_random(&s, width);
    EXPECT_EQ(pic_new(&pool, width, height, alpha, &p), OK);
    uint8_t *changed = heap_alloc(pic_tiles(p));
    EXPECT_EQ(scene_update(&s, p, changed), pic_tiles(p));
    pic_read(p, (struct rect){0, 0, width, height}, back.px, width);
    for (size_t i = 0; i < (size_t)width * height; i++)
        EXPECT_EQ(back.px[i], s.px[i] & mask);
    EXPECT_EQ(scene_update(&s, p, NULL), 0);
    EXPECT_EQ(pic_copy(p, &q), OK);
    EXPECT(pic_equal(p, q));
    for (size_t i = 0; i < (size_t)width * height; i++)
        s.px[i] ^= 0x5a000000;
    EXPECT_EQ(scene_update(&s, q, NULL), alpha ? pic_tiles(p) : 0);
    EXPECT_EQ(pic_equal(p, q), !alpha);
    memset(changed, 0, pic_tiles(p));
    s.px[(size_t)width * height - 1] ^= 1;
    EXPECT_EQ(scene_update(&s, q, changed), 1);
    EXPECT(changed[pic_tiles(p) - 1] && !pic_equal(p, q));
    for (uint32_t i = 0; i < pic_tiles(q); i++) {
        struct rect r = pic_tile_rect(q, i);
        for (uint32_t at = 0; at < TILE_PIXELS; at++)
            EXPECT(q->tile[i]->px[at] == 0 ||
                   (at % TILE_SIDE_PX < r.width && at / TILE_SIDE_PX < r.height));
    }
    heap_free(changed);
    pic_unref(p);
    pic_unref(q);
    EXPECT_EQ(pool.in_use, 0);
    tile_pool_release(&pool);
    scene_release(&s);
    scene_release(&back);
}

static void pixels_go_in_and_come_out(void)
{
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (int alpha = 0; alpha < 2 && !test_failed(); alpha++)
            one_size(sizes[i][0], sizes[i][1], alpha);
}

/* Random rectangles: only pixels inside may change, and the reading of any part agrees. */
static void only_the_area_is_updated(void)
{
    enum { W = 200, H = 150 };
    struct tile_pool pool;
    struct pic *p;
    struct scene model = scene_new(W, H, 0), s = scene_new(W, H, 0), back = scene_new(W, H, 0);
    struct rng g;
    uint8_t changed[12];

    rng_seed(&g, 3);
    tile_pool_init(&pool, 100);
    EXPECT_EQ(pic_new(&pool, W, H, false, &p), OK);
    for (int round = 0; round < 300; round++) {
        struct rect r = {(uint32_t)rng_below(&g, W + 20), (uint32_t)rng_below(&g, H + 20),
                         (uint32_t)rng_below(&g, W), (uint32_t)rng_below(&g, H)};
        uint32_t count = 0, marked = 0;
        bool differs = false;
        if (round == 7)
            r = (struct rect){0, 0, UINT32_MAX, UINT32_MAX};
        if (round == 8)
            r = (struct rect){UINT32_MAX, 1, UINT32_MAX, UINT32_MAX};
        scene_random(&s, (uint64_t)round);
        for (uint32_t y = r.y; y < H && y - r.y < r.height; y++)
            for (uint32_t x = r.x; x < W && x - r.x < r.width; x++) {
                uint32_t v = s.px[y * W + x] & 0xffffff;
                differs |= v != model.px[y * W + x];
                model.px[y * W + x] = v;
            }
        memset(changed, 0, sizeof changed);
        struct pixels px = scene_pixels(&s);
        EXPECT_EQ(pic_update(p, &px, r, changed, &count), OK);
        for (size_t i = 0; i < sizeof changed; i++)
            marked += changed[i];
        EXPECT_EQ(marked, count);
        EXPECT_EQ(count > 0, differs);
        struct rect part = {(uint32_t)rng_below(&g, W), (uint32_t)rng_below(&g, H), 0, 0};
        part.width = (uint32_t)rng_below(&g, W - part.x + 1);
        part.height = (uint32_t)rng_below(&g, H - part.y + 1);
        pic_read(p, part, back.px, W);
        for (uint32_t y = 0; y < part.height; y++)
            for (uint32_t x = 0; x < part.width; x++)
                EXPECT_EQ(back.px[y * W + x], model.px[(part.y + y) * W + part.x + x]);
    }
    pic_unref(p);
    EXPECT_EQ(pool.in_use, 0);
    tile_pool_release(&pool);
    scene_release(&model);
    scene_release(&s);
    scene_release(&back);
}

static void a_full_pool_keeps_what_was_done(void)
{
    struct tile_pool pool;
    struct pic *p;
    struct scene s = scene_new(300, 10, 0xffffff);
    struct pixels px = scene_pixels(&s);
    uint8_t changed[5] = {0};
    uint32_t count = 0;

    tile_pool_init(&pool, 3);
    EXPECT_EQ(pic_new(&pool, 300, 10, false, &p), OK);
    EXPECT_EQ(pic_update(p, &px, (struct rect){0, 0, 300, 10}, changed, &count), ERR_MEMORY);
    EXPECT_EQ(count, 3);
    EXPECT(changed[0] && changed[2] && !changed[3] && p->tile[2] && !p->tile[3]);
    pic_unref(p);
    tile_pool_release(&pool);
    scene_release(&s);
}

static void hash_tells_pictures_apart(void)
{
    struct tile_pool pool;
    struct pic *p, *q, *other;
    struct scene s = scene_new(130, 70, 0);
    uint8_t a[16], b[16];

    tile_pool_init(&pool, 100);
    EXPECT_EQ(pic_new(&pool, 130, 70, false, &p), OK);
    EXPECT_EQ(pic_new(&pool, 70, 130, false, &other), OK);
    pic_hash(p, a);
    pic_hash(other, b);
    EXPECT(memcmp(a, b, 16));
    pic_unref(other);
    EXPECT_EQ(pic_new(&pool, 130, 70, true, &other), OK);
    pic_hash(other, b);
    EXPECT(memcmp(a, b, 16));
    pic_unref(other);
    EXPECT_EQ(pic_copy(p, &q), OK);
    /* An explicit black tile and none at all are the same content. */
    struct tile *t = tile_new(&pool);
    memset(t->px, 0, sizeof t->px);
    pic_set(q, 2, t);
    pic_hash(q, b);
    EXPECT(pic_equal(p, q) && memcmp(a, b, 16) == 0);
    for (uint32_t i = 0; i < 130 * 70; i += 97) {
        s.px[i] ^= 0x000100;
        scene_update(&s, q, NULL);
        pic_hash(q, b);
        EXPECT(memcmp(a, b, 16));
        memcpy(a, b, 16);
    }
    pic_unref(p);
    pic_unref(q);
    EXPECT_EQ(pool.in_use, 0);
    tile_pool_release(&pool);
    scene_release(&s);
}

TEST_MAIN({"sizes_are_bounded", sizes_are_bounded},
          {"pixels_go_in_and_come_out", pixels_go_in_and_come_out},
          {"only_the_area_is_updated", only_the_area_is_updated},
          {"a_full_pool_keeps_what_was_done", a_full_pool_keeps_what_was_done},
          {"hash_tells_pictures_apart", hash_tells_pictures_apart})
