#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/codec/fsr_writer.h"
#include "core/codec/png.h"
#include "core/os/file.h"
#include "core/os/os.h"
#include "core/screen/file_source.h"
#include "tests/unit/test.h"

enum { START_US = 3000000, MS = 1000 };

static char folder[64], path[128], logged[1024], reason[300];
static struct buf file;
static struct source_frame frame;

static void keep_line(enum log_level level, const char *line)
{
    size_t n = strlen(logged);

    (void)level;
    snprintf(logged + n, sizeof logged - n, "%s\n", line);
}

static bool begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/farspan-source-XXXXXX");
    snprintf(path, sizeof path, "%s/f", mkdtemp(folder) ? folder : "");
    log_set_sink(keep_line);
    logged[0] = 0;
    buf_init(&file, 16 << 20);
    return strlen(path) > 2;
}

static void end(void)
{
    log_set_sink(NULL);
    buf_release(&file);
    unlink(path);
    EXPECT_EQ(rmdir(folder), 0);
}

static bool add(const void *p, size_t n)
{
    return buf_append(&file, bytes_of(p, n)) == OK;
}

static bool add_text(const char *text)
{
    return add(text, strlen(text));
}

/* Appends one P6 image of one grey. */
static bool add_ppm(uint32_t width, uint32_t height, uint8_t grey)
{
    char head[64];
    size_t n = (size_t)width * height * 3;
    uint8_t *px = heap_alloc(n);

    snprintf(head, sizeof head, "P6 %u %u 255\n", width, height);
    memset(px, grey, n);
    bool done = add_text(head) && add(px, n);
    heap_free(px);
    return done;
}

static bool save(void)
{
    return file_replace(path, buf_bytes(&file), 0644) == OK;
}

static struct source *open_saved(uint32_t fps)
{
    struct source *s = NULL;

    reason[0] = 0;
    return file_source_open(path, fps, &s, reason, sizeof reason) == OK ? s : NULL;
}

static enum err try_open(const char *name)
{
    struct source *s = NULL;
    enum err e = source_open(name, 0, START_US, &s, reason, sizeof reason);

    if (e == OK)
        s->ops->free(s);
    return e;
}

/* Polls and captures at START_US + after_us; the first pixel, or -1 when nothing new is there. */
static int64_t look(struct source *s, uint64_t after_us)
{
    if (s->ops->poll(s, START_US + after_us) != OK || !s->ops->damaged(s) ||
        s->ops->capture(s, START_US + after_us, false, &frame) != OK)
        return -1;
    return frame.pixels.px[0] & 0xffffff;
}

static void a_stream_is_played_in_time(void)
{
    EXPECT(begin());
    EXPECT(add_ppm(4, 3, 10) && add_ppm(4, 3, 20) && add_ppm(70, 5, 30) && save());
    struct source *s = open_saved(50);
    EXPECT(s);
    EXPECT_EQ(look(s, 0), 0x0a0a0a);
    EXPECT(frame.pixels.width == 4 && frame.damage_count == 1 && !frame.ended);
    EXPECT_EQ(s->ops->deadline_us(s), START_US + 20 * MS);
    EXPECT_EQ(look(s, 19 * MS), -1);
    EXPECT_EQ(look(s, 20 * MS), 0x141414);
    EXPECT(!frame.ended);
    EXPECT_EQ(look(s, 45 * MS), 0x1e1e1e);
    EXPECT(frame.ended && frame.pixels.width == 70 && frame.pixels.height == 5);
    EXPECT_EQ(frame.damage[0].width, 70);
    EXPECT_EQ(s->ops->deadline_us(s), UINT64_MAX);
    EXPECT_EQ(look(s, 1000 * MS), -1);
    EXPECT_EQ(s->ops->capture(s, START_US, true, &frame), OK);
    EXPECT(frame.whole && frame.damage_count == 1 && frame.ended);
    s->ops->free(s);
    end();
}

static void a_stream_waits_for_somebody_to_look(void)
{
    EXPECT(begin());
    EXPECT(add_ppm(2, 2, 1) && add_ppm(2, 2, 2) && save());
    struct source *s = open_saved(50);
    EXPECT(s && s->ops->damaged(s) && s->ops->deadline_us(s) == UINT64_MAX);
    EXPECT_EQ(look(s, 700 * MS), 0x010101);
    EXPECT(!frame.ended);
    EXPECT_EQ(s->ops->deadline_us(s), START_US + 720 * MS);
    EXPECT_EQ(look(s, 720 * MS), 0x020202);
    EXPECT(frame.ended);
    s->ops->free(s);
    end();
}

static void late_polls_skip_a_little_then_slow_down(void)
{
    EXPECT(begin());
    for (int i = 0; i < 20; i++)
        EXPECT(add_ppm(2, 2, (uint8_t)i));
    EXPECT(save());
    struct source *s = open_saved(100);
    EXPECT(s);
    EXPECT_EQ(look(s, 0), 0);
    EXPECT_EQ(look(s, 20 * MS), 0x020202);
    /* Four at most, and the rest comes at its pace from here. */
    EXPECT_EQ(look(s, 190 * MS), 0x060606);
    EXPECT(!frame.ended);
    EXPECT_EQ(s->ops->deadline_us(s), START_US + 190 * MS + 1);
    EXPECT_EQ(look(s, 190 * MS + 1), 0x070707);
    EXPECT_EQ(s->ops->deadline_us(s), START_US + 200 * MS + 1);
    s->ops->free(s);
    end();
}

static void video_has_its_own_times(void)
{
    static const uint8_t dark[12] = {16, 16, 16, 16, 128, 128, 128, 128, 128, 128, 128, 128};
    static const uint8_t light[12] = {235, 235, 235, 235, 128, 128, 128, 128, 128, 128, 128, 128};

    EXPECT(begin());
    EXPECT(add_text("YUV4MPEG2 W2 H2 F25:1 C444\nFRAME Xt_us=1000000\n") && add(dark, 12));
    EXPECT(add_text("FRAME Xt_us=1007000\n") && add(light, 12));
    EXPECT(add_text("FRAME Xt_us=1003000\n") && add(dark, 12));
    EXPECT(add_text("FRAME\n") && add(light, 12) && save());
    struct source *s = open_saved(0);
    EXPECT(s);
    EXPECT_EQ(look(s, 0), 0x000000);
    EXPECT_EQ(s->ops->deadline_us(s), START_US + 7 * MS);
    EXPECT_EQ(s->ops->poll(s, START_US + 7 * MS - 1), OK);
    EXPECT(!s->ops->damaged(s));
    /* A time that goes back is shown at once; one without a time as the rate says. */
    EXPECT_EQ(look(s, 7 * MS), 0xffffff);
    EXPECT(frame.ended);
    s->ops->free(s);
    end();
}

static void an_image_is_shown_still(void)
{
    struct tile_pool pool;
    struct pic *p;
    struct io_buf io;
    uint32_t px[6] = {0xff112233, 0x80ff0000, 0x00ffffff, 0xff000000, 0xffffffff, 0xff0000ff};
    struct pixels from = {px, 3, 2, 3};
    uint8_t changed[1];
    uint32_t count = 0;

    EXPECT(begin());
    tile_pool_init(&pool, 4);
    EXPECT_EQ(pic_new(&pool, 3, 2, true, &p), OK);
    EXPECT_EQ(pic_update(p, &from, (struct rect){0, 0, 3, 2}, changed, &count), OK);
    io_buf_init(&io, &file);
    EXPECT_EQ(png_write(&io.out, p, SAMPLES_RGBA, true), OK);
    EXPECT(save());
    struct source *s = open_saved(0);
    EXPECT(s);
    EXPECT_EQ(look(s, 0), 0x112233);
    EXPECT(frame.ended && frame.pixels.width == 3 && frame.pixels.height == 2);
    EXPECT_EQ(frame.pixels.px[1], 0x800000);
    EXPECT_EQ(frame.pixels.px[2], 0);
    EXPECT_EQ(frame.pixels.px[5], 0x0000ff);
    EXPECT_EQ(s->ops->deadline_us(s), UINT64_MAX);
    s->ops->free(s);
    pic_unref(p);
    tile_pool_release(&pool);
    end();
}

/* Records four pictures, 10 ms apart, the second and fourth of another size, to `file`. */
static bool record(bool finish)
{
    static const uint32_t shades[] = {0x112233, 0x445566, 0x778899, 0xaabbcc};
    struct fsr_writer *w;
    struct io_buf io;
    struct fsr_writer_config config = {.out = &io.out, .samples = SAMPLES_RGB, .full_range = true};
    struct tile_pool pool;
    enum err e;

    io_buf_init(&io, &file);
    tile_pool_init(&pool, 16);
    e = fsr_writer_new(&config, &w);
    for (uint32_t i = 0; e == OK && i < 4; i++) {
        struct pic *p;
        uint32_t px[2] = {shades[i], 0}, count, side = 1 + i % 2;
        struct pixels from = {px, side, 1, side};
        uint8_t changed[1];
        if (pic_new(&pool, side, 1, false, &p) != OK)
            return false;
        e = pic_update(p, &from, (struct rect){0, 0, side, 1}, changed, &count);
        if (e == OK)
            e = fsr_writer_frame(w, p, 500 * MS + i * 10 * MS, NULL);
        pic_unref(p);
    }
    if (e == OK && finish)
        e = fsr_writer_finish(w);
    fsr_writer_free(w);
    tile_pool_release(&pool);
    return e == OK;
}

static void a_recording_is_played_by_its_times(void)
{
    EXPECT(begin());
    EXPECT(record(true) && save());
    struct source *s = open_saved(0);
    EXPECT(s && !logged[0]);
    EXPECT_EQ(look(s, 0), 0x112233);
    EXPECT_EQ(s->ops->deadline_us(s), START_US + 10 * MS);
    EXPECT_EQ(look(s, 10 * MS), 0x445566);
    EXPECT(frame.pixels.width == 2);
    EXPECT_EQ(look(s, 20 * MS), 0x778899);
    EXPECT(frame.pixels.width == 1 && !frame.ended);
    EXPECT_EQ(look(s, 30 * MS), 0xaabbcc);
    EXPECT(frame.ended);
    s->ops->free(s);
    end();
}

static void a_recording_cut_or_damaged_shows_what_is_there(void)
{
    EXPECT(begin());
    EXPECT(record(true));
    size_t whole = file.n;
    uint8_t *copy = heap_alloc(whole);
    memcpy(copy, file.p, whole);
    for (size_t cut = 0; cut < whole; cut++) {
        file.n = 0;
        EXPECT(add(copy, cut) && save());
        struct source *s = open_saved(0);
        EXPECT(s || reason[0]);
        if (s)
            s->ops->free(s);
        /* Its name decides for files that are too short to tell. */
        EXPECT(s || cut < 200);
    }
    for (size_t flip = 0; flip < whole; flip++) {
        file.n = 0;
        EXPECT(add(copy, whole));
        file.p[flip] ^= 0x10;
        EXPECT(save());
        logged[0] = 0;
        struct source *s = open_saved(0);
        EXPECT(s ? logged[0] || flip >= 32 : reason[0] != 0);
        for (uint64_t t = 0; s && t < 60 * MS; t += 10 * MS) {
            int64_t shade = look(s, t);
            EXPECT(shade == -1 || shade == 0x112233 || shade == 0x445566 || shade == 0x778899 ||
                   shade == 0xaabbcc);
        }
        if (s)
            s->ops->free(s);
    }
    heap_free(copy);
    end();
}

static void what_is_no_picture_is_refused(void)
{
    static const struct {
        const char *text;
        enum err e;
    } cases[] = {{"", ERR_USAGE},
                 {"P", ERR_USAGE},
                 {"hello world, no picture", ERR_USAGE},
                 {"P6", ERR_MALFORMED},
                 {"P6 0 5 255\n", ERR_LIMIT},
                 {"P6 2 2 255\n11 bytes mi", ERR_MALFORMED},
                 {"P6 99999 99999 255\n", ERR_LIMIT},
                 {"P6 1 1 65535\nxxxxxx", ERR_USAGE},
                 {"YUV4MPEG2 W2\n", ERR_MALFORMED},
                 {"YUV4MPEG2 W2 H2 C444\n", ERR_MALFORMED},
                 {"\x89PNG\r\n\x1a\nbut no more", ERR_MALFORMED}};

    EXPECT(begin());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file.n = 0;
        EXPECT(add_text(cases[i].text) && save());
        EXPECT_EQ(try_open(path), cases[i].e);
        EXPECT(reason[0]);
    }
    EXPECT_EQ(try_open("/nowhere/at/all"), ERR_NOT_FOUND);
    EXPECT(strstr(reason, "test[:WxH]"));
    EXPECT_EQ(try_open(folder), ERR_SYSTEM);
    end();
}

static void a_file_that_breaks_shows_what_is_good(void)
{
    EXPECT(begin());
    EXPECT(add_ppm(2, 2, 1) && add_ppm(2, 2, 2) && add_text("P6 2 2 255\nshort") && save());
    struct source *s = open_saved(50);
    EXPECT(s);
    EXPECT_EQ(look(s, 0), 0x010101);
    EXPECT_EQ(look(s, 20 * MS), 0x020202);
    EXPECT(!frame.ended);
    EXPECT(s->ops->deadline_us(s) <= START_US + 20 * MS);
    EXPECT_EQ(s->ops->poll(s, START_US + 21 * MS), ERR_MALFORMED);
    EXPECT(strstr(logged, path));
    s->ops->free(s);
    end();
}

static void reading_may_fail(void)
{
    EXPECT(begin());
    for (int i = 0; i < 40; i++)
        EXPECT(add_ppm(100, 100, (uint8_t)i));
    EXPECT(save());
    os_fail_at(OS_READ, 2, EIO);
    struct source *s = open_saved(50);
    EXPECT(s);
    EXPECT(look(s, 0) == 0);
    enum err e = OK;
    for (uint64_t t = 0; !e && t < 2000 * MS; t += 20 * MS) {
        e = s->ops->poll(s, START_US + t);
        EXPECT(e || s->ops->capture(s, START_US + t, false, &frame) == OK);
    }
    os_fail_at(OS_READ, 0, 0);
    EXPECT_EQ(e, ERR_SYSTEM);
    s->ops->free(s);
    for (int i = 1; i <= 2; i++) {
        os_fail_at(i == 1 ? OS_OPEN : OS_READ, 1, EIO);
        EXPECT_EQ(try_open(path), ERR_SYSTEM);
        os_fail_at(i == 1 ? OS_OPEN : OS_READ, 0, 0);
    }
    end();
}

/* Opens and plays to the end; the error that stops it. */
static enum err play(void)
{
    struct source *s = NULL;
    enum err e = source_open(path, 0, START_US, &s, reason, sizeof reason);

    for (uint64_t t = 0; e == OK && t < 100 * MS; t += 10 * MS) {
        e = s->ops->poll(s, START_US + t);
        if (e == OK)
            e = s->ops->capture(s, START_US + t, false, &frame);
    }
    if (s)
        s->ops->free(s);
    return e;
}

static void memory_may_run_out(void)
{
    static const char *const heads[] = {"P6 2 2 255\n123456789012",
                                        "YUV4MPEG2 W2 H2 C444\nFRAME\n123456789012"};

    EXPECT(begin());
    for (size_t i = 0; i < 3; i++) {
        file.n = 0;
        EXPECT((i < 2 ? add_text(heads[i]) : record(true)) && save());
        bool fired = true;
        for (uint64_t nth = 1; fired; nth++) {
            heap_fail_at(nth);
            enum err e = play();
            fired = heap_fault_fired();
            heap_fail_at(0);
            EXPECT_EQ(e, fired ? ERR_MEMORY : OK);
        }
    }
    end();
}

TEST_MAIN({"a_stream_is_played_in_time", a_stream_is_played_in_time},
          {"a_stream_waits", a_stream_waits_for_somebody_to_look},
          {"late_polls", late_polls_skip_a_little_then_slow_down},
          {"video_has_its_own_times", video_has_its_own_times},
          {"an_image_is_shown_still", an_image_is_shown_still},
          {"a_recording_is_played", a_recording_is_played_by_its_times},
          {"a_recording_cut_or_damaged", a_recording_cut_or_damaged_shows_what_is_there},
          {"what_is_no_picture_is_refused", what_is_no_picture_is_refused},
          {"a_file_that_breaks", a_file_that_breaks_shows_what_is_good},
          {"reading_may_fail", reading_may_fail}, {"memory_may_run_out", memory_may_run_out})
