#include "core/codec/samples.h"

#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/base/limits.h"

const struct samples_shape *samples_shape(enum samples s)
{
    static const struct samples_shape shapes[SAMPLES_COUNT] = {
        [SAMPLES_RGB] = {"RGB", 0, 0, 0, false},     [SAMPLES_RGBA] = {"RGBA", 0, 0, 0, true},
        [SAMPLES_MONO] = {"mono", 1, 0, 0, false},   [SAMPLES_444] = {"4:4:4", 3, 0, 0, false},
        [SAMPLES_422] = {"4:2:2", 3, 1, 0, false},   [SAMPLES_420] = {"4:2:0", 3, 1, 1, false},
        [SAMPLES_411] = {"4:1:1", 3, 2, 0, false},   [SAMPLES_440] = {"4:4:0", 3, 0, 1, false},
        [SAMPLES_444A] = {"4:4:4:4", 4, 0, 0, true},
    };

    CHECK((unsigned)s < SAMPLES_COUNT);
    return &shapes[s];
}

/* The byte nearest to v / 2^16. */
static uint32_t byte_of(int v)
{
    v = (v + 32768) >> 16;
    return v < 0 ? 0 : v > 255 ? 255 : (uint32_t)v;
}

void samples_to_rgb(enum samples from, bool full_range, uint32_t *px, size_t n)
{
    if (samples_shape(from)->planes == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        int y = px[i] >> 8 & 255, cb = (int)(px[i] & 255) - 128,
            cr = (int)(px[i] >> 16 & 255) - 128;
        uint32_t r, g, b;

        if (from == SAMPLES_MONO)
            cb = cr = 0;
        if (full_range) {
            y *= 65536;
            r = byte_of(y + 91881 * cr);
            g = byte_of(y - 22554 * cb - 46802 * cr);
            b = byte_of(y + 116130 * cb);
        } else {
            y = 76309 * (y - 16);
            r = byte_of(y + 104597 * cr);
            g = byte_of(y - 25675 * cb - 53279 * cr);
            b = byte_of(y + 132201 * cb);
        }
        px[i] = (px[i] & 0xff000000u) | r << 16 | g << 8 | b;
    }
}

/* One RGB pixel in planes. Inlined into loops for several processors, so that all agree. */
static inline __attribute__((always_inline)) void split(uint32_t px, uint8_t *luma, uint8_t *cb,
                                                        uint8_t *cr)
{
    int r = px >> 16 & 255, g = px >> 8 & 255, b = px & 255;

    *luma = (uint8_t)byte_of(19595 * r + 38470 * g + 7471 * b);
    *cb = (uint8_t)byte_of(-11058 * r - 21710 * g + 32768 * b + (128 << 16));
    *cr = (uint8_t)byte_of(32768 * r - 27439 * g - 5329 * b + (128 << 16));
}

void samples_from_rgb(uint32_t *px, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t y, cb, cr;

        split(px[i], &y, &cb, &cr);
        px[i] = (px[i] & 0xff000000u) | (uint32_t)cr << 16 | (uint32_t)y << 8 | cb;
    }
}

#if defined(__x86_64__)
/* The compiler makes eight pixels at once of it. */
__attribute__((target("avx2"))) static void split_avx2(const uint32_t *restrict px, size_t n,
                                                       uint8_t *restrict luma, uint8_t *restrict cb,
                                                       uint8_t *restrict cr)
{
    for (size_t i = 0; i < n; i++)
        split(px[i], luma + i, cb + i, cr + i);
}
#endif

void samples_split_rgb(const uint32_t *px, size_t n, uint8_t *luma, uint8_t *cb, uint8_t *cr)
{
#if defined(__x86_64__)
    if (cpu_avx2()) {
        split_avx2(px, n, luma, cb, cr);
        return;
    }
#endif
    for (size_t i = 0; i < n; i++)
        split(px[i], luma + i, cb + i, cr + i);
}

bool samples_size_fits(uint64_t width, uint64_t height)
{
    return width >= 1 && height >= 1 && width <= LIMIT_PICTURE_SIDE_PX &&
           height <= LIMIT_PICTURE_SIDE_PX && width * height <= LIMIT_PICTURE_PIXELS;
}
