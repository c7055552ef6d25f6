#include "core/screen/test_art.h"

#include <string.h>

#include "core/base/check.h"
#include "core/screen/canvas.h"

/* Fractions are in 1/256 and noise is in 0..255. */

static uint32_t scatter(uint32_t x, uint32_t y, uint32_t seed)
{
    uint32_t h = x * 0x9e3779b1u ^ y * 0x85ebca6bu ^ seed * 0xc2b2ae35u;

    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h = (h ^ h >> 12) * 0x297a2d39u;
    return h ^ h >> 15;
}

static int32_t smooth(int32_t t)
{
    return t * t * (3 * 256 - 2 * t) >> 16;
}

/* Value noise at x, y (1/256 of a cell). */
static int32_t noise(uint32_t x, uint32_t y, uint32_t seed)
{
    uint32_t cx = x >> 8, cy = y >> 8;
    int32_t tx = smooth((int32_t)(x & 255)), ty = smooth((int32_t)(y & 255));
    int32_t a = (int32_t)(scatter(cx, cy, seed) & 255),
            b = (int32_t)(scatter(cx + 1, cy, seed) & 255);
    int32_t c = (int32_t)(scatter(cx, cy + 1, seed) & 255);
    int32_t d = (int32_t)(scatter(cx + 1, cy + 1, seed) & 255);
    int32_t top = a * 256 + (b - a) * tx, low = c * 256 + (d - c) * tx;

    return (top * 256 + (low - top) * ty) >> 16;
}

/* Noise of `octaves` sizes, each half as large and as strong as the one before. */
static int32_t rough(uint32_t x, uint32_t y, unsigned octaves, uint32_t seed)
{
    int32_t sum = 0, weight = 128;

    for (unsigned i = 0; i < octaves; i++, weight /= 2)
        sum += noise(x << i, y << i, seed + i) * weight;
    return sum >> 8;
}

int32_t test_art_sine(int32_t degrees)
{
    int32_t d = degrees % 360, sign = 1;

    if (d < 0)
        d += 360;
    if (d >= 180)
        d -= 180, sign = -1;
    int32_t p = d * (180 - d);
    return sign * (int32_t)((int64_t)4 * p * 4096 / (40500 - p));
}

/* The height of a hill's edge above the lower border at column x, in 1/256 pixels. */
static int32_t hill(uint32_t x, uint32_t width, uint32_t height, int32_t base, int32_t swing,
                    uint32_t seed)
{
    uint32_t at = (uint32_t)((uint64_t)x * 256 * 4 / width) + 9000;

    return (int32_t)((int64_t)height * (base * 256 + swing * (noise(at, 0, seed) * 2 - 256)) / 256);
}

void test_art_wallpaper(uint32_t *px, uint32_t width, uint32_t height)
{
    static const struct {
        int32_t base, swing; /* of the screen's height in 1/256 */
        uint32_t seed, colour;
    } layers[] = {{120, 34, 11, 0x2b6a86},
                  {84, 30, 23, 0x225873},
                  {52, 26, 37, 0x194560},
                  {26, 16, 41, 0x12344c}};
    struct canvas c = {px, width, {0, 0, (int32_t)width, (int32_t)height}};

    canvas_fade(&c, c.clip, 0x1d3b5c, 0x6fb3b8);
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        for (uint32_t x = 0; x < width; x++) {
            int32_t edge = (int32_t)height * 256 -
                           hill(x, width, height, layers[i].base, layers[i].swing, layers[i].seed);
            int32_t y = edge < 0 ? 0 : edge / 256;
            uint32_t *p = px + (size_t)y * width + x;
            if (y < (int32_t)height)
                *p = canvas_mix(*p, layers[i].colour, (uint32_t)(255 - (edge & 255)));
            for (y++, p += width; y < (int32_t)height; y++, p += width)
                *p = layers[i].colour;
        }
}

static uint32_t channel(int32_t v)
{
    return v < 0 ? 0 : v > 255 ? 255 : (uint32_t)v;
}

static uint32_t brighter(uint32_t colour, int32_t by)
{
    return channel((int32_t)(colour >> 16 & 255) + by) << 16 |
           channel((int32_t)(colour >> 8 & 255) + by) << 8 | channel((int32_t)(colour & 255) + by);
}

enum { HORIZON = 620, SUN_U = 610, SUN_V = 478 };

/* The sky at u, v (0..1023 across, 0..HORIZON down). */
static uint32_t sky(int32_t u, int32_t v)
{
    int32_t w = v * 256 / HORIZON, dx = (u - SUN_U) * 3 / 2, dy = v - SUN_V;
    int32_t far = dx * dx + dy * dy;
    uint32_t colour = w < 140 ? canvas_mix(0x2b4a80, 0xa8799c, channel(w * 255 / 140))
                              : canvas_mix(0xa8799c, 0xffc07a, channel((w - 140) * 255 / 116));
    int32_t cloud = rough((uint32_t)(u + v) + 700, (uint32_t)v * 5 + 300, 5, 71) - 132;

    if (cloud > 0)
        colour = canvas_mix(colour, canvas_mix(0xcdb4cf, 0xffdcae, channel(w)), channel(cloud * 4));
    if (far < 26 * 26)
        return 0xfff6df;
    return canvas_mix(colour, 0xffe6a8, channel(210 - (far - 26 * 26) / 220));
}

/* The picture without grain at u, v, both 0..1023. */
static uint32_t scene(int32_t u, int32_t v)
{
    int32_t depth = v - HORIZON, w = v;
    bool mirrored = depth >= 0;

    if (mirrored) {
        int32_t rows = depth * 2600 / (depth + 90);
        int32_t ripple = noise((uint32_t)(u * 2 + 4000), (uint32_t)rows * 12, 91) - 128;
        w = HORIZON - 1 - depth - ripple * (depth + 14) / 400;
        u += ripple * (depth + 10) / 1500;
        u = u < 0 ? 0 : u > 1023 ? 1023 : u;
        w = w < 0 ? 0 : w >= HORIZON ? HORIZON - 1 : w;
    }
    uint32_t colour = sky(u, w);
    /* Mountains are lower where the sun stands; hills with trees close the sides. */
    int32_t aside = u > SUN_U ? u - SUN_U : SUN_U - u;
    int32_t far = HORIZON - 30 - rough((uint32_t)(u + 64) * 2, 0, 6, 5) * (aside + 260) / 560;
    int32_t middle = HORIZON - 8 - rough((uint32_t)(u + 300) * 3, 512, 5, 29) * (aside + 120) / 900;
    int32_t shore = aside * aside / 3200 - 34 + rough((uint32_t)(u + 900) * 24, 2304, 4, 17) / 6;

    if (w > far)
        colour = canvas_mix(0x6a6590, 0xb88fa6, channel((w - far) * 2));
    if (w > middle)
        colour = canvas_mix(0x3f4a70, 0x8d7a96, channel((w - middle) * 3));
    if (shore > 0 && w > HORIZON - shore)
        colour = canvas_mix(0x14222e, 0x2c4038,
                            channel(rough((uint32_t)u * 20, (uint32_t)w * 26, 3, 3)));
    return mirrored ? canvas_mix(colour, 0x1a3048, channel(60 + depth / 3)) : colour;
}

void test_art_photo(uint32_t *px, uint32_t width, uint32_t height)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            uint32_t h = scatter(x, y, 1234);
            /* Two dice make grain that is mostly small, as a sensor's is. */
            int32_t grain = (int32_t)(h & 7) + (int32_t)(h >> 8 & 7) - 7;
            uint32_t colour = scene((int32_t)(x * 1024 / width), (int32_t)(y * 1024 / height));
            px[(size_t)y * width + x] = brighter(colour, grain);
        }
}

/* X: black, o: white, space: nothing. */
static const struct {
    uint32_t hot_x, hot_y, width;
    const char *rows[24];
} pointers[TEST_ART_POINTERS] = {
    [TEST_ART_ARROW] = {1,
                        1,
                        13,
                        {"oo           ", "oXo          ", "oXXo         ", "oXXXo        ",
                         "oXXXXo       ", "oXXXXXo      ", "oXXXXXXo     ", "oXXXXXXXo    ",
                         "oXXXXXXXXo   ", "oXXXXXXXXXo  ", "oXXXXXXXXXXo ", "oXXXXXXXXXXXo",
                         "oXXXXXXXooooo", "oXXXoXXXo    ", "oXXo oXXXo   ", "oXo  oXXXo   ",
                         "oo    oXXXo  ", "      oXXXo  ", "       ooo   "}},
    [TEST_ART_TEXT] = {4,
                       9,
                       9,
                       {"oooo oooo", "oXXXoXXXo", "ooooXoooo", "   oXo   ", "   oXo   ",
                        "   oXo   ", "   oXo   ", "   oXo   ", "   oXo   ", "   oXo   ",
                        "   oXo   ", "   oXo   ", "   oXo   ", "   oXo   ", "   oXo   ",
                        "ooooXoooo", "oXXXoXXXo", "oooo oooo"}},
    [TEST_ART_HAND] = {6, 1, 17, {"     ooo         ", "    oXXXo        ", "    oXoXo        ",
                                  "    oXoXo        ", "    oXoXo        ", "    oXoXooo      ",
                                  "    oXoXXXXooo   ", "    oXoXooXXXXoo ", " oo oXoXooXooXXXo",
                                  "oXXooXoXooXooXoXo", "oXoXXXoooooooooXo", "oXooXXoooooooooXo",
                                  " oXooXoooooooooXo", " oXoooooooooooXXo", "  oXooooooooooXo ",
                                  "  oXXoooooooooXo ", "   oXooooooooXXo ", "   oXXoooooooXo  ",
                                  "    oXoooooooXo  ", "    oXXXXXXXXXo  ", "    ooooooooooo  "}},
};

void test_art_pointer(unsigned shape, uint32_t argb[TEST_ART_POINTER_PX], struct source_pointer *p)
{
    CHECK(shape < TEST_ART_POINTERS);
    uint32_t y = 0;

    for (; pointers[shape].rows[y]; y++)
        for (uint32_t x = 0; x < pointers[shape].width; x++) {
            char c = pointers[shape].rows[y][x];
            argb[y * pointers[shape].width + x] = c == 'X' ? 0xff000000 : c == 'o' ? 0xffffffff : 0;
        }
    p->serial = shape + 1;
    p->width = pointers[shape].width;
    p->height = y;
    p->hot_x = pointers[shape].hot_x;
    p->hot_y = pointers[shape].hot_y;
    p->argb = argb;
}
