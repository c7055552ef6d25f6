#include "core/codec/block_kernels.h"

#include "core/base/cpu.h"

enum { ROW_PX = 64, BELOW = 5 };

static size_t find_anchors_c(const uint32_t *row, size_t count, uint32_t below, uint8_t *at,
                             uint32_t *weak)
{
    size_t n = 0;

    for (size_t x = 0; x < count; x++) {
        const uint32_t *a = row + x, *b = a + BELOW * ROW_PX;
        uint32_t differs = (a[0] ^ a[3]) | (a[0] ^ a[7]) | (a[0] ^ a[13]) | (a[0] ^ b[0]) |
                           (a[0] ^ b[3]) | (a[0] ^ b[7]) | (a[0] ^ b[13]);
        uint32_t h = a[0] + (a[3] << 5) + (a[7] << 11) + (a[13] << 17) +
                     (b[0] << 3 ^ b[3] << 8 ^ b[7] << 14 ^ b[13] << 20);

        h *= 0x9e3779b1u;
        at[n] = (uint8_t)x;
        weak[n] = h;
        n += differs && h < below;
    }
    return n;
}

/* Turns the rows and columns that differ, one bit each, into a box. */
static void box_of(uint32_t columns, uint32_t rows, struct block_kernel_box *out)
{
    *out = (struct block_kernel_box){0};
    if (!columns)
        return;
    out->left = (uint8_t)__builtin_ctz(columns);
    out->top = (uint8_t)__builtin_ctz(rows);
    out->right = (uint8_t)(32 - __builtin_clz(columns));
    out->bottom = (uint8_t)(32 - __builtin_clz(rows));
}

static void find_box_c(const uint32_t *a, const uint32_t *b, uint32_t width, uint32_t height,
                       struct block_kernel_box *out)
{
    uint32_t columns = 0, rows = 0;

    for (uint32_t y = 0; y < height; y++, a += ROW_PX, b += ROW_PX) {
        uint32_t differs = 0;

        for (uint32_t x = 0; x < width; x++)
            differs |= (uint32_t)(a[x] != b[x]) << x;
        columns |= differs;
        rows |= (uint32_t)(differs != 0) << y;
    }
    box_of(columns, rows, out);
}

const struct block_kernels block_kernels_c = {"c", find_anchors_c, find_box_c};

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i load(const uint32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 static size_t find_anchors_avx2(const uint32_t *row, size_t count, uint32_t below, uint8_t *at,
                                     uint32_t *weak)
{
    const __m256i factor = _mm256_set1_epi32((int)0x9e3779b1u);
    const __m256i sign = _mm256_set1_epi32(INT32_MIN);
    const __m256i bound = _mm256_xor_si256(_mm256_set1_epi32((int)below), sign);
    size_t n = 0, x = 0;

    for (; x + 8 <= count; x += 8) {
        const uint32_t *a = row + x, *b = a + BELOW * ROW_PX;
        __m256i a0 = load(a), a1 = load(a + 3), a2 = load(a + 7), a3 = load(a + 13);
        __m256i b0 = load(b), b1 = load(b + 3), b2 = load(b + 7), b3 = load(b + 13);
        __m256i same = _mm256_and_si256(
            _mm256_and_si256(_mm256_cmpeq_epi32(a0, a1), _mm256_cmpeq_epi32(a0, a2)),
            _mm256_and_si256(_mm256_cmpeq_epi32(a0, a3), _mm256_cmpeq_epi32(a0, b0)));
        same = _mm256_and_si256(
            _mm256_and_si256(same, _mm256_cmpeq_epi32(a0, b1)),
            _mm256_and_si256(_mm256_cmpeq_epi32(a0, b2), _mm256_cmpeq_epi32(a0, b3)));
        uint32_t flat = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(same));
        if (flat == 0xff)
            continue;
        __m256i h = _mm256_add_epi32(
            _mm256_add_epi32(a0, _mm256_slli_epi32(a1, 5)),
            _mm256_add_epi32(_mm256_slli_epi32(a2, 11), _mm256_slli_epi32(a3, 17)));
        h = _mm256_add_epi32(
            h, _mm256_xor_si256(
                   _mm256_xor_si256(_mm256_slli_epi32(b0, 3), _mm256_slli_epi32(b1, 8)),
                   _mm256_xor_si256(_mm256_slli_epi32(b2, 14), _mm256_slli_epi32(b3, 20))));
        h = _mm256_mullo_epi32(h, factor);
        __m256i low = _mm256_cmpgt_epi32(bound, _mm256_xor_si256(h, sign));
        uint32_t hit = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(low)) & ~flat;
        if (!hit)
            continue;
        uint32_t lanes[8];
        _mm256_storeu_si256((__m256i *)(void *)lanes, h);
        for (; hit; hit &= hit - 1) {
            unsigned i = (unsigned)__builtin_ctz(hit);
            at[n] = (uint8_t)(x + i);
            weak[n++] = lanes[i];
        }
    }
    size_t rest = find_anchors_c(row + x, count - x, below, at + n, weak + n);
    for (size_t i = 0; i < rest; i++)
        at[n + i] = (uint8_t)(at[n + i] + x);
    return n + rest;
}

/* The pixels of a row of 16 that differ, one bit each. */
AVX2 static inline uint32_t row_differs(const uint32_t *a, const uint32_t *b)
{
    __m256i low = _mm256_cmpeq_epi32(load(a), load(b));
    __m256i high = _mm256_cmpeq_epi32(load(a + 8), load(b + 8));

    return ~((uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(low)) |
             (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(high)) << 8);
}

AVX2 static void find_box_avx2(const uint32_t *a, const uint32_t *b, uint32_t width,
                               uint32_t height, struct block_kernel_box *out)
{
    const uint32_t inside = (1u << width) - 1, ends = 1u | 1u << (width - 1);
    uint32_t columns = row_differs(a, b) & inside, rows = columns != 0;
    uint32_t last = row_differs(a + (height - 1) * ROW_PX, b + (height - 1) * ROW_PX) & inside;

    columns |= last;
    rows |= (uint32_t)(last != 0) << (height - 1);
    /* Mostly everything differs, which two rows show. */
    if (rows == (1u | 1u << (height - 1)) && (columns & ends) == ends) {
        box_of(columns, rows, out);
        return;
    }
    for (uint32_t y = 1; y + 1 < height; y++) {
        uint32_t differs = row_differs(a + y * ROW_PX, b + y * ROW_PX) & inside;
        columns |= differs;
        rows |= (uint32_t)(differs != 0) << y;
    }
    box_of(columns, rows, out);
}

static const struct block_kernels kernels_avx2 = {"avx2", find_anchors_avx2, find_box_avx2};

const struct block_kernels *block_kernels_best(void)
{
    return cpu_avx2() ? &kernels_avx2 : &block_kernels_c;
}

#else

const struct block_kernels *block_kernels_best(void)
{
    return &block_kernels_c;
}

#endif
