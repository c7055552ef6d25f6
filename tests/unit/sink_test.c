#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/codec/fsr_reader.h"
#include "core/codec/image.h"
#include "core/codec/ppm.h"
#include "core/codec/y4m.h"
#include "core/os/file.h"
#include "core/os/io_file.h"
#include "core/os/os.h"
#include "core/screen/sink.h"
#include "tests/unit/test.h"

enum { START_US = 7000000 };

static char folder[64], path[128], logged[4096], reason[300];
static struct tile_pool pool;
static struct buf file;

static void keep_line(enum log_level level, const char *line)
{
    size_t n = strlen(logged);

    (void)level;
    snprintf(logged + n, sizeof logged - n, "%s\n", line);
}

static bool begin(const char *name)
{
    snprintf(folder, sizeof folder, "/tmp/farspan-sink-XXXXXX");
    snprintf(path, sizeof path, "%s/%s", mkdtemp(folder) ? folder : "", name);
    log_set_sink(keep_line);
    logged[0] = 0;
    tile_pool_init(&pool, 1000);
    buf_init(&file, 64 << 20);
    return folder[0];
}

static void end(void)
{
    log_set_sink(NULL);
    tile_pool_release(&pool);
    buf_release(&file);
    unlink(path);
    EXPECT_EQ(rmdir(folder), 0);
}

static bool read_back(void)
{
    file.n = 0;
    return file_read(path, false, &file) == OK;
}

static uint32_t pixel(uint32_t x, uint32_t y, uint32_t seed)
{
    return (x * 2654435761u ^ y * 40503u ^ seed * 977u) & 0xffffff;
}

static struct pic *picture(uint32_t width, uint32_t height, uint32_t seed)
{
    struct pic *p = NULL;
    uint32_t *px = heap_array((size_t)width * height, sizeof *px), count = 0;
    struct pixels from = {px, width, height, width};

    if (!px || pic_new(&pool, width, height, false, &p) != OK)
        return NULL;
    for (uint32_t i = 0; i < width * height; i++)
        px[i] = pixel(i % width, i / width, seed);
    uint8_t *changed = heap_alloc(pic_tiles(p));
    if (pic_update(p, &from, (struct rect){0, 0, width, height}, changed, &count) != OK)
        return NULL;
    heap_free(changed);
    heap_free(px);
    return p;
}

static bool shows(struct pixels p, uint32_t width, uint32_t height, uint32_t seed)
{
    if (p.width != width || p.height != height)
        return false;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            if ((p.px[y * p.stride_px + x] & 0xffffff) != pixel(x, y, seed))
                return false;
    return true;
}

static struct sink *open_sink(const char *name)
{
    struct sink *s = NULL;

    reason[0] = 0;
    return sink_open(name, START_US, &s, reason, sizeof reason) == OK ? s : NULL;
}

static enum err present(struct sink *s, struct pic *p, uint64_t after_us)
{
    struct sink_frame f = {.pic = p, .version = 1, .exact = true, .now_us = START_US + after_us};

    return s->ops->present(s, &f);
}

static void names_are_checked(void)
{
    static const char *const bad[] = {"",          "png",     ".png", "shot.jpg", "nullx",
                                      "shot.png/", "a.fsr.x", "fsr",  "shot png"};
    struct sink *s = NULL;

    EXPECT(begin("x"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT_EQ(sink_open(bad[i], START_US, &s, reason, sizeof reason), ERR_USAGE);
        EXPECT(!s && strstr(reason, "FILE.png") && strstr(reason, "null"));
    }
    static const char *const nowhere[] = {"/nowhere/x.png", "/nowhere/x.ppm", "/nowhere/x.Y4M"};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        EXPECT_EQ(sink_open(nowhere[i], START_US, &s, reason, sizeof reason), ERR_SYSTEM);
        EXPECT(!s && strstr(reason, nowhere[i]));
    }
    end();
}

static void null_takes_everything(void)
{
    EXPECT(begin("x"));
    struct sink *s = open_sink("null");
    struct pic *p = picture(70, 30, 1);
    EXPECT(s && p && !s->ops->interactive);
    EXPECT_EQ(present(s, p, 0), OK);
    s->ops->free(s);
    pic_unref(p);
    end();
}

static void png_is_the_last_picture(void)
{
    EXPECT(begin("shot.png"));
    struct sink *s = open_sink(path);
    struct pic *p = picture(130, 70, 1), *q = picture(65, 64, 2);
    struct sink_frame last = {.pic = q, .exact = true};
    struct image image;
    struct reason why = {""};

    EXPECT(s && p && q);
    EXPECT_EQ(present(s, p, 0), OK);
    EXPECT_EQ(present(s, q, 1), OK);
    EXPECT(access(path, F_OK) < 0);
    EXPECT_EQ(s->ops->finish(s, &last), OK);
    s->ops->free(s);
    EXPECT(strstr(logged, "65 x 64, exact"));
    EXPECT(read_back());
    EXPECT_EQ(image_decode(buf_bytes(&file), &image, &why), OK);
    EXPECT(shows(image_pixels(&image), 65, 64, 2));
    image_release(&image);
    pic_unref(p);
    pic_unref(q);
    end();
}

static void png_without_a_picture_leaves_the_old_one(void)
{
    EXPECT(begin("shot.png"));
    EXPECT_EQ(file_create(path, bytes_of_string("old"), 0644), OK);
    struct sink *s = open_sink(path);
    EXPECT(s);
    EXPECT_EQ(s->ops->finish(s, NULL), OK);
    s->ops->free(s);
    EXPECT(read_back() && bytes_equal(buf_bytes(&file), bytes_of_string("old")));
    end();
}

static void ppm_has_every_picture(void)
{
    EXPECT(begin("all.PPM"));
    struct sink *s = open_sink(path);
    struct pic *p = picture(130, 70, 1), *q = picture(65, 64, 2);
    struct sink_frame last = {.pic = q};
    struct ppm_reader *r = ppm_reader_new();
    struct reason why = {""};

    EXPECT(s && p && q && r);
    EXPECT_EQ(present(s, p, 0), OK);
    EXPECT_EQ(present(s, q, 1), OK);
    EXPECT_EQ(s->ops->finish(s, &last), OK);
    s->ops->free(s);
    EXPECT(read_back());
    struct bytes left = buf_bytes(&file);
    EXPECT_EQ(ppm_reader_feed(r, &left, &why), OK);
    EXPECT(shows(ppm_reader_pixels(r), 130, 70, 1));
    EXPECT_EQ(ppm_reader_feed(r, &left, &why), OK);
    EXPECT(shows(ppm_reader_pixels(r), 65, 64, 2));
    EXPECT(left.n == 0 && ppm_reader_end(r, &why) == OK);
    ppm_reader_free(r);
    pic_unref(p);
    pic_unref(q);
    end();
}

/* Only what has changed is converted: the frame is whole all the same. */
static void y4m_follows_changes(void)
{
    EXPECT(begin("part.y4m"));
    struct sink *s = open_sink(path);
    struct pic *p = picture(150, 90, 1), *q = picture(150, 90, 2), *mixed;
    struct sink_frame f = {.version = 1, .now_us = START_US};
    uint8_t changed[6] = {0, 0, 1, 0, 1, 0};

    EXPECT(s && p && q && pic_copy(p, &mixed) == OK && pic_tiles(p) == 6);
    for (uint32_t i = 0; i < 6; i++)
        if (changed[i])
            pic_set(mixed, i, tile_ref(q->tile[i]));
    EXPECT_EQ(present(s, p, 0), OK);
    f.pic = mixed, f.changed = changed;
    EXPECT_EQ(s->ops->present(s, &f), OK);
    EXPECT_EQ(present(s, mixed, 0), OK);
    EXPECT_EQ(s->ops->finish(s, NULL), OK);
    s->ops->free(s);
    EXPECT(read_back());
    size_t frame = strlen("FRAME Xt_us=0\n") + 150 * 90 * 3;
    EXPECT(file.n > 3 * frame);
    const uint8_t *last = file.p + file.n - frame;
    EXPECT(memcmp(last, last - frame, frame) == 0);
    EXPECT(memcmp(last, last - 2 * frame, frame) != 0);
    pic_unref(p);
    pic_unref(q);
    pic_unref(mixed);
    end();
}

static void y4m_has_times_and_one_size(void)
{
    EXPECT(begin("all.y4m"));
    struct sink *s = open_sink(path);
    struct pic *p = picture(66, 40, 1), *q = picture(30, 80, 2);
    struct y4m_reader *r = y4m_reader_new();
    struct reason why = {""};

    EXPECT(s && p && q && r);
    EXPECT_EQ(present(s, p, 250), OK);
    EXPECT_EQ(present(s, q, 40000), OK);
    EXPECT_EQ(present(s, p, 90000), OK);
    EXPECT_EQ(s->ops->finish(s, NULL), OK);
    s->ops->free(s);
    EXPECT(strstr(logged, "not exact"));
    EXPECT(strstr(logged, "30 x 80 now"));
    EXPECT(read_back());
    struct bytes left = buf_bytes(&file);
    EXPECT_EQ(y4m_reader_feed(r, &left, &why), OK);
    EXPECT(strstr(y4m_reader_head(r)->line, " C444 ") &&
           strstr(y4m_reader_head(r)->line, " Xt0_us=7000000"));
    EXPECT_EQ(y4m_reader_time_us(r), 250);
    uint32_t first = y4m_reader_pixels(r).px[0];
    EXPECT_EQ(y4m_reader_feed(r, &left, &why), OK);
    EXPECT_EQ(y4m_reader_time_us(r), 40000);
    /* Black beside the narrower picture: luma 0, chroma in the middle. */
    EXPECT_EQ(y4m_reader_pixels(r).px[65] & 0xffffff, 0x800080);
    EXPECT(y4m_reader_pixels(r).px[0] != first);
    EXPECT_EQ(y4m_reader_feed(r, &left, &why), OK);
    EXPECT_EQ(y4m_reader_pixels(r).px[0], first);
    EXPECT(left.n == 0 && y4m_reader_end(r, &why) == OK);
    y4m_reader_free(r);
    pic_unref(p);
    pic_unref(q);
    end();
}

static void fsr_is_exact_and_private(void)
{
    EXPECT(begin("all.fsr"));
    struct sink *s = open_sink(path);
    struct pic *p = picture(130, 70, 1), *q = picture(65, 64, 2);
    struct io_file_in *in;
    struct fsr_reader *r;
    struct fsr_frame f;
    struct stat st;
    struct reason why = {""};

    EXPECT(s && p && q);
    EXPECT_EQ(present(s, p, 100), OK);
    EXPECT_EQ(present(s, q, 40000), OK);
    EXPECT_EQ(present(s, p, 90000), OK);
    EXPECT_EQ(s->ops->finish(s, NULL), OK);
    s->ops->free(s);
    EXPECT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    EXPECT_EQ(io_file_open_in(path, &in), OK);
    EXPECT_EQ(fsr_reader_open(&in->at, &pool, &r, &why), OK);
    EXPECT(fsr_reader_info(r)->frames == 3 && fsr_reader_info(r)->finished);
    EXPECT_EQ(fsr_reader_next(r, &f, &why), OK);
    EXPECT(pic_equal(f.pic, p) && f.time_us == 100);
    EXPECT_EQ(fsr_reader_next(r, &f, &why), OK);
    EXPECT(pic_equal(f.pic, q) && f.time_us == 40000);
    EXPECT_EQ(fsr_reader_next(r, &f, &why), OK);
    EXPECT(pic_equal(f.pic, p));
    EXPECT_EQ(fsr_reader_next(r, &f, &why), ERR_END);
    fsr_reader_free(r);
    io_file_close_in(in);
    pic_unref(p);
    pic_unref(q);
    end();
}

/* Presents until the disk is full; what was whole before stays readable. */
static void fill_disk(const char *name, const char *magic)
{
    EXPECT(begin(name));
    struct sink *s = open_sink(path);
    struct pic *p = picture(200, 100, 1);

    EXPECT(s && p);
    EXPECT_EQ(present(s, p, 0), OK);
    EXPECT(read_back());
    size_t whole = file.n;
    os_fail_from(OS_WRITE, 1, ENOSPC);
    EXPECT_EQ(present(s, p, 1), ERR_SYSTEM);
    EXPECT_EQ(present(s, p, 2), ERR_SYSTEM);
    os_fail_at(OS_WRITE, 0, 0);
    EXPECT(strstr(logged, "holds 1 pictures"));
    EXPECT_EQ(s->ops->finish(s, NULL), ERR_SYSTEM);
    s->ops->free(s);
    EXPECT(read_back());
    EXPECT_EQ(file.n, whole);
    EXPECT(memcmp(file.p, magic, strlen(magic)) == 0);
    pic_unref(p);
    end();
}

static void a_full_disk_keeps_whole_pictures(void)
{
    fill_disk("full.ppm", "P6\n200 100\n");
    if (!test_failed())
        fill_disk("full.y4m", "YUV4MPEG2 W200 H100");
    if (!test_failed())
        fill_disk("full.fsr", "");
}

static void memory_may_run_out(void)
{
    static const char *const names[] = {"a.png", "a.ppm", "a.y4m", "a.fsr"};

    for (size_t i = 0; i < 4; i++) {
        EXPECT(begin(names[i]));
        struct pic *p = picture(100, 70, 1), *q = picture(64, 64, 2);
        struct sink_frame last = {.pic = q};
        bool fired = true;
        for (uint64_t nth = 1; fired; nth++) {
            struct sink *s = NULL;
            heap_fail_at(nth);
            enum err e = sink_open(path, START_US, &s, reason, sizeof reason);
            if (!e)
                e = present(s, p, 0);
            if (!e)
                e = present(s, q, 1);
            if (!e)
                e = s->ops->finish(s, &last);
            if (s)
                s->ops->free(s);
            fired = heap_fault_fired();
            heap_fail_at(0);
            EXPECT_EQ(e, fired ? ERR_MEMORY : OK);
        }
        pic_unref(p);
        pic_unref(q);
        end();
    }
}

TEST_MAIN({"names_are_checked", names_are_checked},
          {"null_takes_everything", null_takes_everything},
          {"png_is_the_last_picture", png_is_the_last_picture},
          {"png_without_a_picture", png_without_a_picture_leaves_the_old_one},
          {"ppm_has_every_picture", ppm_has_every_picture},
          {"y4m_follows_changes", y4m_follows_changes},
          {"y4m_has_times_and_one_size", y4m_has_times_and_one_size},
          {"fsr_is_exact_and_private", fsr_is_exact_and_private},
          {"a_full_disk_keeps_whole_pictures", a_full_disk_keeps_whole_pictures},
          {"memory_may_run_out", memory_may_run_out})
