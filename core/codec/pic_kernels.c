#include "core/codec/pic_kernels.h"

#include "core/base/cpu.h"

static bool differ_c(const uint32_t *tile, size_t tile_stride, const uint32_t *px, size_t px_stride,
                     uint32_t width, uint32_t height, uint32_t mask)
{
    for (uint32_t y = 0; y < height; y++) {
        uint32_t d = 0;

        for (uint32_t x = 0; x < width; x++)
            d |= tile[x] ^ (px[x] & mask);
        if (d)
            return true;
        tile += tile_stride;
        px += px_stride;
    }
    return false;
}

static void copy_c(uint32_t *tile, size_t tile_stride, const uint32_t *px, size_t px_stride,
                   uint32_t width, uint32_t height, uint32_t mask)
{
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++)
            tile[x] = px[x] & mask;
        tile += tile_stride;
        px += px_stride;
    }
}

static void pack_rgb_c(uint8_t *to, const uint32_t *px, size_t count)
{
    for (size_t i = 0; i < count; i++, to += 3) {
        to[0] = (uint8_t)(px[i] >> 16);
        to[1] = (uint8_t)(px[i] >> 8);
        to[2] = (uint8_t)px[i];
    }
}

const struct pic_kernels pic_kernels_c = {"c", differ_c, copy_c, pack_rgb_c};

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static bool differ_avx2(const uint32_t *tile, size_t tile_stride, const uint32_t *px,
                             size_t px_stride, uint32_t width, uint32_t height, uint32_t mask)
{
    const __m256i m = _mm256_set1_epi32((int)mask);

    for (uint32_t y = 0; y < height; y++) {
        __m256i d = _mm256_setzero_si256();
        uint32_t x = 0, rest = 0;

        for (; x + 8 <= width; x += 8) {
            __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(tile + x));
            __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(px + x));
            d = _mm256_or_si256(d, _mm256_xor_si256(a, _mm256_and_si256(b, m)));
        }
        for (; x < width; x++)
            rest |= tile[x] ^ (px[x] & mask);
        if (rest || !_mm256_testz_si256(d, d))
            return true;
        tile += tile_stride;
        px += px_stride;
    }
    return false;
}

AVX2 static void copy_avx2(uint32_t *tile, size_t tile_stride, const uint32_t *px, size_t px_stride,
                           uint32_t width, uint32_t height, uint32_t mask)
{
    const __m256i m = _mm256_set1_epi32((int)mask);

    for (uint32_t y = 0; y < height; y++) {
        uint32_t x = 0;

        for (; x + 8 <= width; x += 8) {
            __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(px + x));
            _mm256_storeu_si256((__m256i *)(void *)(tile + x), _mm256_and_si256(b, m));
        }
        for (; x < width; x++)
            tile[x] = px[x] & mask;
        tile += tile_stride;
        px += px_stride;
    }
}

AVX2 static void pack_rgb_avx2(uint8_t *to, const uint32_t *px, size_t count)
{
    const __m256i order =
        _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, /* low half */
                         2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i join = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
    size_t i = 0;

    for (; i + 8 <= count; i += 8, to += 24) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(px + i));
        v = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(v, order), join);
        _mm256_storeu_si256((__m256i *)(void *)to, v); /* 8 bytes too many: there is room */
    }
    pack_rgb_c(to, px + i, count - i);
}

static const struct pic_kernels kernels_avx2 = {"avx2", differ_avx2, copy_avx2, pack_rgb_avx2};

const struct pic_kernels *pic_kernels_best(void)
{
    return cpu_avx2() ? &kernels_avx2 : &pic_kernels_c;
}

#else

const struct pic_kernels *pic_kernels_best(void)
{
    return &pic_kernels_c;
}

#endif
