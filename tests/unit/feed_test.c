/* A feed and a mirror joined by a channel that loses, delays, doubles and reorders messages. */
#include <stdlib.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/codec/block.h"
#include "core/screen/capture.h"
#include "core/screen/feed.h"
#include "core/screen/mirror.h"
#include "core/screen/viewer.h"
#include "tests/unit/test.h"

enum { WIDTH = 300, HEIGHT = 200, FLYING = 4096 };

struct letter {
    uint64_t id, due;
    uint8_t *data;
    size_t n;
    bool ack, gone;
};

static struct {
    struct rng rng;
    uint32_t *px;
    uint32_t width, height;
    struct capture capture;
    struct feed *feed;
    struct mirror *mirror;
    struct letter flying[FLYING];
    size_t count;
    uint64_t tick;
    uint32_t loss; /* millionths */
    unsigned delay;
    unsigned failures, restarts;
} t;

static void setup(uint32_t without)
{
    memset(&t, 0, sizeof t);
    rng_seed(&t.rng, 5);
    t.width = WIDTH;
    t.height = HEIGHT;
    t.delay = 3;
    t.px = heap_array(WIDTH * 2 * HEIGHT * 2, sizeof *t.px);
    capture_init(&t.capture);
    t.feed = feed_new(&t.capture, without);
    t.mirror = mirror_new(without);
}

static void teardown(void)
{
    for (size_t i = 0; i < t.count; i++)
        heap_free(t.flying[i].data);
    feed_free(t.feed);
    mirror_free(t.mirror);
    capture_release(&t.capture);
    heap_free(t.px);
}

/* Text-like marks, a scroll and noise in random places. */
static struct rect draw(void)
{
    uint32_t x = (uint32_t)rng_below(&t.rng, t.width), y = (uint32_t)rng_below(&t.rng, t.height);
    uint32_t w = 1 + (uint32_t)rng_below(&t.rng, t.width - x);
    uint32_t h = 1 + (uint32_t)rng_below(&t.rng, t.height - y);
    uint64_t kind = rng_below(&t.rng, 4);

    if (kind == 0) {
        memmove(t.px, t.px + 5 * t.width, (size_t)(t.height - 5) * t.width * 4);
        return (struct rect){0, 0, t.width, t.height};
    }
    for (uint32_t j = y; j < y + h; j++)
        for (uint32_t i = x; i < x + w; i++)
            t.px[j * t.width + i] = kind == 1   ? (uint32_t)rng_u64(&t.rng)
                                    : kind == 2 ? 0xff00ff00u
                                                : (i * j & 4 ? 0x202020 : 0xf0f0f0);
    return (struct rect){x, y, w, h};
}

static enum err take(struct rect damage, bool whole)
{
    static struct source_frame f;

    f.pixels = (struct pixels){t.px, t.width, t.height, t.width};
    f.damage[0] = damage;
    f.damage_count = 1;
    f.whole = whole;
    f.captured_us = t.tick;
    return capture_take(&t.capture, &f);
}

static void land(struct letter *l)
{
    struct letter gone = *l;

    *l = t.flying[--t.count];
    if (gone.gone) {
        feed_gone(t.feed, gone.id);
    } else if (gone.ack) {
        feed_acked(t.feed, gone.id);
    } else {
        /* The acknowledgement travels back as long; now and then a copy comes later. */
        bool twice = rng_chance(&t.rng, 50000) && t.count + 2 < FLYING;
        enum err e = mirror_update(t.mirror, bytes_of(gone.data, gone.n));
        if (e) {
            t.failures++;
            t.restarts++;
            feed_restart(t.feed);
        }
        t.flying[t.count++] = (struct letter){.id = gone.id, .due = t.tick + t.delay, .ack = true};
        if (twice) {
            gone.due = t.tick + 1 + rng_below(&t.rng, 20);
            t.flying[t.count++] = gone;
            return;
        }
    }
    heap_free(gone.data);
}

static void step(void)
{
    struct bytes message;
    uint64_t id, transport;

    t.tick++;
    while (feed_next_stale(t.feed, &transport))
        continue;
    while (t.count + 4 < FLYING && feed_next(t.feed, 10000, &message, &id) == OK) {
        feed_posted(t.feed, id, id);
        struct letter l = {.id = id, .due = t.tick + t.delay + rng_below(&t.rng, 4)};
        if (rng_chance(&t.rng, t.loss)) {
            l.gone = true;
            l.due += t.delay;
        } else {
            l.n = message.n;
            l.data = malloc(message.n); /* exact size, for the sanitizers */
            memcpy(l.data, message.p, message.n);
        }
        t.flying[t.count++] = l;
    }
    for (size_t i = 0; i < t.count;)
        if (t.flying[i].due <= t.tick)
            land(&t.flying[i]);
        else
            i++;
}

static bool same(void)
{
    struct desk_record exact = {
        .kind = DESK_EXACT, .epoch = feed_epoch(t.feed), .version = t.capture.version};
    uint8_t hash[DESK_HASH_BYTES];

    pic_hash(t.capture.now, exact.hash);
    return mirror_picture(t.mirror) && pic_equal(t.capture.now, mirror_picture(t.mirror)) &&
           mirror_check(t.mirror, &exact, hash) == MIRROR_EXACT;
}

static bool settles(unsigned limit)
{
    while (limit-- && !feed_complete(t.feed))
        step();
    return feed_complete(t.feed) && same();
}

static void a_still_picture_arrives(void)
{
    setup(0);
    EXPECT_EQ(take(draw(), true), OK);
    EXPECT(feed_dirty(t.feed) && !feed_complete(t.feed));
    EXPECT(settles(100));
    EXPECT(mirror_has_changed(t.mirror));
    mirror_shown(t.mirror);
    EXPECT(!mirror_has_changed(t.mirror));
    EXPECT(!feed_dirty(t.feed));
    teardown();
}

static void a_black_picture_arrives_too(void)
{
    setup(0);
    t.loss = 500000;
    EXPECT_EQ(take((struct rect){0}, true), OK);
    EXPECT(settles(1000));
    EXPECT_EQ(mirror_picture(t.mirror)->width, WIDTH);
    teardown();
}

static void changes_through_loss(uint32_t loss, unsigned frames)
{
    for (unsigned i = 0; i < frames; i++) {
        if (take(draw(), false))
            test_fail(__FILE__, __LINE__, "take");
        t.loss = loss;
        step();
        if (i % 50 == 49 && !settles(400))
            test_fail(__FILE__, __LINE__, "settles");
    }
}

static void everything_arrives_whatever_is_lost(void)
{
    struct feed_counters c;

    setup(0);
    changes_through_loss(0, 100);
    EXPECT(!test_failed());
    changes_through_loss(100000, 300);
    EXPECT(!test_failed());
    changes_through_loss(600000, 200);
    EXPECT(!test_failed());
    EXPECT_EQ(t.failures, 0);
    feed_count(t.feed, &c);
    EXPECT(c.snapshots > 50 && c.gone > 50 && c.forsaken > 10);
    teardown();
}

/* Referring to what may never arrive breaks the picture: the reason for snapshots. */
static void without_acknowledged_references_it_fails(void)
{
    setup(WITHOUT_ACKED);
    for (unsigned i = 0; i < 100; i++) {
        EXPECT_EQ(take(draw(), false), OK);
        t.loss = 300000;
        step();
    }
    EXPECT(t.failures > 0);
    teardown();
}

static void a_new_size_begins_anew(void)
{
    setup(0);
    t.loss = 100000;
    for (unsigned i = 0; i < 12; i++) {
        t.width = 50 + 40 * (i % 5);
        t.height = 200 - 30 * (i % 3);
        EXPECT_EQ(take(draw(), false), OK);
        step();
        step();
    }
    EXPECT(settles(500));
    feed_restart(t.feed);
    EXPECT(settles(500));
    EXPECT_EQ(t.failures, 0);
    teardown();
}

static void a_missed_damage_is_found(void)
{
    setup(0);
    EXPECT_EQ(take(draw(), true), OK);
    t.px[0] ^= 0x010101;
    EXPECT_EQ(take((struct rect){5, 5, 1, 1}, false), OK);
    EXPECT_EQ(t.capture.missed, 0);
    EXPECT(settles(100));
    EXPECT_EQ(take((struct rect){0}, true), OK);
    EXPECT_EQ(t.capture.missed, 1);
    EXPECT(!feed_complete(t.feed));
    EXPECT(settles(100));
    teardown();
}

/* One block of one dirty tile, as a copy of its bytes; changes that tile before when `capture`. */
static uint8_t *next_block(uint32_t tile, bool capture, uint64_t *id, size_t *n)
{
    struct bytes message;
    uint32_t x = tile % 5 * TILE_SIDE_PX, y = tile / 5 * TILE_SIDE_PX;

    if (capture) {
        t.px[y * t.width + x]++;
        if (take((struct rect){x, y, 1, 1}, false))
            return NULL;
    }
    if (feed_next(t.feed, 1, &message, id))
        return NULL;
    uint8_t *copy = malloc(message.n);
    memcpy(copy, message.p, message.n);
    *n = message.n;
    return copy;
}

static enum err deliver(uint8_t *block, size_t n)
{
    enum err e = mirror_update(t.mirror, bytes_of(block, n));

    free(block);
    return e;
}

/* A block is given up, being outdated, and comes after all: after others that say that what it was
 * coded against is not needed any more. */
static enum err overtaken(uint32_t without)
{
    uint64_t old_id, late_id, id;
    size_t old_n, late_n, n;

    setup(without);
    if (take(draw(), true) || !settles(100))
        return ERR_MEMORY;
    uint8_t *old = next_block(0, true, &old_id, &old_n);
    uint8_t *late = next_block(1, true, &late_id, &late_n);
    uint8_t *block = next_block(2, true, &id, &n);
    enum err e = deliver(block, n);
    feed_acked(t.feed, id);
    block = next_block(1, true, &id, &n); /* outdates the late one, against a new snapshot */
    e = e ? e : deliver(block, n);
    feed_acked(t.feed, id);
    e = e ? e : deliver(old, old_n);
    feed_acked(t.feed, old_id);
    feed_gone(t.feed, late_id);
    block = next_block(3, true, &id, &n);
    e = e ? e : deliver(block, n);
    enum err last = deliver(late, late_n);
    if (e || !same())
        last = ERR_MEMORY;
    return last;
}

static void what_was_given_up_and_comes_late_is_left_out(void)
{
    struct mirror_counters c;

    EXPECT_EQ(overtaken(0), OK);
    mirror_count(t.mirror, &c);
    EXPECT_EQ(c.given_up, 1);
    EXPECT_EQ(c.failures, 0);
    teardown();
    EXPECT_EQ(overtaken(WITHOUT_GIVEN_UP), ERR_NOT_FOUND);
    teardown();
}

static void wrong_claims_are_seen(void)
{
    struct desk_record exact = {.kind = DESK_EXACT};
    uint8_t hash[DESK_HASH_BYTES];

    setup(0);
    EXPECT_EQ(mirror_check(t.mirror, &exact, hash), MIRROR_WRONG);
    EXPECT_EQ(take(draw(), true), OK);
    EXPECT(settles(100));
    exact.epoch = mirror_epoch(t.mirror);
    exact.version = mirror_version(t.mirror);
    EXPECT_EQ(mirror_check(t.mirror, &exact, hash), MIRROR_WRONG);
    exact.version--;
    EXPECT_EQ(mirror_check(t.mirror, &exact, hash), MIRROR_MOVED);
    teardown();
}

static void flipped_bits_never_crash_the_mirror(void)
{
    struct bytes message;
    uint64_t id;

    setup(0);
    EXPECT_EQ(take(draw(), true), OK);
    EXPECT_EQ(feed_next(t.feed, 10000, &message, &id), OK);
    uint8_t *copy = malloc(message.n);
    for (size_t bit = 0; bit < num_min(message.n * 8, 4000); bit++) {
        memcpy(copy, message.p, message.n);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        (void)!mirror_update(t.mirror, bytes_of(copy, message.n));
    }
    for (size_t n = 0; n < message.n; n += 1 + n / 64)
        (void)!mirror_update(t.mirror, bytes_of(message.p, n));
    free(copy);
    teardown();
}

/* A still picture of more blocks, and more tiles, than a viewer keeps: noise, a tile a block. */
static void more_blocks_than_are_kept_arrive(uint32_t loss)
{
    setup(0);
    heap_free(t.px);
    t.width = 64 * 40;
    t.height = 64 * 35;
    t.px = heap_array((size_t)t.width * t.height, sizeof *t.px);
    for (size_t i = 0; i < (size_t)t.width * t.height; i++)
        t.px[i] = (uint32_t)(i * 2654435761u) >> 8 ^ (uint32_t)(i * i);
    EXPECT_EQ(take((struct rect){0}, true), OK);
    t.loss = loss;
    t.delay = 30;
    EXPECT(settles(20000));
    EXPECT_EQ(t.failures, 0);
    teardown();
}

static void a_large_noisy_picture_arrives(void)
{
    more_blocks_than_are_kept_arrive(0);
}

static void a_large_noisy_picture_arrives_through_loss(void)
{
    more_blocks_than_are_kept_arrive(200000);
}

/* Of the largest picture of cheap tiles, of which blocks hold many. */
static void more_tiles_than_are_kept_arrive(void)
{
    setup(0);
    heap_free(t.px);
    t.width = 7680;
    t.height = 4320;
    t.px = heap_array((size_t)t.width * t.height, sizeof *t.px);
    t.delay = 50;
    for (uint32_t frame = 0; frame < 3; frame++) {
        for (size_t i = 0; i < (size_t)t.width * t.height; i++)
            t.px[i] = (uint32_t)(i / 64 % 120 + i / 7680 / 64 * 120 + frame * 77777) * 257;
        EXPECT_EQ(take((struct rect){0}, true), OK);
        step();
    }
    EXPECT(settles(20000));
    EXPECT_EQ(t.failures, 0);
    teardown();
}

/* ---- a hostile feed ---- */

enum { HOSTILE_TILES = 48 };

static struct {
    struct tile_pool pool;
    struct pic *pic;
    struct buf block;
} hostile;

/* A block of the first tiles of a picture of its own, against black. */
static void hostile_begin(uint32_t width, uint32_t height)
{
    struct block_coder *coder = block_coder_new();
    struct block_reference black = {NULL, NULL};
    uint32_t tiles[HOSTILE_TILES];

    setup(0);
    tile_pool_init(&hostile.pool, 100);
    buf_init(&hostile.block, BLOCK_MAX_BYTES);
    if (!coder || pic_new(&hostile.pool, width, height, false, &hostile.pic)) {
        test_fail(__FILE__, __LINE__, "begin");
        return;
    }
    for (uint32_t i = 0; i < HOSTILE_TILES; i++) {
        struct tile *tile = tile_new(&hostile.pool);
        for (uint32_t k = 0; k < TILE_PIXELS; k++)
            tile->px[k] = i + 1;
        pic_set(hostile.pic, i, tile);
        tiles[i] = i;
    }
    EXPECT_EQ(block_encode(coder, hostile.pic, &black, tiles, HOSTILE_TILES, NULL, 0,
                           &hostile.block, NULL),
              OK);
    block_coder_free(coder);
}

static void hostile_end(void)
{
    pic_unref(hostile.pic);
    tile_pool_release(&hostile.pool);
    buf_release(&hostile.block);
    teardown();
}

/* Tells the mirror of that block as an update; what is not set is as in the first. */
static enum err tell(uint64_t id, uint64_t floor, uint32_t snap, uint32_t base, uint64_t added)
{
    static uint8_t space[BLOCK_MAX_BYTES];
    static struct desk_update u;
    struct wr w = wr_of(space, sizeof space);

    u = (struct desk_update){.epoch = 1,
                             .width = hostile.pic->width,
                             .height = hostile.pic->height,
                             .id = id,
                             .version = (uint32_t)id,
                             .snap = snap,
                             .base = base,
                             .floor = floor,
                             .added_count = added != 0,
                             .added = {added}};
    desk_put_update(&w, &u);
    wr_bytes(&w, buf_bytes(&hostile.block));
    return mirror_update(t.mirror, wr_done(&w));
}

static void a_feed_that_never_raises_the_floor_is_refused(void)
{
    uint64_t id = 1;

    hostile_begin(1024, 1024);
    for (; id <= LIMIT_DESK_TILES / HOSTILE_TILES; id++)
        EXPECT_EQ(tell(id, 1, 0, 0, 0), OK);
    EXPECT_EQ(tell(id, 1, 0, 0, 0), ERR_LIMIT);
    EXPECT_EQ(tell(id + 1, 1, 0, 0, 0), ERR_LIMIT);
    /* As soon as others are let go of there is room again. */
    EXPECT_EQ(tell(id + 2, 3, 0, 0, 0), OK);
    EXPECT_EQ(tell(id + 3, 3, 0, 0, 0), OK);
    EXPECT_EQ(tell(id + 4, 3, 0, 0, 0), ERR_LIMIT);
    hostile_end();
}

/* It ends the session; what merely does not fit makes the viewer ask for a new picture. */
static void a_viewer_calls_that_a_broken_protocol(void)
{
    static uint8_t space[1000];
    static struct desk_update u = {.epoch = 1, .width = 100, .height = 100, .id = 1};
    struct viewer *v = viewer_new(0);
    struct peer_event e = {.kind = PEER_EVENT_MESSAGE, .channel = DESK_UPDATE};

    for (int large = 0; large < 2; large++) {
        struct wr w = wr_of(space, sizeof space);
        u.width = large ? LIMIT_PICTURE_SIDE_PX + 1 : 100;
        desk_put_update(&w, &u);
        e.data = wr_done(&w);
        EXPECT_EQ(viewer_event(v, 0, NULL, &e), large ? ERR_MALFORMED : OK);
    }
    viewer_free(v);
}

static void ids_too_far_apart_are_refused(void)
{
    hostile_begin(1024, 1024);
    EXPECT_EQ(tell(1, 1, 0, 0, 0), OK);
    EXPECT_EQ(tell(1 + LIMIT_DESK_BLOCKS, 1, 0, 0, 0), ERR_LIMIT);
    EXPECT_EQ(tell(2 + LIMIT_DESK_BLOCKS, 2, 0, 0, 0), OK);
    hostile_end();
}

static void a_feed_that_makes_snapshots_without_end_is_refused(void)
{
    uint64_t id = 1;

    hostile_begin(1024, 1024);
    EXPECT_EQ(tell(id, 1, 0, 0, 0), OK);
    for (uint32_t snap = 1; snap < LIMIT_DESK_SNAPSHOTS; snap++, id++)
        EXPECT_EQ(tell(id + 1, id, snap, snap - 1, id), OK);
    EXPECT_EQ(tell(id + 1, id, LIMIT_DESK_SNAPSHOTS, LIMIT_DESK_SNAPSHOTS - 1, id), ERR_LIMIT);
    hostile_end();
}

static void memory_may_run_out(void)
{
    for (uint64_t nth = 1; nth < 3000; nth += 1 + nth / 40) {
        setup(0);
        if (!t.feed || !t.mirror)
            continue;
        heap_fail_at(nth);
        for (unsigned i = 0; i < 6; i++) {
            (void)!take(draw(), false);
            step();
        }
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT_EQ(take(draw(), true), OK);
        EXPECT(settles(400));
        teardown();
        if (!fired)
            return;
    }
    EXPECT(!"the loop ends");
}

TEST_MAIN({"a_still_picture_arrives", a_still_picture_arrives},
          {"a_black_picture_arrives_too", a_black_picture_arrives_too},
          {"everything_arrives_whatever_is_lost", everything_arrives_whatever_is_lost},
          {"without_acknowledged_references_it_fails", without_acknowledged_references_it_fails},
          {"a_new_size_begins_anew", a_new_size_begins_anew},
          {"a_missed_damage_is_found", a_missed_damage_is_found},
          {"what_was_given_up_and_comes_late_is_left_out",
           what_was_given_up_and_comes_late_is_left_out},
          {"wrong_claims_are_seen", wrong_claims_are_seen},
          {"flipped_bits_never_crash_the_mirror", flipped_bits_never_crash_the_mirror},
          {"a_large_noisy_picture_arrives", a_large_noisy_picture_arrives},
          {"a_large_noisy_picture_arrives_through_loss",
           a_large_noisy_picture_arrives_through_loss},
          {"more_tiles_than_are_kept_arrive", more_tiles_than_are_kept_arrive},
          {"a_feed_that_never_raises_the_floor_is_refused",
           a_feed_that_never_raises_the_floor_is_refused},
          {"a_viewer_calls_that_a_broken_protocol", a_viewer_calls_that_a_broken_protocol},
          {"ids_too_far_apart_are_refused", ids_too_far_apart_are_refused},
          {"a_feed_that_makes_snapshots_without_end_is_refused",
           a_feed_that_makes_snapshots_without_end_is_refused},
          {"memory_may_run_out", memory_may_run_out})
