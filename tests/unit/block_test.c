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

TEST_MAIN({"pictures_survive_exactly", pictures_survive_exactly})
