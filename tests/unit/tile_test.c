#include <string.h>

#include "core/base/heap.h"
#include "core/codec/tile.h"
#include "tests/unit/test.h"

static void pool_gives_up_to_its_bound(void)
{
    struct tile_pool pool;
    struct tile *t[3];

    tile_pool_init(&pool, 2);
    EXPECT((t[0] = tile_new(&pool)) && (t[1] = tile_new(&pool)));
    EXPECT((uintptr_t)t[0]->px % 64 == 0);
    EXPECT(!tile_new(&pool));
    EXPECT_EQ(pool.in_use, 2);
    tile_unref(&pool, t[0]);
    EXPECT_EQ(pool.in_use, 1);
    t[0]->digested = 1;
    t[2] = tile_new(&pool);
    EXPECT(t[2] == t[0]);
    EXPECT_EQ(t[2]->digested, 0);
    EXPECT_EQ(pool.made, 2);
    tile_unref(&pool, t[1]);
    tile_unref(&pool, t[2]);
    tile_unref(&pool, NULL);
    tile_pool_release(&pool);
    EXPECT_EQ(pool.made, 0);
}

static void references_keep_a_tile(void)
{
    struct tile_pool pool;

    tile_pool_init(&pool, 1);
    struct tile *t = tile_new(&pool);
    EXPECT(t && tile_ref(t) == t);
    tile_unref(&pool, t);
    EXPECT_EQ(pool.in_use, 1);
    tile_unref(&pool, t);
    EXPECT_EQ(pool.in_use, 0);
    tile_pool_release(&pool);
}

static void no_memory_gives_no_tile(void)
{
    struct tile_pool pool;

    tile_pool_init(&pool, 4);
    heap_fail_at(1);
    EXPECT(!tile_new(&pool));
    EXPECT_EQ(pool.made, 0);
    heap_fail_at(0);
    struct tile *t = tile_new(&pool);
    EXPECT(t);
    tile_unref(&pool, t);
    tile_pool_release(&pool);
}

/* A burst's tiles go back to the heap once nothing has needed them for a while; what is needed now
 * and then stays. */
static void what_a_burst_needed_is_given_back(void)
{
    enum { BURST = 500, NEEDED = 100, ROUNDS = 300 };
    static struct tile *t[BURST];
    struct tile_pool pool;

    tile_pool_init(&pool, BURST);
    for (int i = 0; i < BURST; i++)
        EXPECT(t[i] = tile_new(&pool));
    for (int i = 0; i < BURST; i++)
        tile_unref(&pool, t[i]);
    EXPECT_EQ(pool.made, BURST);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < NEEDED; i++)
            EXPECT(t[i] = tile_new(&pool));
        for (int i = 0; i < NEEDED; i++)
            tile_unref(&pool, t[i]);
    }
    EXPECT(pool.made >= NEEDED && pool.made < BURST / 2);
    EXPECT_EQ(pool.in_use, 0);
    size_t kept = pool.made;
    for (int i = 0; i < BURST; i++)
        EXPECT(t[i] = tile_new(&pool));
    EXPECT_EQ(pool.made, BURST);
    EXPECT(kept < pool.made);
    for (int i = 0; i < BURST; i++)
        tile_unref(&pool, t[i]);
    tile_pool_release(&pool);
}

TEST_MAIN({"pool_gives_up_to_its_bound", pool_gives_up_to_its_bound},
          {"what_a_burst_needed_is_given_back", what_a_burst_needed_is_given_back},
          {"references_keep_a_tile", references_keep_a_tile},
          {"no_memory_gives_no_tile", no_memory_gives_no_tile})
