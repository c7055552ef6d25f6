/* Updates into a mirror, in any order. An input is a list of messages, each a kind, a length and
 * bytes: 0 the bytes as they are; else the head of an update from them, with one of some true
 * blocks behind it, so that what is put together from blocks is reached. */

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/num.h"
#include "core/base/rd.h"
#include "core/codec/block.h"
#include "core/codec/pic.h"
#include "core/screen/mirror.h"
#include "core/wire/desk.h"
#include "tests/fuzz/fuzz.h"

enum { MESSAGES = 64, BLOCKS = 4, WIDTH = 150, HEIGHT = 100, ADDED = 8 };

static struct tile_pool pool;
static struct buf block[BLOCKS];

/* Blocks against black: a tile, all tiles, a tile of one colour, and another picture's. */
static void prepare(void)
{
    struct block_coder *coder = block_coder_new();
    struct block_reference black = {NULL, NULL};
    uint32_t all[16];
    struct pic *p;

    CHECK(coder);
    tile_pool_init(&pool, 1000);
    CHECK(pic_new(&pool, WIDTH, HEIGHT, false, &p) == OK && pic_tiles(p) <= COUNT_OF(all));
    for (uint32_t i = 0; i < pic_tiles(p); i++) {
        struct tile *t = tile_new(&pool);
        CHECK(t);
        for (uint32_t k = 0; k < TILE_PIXELS; k++)
            t->px[k] = i == 2 ? 0x123456 : (k * (i + 7)) & 0xffffff;
        pic_set(p, i, t);
        all[i] = i;
    }
    for (int b = 0; b < BLOCKS; b++) {
        buf_init(&block[b], BLOCK_MAX_BYTES);
        CHECK(block_encode(coder, p, &black, all + (b == 2 ? 2 : 0),
                           b == 1 ? pic_tiles(p) : 1 + (size_t)(b == 3), NULL, 0, &block[b],
                           NULL) == OK);
    }
    pic_unref(p);
    block_coder_free(coder);
}

/* Numbers are small, so that they meet. */
static size_t make_update(struct bytes from, uint8_t *to, size_t room)
{
    static struct desk_update u;
    struct rd r = rd_of(from);
    struct wr w = wr_of(to, room);
    uint8_t choice = rd_u8(&r);

    u = (struct desk_update){.epoch = 1 + (choice >> 6),
                             .width = choice & 8 ? WIDTH + 1 : WIDTH,
                             .height = HEIGHT,
                             .alpha = choice & 16,
                             .id = 1 + (uint64_t)rd_u8(&r) * (choice & 32 ? 100 : 1),
                             .version = rd_u8(&r)};
    u.captured_us = u.version;
    u.snap = rd_u8(&r) % 8;
    u.base = num_min(rd_u8(&r) % 8, u.snap);
    u.keep = num_min(rd_u8(&r) % 8, u.base);
    u.floor = num_min(rd_u8(&r), u.id);
    while (r.left && u.added_count < ADDED) {
        u.added[u.added_count] = rd_u8(&r);
        u.added_count += u.added[u.added_count] < u.id;
    }
    desk_put_update(&w, &u);
    wr_bytes(&w, buf_bytes(&block[choice % BLOCKS]));
    CHECK(!w.full);
    return w.n;
}

static void check(struct mirror *m)
{
    struct mirror_counters c;
    uint8_t hash[DESK_HASH_BYTES], ours[DESK_HASH_BYTES];
    struct desk_record exact = {
        .kind = DESK_EXACT, .epoch = mirror_epoch(m), .version = mirror_version(m)};
    struct pic *p = mirror_picture(m);

    mirror_count(m, &c);
    CHECK(c.failures + c.given_up <= c.updates && c.failures <= c.updates);
    (void)mirror_captured_us(m);
    if (!p) {
        CHECK(mirror_check(m, &exact, hash) == MIRROR_WRONG);
        return;
    }
    pic_hash(p, ours);
    memcpy(exact.hash, ours, sizeof ours);
    CHECK(mirror_check(m, &exact, hash) == MIRROR_EXACT);
    CHECK(memcmp(hash, ours, sizeof hash) == 0);
    exact.hash[0] ^= 1;
    CHECK(mirror_check(m, &exact, hash) == MIRROR_WRONG);
    CHECK(mirror_changed(m));
    mirror_shown(m);
    CHECK(!mirror_has_changed(m));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static uint8_t space[BLOCK_MAX_BYTES];
    struct mirror *m = mirror_new(0);
    struct rd r = rd_of(bytes_of(data, n));

    if (block[0].n == 0)
        prepare();
    CHECK(m);
    for (int i = 0; i < MESSAGES && r.left; i++) {
        bool raw = rd_u8(&r) == 0;
        struct bytes b = rd_bytes(&r, num_min(rd_u8(&r), r.left));
        size_t made = raw ? 0 : make_update(b, space, sizeof space);
        uint8_t *copy = raw ? fuzz_copy(b.p, b.n) : fuzz_copy(space, made);
        /* A large picture is as right or wrong as a small one, and slow. */
        static struct desk_update head;
        struct bytes message = bytes_of(copy, raw ? b.n : made);
        if (desk_get_update(message, &head) != OK || (uint64_t)head.width * head.height <= 1 << 18)
            (void)!mirror_update(m, message);
        free(copy);
    }
    check(m);
    mirror_free(m);
    return 0;
}
