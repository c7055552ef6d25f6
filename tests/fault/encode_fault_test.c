/* The Nth allocation or system call of encode fails, while it records, reads back and compares: no
 * crash, no leak (under ASan), a status that says what is true, and a file that is whole up to
 * where it ends. Every N with FARSPAN_FULL, fewer without. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/os/file.h"
#include "core/run/run_encode.h"
#include "tests/fault/torture.h"
#include "tests/unit/test.h"

enum { FRAMES = 3, WIDTH = 150, HEIGHT = 70, HEAD = 14, FRAME_BYTES = HEAD + WIDTH * HEIGHT * 3 };

static char folder[] = "/tmp/encode-fault-XXXXXX";
static char film[64], made[64], kept[64], back[64], out[64];
static const char *const films[] = {film};

static enum err encode(const void *config, struct run *run)
{
    return run_encode(config, run);
}

/* A ppm stream with some text-like noise that moves. */
static bool write_film(void)
{
    uint8_t *all = heap_alloc(FRAMES * FRAME_BYTES), *p = all;
    uint32_t state = 7;

    for (int f = 0; all && f < FRAMES; f++) {
        memcpy(p, "P6\n150 70\n255\n", HEAD);
        p += HEAD;
        for (int i = 0; i < WIDTH * HEIGHT * 3; i++) {
            state = state * 1664525 + 1013904223;
            *p++ = (i / 90 + f) % 7 ? 200 : (uint8_t)(state >> 24);
        }
    }
    enum err e = all ? file_create(film, bytes_of(all, FRAMES * FRAME_BYTES), 0600) : ERR_MEMORY;
    heap_free(all);
    return e == OK;
}

static bool set_up(void)
{
    struct torture_end end;
    struct run_encode_config c = {.inputs = {.item = (const char **)(uintptr_t)films, .n = 1},
                                  .output = kept};

    strcpy(folder + sizeof folder - 7, "XXXXXX");
    if (!mkdtemp(folder))
        return false;
    snprintf(film, sizeof film, "%s/film.ppm", folder);
    snprintf(made, sizeof made, "%s/made.fsr", folder);
    snprintf(kept, sizeof kept, "%s/kept.fsr", folder);
    snprintf(back, sizeof back, "%s/back.ppm", folder);
    snprintf(out, sizeof out, "%s/out", folder);
    if (!write_film())
        return false;
    torture_run(encode, &c, &(struct torture_fault){.memory = true}, out, 0, &end);
    return end.status == 0;
}

static void tear_down(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command))
        test_fail(__FILE__, __LINE__, "the folder stays");
}

/* Whether `path` is a beginning of the film in whole frames: all of it when `whole`. */
static bool holds_film(const char *path, bool whole)
{
    struct buf a, b;

    buf_init(&a, 1 << 20);
    buf_init(&b, 1 << 20);
    enum err e = file_read(path, false, &a), f = file_read(film, false, &b);
    bool good = !f && (e == OK ? a.n <= b.n && a.n % FRAME_BYTES == 0 && memcmp(a.p, b.p, a.n) == 0
                               : e == ERR_NOT_FOUND);
    good = good && (!whole || (!e && a.n == b.n));
    buf_release(&a);
    buf_release(&b);
    return good;
}

/* Whether what was recorded can be read back, all of it when `whole`. */
static bool recorded(bool whole)
{
    struct torture_end end;
    struct run_encode_config c = {.decode = made, .output = back};

    if (!whole && access(made, F_OK) != 0)
        return true;
    unlink(back);
    torture_run(encode, &c, &(struct torture_fault){.memory = true}, out, 0, &end);
    return end.status <= 1 && holds_film(back, whole);
}

static void torture(struct run_encode_config config, bool memory, int error)
{
    struct torture_end end = {.fired = true};
    struct torture_fault fault = {.memory = memory, .error = error};
    int bad = 0;

    for (fault.nth = 1; end.fired; fault.nth = torture_next(fault.nth)) {
        unlink(made);
        unlink(back);
        torture_run(encode, &config, &fault, out, 0, &end);
        bool good = !end.late && (end.status == 0 || end.status == 1) &&
                    (end.status == 0 || end.said[0]) && (end.fired || end.status == 0);
        if (good && config.decode)
            good = holds_film(back, end.status == 0);
        else if (good && !config.verify)
            good = recorded(end.status == 0);
        if (!good)
            printf("%s %llu (%s): status %d%s, %s\n", memory ? "allocation" : "system call",
                   (unsigned long long)fault.nth, strerror(error), end.status,
                   end.late ? ", killed" : "", end.said);
        bad += !good;
    }
    EXPECT(bad == 0 && fault.nth > 10);
}

static void all_ways(bool memory, int error)
{
    struct parse_list inputs = {.item = (const char **)(uintptr_t)films, .n = 1};

    EXPECT(set_up());
    torture((struct run_encode_config){.inputs = inputs, .output = made, .report = true}, memory,
            error);
    torture((struct run_encode_config){.decode = kept, .output = back}, memory, error);
    torture((struct run_encode_config){.inputs = inputs, .verify = kept}, memory, error);
    tear_down();
}

static void without_memory(void)
{
    all_ways(true, 0);
}

static void with_broken_files(void)
{
    all_ways(false, EIO);
}

static void with_a_full_disk(void)
{
    all_ways(false, ENOSPC);
}

static void with_interrupted_calls(void)
{
    all_ways(false, EINTR);
}

TEST_MAIN({"without_memory", without_memory}, {"with_broken_files", with_broken_files},
          {"with_a_full_disk", with_a_full_disk},
          {"with_interrupted_calls", with_interrupted_calls})
