#include <string.h>

#include "core/base/num.h"
#include "core/codec/block.h"
#include "tests/unit/scene.h"
#include "tests/unit/test.h"

/* Both ends of a link: what was sent decodes to the same picture, payloads agree. */
struct link {
    struct tile_pool pool;
    struct block_coder *coder;
    struct block_history *history; /* both ends would have this one */
    struct pic *ref;
    size_t bytes; /* coded so far */
};

static void link_init(struct link *l)
{
    *l = (struct link){0};
    tile_pool_init(&l->pool, 40000);
    l->coder = block_coder_new();
    CHECK(l->coder);
}

static void link_release(struct link *l)
{
    pic_unref(l->ref);
    block_history_unref(l->history);
    block_coder_free(l->coder);
    CHECK(l->pool.in_use == 0);
    tile_pool_release(&l->pool);
}

/* Encodes and decodes one block; puts the decoded tiles into `into`. */
static enum err pass_block(struct link *l, const struct pic *now, const uint32_t *tiles,
                           size_t count, const struct block_vector *v, size_t vectors,
                           struct pic *into, struct buf *payload)
{
    struct block_reference ref = {l->ref, l->history};
    struct block_tile out[BLOCK_MAX_TILES];
    struct buf coded, theirs;
    size_t n = 0;

    buf_init(&coded, BLOCK_MAX_BYTES);
    buf_init(&theirs, 8 << 20);
    size_t before = payload->n;
    enum err e = block_encode(l->coder, now, &ref, tiles, count, v, vectors, &coded, payload);
    if (e)
        goto out;
    l->bytes += coded.n;
    e = block_decode(l->coder, now, &ref, buf_bytes(&coded), out, &n, &theirs);
    if (e)
        goto out;
    CHECK(n == count);
    CHECK(bytes_equal(buf_bytes(&theirs), bytes_of(payload->p + before, payload->n - before)));
    for (size_t i = 0; i < n; i++) {
        CHECK(out[i].index == tiles[i]);
        pic_set(into, out[i].index, out[i].tile);
    }
out:
    buf_release(&coded);
    buf_release(&theirs);
    return e;
}

/* Sends every tile of `now` that differs from the reference, then makes it the reference and the
 * payloads part of the history. */
static void send_picture(struct link *l, const struct pic *now, const uint8_t *changed)
{
    uint32_t tiles[BLOCK_MAX_TILES];
    struct block_vector v[8];
    size_t count = 0, limit = 24;
    struct pic *into;
    struct buf payload;

    buf_init(&payload, 64 << 20);
    size_t vectors = l->ref ? block_find_vectors(now, l->ref, changed, v, COUNT_OF(v)) : 0;
    EXPECT(vectors <= COUNT_OF(v));
    EXPECT_EQ(l->ref ? pic_copy(l->ref, &into)
                     : pic_new(&l->pool, now->width, now->height, now->alpha, &into),
              OK);
    for (uint32_t i = 0; i <= pic_tiles(now); i++) {
        if (i < pic_tiles(now) && changed[i])
            tiles[count++] = i;
        if (count == limit || (count && i == pic_tiles(now))) {
            size_t done = 0;
            for (size_t n = count; done < count; n = (n + 1) / 2) {
                enum err e = pass_block(l, now, tiles + done, num_min(n, count - done), v, vectors,
                                        into, &payload);
                EXPECT(e == OK || (e == ERR_LIMIT && n > 1));
                done += e ? 0 : num_min(n, count - done);
            }
            count = 0;
        }
    }
    EXPECT(pic_equal(now, into));
    pic_unref(l->ref);
    l->ref = into;
    struct bytes b = buf_bytes(&payload);
    struct block_history *h = block_history_new(l->history, &b, 1);
    EXPECT(h);
    block_history_unref(l->history);
    l->history = h;
    buf_release(&payload);
}

/* Draws with `draw` for a number of frames and sends each. */
static void send_frames(uint32_t width, uint32_t height, bool alpha, int frames,
                        void (*draw)(struct scene *s, int frame))
{
    struct link l;
    struct pic *now, *next;
    struct scene s = scene_new(width, height, 0);

    link_init(&l);
    EXPECT_EQ(pic_new(&l.pool, width, height, alpha, &now), OK);
    uint8_t *changed = heap_alloc(pic_tiles(now));
    for (int i = 0; i < frames && !test_failed(); i++) {
        draw(&s, i);
        EXPECT_EQ(pic_copy(now, &next), OK);
        pic_unref(now);
        now = next;
        memset(changed, 0, pic_tiles(now));
        scene_update(&s, now, changed);
        send_picture(&l, now, changed);
    }
    heap_free(changed);
    pic_unref(now);
    scene_release(&s);
    if (!test_failed())
        link_release(&l);
}

static void draw_random(struct scene *s, int frame)
{
    scene_random(s, (uint64_t)frame + 1);
}

static void draw_photo(struct scene *s, int frame)
{
    scene_photo(s, (struct rect){0, 0, s->width, s->height}, (uint64_t)frame, 8);
}

static void draw_scroll(struct scene *s, int frame)
{
    scene_text(s, (struct rect){0, 0, s->width, s->height}, (uint32_t)frame, 0x203040, 0xfafafa);
}

static void draw_window(struct scene *s, int frame)
{
    scene_desktop(s, 5 + (uint32_t)frame * 13, 9 + (uint32_t)frame * 7, 3);
}

static void pictures_survive_exactly(void)
{
    static const uint32_t sizes[][2] = {{1, 1},    {17, 3},    {65, 129},
                                        {4097, 1}, {300, 200}, {640, 480}};
    static void (*const draws[])(struct scene *, int) = {draw_random, draw_photo, draw_scroll,
                                                         draw_window};

    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t d = 0; d < COUNT_OF(draws); d++)
            for (int alpha = 0; alpha < 2 && !test_failed(); alpha++)
                send_frames(sizes[i][0], sizes[i][1], alpha, 4, draws[d]);
}

/* A picture of the scene; the caller's. */
static struct pic *picture(struct tile_pool *pool, const struct scene *s)
{
    struct pic *p;

    CHECK(pic_new(pool, s->width, s->height, false, &p) == OK);
    scene_update(s, p, NULL);
    return p;
}

static void vectors_are_found(void)
{
    static const int16_t moves[][2] = {{0, 42}, {0, -7}, {33, 0}, {-120, 0}, {19, -23}, {-5, 64}};

    for (size_t i = 0; i < COUNT_OF(moves); i++) {
        struct tile_pool pool;
        struct scene a = scene_new(700, 500, 0x336699), b = scene_new(700, 500, 0x336699);
        struct block_vector v[4] = {{0, 0}};
        uint8_t changed[88];
        int32_t dx = moves[i][0], dy = moves[i][1];

        tile_pool_init(&pool, 400);
        scene_text(&a, (struct rect){150, 100, 400, 300}, 5, 0x101010, 0xffffff);
        scene_text(&b, (struct rect){(uint32_t)(150 - dx), (uint32_t)(100 - dy), 400, 300}, 5,
                   0x101010, 0xffffff);
        struct pic *ref = picture(&pool, &a), *now = picture(&pool, &b);
        for (uint32_t t = 0; t < pic_tiles(now); t++)
            changed[t] = memcmp(now->tile[t]->px, ref->tile[t]->px, sizeof now->tile[t]->px) != 0;
        EXPECT(block_find_vectors(now, ref, changed, v, COUNT_OF(v)) > 0);
        EXPECT_EQ(v[0].dx, dx);
        EXPECT_EQ(v[0].dy, dy);
        EXPECT_EQ(block_find_vectors(ref, ref, changed, v, COUNT_OF(v)), 0);
        EXPECT_EQ(block_find_vectors(now, ref, changed, v, 0), 0);
        EXPECT_EQ(block_find_vectors(now, NULL, changed, v, COUNT_OF(v)), 0);
        pic_unref(ref);
        pic_unref(now);
        tile_pool_release(&pool);
        scene_release(&a);
        scene_release(&b);
    }
}

/* Encodes tiles first .. first + count - 1 against nothing; both buffers are the caller's. */
static void encode_alone(const struct pic *now, uint32_t first, size_t count, struct buf *coded,
                         struct buf *payload)
{
    struct block_coder *c = block_coder_new();
    struct block_reference ref = {NULL, NULL};
    uint32_t tiles[BLOCK_MAX_TILES];

    for (size_t i = 0; i < count; i++)
        tiles[i] = first + (uint32_t)i;
    buf_init(coded, BLOCK_MAX_BYTES);
    buf_init(payload, 4 << 20);
    CHECK(c && block_encode(c, now, &ref, tiles, count, NULL, 0, coded, payload) == OK);
    block_coder_free(c);
}

/* Payloads one by one and all at once: a block decodes with either. */
static void histories_do_not_depend_on_steps(void)
{
    enum { PARTS = 12 };
    struct tile_pool pool;
    struct scene s = scene_new(640, 960, 0);
    struct buf coded, payload[PARTS], said;
    struct bytes all[PARTS];
    struct block_history *one = NULL, *next, *half;
    struct block_coder *c = block_coder_new();
    struct block_tile out[BLOCK_MAX_TILES];
    uint32_t tile = 3;
    size_t n;

    tile_pool_init(&pool, 1000);
    for (uint32_t y = 0; y < s.height; y++)
        for (uint32_t x = 0; x < s.width; x++)
            s.px[y * s.width + x] = y / 64 << 16 | (x / 8 * 31 + y / 4 * 7) % 700;
    struct pic *p = picture(&pool, &s);
    for (uint32_t i = 0; i < PARTS; i++) {
        encode_alone(p, i * 12, 12, &coded, &payload[i]);
        buf_release(&coded);
        all[i] = buf_bytes(&payload[i]);
        next = block_history_new(one, &all[i], 1);
        EXPECT(next);
        block_history_unref(one);
        one = next;
    }
    half = block_history_new(NULL, all, 5);
    next = block_history_new(half, all + 5, PARTS - 5);
    struct block_reference with_one = {p, one}, with_all = {p, next}, with_none = {p, NULL};
    buf_init(&coded, BLOCK_MAX_BYTES);
    buf_init(&said, 4 << 20);
    scene_glyph(&s, 200, 20, 3, 0x123456, 0);
    scene_update(&s, p, NULL);
    EXPECT_EQ(block_encode(c, p, &with_one, &tile, 1, NULL, 0, &coded, NULL), OK);
    EXPECT_EQ(block_decode(c, p, &with_all, buf_bytes(&coded), out, &n, &said), OK);
    EXPECT(n == 1 && out[0].tile == p->tile[3]);
    tile_unref(&pool, out[0].tile);
    /* Without the history the same bytes must not crash; they may give anything. */
    if (block_decode(c, p, &with_none, buf_bytes(&coded), out, &n, &said) == OK)
        for (size_t i = 0; i < n; i++)
            tile_unref(&pool, out[i].tile);
    for (uint32_t i = 0; i < PARTS; i++)
        buf_release(&payload[i]);
    buf_release(&coded);
    buf_release(&said);
    block_history_unref(one);
    block_history_unref(half);
    block_history_unref(next);
    block_history_unref(NULL);
    block_coder_free(c);
    pic_unref(p);
    EXPECT_EQ(pool.in_use, 0);
    tile_pool_release(&pool);
    scene_release(&s);
}

/* Decodes an exact-size copy; whatever comes out is given back. */
static void decode_and_drop(struct block_coder *c, const struct pic *shape, struct bytes coded)
{
    struct block_reference ref = {shape, NULL};
    struct block_tile out[BLOCK_MAX_TILES];
    struct buf said;
    size_t n = 0;
    uint8_t *copy = heap_alloc(coded.n);

    memcpy(copy, coded.p, coded.n);
    buf_init(&said, 4 << 20);
    enum err e = block_decode(c, shape, &ref, bytes_of(copy, coded.n), out, &n, &said);
    CHECK(e == OK || e == ERR_MALFORMED);
    CHECK(e == OK || (n == 0 && said.n == 0));
    while (n > 0)
        tile_unref(shape->pool, out[--n].tile);
    buf_release(&said);
    heap_free(copy);
}

static void damaged_blocks_do_no_harm(void)
{
    struct tile_pool pool;
    struct scene s = scene_new(150, 100, 0x445566);
    struct block_coder *c = block_coder_new();
    struct buf coded, payload;

    tile_pool_init(&pool, 100);
    scene_text(&s, (struct rect){3, 3, 60, 80}, 1, 0x101010, 0xffffff);
    scene_photo(&s, (struct rect){70, 20, 40, 40}, 3, 16);
    struct pic *p = picture(&pool, &s);
    encode_alone(p, 0, pic_tiles(p), &coded, &payload);
    size_t in_use = pool.in_use;
    for (size_t i = 0; i < coded.n; i++)
        decode_and_drop(c, p, bytes_of(coded.p, i));
    for (size_t bit = 0; bit < coded.n * 8; bit++) {
        coded.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        decode_and_drop(c, p, buf_bytes(&coded));
        coded.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    EXPECT_EQ(pool.in_use, in_use);
    buf_release(&coded);
    buf_release(&payload);
    block_coder_free(c);
    pic_unref(p);
    tile_pool_release(&pool);
    scene_release(&s);
}

/* Everything that allocates, with every allocation failing once. */
static enum err whole_round(struct tile_pool *pool, const struct pic *now, const struct pic *before)
{
    struct block_coder *c = block_coder_new();
    struct block_history *h = NULL;
    struct block_tile out[BLOCK_MAX_TILES];
    struct buf coded, payload, said;
    uint32_t tiles[] = {0, 1, 2, 3, 4, 5};
    size_t n = 0;
    enum err e = c ? OK : ERR_MEMORY;

    buf_init(&coded, BLOCK_MAX_BYTES);
    buf_init(&payload, 1 << 20);
    buf_init(&said, 1 << 20);
    struct block_reference ref = {before, NULL};
    for (int i = 0; i < 2 && !e; i++) {
        coded.n = payload.n = said.n = 0;
        e = block_encode(c, now, &ref, tiles, COUNT_OF(tiles), NULL, 0, &coded, &payload);
        if (!e)
            e = block_decode(c, now, &ref, buf_bytes(&coded), out, &n, &said);
        while (n > 0)
            tile_unref(pool, out[--n].tile);
        struct bytes b = buf_bytes(&payload);
        if (!e && !h && !(h = block_history_new(NULL, &b, 1)))
            e = ERR_MEMORY;
        ref.history = h;
    }
    buf_release(&coded);
    buf_release(&payload);
    buf_release(&said);
    block_history_unref(h);
    block_coder_free(c);
    return e;
}

static void memory_may_end_anywhere(void)
{
    struct tile_pool pool;
    struct scene s = scene_new(150, 100, 0x445566);
    struct pic *before, *now;
    uint64_t nth = 0;
    enum err e;

    tile_pool_init(&pool, 100);
    EXPECT_EQ(pic_new(&pool, 150, 100, false, &before), OK);
    scene_text(&s, (struct rect){3, 3, 60, 80}, 1, 0x101010, 0xffffff);
    scene_photo(&s, (struct rect){70, 20, 40, 40}, 3, 16);
    now = picture(&pool, &s);
    do {
        struct tile_pool fresh = pool;
        size_t in_use = pool.in_use;
        heap_fail_at(++nth);
        e = whole_round(&pool, now, before);
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT_EQ(pool.in_use, in_use);
        EXPECT(e == (fired ? ERR_MEMORY : OK) && fresh.max == pool.max);
        if (!fired)
            break;
    } while (nth < 1000);
    EXPECT(nth > 10 && nth < 1000);
    pic_unref(now);
    pic_unref(before);
    tile_pool_release(&pool);
    scene_release(&s);
}

TEST_MAIN({"pictures_survive_exactly", pictures_survive_exactly},
          {"vectors_are_found", vectors_are_found},
          {"histories_do_not_depend_on_steps", histories_do_not_depend_on_steps},
          {"damaged_blocks_do_no_harm", damaged_blocks_do_no_harm},
          {"memory_may_end_anywhere", memory_may_end_anywhere})
