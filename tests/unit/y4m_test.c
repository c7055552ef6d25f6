#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/codec/y4m.h"
#include "tests/unit/test.h"

/* Feeds `text` in pieces of `step`; gives the number of whole frames, or -1 with *e. */
static int count_frames(struct bytes text, size_t step, enum err *e, struct reason *why)
{
    struct y4m_reader *r = y4m_reader_new();
    int frames = 0;

    *e = ERR_AGAIN;
    for (size_t at = 0; at < text.n && (*e == OK || *e == ERR_AGAIN); at += step) {
        struct bytes in = bytes_of(text.p + at, num_min(step, text.n - at));
        while (in.n && ((*e = y4m_reader_feed(r, &in, why)) == OK))
            frames++;
    }
    if (*e == OK || *e == ERR_AGAIN)
        *e = y4m_reader_end(r, why);
    y4m_reader_free(r);
    return *e ? -1 : frames;
}

static void append(struct buf *b, const char *text)
{
    if (buf_append(b, bytes_of_string(text)))
        abort();
}

/* Random planes of one format come back byte for byte. */
static void planes_survive(const char *chroma, uint32_t w, uint32_t h, size_t frame_bytes)
{
    struct buf file, back;
    struct io_buf out;
    struct rng rng;
    struct reason why = {{0}};
    struct tile_pool pool;
    char head[200];

    buf_init(&file, 1 << 20), buf_init(&back, 1 << 20);
    io_buf_init(&out, &back);
    rng_seed(&rng, w * 77 + h);
    tile_pool_init(&pool, 200);
    snprintf(head, sizeof head, "YUV4MPEG2 W%u H%u F30000:1001 It A10:11%s%s XFOO=1\n", w, h,
             *chroma ? " C" : "", chroma);
    append(&file, head);
    for (int i = 0; i < 3; i++) {
        append(&file, i == 1 ? "FRAME Ixxx Xt_us=123456\n" : "FRAME\n");
        EXPECT_EQ(buf_reserve(&file, frame_bytes), OK);
        rng_fill(&rng, file.p + file.n, frame_bytes);
        file.n += frame_bytes;
    }
    struct bytes in = buf_bytes(&file);
    struct y4m_reader *r = y4m_reader_new();
    struct pic *p = NULL;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(y4m_reader_feed(r, &in, &why), OK);
        const struct y4m_head *y = y4m_reader_head(r);
        EXPECT_EQ(y4m_reader_time_us(r), i == 1 ? 123456 : i == 2 ? 66733 : 0);
        if (i == 0) {
            EXPECT_EQ(pic_new(&pool, w, h, samples_shape(y->samples)->alpha, &p), OK);
            EXPECT_EQ(y4m_write_head(&out.out, y), OK);
        }
        uint32_t count = 0;
        uint8_t changed[200];
        struct pixels px = y4m_reader_pixels(r);
        EXPECT_EQ(pic_update(p, &px, (struct rect){0, 0, w, h}, changed, &count), OK);
        EXPECT_EQ(y4m_write_frame(&out.out, y, p, y->samples, Y4M_NO_TIME), OK);
    }
    EXPECT_EQ(y4m_reader_end(r, &why), OK);
    /* The same but for the words after FRAME, which are not kept. */
    size_t first = strlen(head) + 6 + frame_bytes, longer = strlen("Ixxx Xt_us=123456") + 1;
    EXPECT_EQ(file.n, back.n + longer);
    EXPECT(memcmp(file.p, back.p, first) == 0);
    EXPECT(memcmp(file.p + first + 6 + longer, back.p + first + 6, back.n - first - 6) == 0);
    y4m_reader_free(r);
    pic_unref(p);
    tile_pool_release(&pool);
    buf_release(&file), buf_release(&back);
}

static void planes_come_back(void)
{
    static const uint32_t sizes[][2] = {{1, 1}, {2, 2}, {17, 3}, {64, 64}, {131, 67}, {1000, 1}};
    static const struct {
        const char *name;
        unsigned sx, sy, planes;
    } kinds[] = {{"420jpeg", 2, 2, 3}, {"420mpeg2", 2, 2, 3}, {"420paldv", 2, 2, 3},
                 {"420", 2, 2, 3},     {"", 2, 2, 3},         {"422", 2, 1, 3},
                 {"444", 1, 1, 3},     {"411", 4, 1, 3},      {"440", 1, 2, 3},
                 {"mono", 1, 1, 1},    {"444alpha", 1, 1, 4}};

    for (size_t i = 0; i < COUNT_OF(sizes) && !test_failed(); i++)
        for (size_t k = 0; k < COUNT_OF(kinds) && !test_failed(); k++) {
            uint32_t w = sizes[i][0], h = sizes[i][1];
            size_t chroma = num_div_up(w, kinds[k].sx) * num_div_up(h, kinds[k].sy);
            size_t luma = (size_t)w * h;
            planes_survive(kinds[k].name, w, h,
                           kinds[k].planes == 1   ? luma
                           : kinds[k].planes == 3 ? luma + 2 * chroma
                                                  : luma * 2 + 2 * chroma);
        }
}

static const char small[] = "YUV4MPEG2 W2 H2 F25:1 C420jpeg\nFRAME\nabcdUVFRAME\nefghuv";

static void pieces_and_cuts(void)
{
    size_t head = strlen("YUV4MPEG2 W2 H2 F25:1 C420jpeg\n"), n = sizeof small - 1;
    struct reason why = {{0}};
    enum err e;

    for (size_t step = 1; step <= n; step++)
        EXPECT_EQ(count_frames(bytes_of(small, n), step, &e, &why), 2);
    for (size_t cut = 0; cut < n; cut++) {
        why.text[0] = 0;
        int frames = count_frames(bytes_of(small, cut), 5, &e, &why);
        bool whole = cut == head + 12;
        EXPECT_EQ(frames, whole ? 1 : -1);
        EXPECT(whole || (e == ERR_MALFORMED && why.text[0]));
    }
}

static void bad_heads_are_refused(void)
{
    static const struct {
        const char *text;
        enum err e;
    } bad[] = {
        {"", ERR_MALFORMED},
        {"YUV4MPEG W1 H1", ERR_MALFORMED},
        {"YUV4MPEG2 W1", ERR_MALFORMED},
        {"YUV4MPEG2 W H1", ERR_MALFORMED},
        {"YUV4MPEG2 W1x H1", ERR_MALFORMED},
        {"YUV4MPEG2 W-1 H1", ERR_MALFORMED},
        {"YUV4MPEG2 W0 H1", ERR_MALFORMED},
        {"YUV4MPEG2 W99999999999 H1", ERR_MALFORMED},
        {"YUV4MPEG2 W16385 H1", ERR_LIMIT},
        {"YUV4MPEG2 W16384 H16384", ERR_LIMIT},
        {"YUV4MPEG2 W1 H1 F25", ERR_MALFORMED},
        {"YUV4MPEG2 W1 H1 F25:", ERR_MALFORMED},
        {"YUV4MPEG2 W1 H1 F25:1x", ERR_MALFORMED},
        {"YUV4MPEG2 W1 H1 C420p10", ERR_USAGE},
        {"YUV4MPEG2 W1 H1 Cmono16", ERR_USAGE},
        {"YUV4MPEG2 W1 H1 C", ERR_USAGE},
    };
    struct y4m_head h;
    char longest[300] = "YUV4MPEG2 W1 H1 X";

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct reason why = {{0}};
        EXPECT_EQ(y4m_parse_head(bytes_of_string(bad[i].text), &h, &why), bad[i].e);
        EXPECT(why.text[0]);
    }
    struct reason why = {{0}};
    memset(longest + 17, 'x', 255 - 17);
    EXPECT_EQ(y4m_parse_head(bytes_of_string(longest), &h, &why), OK);
    longest[255] = 'x';
    EXPECT_EQ(y4m_parse_head(bytes_of_string(longest), &h, &why), ERR_MALFORMED);
    EXPECT_EQ(y4m_parse_head(bytes_of("YUV4MPEG2 W1 H1 X\0", 18), &h, &why), ERR_MALFORMED);
    EXPECT_EQ(y4m_parse_head(bytes_of_string("YUV4MPEG2 H1 W1 F0:0"), &h, &why), OK);
    EXPECT(h.rate_num == 0 && h.samples == SAMPLES_420 && !h.full_range);
    EXPECT_EQ(y4m_parse_head(bytes_of_string("YUV4MPEG2 H1 W1 F4294967295:4294967295"), &h, &why),
              OK);
    EXPECT_EQ(y4m_time_us(&h, 3), 3000000);
    EXPECT_EQ(y4m_parse_head(bytes_of_string("YUV4MPEG2 H1 W1 F1:4294967295"), &h, &why), OK);
    EXPECT_EQ(y4m_time_us(&h, UINT64_MAX), Y4M_TIME_MAX);
}

/* The way to 4:4:4 and back stays near; what a grey is stays grey. */
static void rgb_is_close_in_444(void)
{
    int worst = 0;

    for (uint32_t v = 0; v < 1 << 24; v += 4099) {
        uint32_t px = v | 0x5a000000, grey = (v & 255) * 0x010101;
        samples_from_rgb(&px, 1);
        samples_to_rgb(SAMPLES_444, true, &px, 1);
        EXPECT_EQ(px >> 24, 0x5a);
        for (int shift = 0; shift < 24; shift += 8) {
            int d = abs((int)(px >> shift & 255) - (int)(v >> shift & 255));
            worst = d > worst ? d : worst;
        }
        px = grey;
        samples_from_rgb(&px, 1);
        EXPECT_EQ(px, (0x80u << 16) | (grey & 0xff00) | 0x80);
        samples_to_rgb(SAMPLES_444, true, &px, 1);
        EXPECT_EQ(px, grey);
    }
    EXPECT(worst >= 1 && worst <= 2);
    uint32_t black = 0x801080, white = 0x80eb80;
    samples_to_rgb(SAMPLES_420, false, &black, 1);
    samples_to_rgb(SAMPLES_420, false, &white, 1);
    EXPECT_EQ(black, 0);
    EXPECT_EQ(white, 0xffffff);
}

/* Planes made of a row, by whatever the processor has, hold what single pixels give. */
static void rgb_rows_are_split(void)
{
    enum { N = 133 };
    uint32_t px[N], one;
    uint8_t luma[N + 1], cb[N + 1], cr[N + 1];
    struct rng rng;

    rng_seed(&rng, 5);
    for (size_t n = 0; n <= N; n++) {
        for (size_t i = 0; i < n; i++)
            px[i] =
                i < 8 ? 0xff0000u >> 8 * (i % 3) | (i / 4) * 0xffffffu : (uint32_t)rng_u64(&rng);
        luma[n] = cb[n] = cr[n] = 0xa5;
        samples_split_rgb(px, n, luma, cb, cr);
        EXPECT(luma[n] == 0xa5 && cb[n] == 0xa5 && cr[n] == 0xa5);
        for (size_t i = 0; i < n; i++) {
            one = px[i] & 0xffffff;
            samples_from_rgb(&one, 1);
            EXPECT_EQ(one, (uint32_t)cr[i] << 16 | (uint32_t)luma[i] << 8 | cb[i]);
        }
    }
}

/* Planes put together from parts make the frame that is written at once. */
static void planes_are_put_together(void)
{
    enum { W = 131, H = 70 };
    static const struct rect parts[] = {{0, 0, 64, 64}, {64, 0, 67, 64}, {0, 64, 131, 6}};
    uint8_t planes[W * H * 3], changed[6] = {0};
    uint32_t *px = heap_array(W * H, sizeof *px), count = 0;
    struct tile_pool pool;
    struct y4m_head h;
    struct buf all, put;
    struct io_buf out;
    struct rng rng;
    struct pic *p;

    tile_pool_init(&pool, 100);
    rng_seed(&rng, 9);
    rng_fill(&rng, px, W * H * sizeof *px);
    buf_init(&all, 1 << 20), buf_init(&put, 1 << 20);
    EXPECT_EQ(pic_new(&pool, W, H, false, &p), OK);
    EXPECT_EQ(
        pic_update(p, &(struct pixels){px, W, H, W}, (struct rect){0, 0, W, H}, changed, &count),
        OK);
    y4m_head_for_rgb(&h, W, H, 30, 1);
    EXPECT_EQ(y4m_planes_bytes(&h), sizeof planes);
    io_buf_init(&out, &all);
    EXPECT_EQ(y4m_write_frame(&out.out, &h, p, SAMPLES_RGB, 12), OK);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        y4m_put_planes(&h, p, parts[i], planes);
    io_buf_init(&out, &put);
    EXPECT_EQ(y4m_write_planes(&out.out, &h, planes, 12), OK);
    EXPECT(bytes_equal(buf_bytes(&all), buf_bytes(&put)));
    pic_unref(p);
    tile_pool_release(&pool);
    heap_free(px);
    buf_release(&all), buf_release(&put);
}

static void rgb_pictures_are_written(void)
{
    struct tile_pool pool;
    struct pic *p;
    struct buf b;
    struct io_buf out;
    struct y4m_head h;
    struct reason why = {{0}};

    tile_pool_init(&pool, 4);
    buf_init(&b, 4096);
    io_buf_init(&out, &b);
    EXPECT_EQ(pic_new(&pool, 3, 2, false, &p), OK);
    y4m_head_for_rgb(&h, 3, 2, 30, 1);
    EXPECT_EQ(y4m_write_head(&out.out, &h), OK);
    EXPECT_EQ(y4m_write_frame(&out.out, &h, p, SAMPLES_RGB, 77), OK);
    static const char expected[] = "YUV4MPEG2 W3 H2 F30:1 Ip A1:1 C444 XCOLORRANGE=FULL\n"
                                   "FRAME Xt_us=77\n\0\0\0\0\0\0\x80\x80\x80\x80\x80\x80"
                                   "\x80\x80\x80\x80\x80\x80";
    EXPECT(bytes_equal(buf_bytes(&b), bytes_of(expected, sizeof expected - 1)));
    struct y4m_head read;
    EXPECT_EQ(y4m_parse_head(bytes_of_string(h.line), &read, &why), OK);
    EXPECT(read.full_range && read.samples == SAMPLES_444);
    for (uint64_t nth = 1; nth <= 2; nth++) {
        heap_fail_at(nth);
        EXPECT_EQ(y4m_write_frame(&out.out, &h, p, SAMPLES_RGB, 77), ERR_MEMORY);
    }
    heap_fail_at(0);
    b.max = b.n + 20;
    EXPECT_EQ(y4m_write_frame(&out.out, &h, p, SAMPLES_RGB, 77), ERR_LIMIT);
    pic_unref(p);
    tile_pool_release(&pool);
    buf_release(&b);
}

TEST_MAIN({"planes come back", planes_come_back}, {"pieces and cuts", pieces_and_cuts},
          {"bad heads are refused", bad_heads_are_refused},
          {"RGB is close in 444", rgb_is_close_in_444}, {"RGB rows are split", rgb_rows_are_split},
          {"planes are put together", planes_are_put_together},
          {"RGB pictures are written", rgb_pictures_are_written})
