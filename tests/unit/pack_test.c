/* pack: chunks come out as they went in, at every level and across changes of level; lies are
 * found. */
#include "core/codec/pack.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/codec/unpack.h"
#include "tests/unit/test.h"

static uint8_t raw[PACK_RAW_BYTES], space[PACK_ROOM_BYTES];
static struct rng rng;

/* Text-like: few different words, in any order. */
static struct bytes words(size_t n)
{
    static const char word[8][8] = {"memory ",  "page of", " zeros, ",       "and one",
                                    "block of", " a disk", "\0\0\0\0\0\0\0", "again: "};

    for (size_t i = 0; i < n; i += 8)
        memcpy(raw + i, word[rng_below(&rng, 8)], num_min(8, n - i));
    return bytes_of(raw, n);
}

static struct bytes noise(size_t n)
{
    for (size_t i = 0; i < n; i++)
        raw[i] = (uint8_t)rng_u64(&rng);
    return bytes_of(raw, n);
}

static bool passes(struct pack *p, struct unpack *u, int level, struct bytes b, size_t *packed)
{
    struct bytes out;
    size_t used;

    if (pack_chunk(p, level, b, space, packed) || *packed > sizeof space)
        return false;
    /* In a block of its own size, so that reading past its end is seen. */
    uint8_t *copy = heap_alloc(*packed);
    memcpy(copy, space, *packed);
    for (size_t cut = 0; cut < *packed; cut += 1 + cut / 3)
        if (unpack_chunk(u, bytes_of(copy, cut), &used, &out) != ERR_AGAIN || used > *packed)
            return false;
    bool same = unpack_chunk(u, bytes_of(copy, *packed), &used, &out) == OK && used == *packed &&
                bytes_equal(out, b);
    heap_free(copy);
    return same;
}

static void test_passes(void)
{
    static const size_t lengths[] = {1, 2, 1000, 4096, PACK_RAW_BYTES - 1, PACK_RAW_BYTES};
    struct pack *p;
    struct unpack *u;
    size_t n;

    rng_seed(&rng, 5);
    EXPECT(pack_new(&p) == OK && unpack_new(&u) == OK);
    for (int i = 0; i < 400; i++) {
        size_t length = lengths[rng_below(&rng, 6)];
        int level = (int)rng_below(&rng, 4);
        EXPECT(passes(p, u, level, rng_below(&rng, 3) ? words(length) : noise(length), &n));
    }
    pack_free(p);
    unpack_free(u);
}

/* What came before is remembered, also across chunks that are copied. */
static void test_remembers(void)
{
    struct pack *p;
    struct unpack *u;
    size_t first, again;

    rng_seed(&rng, 6);
    EXPECT(pack_new(&p) == OK && unpack_new(&u) == OK);
    noise(PACK_RAW_BYTES);
    EXPECT(passes(p, u, 1, bytes_of(raw, sizeof raw), &first));
    EXPECT(first >= PACK_RAW_BYTES && first <= PACK_ROOM_BYTES);
    static uint8_t kept[PACK_RAW_BYTES];
    memcpy(kept, raw, sizeof kept);
    EXPECT(passes(p, u, 0, words(1000), &again));
    EXPECT_EQ(again, 1000 + PACK_HEAD_BYTES);
    EXPECT(passes(p, u, 1, bytes_of(kept, sizeof kept), &again));
    EXPECT(again < 200);
    pack_free(p);
    unpack_free(u);
}

static void test_lies(void)
{
    static const struct {
        const char *hex;
        enum err e;
    } lies[] = {
        {"", ERR_AGAIN},
        {"0001000000", ERR_AGAIN},
        {"03010000000041", ERR_MALFORMED},     /* no such kind */
        {"00000000000041", ERR_MALFORMED},     /* nothing */
        {"000200000000414141", ERR_MALFORMED}, /* two bytes, one raw */
        {"0001ffff000041", ERR_MALFORMED},     /* longer than any */
        {"02010000000041", ERR_MALFORMED},     /* goes on with what has not begun */
        {"01010000000041", ERR_MALFORMED},     /* not zstd */
    };
    struct unpack *u;
    struct bytes out;
    uint8_t b[16];
    size_t used;

    EXPECT(unpack_new(&u) == OK);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        size_t n = test_hex(lies[i].hex, b, sizeof b);
        EXPECT_EQ(unpack_chunk(u, bytes_of(b, n), &used, &out), lies[i].e);
    }
    unpack_free(u);
}

/* A raw length that is not what the frame holds. */
static void test_lengths(void)
{
    struct pack *p;
    struct unpack *u;
    struct bytes out;
    size_t n, used;

    rng_seed(&rng, 7);
    for (int add = -1; add <= 1; add++) {
        EXPECT(pack_new(&p) == OK && unpack_new(&u) == OK);
        EXPECT(pack_chunk(p, 1, words(5000), space, &n) == OK);
        num_put_le(space + 4, 2, (uint64_t)(4999 + add));
        EXPECT_EQ(unpack_chunk(u, bytes_of(space, n), &used, &out), add ? ERR_MALFORMED : OK);
        pack_free(p);
        unpack_free(u);
    }
}

/* Every allocation may fail. */
static void test_memory(void)
{
    bool fired = true;

    rng_seed(&rng, 8);
    for (uint64_t nth = 1; fired; nth++) {
        struct pack *p = NULL;
        struct unpack *u = NULL;
        struct bytes out;
        size_t n = 0, used;
        heap_fail_at(nth);
        enum err e = pack_new(&p);
        if (!e)
            e = unpack_new(&u);
        if (!e)
            e = pack_chunk(p, 1, words(PACK_RAW_BYTES), space, &n);
        if (!e)
            e = unpack_chunk(u, bytes_of(space, n), &used, &out);
        fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT_EQ(e, fired ? ERR_MEMORY : OK);
        pack_free(p);
        unpack_free(u);
    }
}

TEST_MAIN({"passes", test_passes}, {"remembers", test_remembers}, {"lies", test_lies},
          {"lengths", test_lengths}, {"memory", test_memory})
