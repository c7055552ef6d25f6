#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/codec/deflate.h"
#include "core/codec/image.h"
#include "core/codec/jpeg_check.h"
#include "core/codec/png.h"
#include "tests/unit/scene.h"
#include "tests/unit/test.h"

/* What is painted on the canvas before it is written. */
enum paint { EMPTY, NOISE, RAMP };

static void paint(struct scene *s, enum paint how)
{
    if (how == NOISE)
        scene_random(s, s->width);
    for (size_t i = 0; how == RAMP && i < (size_t)s->width * s->height; i++)
        s->px[i] = (uint32_t)(i * 0x01010101u + i / s->width * 0x10203);
}

static void one_png(uint32_t width, uint32_t height, bool alpha, enum paint how)
{
    struct scene s = scene_new(width, height, 0xff336699);
    struct tile_pool pool;
    struct pic *p;
    struct buf b;
    struct io_buf out;
    struct image back;
    struct reason why = {{0}};

    tile_pool_init(&pool, 2000);
    buf_init(&b, 64 << 20);
    io_buf_init(&out, &b);
    paint(&s, how);
    EXPECT_EQ(pic_new(&pool, width, height, alpha, &p), OK);
    scene_update(&s, p, NULL);
    EXPECT_EQ(png_write(&out.out, p, alpha ? SAMPLES_RGBA : SAMPLES_RGB, true), OK);
    EXPECT(image_is(buf_bytes(&b)));
    EXPECT_EQ(image_decode(buf_bytes(&b), &back, &why), OK);
    EXPECT(back.width == width && back.height == height && back.alpha == alpha);
    for (size_t i = 0; i < (size_t)width * height; i++)
        EXPECT_EQ(back.px[i], s.px[i] & (alpha ? 0xffffffff : 0xffffff));
    image_release(&back);
    pic_unref(p);
    tile_pool_release(&pool);
    buf_release(&b);
    scene_release(&s);
}

static void png_round_trips(void)
{
    static const uint32_t sizes[][2] = {{1, 1}, {17, 3}, {4097, 1}, {1, 999}, {300, 1000}};

    for (size_t i = 0; i < COUNT_OF(sizes) && !test_failed(); i++)
        for (int how = EMPTY; how <= RAMP && !test_failed(); how++) {
            one_png(sizes[i][0], sizes[i][1], false, (enum paint)how);
            one_png(sizes[i][0], sizes[i][1], true, (enum paint)how);
        }
}

/* A PNG of one grey pixel of 16 bits. */
static const char png16[] = "89504e470d0a1a0a0000000d49484452000000010000000110000000006aee47"
                            "160000000b49444154789c6310320100005b004796fb1b650000000049454e44"
                            "ae426082";

static void foreign_images(void)
{
    uint8_t file[200];
    struct reason why = {{0}};
    struct image i;
    size_t n = test_hex(png16, file, sizeof file);

    EXPECT_EQ(image_decode(bytes_of(file, n), &i, &why), ERR_USAGE);
    EXPECT(strstr(why.text, "16 bits"));
    /* A header that promises more than limits.h allows: nothing is allocated for it. */
    why.text[0] = 0;
    file[16] = 0x7f;
    EXPECT_EQ(image_decode(bytes_of(file, n), &i, &why), ERR_MALFORMED);
    why.text[0] = 0;
    file[16] = 0, file[18] = 0x40, file[22] = 0x40; /* 16385 x 16385 */
    EXPECT_EQ(image_decode(bytes_of(file, n), &i, &why), ERR_LIMIT);
    why.text[0] = 0;
    EXPECT_EQ(image_decode(bytes_of("hello", 5), &i, &why), ERR_MALFORMED);
    EXPECT_EQ(image_decode(bytes_of(NULL, 0), &i, &why), ERR_MALFORMED);
}

/* A BMP of 2x2, rows down, 24 bits. */
static void bmp_rows_down(void)
{
    static const char text[] = "424d4600000000000000360000002800000002000000feffffff0100180000"
                               "0000001000000000000000000000000000000000000000"
                               "0102030405060000"
                               "0708090a0b0c0000";
    uint8_t file[100];
    struct reason why = {{0}};
    struct image i;
    size_t n = test_hex(text, file, sizeof file);

    EXPECT_EQ(image_decode(bytes_of(file, n), &i, &why), OK);
    EXPECT(i.width == 2 && i.height == 2 && !i.alpha);
    EXPECT(i.px[0] == 0x030201 && i.px[1] == 0x060504 && i.px[2] == 0x090807 &&
           i.px[3] == 0x0c0b0a);
    image_release(&i);
}

/* A table of codes that is larger than any can be, before and after the first scan: the library
 * would write past its own. */
static void oversized_tables_are_refused(void)
{
    static const char head[] = "ffd8ffe00004ffc4", good[] = "ffd8ffdb0002ffc40013000102";
    uint8_t file[600] = {0};
    struct reason why = {{0}};
    struct image i;
    size_t n = test_hex("ffd8ffc40200", file, sizeof file);

    memset(file + n + 1, 16, 16); /* 16 codes of each length: 256 in all */
    EXPECT(jpeg_check(bytes_of(file, sizeof file)));
    file[n + 1] = 17;
    EXPECT(!jpeg_check(bytes_of(file, sizeof file)));
    EXPECT_EQ(image_decode(bytes_of(file, sizeof file), &i, &why), ERR_MALFORMED);
    EXPECT(strstr(why.text, "Huffman"));
    n = test_hex("ffd8ffe00004aaaaffda0000ffd0ffc40200", file, sizeof file);
    EXPECT(jpeg_check(bytes_of(file, n)));
    memset(file + n, 0, sizeof file - n);
    memset(file + n + 1, 17, 16);
    EXPECT(!jpeg_check(bytes_of(file, sizeof file)));
    file[9] = 0xdb; /* no scan any more: the table is content of a segment of 0xffd0 bytes */
    memcpy(file + 10, "\xff\xd0", 2);
    EXPECT(jpeg_check(bytes_of(file, sizeof file)));
    EXPECT(jpeg_check(bytes_of(file, test_hex(head, file, sizeof file))));
    EXPECT(jpeg_check(bytes_of(file, test_hex(good, file, sizeof file))));
}

/* A PNG and a BMP of 4x1, 8 bits, with two colours and pixels 0, 1, 2, 255: those that the palette
 * does not have are black, whatever the memory holds. */
static void short_palettes_go_on_in_black(void)
{
    static const char png[] = "89504e470d0a1a0a0000000d4948445200000004000000010803000000ce"
                              "e2ffff00000006504c5445aabbccddeeff2ec274700000000d4944415478"
                              "9c63606064fa0f00010b0103de65ca1f0000000049454e44ae426082";
    static const char bmp[] = "424d00000000000000003e00000028000000040000000100000001000800"
                              "000000000000000000000000000000000000000000000000"
                              "ccbbaa00ffeedd00"
                              "000102ff";
    const char *const text[] = {png, bmp};
    uint8_t file[200];
    struct image i;

    for (size_t k = 0; k < 2 && !test_failed(); k++) {
        struct reason why = {{0}};
        size_t n = test_hex(text[k], file, sizeof file);
        EXPECT_EQ(image_decode(bytes_of(file, n), &i, &why), OK);
        EXPECT(i.width == 4 && i.height == 1 && !i.alpha);
        EXPECT_EQ(i.px[0], 0xaabbcc);
        EXPECT_EQ(i.px[1], 0xddeeff);
        EXPECT(i.px[2] == 0 && i.px[3] == 0);
        image_release(&i);
        for (uint64_t nth = 1; nth < 3; nth++) {
            heap_fail_at(nth);
            enum err e = image_decode(bytes_of(file, n), &i, &why);
            heap_fail_at(0);
            EXPECT(e == ERR_MEMORY || e == OK);
            image_release(&i);
        }
    }
    size_t n = test_hex(bmp, file, sizeof file);
    struct reason why = {{0}};
    file[10] = 0x37; /* the pixels begin within the palette's first colour */
    EXPECT_EQ(image_decode(bytes_of(file, n), &i, &why), ERR_MALFORMED);
    EXPECT(why.text[0]);
}

/* Cut, flipped and starved files are refused or decoded: never a crash, never a leak. */
static void damage_is_survived(void)
{
    struct scene s = scene_new(40, 30, 0xff336699);
    struct tile_pool pool;
    struct pic *p;
    struct buf b;
    struct io_buf out;
    struct image back;

    tile_pool_init(&pool, 10);
    buf_init(&b, 1 << 20);
    io_buf_init(&out, &b);
    paint(&s, RAMP);
    EXPECT_EQ(pic_new(&pool, 40, 30, true, &p), OK);
    scene_update(&s, p, NULL);
    for (uint64_t nth = 1;; nth++) {
        b.n = 0;
        heap_fail_at(nth);
        enum err e = png_write(&out.out, p, SAMPLES_RGBA, true);
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT_EQ(e, fired ? ERR_MEMORY : OK);
        if (!fired)
            break;
    }
    for (uint64_t nth = 1;; nth++) {
        struct reason why = {{0}};
        heap_fail_at(nth);
        enum err e = image_decode(buf_bytes(&b), &back, &why);
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT(e == OK || (fired && e == ERR_MEMORY));
        image_release(&back);
        if (!fired)
            break;
    }
    for (size_t n = 0; n < b.n; n++) {
        struct reason why = {{0}};
        uint8_t *exact = heap_alloc(n);
        memcpy(exact, b.p, n);
        if (image_decode(bytes_of(exact, n), &back, &why) == OK)
            image_release(&back);
        else
            EXPECT(why.text[0]);
        memcpy(exact, b.p, n);
        if (n)
            exact[n / 2] ^= (uint8_t)(1 << n % 8);
        if (image_decode(bytes_of(exact, n), &back, &why) == OK)
            image_release(&back);
        heap_free(exact);
    }
    for (size_t room = 0; room < b.n; room += 13) {
        struct buf little;
        buf_init(&little, room);
        io_buf_init(&out, &little);
        EXPECT_EQ(png_write(&out.out, p, SAMPLES_RGBA, true), ERR_LIMIT);
        buf_release(&little);
    }
    pic_unref(p);
    tile_pool_release(&pool);
    buf_release(&b);
    scene_release(&s);
}

TEST_MAIN({"png round trips", png_round_trips}, {"foreign images", foreign_images},
          {"bmp rows down", bmp_rows_down},
          {"short palettes go on in black", short_palettes_go_on_in_black},
          {"oversized tables are refused", oversized_tables_are_refused},
          {"damage is survived", damage_is_survived})
