#include "tests/unit/page_carry.h"

#include <string.h>

#include "core/base/num.h"

enum { MORE_BYTES = 1 << 20 };

enum err page_carry_decode(struct page_decoder *d, struct rng *g, struct bytes b, struct buf *out)
{
    enum err e = OK;

    while (!e) {
        size_t used, n = b.n ? 1 + rng_below(g, num_min(b.n, 20000)) : 0;
        e = page_decoder_put(d, bytes_of(b.p, n), &used);
        struct bytes o = page_decoder_output(d);
        size_t made = o.n;
        if (!e)
            e = buf_append(out, o);
        page_decoder_taken(d, o.n);
        b = bytes_of(b.p + used, b.n - used);
        if (b.n == 0 && made == 0)
            break;
    }
    return e;
}

/* The same as its source hears it. */
static bool list_of(struct content_store *s, struct known_list *k)
{
    static const uint8_t none[CONTENT_SEED_BYTES];
    uint32_t n = 0;
    const uint64_t *name = s ? content_store_names(s, &n) : NULL;

    known_list_init(k, s ? content_store_key(s)->seed : none, n);
    for (uint32_t i = 0; i < n; i++)
        if (content_index_add(&k->index, name[i]))
            return false;
    return known_list_whole(k);
}

bool page_carry(struct bytes in, struct content_store *store, const char *folder, uint64_t seed,
                uint64_t *coded, struct page_counters *counters)
{
    struct known_list known;
    uint8_t one[STREAM_HASH_BYTES], two[STREAM_HASH_BYTES];
    uint64_t one_n, two_n;
    struct page_coder *c;
    struct page_decoder *d;
    struct rng g;
    struct buf out;
    enum err e = page_coder_new(folder, &c);

    *coded = 0;
    rng_seed(&g, seed);
    buf_init(&out, in.n + MORE_BYTES);
    if (e || page_decoder_new(folder, &d) || !list_of(store, &known))
        return false;
    page_coder_know(c, &known);
    page_decoder_know(d, store);
    for (struct bytes rest = in; !e;) {
        size_t n = rest.n ? 1 + rng_below(&g, num_min(rest.n, 70000)) : 0;
        e = n ? page_coder_put(c, bytes_of(rest.p, n)) : page_coder_end(c);
        struct bytes o = page_coder_output(c);
        *coded += o.n;
        if (!e)
            e = page_carry_decode(d, &g, o, &out);
        page_coder_sent(c, o.n);
        if (!n)
            break;
        rest = bytes_of(rest.p + n, rest.n - n);
    }
    *counters = page_coder_counters(c);
    page_coder_digest(c, one, &one_n);
    page_decoder_digest(d, two, &two_n);
    bool good = !e && bytes_equal(buf_bytes(&out), in) && one_n == in.n && two_n == in.n &&
                memcmp(one, two, sizeof one) == 0;
    page_coder_free(c);
    page_decoder_free(d);
    known_list_release(&known);
    buf_release(&out);
    return good;
}
