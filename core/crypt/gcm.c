#include "core/crypt/gcm.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define VAES __attribute__((target("avx2,aes,pclmul,vaes,vpclmulqdq")))
#define INLINE VAES static inline __attribute__((always_inline))
/* The blocks of a chunk are to stay in registers, also where the compiler would rather save code.
 */
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { PAIRS = GCM_BLOCKS / 2, CHUNK = 16 * GCM_BLOCKS, HALF = CHUNK / 2 };

/* Products of polynomials before their reduction: bits 0, 64 and 128 up. */
struct product {
    __m256i low, middle, high;
};

/* ---- AES ---- */

INLINE __m128i load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

INLINE void store(uint8_t *p, __m128i v)
{
    _mm_storeu_si128((__m128i *)(void *)p, v);
}

INLINE __m256i load_two(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

INLINE void store_two(uint8_t *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

INLINE __m256i round_key(const struct gcm_key *k, int i)
{
    return _mm256_broadcastsi128_si256(load(k->round[i]));
}

INLINE __m128i encrypt(const struct gcm_key *k, __m128i block)
{
    block = _mm_xor_si128(block, load(k->round[0]));
    for (int i = 1; i < GCM_ROUND_KEYS - 1; i++)
        block = _mm_aesenc_si128(block, load(k->round[i]));
    return _mm_aesenclast_si128(block, load(k->round[GCM_ROUND_KEYS - 1]));
}

/* The four words of a round key, each the sum of those before it, and `with` on all. */
INLINE __m128i spread(__m128i words, __m128i with)
{
    words = _mm_xor_si128(words, _mm_slli_si128(words, 4));
    words = _mm_xor_si128(words, _mm_slli_si128(words, 8));
    return _mm_xor_si128(words, with);
}

VAES static void expand(struct gcm_key *k, const uint8_t key[GCM_KEY_BYTES])
{
    __m128i even = load(key), odd = load(key + 16);

    store(k->round[0], even);
    store(k->round[1], odd);
#define NEXT(i, constant)                                                                          \
    even = spread(even, _mm_shuffle_epi32(_mm_aeskeygenassist_si128(odd, constant), 0xff));        \
    store(k->round[i], even);                                                                      \
    if (i + 1 < GCM_ROUND_KEYS) {                                                                  \
        odd = spread(odd, _mm_shuffle_epi32(_mm_aeskeygenassist_si128(even, 0), 0xaa));            \
        store(k->round[(i + 1) % GCM_ROUND_KEYS], odd);                                            \
    }
    NEXT(2, 0x01)
    NEXT(4, 0x02)
    NEXT(6, 0x04)
    NEXT(8, 0x08)
    NEXT(10, 0x10)
    NEXT(12, 0x20)
    NEXT(14, 0x40)
#undef NEXT
}

/* ---- GHASH ---- */

/* The hash sees the bits of a block the other way round: with its bytes turned, and with hash keys
 * that are multiplied by x once more than they should be, plain carry-less products fit (Gueron
 * and Kounavis, "Intel Carry-Less Multiplication Instruction and its Usage for Computing the GCM
 * Mode", 2010). */
INLINE __m128i turn(__m128i v)
{
    return _mm_shuffle_epi8(v, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

INLINE __m256i turn_two(__m256i v)
{
    return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(_mm_set_epi8(
                                      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
}

/* x^127 + x^126 + x^121 of the field's polynomial, turned. */
INLINE __m128i polynomial(void)
{
    return _mm_set_epi64x(0, (long long)0xc200000000000000u);
}

/* Folds the lower 64 bits of `low` and then of the middle upwards, where they count the same. */
INLINE __m128i reduce(__m128i low, __m128i middle, __m128i high)
{
    __m128i poly = polynomial();

    middle = _mm_xor_si128(middle, _mm_shuffle_epi32(low, 0x4e));
    middle = _mm_xor_si128(middle, _mm_clmulepi64_si128(low, poly, 0x00));
    high = _mm_xor_si128(high, _mm_shuffle_epi32(middle, 0x4e));
    return _mm_xor_si128(high, _mm_clmulepi64_si128(middle, poly, 0x00));
}

INLINE __m128i multiply(__m128i a, __m128i b)
{
    return reduce(_mm_clmulepi64_si128(a, b, 0x00),
                  _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x10), _mm_clmulepi64_si128(a, b, 0x01)),
                  _mm_clmulepi64_si128(a, b, 0x11));
}

INLINE void add_product(struct product *s, __m256i a, __m256i b)
{
    s->low = _mm256_xor_si256(s->low, _mm256_clmulepi64_epi128(a, b, 0x00));
    s->high = _mm256_xor_si256(s->high, _mm256_clmulepi64_epi128(a, b, 0x11));
    s->middle = _mm256_xor_si256(s->middle, _mm256_clmulepi64_epi128(a, b, 0x10));
    s->middle = _mm256_xor_si256(s->middle, _mm256_clmulepi64_epi128(a, b, 0x01));
}

INLINE __m128i both(__m256i v)
{
    return _mm_xor_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

INLINE __m128i sum_of(const struct product *s)
{
    return reduce(both(s->low), both(s->middle), both(s->high));
}

INLINE void add_pair(const struct gcm_key *k, struct product *s, __m128i hash, const uint8_t *p,
                     int i)
{
    __m256i data = turn_two(load_two(p + 32 * i));

    if (i == 0)
        data = _mm256_xor_si256(data, _mm256_zextsi128_si256(hash));
    add_product(s, data, load_two(k->power[2 * i]));
}

/* The hash after `blocks` (1 .. GCM_BLOCKS) more blocks. */
INLINE __m128i hash_blocks(const struct gcm_key *k, __m128i hash, const uint8_t *p, size_t blocks)
{
    const uint8_t *power = k->power[GCM_BLOCKS - blocks];
    __m256i before = _mm256_zextsi128_si256(hash);
    struct product s = {0};

    for (; blocks >= 2; blocks -= 2, p += 32, power += 32) {
        add_product(&s, _mm256_xor_si256(turn_two(load_two(p)), before), load_two(power));
        before = _mm256_setzero_si256();
    }
    if (blocks)
        add_product(&s, _mm256_xor_si256(_mm256_zextsi128_si256(turn(load(p))), before),
                    _mm256_zextsi128_si256(load(power)));
    return sum_of(&s);
}

VAES static __m128i hash_padded(const struct gcm_key *k, __m128i hash, struct bytes b)
{
    uint8_t last[16] = {0};

    for (; b.n >= 16; b.p += 16, b.n -= 16)
        hash = hash_blocks(k, hash, b.p, 1);
    if (!b.n)
        return hash;
    memcpy(last, b.p, b.n);
    return hash_blocks(k, hash, last, 1);
}

VAES void gcm_init(struct gcm_key *k, const uint8_t key[GCM_KEY_BYTES])
{
    expand(k, key);
    /* Times x: a shift by one, and what falls out at the top comes back as the polynomial. */
    __m128i h = turn(encrypt(k, _mm_setzero_si128()));
    __m128i carry = _mm_srli_epi64(h, 63), top = _mm_srai_epi32(_mm_shuffle_epi32(h, 0xff), 31);
    h = _mm_or_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(carry, 8));
    h = _mm_xor_si128(h, _mm_and_si128(top, _mm_set_epi64x((long long)0xc200000000000000u, 1)));
    __m128i power = h;
    for (int i = GCM_BLOCKS - 1; i >= 0; i--, power = multiply(power, h))
        store(k->power[i], power);
}

/* ---- counter mode ---- */

/* Counters stand turned within their last four bytes while they count. */
INLINE __m256i count_up(__m256i *counter)
{
    __m256i now = *counter;
    __m256i turned =
        _mm256_shuffle_epi8(now, _mm256_broadcastsi128_si256(_mm_set_epi8(
                                     12, 13, 14, 15, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)));

    *counter = _mm256_add_epi32(now, _mm256_set_epi32(2, 0, 0, 0, 2, 0, 0, 0));
    return turned;
}

/* XORs a chunk from `in` to `out` with what the counters give, and meanwhile hashes the chunk at
 * `hashed` (NULL: none). When that is where `in` is, it is read before `out` is written. */
INLINE __m128i do_chunk(const struct gcm_key *k, __m256i *counter, const uint8_t *in, uint8_t *out,
                        __m128i hash, const uint8_t *hashed)
{
    __m256i b[PAIRS], key = round_key(k, 0);
    struct product s = {0};

    UNROLL
    for (int i = 0; i < PAIRS; i++)
        b[i] = _mm256_xor_si256(count_up(counter), key);
    UNROLL
    for (int r = 1; r < GCM_ROUND_KEYS - 1; r++) {
        key = round_key(k, r);
        UNROLL
        for (int i = 0; i < PAIRS; i++)
            b[i] = _mm256_aesenc_epi128(b[i], key);
        if (hashed && r <= PAIRS)
            add_pair(k, &s, hash, hashed, r - 1);
    }
    key = round_key(k, GCM_ROUND_KEYS - 1);
    /* The last round adds a key and so may add the text as well. */
    UNROLL
    for (int i = 0; i < PAIRS; i++)
        b[i] = _mm256_aesenclast_epi128(b[i], _mm256_xor_si256(key, load_two(in + 32 * i)));
    UNROLL
    for (int i = 0; i < PAIRS; i++)
        store_two(out + 32 * i, b[i]);
    return hashed ? sum_of(&s) : hash;
}

/* Half a chunk; nothing is hashed. */
INLINE void do_half(const struct gcm_key *k, __m256i *counter, const uint8_t *in, uint8_t *out)
{
    __m256i b[PAIRS / 2], key = round_key(k, 0);

    UNROLL
    for (int i = 0; i < PAIRS / 2; i++)
        b[i] = _mm256_xor_si256(count_up(counter), key);
    UNROLL
    for (int r = 1; r < GCM_ROUND_KEYS - 1; r++) {
        key = round_key(k, r);
        UNROLL
        for (int i = 0; i < PAIRS / 2; i++)
            b[i] = _mm256_aesenc_epi128(b[i], key);
    }
    key = round_key(k, GCM_ROUND_KEYS - 1);
    UNROLL
    for (int i = 0; i < PAIRS / 2; i++)
        store_two(out + 32 * i,
                  _mm256_aesenclast_epi128(b[i], _mm256_xor_si256(key, load_two(in + 32 * i))));
}

/* ---- both ---- */

/* A packet on its way through. */
struct course {
    __m256i counter;
    __m128i mask; /* of the tag */
    __m128i hash;
};

INLINE struct course start(const struct gcm_key *k, const uint8_t nonce[GCM_NONCE_BYTES],
                           struct bytes ad)
{
    uint8_t first[16];

    memcpy(first, nonce, GCM_NONCE_BYTES);
    num_put_le(first + GCM_NONCE_BYTES, 4, 0);
    __m128i zero = load(first);
    return (struct course){
        .counter = _mm256_set_m128i(_mm_insert_epi32(zero, 3, 3), _mm_insert_epi32(zero, 2, 3)),
        .mask = encrypt(k, _mm_insert_epi32(zero, 1 << 24, 3)),
        .hash = hash_padded(k, _mm_setzero_si128(), ad),
    };
}

/* Hashes the lengths behind the `blocks` that stand right before `end`, and makes the tag. */
INLINE __m128i tag_of(const struct gcm_key *k, const struct course *c, uint8_t *end, size_t blocks,
                      uint64_t ad_bytes, uint64_t bytes)
{
    __m128i hash = c->hash;

    store(end, _mm_set_epi64x((long long)__builtin_bswap64(8 * bytes),
                              (long long)__builtin_bswap64(8 * ad_bytes)));
    if (blocks == GCM_BLOCKS) {
        hash = hash_blocks(k, hash, end - 16 * blocks, blocks);
        blocks = 0;
    }
    return _mm_xor_si128(c->mask, turn(hash_blocks(k, hash, end - 16 * blocks, blocks + 1)));
}

VAES void gcm_seal(const struct gcm_key *k, const uint8_t nonce[GCM_NONCE_BYTES], struct bytes ad,
                   struct bytes plain, uint8_t *out)
{
    struct course c = start(k, nonce, ad);
    struct bytes rest = plain;
    uint8_t last[CHUNK + 16], *to = out;
    const uint8_t *hashed = NULL; /* the chunk before, which waits to be hashed */
    size_t blocks;

    for (; rest.n >= CHUNK; rest = bytes_of(rest.p + CHUNK, rest.n - CHUNK), to += CHUNK) {
        if (hashed)
            c.hash = do_chunk(k, &c.counter, rest.p, to, c.hash, hashed);
        else
            (void)do_chunk(k, &c.counter, rest.p, to, c.hash, NULL);
        hashed = to;
    }
    blocks = (rest.n + 15) / 16;
    if (rest.n)
        memcpy(last, rest.p, rest.n);
    if (rest.n > HALF && hashed) {
        c.hash = do_chunk(k, &c.counter, last, last, c.hash, hashed);
    } else {
        if (rest.n > HALF)
            (void)do_chunk(k, &c.counter, last, last, c.hash, NULL);
        else if (rest.n)
            do_half(k, &c.counter, last, last);
        if (hashed)
            c.hash = hash_blocks(k, c.hash, hashed, GCM_BLOCKS);
    }
    if (rest.n)
        memcpy(to, last, rest.n);
    memset(last + rest.n, 0, 16 * blocks - rest.n);
    store(out + plain.n, tag_of(k, &c, last + 16 * blocks, blocks, ad.n, plain.n));
}

VAES enum err gcm_open(const struct gcm_key *k, const uint8_t nonce[GCM_NONCE_BYTES],
                       struct bytes ad, struct bytes sealed, uint8_t *out)
{
    struct course c = start(k, nonce, ad);
    struct bytes rest = bytes_of(sealed.p, sealed.n - GCM_TAG_BYTES);
    uint8_t last[CHUNK + 16], text[CHUNK], *to = out;
    __m128i tag = load(sealed.p + rest.n);

    for (; rest.n >= CHUNK; rest = bytes_of(rest.p + CHUNK, rest.n - CHUNK), to += CHUNK)
        c.hash = do_chunk(k, &c.counter, rest.p, to, c.hash, rest.p);
    size_t blocks = (rest.n + 15) / 16;
    if (rest.n)
        memcpy(last, rest.p, rest.n);
    memset(last + rest.n, 0, 16 * blocks - rest.n);
    if (rest.n > HALF)
        (void)do_chunk(k, &c.counter, last, text, c.hash, NULL);
    else if (rest.n)
        do_half(k, &c.counter, last, text);
    if (rest.n)
        memcpy(to, text, rest.n);
    tag = _mm_xor_si128(tag,
                        tag_of(k, &c, last + 16 * blocks, blocks, ad.n, sealed.n - GCM_TAG_BYTES));
    return _mm_testz_si128(tag, tag) ? OK : ERR_VERIFY;
}

#else

void gcm_init(struct gcm_key *k, const uint8_t key[GCM_KEY_BYTES])
{
    (void)k, (void)key;
    CHECK(!"no VAES here");
}

void gcm_seal(const struct gcm_key *k, const uint8_t nonce[GCM_NONCE_BYTES], struct bytes ad,
              struct bytes plain, uint8_t *out)
{
    (void)k, (void)nonce, (void)ad, (void)plain, (void)out;
    CHECK(!"no VAES here");
}

enum err gcm_open(const struct gcm_key *k, const uint8_t nonce[GCM_NONCE_BYTES], struct bytes ad,
                  struct bytes sealed, uint8_t *out)
{
    (void)k, (void)nonce, (void)ad, (void)sealed, (void)out;
    CHECK(!"no VAES here");
    return ERR_VERIFY;
}

#endif
