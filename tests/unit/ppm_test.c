#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/codec/ppm.h"
#include "tests/unit/scene.h"
#include "tests/unit/test.h"

/* Feeds `text` in pieces of `step` bytes; gives the number of whole images, or -1 with *e. */
static int count_images(struct bytes text, size_t step, enum err *e, struct reason *why)
{
    struct ppm_reader *r = ppm_reader_new();
    int images = 0;

    *e = ERR_AGAIN;
    for (size_t at = 0; at < text.n && (*e == OK || *e == ERR_AGAIN); at += step) {
        struct bytes in = bytes_of(text.p + at, num_min(step, text.n - at));
        while (in.n && ((*e = ppm_reader_feed(r, &in, why)) == OK))
            images++;
    }
    if (*e == OK || *e == ERR_AGAIN)
        *e = ppm_reader_end(r, why);
    ppm_reader_free(r);
    return *e ? -1 : images;
}

static const char two[] = "P6\n# made by hand\n2 1\n255\nabcdef"
                          "P6 1 2#c\n255\nABCDEF";

static void images_follow_each_other(void)
{
    struct bytes in = bytes_of(two, sizeof two - 1);
    struct reason why = {{0}};
    enum err e;

    for (size_t step = 1; step <= in.n; step++) {
        EXPECT_EQ(count_images(in, step, &e, &why), 2);
        EXPECT_EQ(e, OK);
    }
    struct ppm_reader *r = ppm_reader_new();
    EXPECT_EQ(ppm_reader_feed(r, &in, &why), OK);
    struct pixels p = ppm_reader_pixels(r);
    EXPECT(p.width == 2 && p.height == 1 && p.px[0] == 0x616263 && p.px[1] == 0x646566);
    EXPECT_EQ(ppm_reader_feed(r, &in, &why), OK);
    p = ppm_reader_pixels(r);
    EXPECT(p.width == 1 && p.height == 2 && p.px[0] == 0x414243 && p.px[1] == 0x444546);
    EXPECT_EQ(ppm_reader_end(r, &why), OK);
    ppm_reader_free(r);
}

static void cut_anywhere_is_told(void)
{
    for (size_t n = 0; n < sizeof two - 1; n++) {
        struct reason why = {{0}};
        enum err e;
        int images = count_images(bytes_of(two, n), 7, &e, &why);
        bool whole = n == 32; /* the first image alone */
        EXPECT_EQ(images, whole ? 1 : -1);
        EXPECT(whole || (e == ERR_MALFORMED && why.text[0]));
    }
}

static void bad_headers_are_refused(void)
{
    static const struct {
        const char *text;
        enum err e;
    } bad[] = {
        {"P5 1 1 255\na", ERR_MALFORMED},    {"GIF", ERR_MALFORMED},
        {"P6 0 1 255\n", ERR_LIMIT},         {"P6 16385 1 255\n", ERR_LIMIT},
        {"P6 16384 16384 255\n", ERR_LIMIT}, {"P6 99999999999999999999 1 255\n", ERR_LIMIT},
        {"P6 1 1 65535\nabcdef", ERR_USAGE}, {"P6 1 1 254\nabc", ERR_USAGE},
        {"P6 -1 1 255\nabc", ERR_MALFORMED}, {"P6 1 1 255#c\nabc", ERR_MALFORMED},
        {"P6 1 1 255\nabcP", ERR_MALFORMED}, {"P61 1 255\nabc", ERR_AGAIN},
        {"P6 1x 1 255\nabc", ERR_MALFORMED},
    };
    char comment[2000] = "P6\n#";

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct reason why = {{0}};
        enum err e;
        int images = count_images(bytes_of_string(bad[i].text), 3, &e, &why);
        if (bad[i].e == ERR_AGAIN) /* no space after the magic: taken */
            EXPECT_EQ(images, 1);
        else
            EXPECT_EQ(e, bad[i].e);
    }
    memset(comment + 4, 'c', sizeof comment - 5);
    struct reason why = {{0}};
    enum err e;
    EXPECT_EQ(count_images(bytes_of_string(comment), 64, &e, &why), -1);
    EXPECT_EQ(e, ERR_MALFORMED);
}

static void what_is_written_reads_back(void)
{
    struct scene s = scene_new(67, 5, 0);
    struct tile_pool pool;
    struct pic *p;
    struct buf b;
    struct io_buf out;
    struct reason why = {{0}};

    tile_pool_init(&pool, 100);
    buf_init(&b, 1 << 20);
    io_buf_init(&out, &b);
    scene_random(&s, 3);
    EXPECT_EQ(pic_new(&pool, 67, 5, false, &p), OK);
    scene_update(&s, p, NULL);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(ppm_write(&out.out, p, SAMPLES_RGB, true), OK);
    struct ppm_reader *r = ppm_reader_new();
    struct bytes in = buf_bytes(&b);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(ppm_reader_feed(r, &in, &why), OK);
        struct pixels back = ppm_reader_pixels(r);
        EXPECT(back.width == 67 && back.height == 5);
        for (size_t k = 0; k < 67 * 5; k++)
            EXPECT_EQ(back.px[k], s.px[k] & 0xffffff);
    }
    EXPECT_EQ(in.n, 0);
    for (uint64_t nth = 1; nth <= 2; nth++) {
        heap_fail_at(nth);
        EXPECT_EQ(ppm_write(&out.out, p, SAMPLES_RGB, true), ERR_MEMORY);
    }
    heap_fail_at(0);
    b.max = b.n + 100; /* the space ends within an image */
    EXPECT_EQ(ppm_write(&out.out, p, SAMPLES_RGB, true), ERR_LIMIT);
    ppm_reader_free(r);
    pic_unref(p);
    tile_pool_release(&pool);
    buf_release(&b);
    scene_release(&s);
}

TEST_MAIN({"images follow each other", images_follow_each_other},
          {"cut anywhere is told", cut_anywhere_is_told},
          {"bad headers are refused", bad_headers_are_refused},
          {"what is written reads back", what_is_written_reads_back})
