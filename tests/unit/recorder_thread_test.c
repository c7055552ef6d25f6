/* A server's recording, encoded and written beside the loop. */
#include "core/run/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/codec/fsr_reader.h"
#include "core/os/io_file.h"
#include "core/os/os.h"
#include "tests/unit/scene.h"
#include "tests/unit/test.h"

static const char path[] = "recorder_thread_test.fsr";
static struct loop *loop;
static struct recorder *recorder;
static struct capture capture;
static int failures, errors;

static void on_failed(void *ctx)
{
    (void)ctx;
    failures++;
}

static void count(enum log_level level, const char *line)
{
    (void)line;
    errors += level == LOG_ERROR;
}

static enum err begin(void)
{
    failures = errors = 0;
    log_set_sink(count);
    capture_init(&capture);
    enum err e = loop_new(&loop);
    return e ? e : recorder_new(loop, path, on_failed, NULL, &recorder);
}

static void end(void)
{
    capture_release(&capture);
    loop_free(loop);
    log_set_sink(NULL);
    unlink(path);
}

/* The source shows something else, so long after the beginning, and the recorder is told. */
static enum err show(uint32_t width, uint32_t height, uint32_t colour, uint64_t after_us)
{
    uint64_t now_us = loop_now_us(loop) + after_us;
    struct scene s = scene_new(width, height, 0x204060);
    struct source_frame f = {.pixels = scene_pixels(&s), .captured_us = now_us, .whole = true};

    scene_fill(&s, (struct rect){colour % 40, 8, 20, 20}, colour);
    enum err e = capture_take(&capture, &f);
    scene_release(&s);
    return e ? e : recorder_take(recorder, &capture, now_us);
}

/* What was recorded: the number of frames, and whether the last one is what the server has now. */
static enum err read_back(uint64_t *frames, bool *same)
{
    struct io_file_in *in = NULL;
    struct fsr_reader *r = NULL;
    struct tile_pool pool;
    struct fsr_frame f;
    struct reason why = {""};

    *frames = 0;
    *same = false;
    tile_pool_init(&pool, 4096);
    enum err e = io_file_open_in(path, &in);
    if (!e)
        e = fsr_reader_open(&in->at, &pool, &r, &why);
    while (!e && !(e = fsr_reader_next(r, &f, &why))) {
        ++*frames;
        *same = capture.now && pic_equal(f.pic, capture.now);
    }
    fsr_reader_free(r);
    io_file_close_in(in);
    tile_pool_release(&pool);
    return e == ERR_END ? OK : e;
}

static void the_newest_is_never_left_out(void)
{
    uint64_t frames;
    struct stat st;
    bool same;

    EXPECT_EQ(begin(), OK);
    for (uint32_t n = 1; n <= 50; n++) {
        EXPECT_EQ(show(200, 100, n * 40503, 1000 * n), OK);
        if (n % 7 == 0)
            loop_turn(loop, true);
    }
    EXPECT_EQ(recorder_take(recorder, &capture, loop_now_us(loop) + 60000), OK);
    EXPECT_EQ(recorder_finish(recorder), OK);
    EXPECT_EQ(read_back(&frames, &same), OK);
    EXPECT(frames >= 2 && frames <= 51 && same && failures == 0);
    EXPECT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    end();
}

static void the_size_may_change(void)
{
    uint64_t frames;
    bool same;

    EXPECT_EQ(begin(), OK);
    EXPECT_EQ(show(200, 100, 1, 1000), OK);
    EXPECT_EQ(show(70, 300, 2, 2000), OK);
    EXPECT_EQ(show(64, 64, 3, 3000), OK);
    EXPECT_EQ(recorder_finish(recorder), OK);
    EXPECT_EQ(read_back(&frames, &same), OK);
    EXPECT(frames >= 2 && same);
    end();
}

static void without_pictures_it_is_whole(void)
{
    uint64_t frames;
    bool same;

    EXPECT_EQ(begin(), OK);
    EXPECT_EQ(recorder_take(recorder, &capture, 5), OK); /* nothing was captured yet */
    EXPECT_EQ(recorder_finish(recorder), OK);
    EXPECT_EQ(read_back(&frames, &same), OK);
    EXPECT_EQ(frames, 0);
    EXPECT_EQ(recorder_take(NULL, &capture, 5), OK);
    EXPECT_EQ(recorder_finish(NULL), OK);
    end();
}

/* It is told once, what was recorded before stays, and what comes after is left out. */
static void a_full_disk_ends_it(void)
{
    uint64_t frames;
    bool same;

    EXPECT_EQ(begin(), OK);
    EXPECT_EQ(show(200, 100, 1, 1000), OK);
    loop_turn(loop, true);
    os_fail_from(OS_WRITE, 1, ENOSPC);
    /* The pool's bell may be lost with it, so the end waits for the worker. */
    EXPECT_EQ(show(200, 100, 77777, 2000), OK);
    EXPECT_EQ(recorder_finish(recorder), ERR_SYSTEM);
    os_fail_from(OS_WRITE, 0, 0);
    EXPECT(failures == 1 && errors >= 1);
    EXPECT_EQ(read_back(&frames, &same), OK);
    EXPECT(frames == 1 && !same);
    end();
}

static void memory_may_run_out(void)
{
    bool through = false;

    for (uint64_t n = 1; n < 60 && !through; n++) {
        failures = 0;
        capture_init(&capture);
        log_set_sink(count);
        recorder = NULL;
        EXPECT_EQ(loop_new(&loop), OK);
        heap_fail_at(n);
        enum err made = recorder_new(loop, path, on_failed, NULL, &recorder);
        through = !heap_fault_fired();
        heap_fail_at(0);
        EXPECT(made == OK ? through : made == ERR_MEMORY && !recorder);
        EXPECT_EQ(recorder_finish(recorder), OK);
        end();
    }
    EXPECT(through);
    EXPECT_EQ(loop_new(&loop), OK);
    log_set_sink(count);
    EXPECT_EQ(recorder_new(loop, "no/such/folder/x.fsr", on_failed, NULL, &recorder), ERR_SYSTEM);
    EXPECT(!recorder && failures == 0);
    end();
}

TEST_MAIN({"the_newest_is_never_left_out", the_newest_is_never_left_out},
          {"the_size_may_change", the_size_may_change},
          {"without_pictures_it_is_whole", without_pictures_it_is_whole},
          {"a_full_disk_ends_it", a_full_disk_ends_it}, {"memory_may_run_out", memory_may_run_out})
