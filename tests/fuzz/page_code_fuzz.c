/* The guest's pages on their way. Odd first byte: any stream, in two pieces, comes out as it went
 * in; even: whatever comes instead of a coded stream is taken or refused. */
#include "core/base/check.h"
#include "core/guest/page_coder.h"
#include "core/guest/page_decoder.h"
#include "tests/fuzz/fuzz.h"

enum { MOST_BYTES = 8 << 20 };

static const char *folder(void)
{
    const char *f = getenv("TMPDIR");

    return f ? f : "/tmp";
}

/* Decodes; what comes out is compared with `wanted` when there is that. */
static enum err decode(struct page_decoder *d, struct bytes b, struct bytes *wanted)
{
    size_t used, made, all = 0;
    enum err e;

    do {
        e = page_decoder_put(d, b, &used);
        CHECK(used <= b.n);
        struct bytes o = page_decoder_output(d);
        made = o.n;
        all += made;
        if (wanted) {
            CHECK(made <= wanted->n && memcmp(o.p, wanted->p, made) == 0);
            *wanted = bytes_of(wanted->p + made, wanted->n - made);
        }
        page_decoder_taken(d, made);
        b = bytes_of(b.p ? b.p + used : NULL, b.n - used);
    } while (!e && (used || made) && all < MOST_BYTES);
    return e;
}

static void try_stream(struct bytes b)
{
    struct page_coder *c;
    struct page_decoder *d;
    size_t half = b.n / 2;

    CHECK(page_coder_new(folder(), &c) == OK && page_decoder_new(folder(), &d) == OK);
    CHECK(page_coder_put(c, bytes_of(b.p, half)) == OK);
    CHECK(page_coder_put(c, bytes_of(b.p + half, b.n - half)) == OK);
    CHECK(page_coder_end(c) == OK);
    CHECK(decode(d, page_coder_output(c), &b) == OK && b.n == 0);
    page_coder_free(c);
    page_decoder_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct page_decoder *d;

    if (n < 2)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    if (data[0] & 1) {
        try_stream(bytes_of(copy, n - 1));
    } else {
        static const uint8_t seed[CONTENT_SEED_BYTES];
        static const uint8_t block[CONTENT_BLOCK_BYTES] = {1};
        struct content_store *store;
        CHECK(content_store_new(folder(), 1 << 20, seed, &store) == OK);
        content_store_keep(store, block);
        CHECK(page_decoder_new(folder(), &d) == OK);
        page_decoder_know(d, store);
        enum err e = decode(d, bytes_of(copy, n - 1), NULL);
        CHECK(!e || e == ERR_MALFORMED || e == ERR_MEMORY || e == ERR_LIMIT || e == ERR_SYSTEM);
        page_decoder_free(d);
        content_store_free(store);
    }
    free(copy);
    return 0;
}
