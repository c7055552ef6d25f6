/* page_coder, page_decoder: the stream that comes out is the one that went in, whatever it is and
 * however it is cut; pages that are known cost little; lies are refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "core/guest/page_coder.h"
#include "core/guest/page_decoder.h"
#include "core/os/os.h"
#include "tests/unit/migration_stream.h"
#include "tests/unit/page_carry.h"
#include "tests/unit/test.h"

enum { STREAM_BYTES = 64 << 20 };

static const char *folder(void)
{
    const char *f = getenv("TMPDIR");

    return f ? f : "/tmp";
}

/* What the other end knows already; NULL: nothing. */
static struct content_store *store;

static bool carry(struct bytes in, uint64_t seed, uint64_t *coded, struct page_counters *counters)
{
    return page_carry(in, store, folder(), seed, coded, counters);
}

static bool make(struct buf *b, uint64_t seed, const char *kind)
{
    struct migration_guest g = {.pages = 600, .rounds = 3, .dirty_pages = 200, .kind = kind};
    struct rng rng;

    rng_seed(&rng, seed);
    buf_init(b, STREAM_BYTES);
    return migration_stream_make(&g, &rng, b);
}

static void test_guests(void)
{
    /* At most, of what the pages that are sent again would be by themselves. */
    static const struct {
        const char *kind;
        double most;
    } want[] = {{"same", 0.02}, {"delta", 0.08}, {"new", 1.02}};

    for (size_t k = 0; k < COUNT_OF(want); k++) {
        for (uint64_t seed = 1; seed <= 5; seed++) {
            uint64_t all, first;
            struct page_counters n;
            struct buf b;
            EXPECT(make(&b, seed, want[k].kind));
            EXPECT(carry(buf_bytes(&b), seed, &all, &n));
            EXPECT(n.fills > 100 && n.copies > 50 && n.literals > 200 && n.raw_bytes < 40000);
            EXPECT(strcmp(want[k].kind, "same") != 0 || n.same > 300);
            EXPECT(strcmp(want[k].kind, "delta") != 0 || n.deltas > 200);
            first = (n.literals - (strcmp(want[k].kind, "new") ? 0 : 600)) * 4096;
            EXPECT(all < (double)first + want[k].most * 600 * 4096 + 60000);
            buf_release(&b);
        }
    }
}

/* A second guest like the first costs next to nothing; a store that is not what it says is seen. */
static void test_known(void)
{
    static const uint8_t seed[CONTENT_SEED_BYTES] = {9};
    uint64_t first, second;
    struct page_counters n;
    struct buf b;

    EXPECT(content_store_new(folder(), 1 << 30, seed, &store) == OK);
    EXPECT(make(&b, 1, "new"));
    EXPECT(carry(buf_bytes(&b), 1, &first, &n) && n.known == 0 && n.literals > 800);
    uint64_t pages = n.literals, again = n.copies + n.same;
    EXPECT(carry(buf_bytes(&b), 2, &second, &n));
    /* Those that came twice are known both times. */
    EXPECT(n.literals == 0 && n.copies == 0 && n.known == pages + again - n.same);
    EXPECT(second < first / 50);
    buf_release(&b);
    /* Another one, some of whose pages are known. */
    EXPECT(make(&b, 1, "delta"));
    EXPECT(carry(buf_bytes(&b), 3, &second, &n));
    EXPECT(n.known > 200);
    content_store_free(store);
    store = NULL;
    buf_release(&b);
}

/* Whatever it is: a stream with a flipped bit, cut off, of another version, none at all. */
static void test_anything(void)
{
    struct page_counters n;
    struct rng g;
    uint64_t coded;
    struct buf b;

    rng_seed(&g, 7);
    for (uint64_t seed = 1; seed <= 300; seed++) {
        if (seed % 30 == 1) {
            if (seed > 1)
                buf_release(&b);
            EXPECT(make(&b, seed, seed % 60 == 1 ? "delta" : "same"));
        }
        size_t at = rng_below(&g, seed % 3 ? b.n : 400), length = b.n;
        uint8_t was = b.p[at];
        b.p[at] ^= (uint8_t)(1u << rng_below(&g, 8));
        if (seed % 5 == 0)
            length = rng_below(&g, b.n);
        EXPECT(carry(bytes_of(b.p, length), seed, &coded, &n));
        EXPECT(coded < length + length / 50 + 100);
        b.p[at] = was;
    }
    buf_release(&b);
    /* An end anywhere, also in the middle of a head. */
    EXPECT(make(&b, 3, "same"));
    for (size_t cut = 1; cut < 600; cut++)
        EXPECT(carry(bytes_of(b.p, cut), cut, &coded, &n));
    buf_release(&b);
    uint8_t junk[5000];
    rng_fill(&g, junk, sizeof junk);
    EXPECT(carry(bytes_of(junk, sizeof junk), 1, &coded, &n) && coded < sizeof junk + 300);
    EXPECT(carry(bytes_of("", 0), 1, &coded, &n) && coded == 0);
    EXPECT(carry(bytes_of("QEVM\0\0\0\2", 8), 1, &coded, &n));
}

static enum err decode_text(const void *p, size_t n)
{
    struct page_decoder *d;
    struct rng g;
    struct buf out;

    rng_seed(&g, 1);
    buf_init(&out, STREAM_BYTES);
    if (page_decoder_new(folder(), &d))
        return ERR_MEMORY;
    enum err e = page_carry_decode(d, &g, bytes_of(p, n), &out);
    page_decoder_free(d);
    buf_release(&out);
    return e;
}

static void test_lies(void)
{
    EXPECT_EQ(decode_text("\x08", 1), ERR_MALFORMED);
    EXPECT_EQ(decode_text("\x07\x00", 2), ERR_MALFORMED); /* an entry of no store */
    EXPECT_EQ(decode_text("\x80\x04", 2), ERR_MALFORMED); /* raw, with a head */
    EXPECT_EQ(decode_text("\x01\x04", 2), ERR_MALFORMED); /* a run where no page is due */
    EXPECT_EQ(decode_text("\x06", 1), ERR_MALFORMED);
    EXPECT_EQ(decode_text("\x04\x04", 2), ERR_MALFORMED);
    EXPECT_EQ(decode_text("\x05\x00", 2), ERR_MALFORMED);
    EXPECT_EQ(decode_text("\x05\x05\x80", 3), ERR_MALFORMED); /* a delta longer than may be */
    EXPECT_EQ(decode_text("\x00\x10"
                          "abcd",
                          6),
              OK);

    /* Coded streams with a flipped bit: refused, or another stream; never a crash. */
    struct page_coder *c;
    struct rng g;
    struct buf b;
    EXPECT(make(&b, 1, "delta") && page_coder_new(folder(), &c) == OK);
    EXPECT(page_coder_put(c, buf_bytes(&b)) == OK);
    struct bytes o = page_coder_output(c);
    uint8_t *copy = malloc(o.n);
    EXPECT(copy);
    rng_seed(&g, 3);
    for (int turn = 0; turn < 200; turn++) {
        memcpy(copy, o.p, o.n);
        copy[rng_below(&g, turn & 1 ? o.n : 500)] ^= (uint8_t)(1u << rng_below(&g, 8));
        enum err e = decode_text(copy, o.n);
        EXPECT(e == OK || e == ERR_MALFORMED || e == ERR_LIMIT);
    }
    free(copy);
    page_coder_free(c);
    buf_release(&b);
}

static void test_full_disk(void)
{
    struct page_coder *c;
    struct buf b;

    EXPECT(make(&b, 1, "same"));
    EXPECT(page_coder_new(folder(), &c) == OK);
    os_fail_at(OS_WRITE, 20, ENOSPC);
    EXPECT_EQ(page_coder_put(c, buf_bytes(&b)), ERR_SYSTEM);
    os_fail_at(OS_WRITE, 0, 0);
    page_coder_free(c);
    EXPECT(page_coder_new("/nowhere/at/all", &c) == OK);
    EXPECT_EQ(page_coder_put(c, buf_bytes(&b)), ERR_SYSTEM);
    page_coder_free(c);
    buf_release(&b);
}

TEST_MAIN({"guests", test_guests}, {"known", test_known}, {"anything", test_anything},
          {"lies", test_lies}, {"full_disk", test_full_disk})
