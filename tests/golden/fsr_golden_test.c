/* Recordings that were released: what an independent reader found in them (tests/ref/fsr_ref.py),
 * the program's own finds too, and each picture has its hash. */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/codec/fsr_reader.h"
#include "core/os/file.h"
#include "tests/unit/test.h"

static const char *const names[] = {"alpha", "fresh", "grown", "keys", "pixel", "scroll", "text"};

static bool read_file(const char *name, const char *ending, struct buf *to)
{
    char path[100];

    snprintf(path, sizeof path, "tests/golden/%s%s", name, ending);
    buf_init(to, 1 << 20);
    return file_read(path, false, to) == OK;
}

static void same_frame(const struct fsr_frame *f, const struct json_value *wanted)
{
    const struct json_value *shape = json_member(wanted, "shape");
    uint8_t hash[FSR_HASH_BYTES], named[FSR_HASH_BYTES];

    EXPECT_EQ(f->number, json_int(json_member(wanted, "number"), -1));
    EXPECT_EQ(f->time_us, json_int(json_member(wanted, "time_us"), -1));
    EXPECT_EQ(f->shape->samples, json_int(json_member(shape, "samples"), -1));
    EXPECT_EQ(f->shape->full_range, json_int(json_member(shape, "full_range"), -1));
    EXPECT_EQ(f->shape->width, json_int(json_member(shape, "width"), -1));
    EXPECT_EQ(f->shape->height, json_int(json_member(shape, "height"), -1));
    EXPECT(strcmp(f->shape->line, json_text(json_member(shape, "line"))) == 0);
    pic_hash(f->pic, hash);
    EXPECT_EQ(test_hex(json_text(json_member(wanted, "hash")), named, sizeof named), sizeof named);
    EXPECT(memcmp(hash, named, sizeof hash) == 0);
}

static void read_one(const char *name, const struct json_value *files)
{
    struct tile_pool pool;
    struct buf file;
    struct io_memory m;
    struct fsr_reader *r;
    struct fsr_frame f;
    struct reason why = {""};
    char with_ending[40];
    size_t n = 0;

    snprintf(with_ending, sizeof with_ending, "%s.fsr", name);
    const struct json_value *frames = json_member(files, with_ending);
    tile_pool_init(&pool, 100);
    EXPECT(read_file(name, ".fsr", &file));
    io_memory_init(&m, buf_bytes(&file));
    EXPECT_EQ(fsr_reader_open(&m.at, &pool, &r, &why), OK);
    EXPECT(fsr_reader_info(r)->finished);
    for (; !test_failed() && fsr_reader_next(r, &f, &why) == OK; n++)
        same_frame(&f, json_item(frames, n));
    EXPECT(n >= 1 && !json_item(frames, n) && !why.text[0]);
    EXPECT_EQ(fsr_reader_info(r)->frames, n);
    fsr_reader_free(r);
    tile_pool_release(&pool);
    buf_release(&file);
}

static void recordings_are_read(void)
{
    struct buf text;
    struct json_value *whole;

    EXPECT(read_file("fsr", ".json", &text));
    EXPECT_EQ(json_parse(buf_bytes(&text), &whole), OK);
    for (size_t i = 0; i < COUNT_OF(names) && !test_failed(); i++)
        read_one(names[i], json_member(whole, "files"));
    json_discard(whole);
    buf_release(&text);
}

/* Every bit of a recording counts. */
static void altered_recordings_are_refused(void)
{
    struct buf file;
    struct tile_pool pool;

    EXPECT(read_file("pixel", ".fsr", &file));
    tile_pool_init(&pool, 100);
    for (size_t i = 0; i < file.n * 8 && !test_failed(); i++) {
        struct io_memory m;
        struct fsr_reader *r;
        struct fsr_frame f;
        struct reason why = {""};
        file.p[i / 8] ^= (uint8_t)(1 << i % 8);
        io_memory_init(&m, buf_bytes(&file));
        bool good = fsr_reader_open(&m.at, &pool, &r, &why) == OK &&
                    fsr_reader_next(r, &f, &why) == OK && fsr_reader_info(r)->finished;
        fsr_reader_free(r);
        EXPECT(!good);
        file.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    tile_pool_release(&pool);
    buf_release(&file);
}

TEST_MAIN({"recordings are read", recordings_are_read},
          {"altered recordings are refused", altered_recordings_are_refused})
