/* content_store, content_index: what was kept or stood in a seed comes out as it was, under the
 * number it had first; what was changed since is seen; bounds hold. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/os/os.h"
#include "core/store/content_store.h"
#include "tests/unit/test.h"

enum { BLOCK = CONTENT_BLOCK_BYTES };

static const uint8_t seed_of_key[CONTENT_SEED_BYTES] = {1, 2, 3};

static const char *folder(void)
{
    const char *f = getenv("TMPDIR");

    return f ? f : "/tmp";
}

/* Block number n of the test: all of them differ. */
static void block_of(uint64_t n, uint8_t to[BLOCK])
{
    struct rng g;

    rng_seed(&g, n + 1000);
    rng_fill(&g, to, BLOCK);
}

static uint32_t count(const struct content_store *s)
{
    uint32_t n;

    content_store_names(s, &n);
    return n;
}

static bool holds(struct content_store *s, uint64_t entry, const uint8_t block[BLOCK])
{
    uint8_t got[BLOCK];
    uint64_t check;

    return content_store_get(s, entry, got, &check) == OK && memcmp(got, block, BLOCK) == 0 &&
           check == content_print_of(content_store_key(s), block).check;
}

static bool make(uint64_t most_bytes, struct content_store **out)
{
    return content_store_new(folder(), most_bytes, seed_of_key, out) == OK;
}

/* A file that is copied can be anything later; a hole in it costs nothing. */
static void test_copies(void)
{
    struct content_store *s;
    uint8_t block[BLOCK], other[BLOCK];
    char path[256];

    snprintf(path, sizeof path, "%s/content_store_test_copy.%d", folder(), (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    EXPECT(fd >= 0 && ftruncate(fd, 1ll << 40) == 0);
    for (uint64_t i = 0; i < 3; i++) {
        block_of(i, block);
        EXPECT(pwrite(fd, block, BLOCK, (off_t)((i * 3) << 30)) == BLOCK);
    }
    EXPECT(make(1 << 20, &s) && content_store_copy(s, path) == OK);
    unsigned turns = 0;
    while (content_store_scan(s, 1 << 20))
        turns++;
    EXPECT(turns < 100 && count(s) == 3 && content_store_bytes(s) == 3 * BLOCK);
    EXPECT(ftruncate(fd, 0) == 0);
    for (uint64_t i = 0; i < 3; i++) {
        block_of(i, block);
        EXPECT(holds(s, i, block));
    }
    /* Files come and go: their numbers do not run out. */
    for (int i = 0; i < 200; i++) {
        block_of(100 + (uint64_t)i, other);
        EXPECT(pwrite(fd, other, BLOCK, 0) == BLOCK && content_store_copy(s, path) == OK);
        while (content_store_scan(s, 1 << 20))
            ;
    }
    EXPECT(count(s) == 203);
    content_store_free(s);
    /* As much as there is room for. */
    EXPECT(make(2 * BLOCK, &s) && pwrite(fd, block, BLOCK, BLOCK) == BLOCK);
    block_of(7, block);
    EXPECT(pwrite(fd, block, BLOCK, 2 * BLOCK) == BLOCK && content_store_copy(s, path) == OK);
    while (content_store_scan(s, 1 << 20))
        ;
    EXPECT(count(s) == 2 && content_store_bytes(s) == 2 * BLOCK);
    content_store_free(s);
    close(fd);
    unlink(path);
}

static void test_keeps(void)
{
    static const uint8_t zeroes[BLOCK];
    struct content_store *s;
    uint8_t b[BLOCK];
    uint64_t check;

    EXPECT(make(1ull << 30, &s));
    for (int twice = 0; twice < 2; twice++)
        for (uint64_t n = 0; n < 9000; n++) {
            block_of(n, b);
            content_store_keep(s, b);
        }
    content_store_keep(s, zeroes);
    EXPECT_EQ(count(s), 9000);
    EXPECT_EQ(content_store_bytes(s), 9000 * BLOCK);
    for (uint64_t n = 0; n < 9000; n += 7) {
        block_of(n, b);
        EXPECT(holds(s, n, b));
    }
    EXPECT_EQ(content_store_get(s, 9000, b, &check), ERR_MALFORMED);
    EXPECT_EQ(content_store_get(s, UINT64_MAX, b, &check), ERR_MALFORMED);
    content_store_free(s);
}

static void test_is_bounded(void)
{
    struct content_store *s;
    uint8_t b[BLOCK];

    EXPECT(make(10 * BLOCK + 5, &s));
    for (uint64_t n = 0; n < 20; n++) {
        block_of(n, b);
        content_store_keep(s, b);
    }
    EXPECT_EQ(count(s), 10);
    EXPECT_EQ(content_store_bytes(s), 10 * BLOCK);
    content_store_free(s);
}

static void test_full_disk(void)
{
    struct content_store *s;
    uint8_t b[BLOCK];

    EXPECT(make(1 << 20, &s));
    os_fail_at(OS_WRITE, 3, ENOSPC);
    for (uint64_t n = 0; n < 5; n++) {
        block_of(n, b);
        content_store_keep(s, b);
    }
    os_fail_at(OS_WRITE, 0, 0);
    EXPECT_EQ(count(s), 2);
    block_of(1, b);
    EXPECT(holds(s, 1, b));
    content_store_free(s);
    EXPECT_EQ(content_store_new("/nowhere/at/all", 1, seed_of_key, &s), ERR_SYSTEM);
}

/* Writes a file of blocks 0 .. n - 1, block 2 all zeroes, with a few bytes more at its end. */
static bool write_seed(char path[64], uint64_t n)
{
    uint8_t b[BLOCK];
    bool good = true;

    snprintf(path, 64, "%s/seed-XXXXXX", folder());
    int fd = mkstemp(path);
    for (uint64_t i = 0; i < n; i++) {
        block_of(i, b);
        if (i == 2)
            memset(b, 0, sizeof b);
        good &= write(fd, b, BLOCK) == BLOCK;
    }
    good &= write(fd, "abc", 3) == 3;
    close(fd);
    return good;
}

static void test_seeds(void)
{
    struct content_store *s;
    char path[64];
    uint8_t b[BLOCK];
    uint64_t check;
    int turns = 0;

    EXPECT(write_seed(path, 200));
    EXPECT(make(0, &s));
    EXPECT_EQ(content_store_seed(s, "/nowhere/at/all"), ERR_NOT_FOUND);
    EXPECT_EQ(content_store_seed(s, path), OK);
    EXPECT_EQ(content_store_seed(s, path), OK); /* the same again adds nothing */
    while (content_store_scan(s, 1))
        turns++;
    EXPECT(turns > 3);
    EXPECT_EQ(count(s), 199);
    block_of(1, b);
    EXPECT(holds(s, 1, b));
    block_of(3, b);
    EXPECT(holds(s, 2, b));
    /* A changed block is seen; one that is gone as well; the others are as they were. */
    int fd = open(path, O_RDWR);
    EXPECT(pwrite(fd, "x", 1, 3 * BLOCK + 77) == 1);
    EXPECT_EQ(content_store_get(s, 2, b, &check), ERR_VERIFY);
    EXPECT(ftruncate(fd, 100 * BLOCK) == 0);
    EXPECT_EQ(content_store_get(s, 150, b, &check), ERR_VERIFY);
    block_of(1, b);
    EXPECT(holds(s, 1, b));
    close(fd);
    unlink(path);
    content_store_free(s);
}

static void test_full_with_seeds(void)
{
    struct content_store *s;
    char path[64];
    uint8_t b[BLOCK];

    /* What a store may keep of its own says nothing about seeds. */
    EXPECT(write_seed(path, 50));
    EXPECT(make(BLOCK, &s));
    for (uint64_t n = 100; n < 103; n++) {
        block_of(n, b);
        content_store_keep(s, b);
    }
    EXPECT_EQ(content_store_seed(s, path), OK);
    while (content_store_scan(s, 1 << 20))
        ;
    EXPECT_EQ(count(s), 1 + 49);
    unlink(path);
    content_store_free(s);
}

static void test_prints(void)
{
    struct content_key one, two;
    uint8_t other[CONTENT_SEED_BYTES] = {1, 2, 4}, b[BLOCK];

    content_print_key(&one, seed_of_key);
    content_print_key(&two, other);
    block_of(1, b);
    struct content_print p = content_print_of(&one, b), q = content_print_of(&two, b);
    EXPECT(p.name != q.name && p.check != q.check && p.name != p.check);
    for (unsigned bit = 0; bit < BLOCK * 8; bit += 97) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        q = content_print_of(&one, b);
        EXPECT(p.name != q.name && p.check != q.check);
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    EXPECT(content_print_join(content_print_join(0, 5), 7) !=
           content_print_join(content_print_join(0, 7), 5));
}

static void test_index(void)
{
    struct content_index x = {0};
    uint32_t entry;

    EXPECT(!content_index_find(&x, 1, &entry));
    /* Names that all begin at few places of the table. */
    for (uint64_t n = 0; n < 20000; n++)
        EXPECT_EQ(content_index_add(&x, n << 32 | n % 5), OK);
    EXPECT_EQ(content_index_add(&x, 7ull << 32 | 2), OK);
    for (uint64_t n = 0; n < 20000; n += 11)
        EXPECT(content_index_find(&x, n << 32 | n % 5, &entry) && entry == n);
    EXPECT(!content_index_find(&x, 6, &entry));
    EXPECT(x.n == 20001);
    content_index_release(&x);
    EXPECT(!content_index_find(&x, 1, &entry));
}

TEST_MAIN({"keeps", test_keeps}, {"copies", test_copies}, {"is_bounded", test_is_bounded},
          {"full_disk", test_full_disk}, {"seeds", test_seeds},
          {"full_with_seeds", test_full_with_seeds}, {"prints", test_prints}, {"index", test_index})
