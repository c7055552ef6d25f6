#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/os/os.h"
#include "core/run/run_encode.h"
#include "tests/unit/test.h"

static char folder[200];
static const char *const names[] = {"in.ppm", "out.fsr", "back.ppm", "back.png", "back.y4m"};

/* The path of one of the files, as long as the folder is the same. */
static const char *place(const char *name)
{
    static char paths[COUNT_OF(names)][260];
    size_t i = 0;

    while (strcmp(names[i], name) != 0)
        i++;
    snprintf(paths[i], sizeof paths[i], "%s/%s", folder, name);
    return paths[i];
}

static void no_log(enum log_level level, const char *line)
{
    (void)level, (void)line;
}

/* Runs a command with nothing on stdout. */
static enum err quietly(const struct run_encode_config *c, struct reason *why)
{
    struct run run = {.json = true, .quiet = true};
    FILE *real = stdout;

    log_set_sink(no_log);
    stdout = fopen("/dev/null", "w");
    enum err e = run_encode(c, &run);
    fclose(stdout);
    stdout = real;
    log_set_sink(NULL);
    if (why)
        *why = run.reason;
    return e;
}

/* Three pictures, the last one like the first; the second is all new. */
static bool make_input(uint32_t width, uint32_t height)
{
    snprintf(folder, sizeof folder, "%s/encode_test.XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    FILE *f = mkdtemp(folder) ? fopen(place("in.ppm"), "wb") : NULL;

    for (int i = 0; f && i < 3; i++) {
        fprintf(f, "P6\n%u %u\n255\n", width, height);
        for (uint32_t k = 0; k < width * height; k++)
            for (uint32_t c = 1; c < 4; c++)
                fputc((int)((k * (i == 1 ? 7 * c : 1)) >> (k % 3) & 255), f);
    }
    return f && fclose(f) == 0;
}

static void remove_all(void)
{
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlink(place(names[i]));
    EXPECT_EQ(rmdir(folder), 0);
}

static struct run_encode_config encoding(void)
{
    static const char *input[1];
    struct run_encode_config c = {.inputs = {input, 1}, .output = place("out.fsr"), .report = true};

    input[0] = place("in.ppm");
    return c;
}

static enum err verify(void)
{
    struct run_encode_config c = encoding();

    c.verify = c.output;
    c.output = NULL;
    c.report = false;
    return quietly(&c, NULL);
}

static struct run_encode_config decoding(const char *to)
{
    return (struct run_encode_config){.decode = place("out.fsr"), .output = place(to)};
}

static bool same_file(const char *a, const char *b)
{
    FILE *f = fopen(a, "rb"), *g = fopen(b, "rb");
    int x = 0, y = 0;

    while (f && g && x == y && x != EOF) {
        x = fgetc(f);
        y = fgetc(g);
    }
    bool same = f && g && x == y;
    if (f)
        fclose(f);
    if (g)
        fclose(g);
    return same;
}

/* Tries a command with its `nth` allocation failing, for every nth until none does. */
static void starve(const struct run_encode_config *c, bool (*good)(void))
{
    for (uint64_t nth = 1; !test_failed(); nth++) {
        struct reason why;
        heap_fail_at(nth);
        enum err e = quietly(c, &why);
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT(e == OK || (fired && (why.text[0] || e == ERR_MEMORY)));
        EXPECT(e || good());
        if (!fired) {
            EXPECT_EQ(e, OK);
            EXPECT(nth > 20); /* it was about something */
            break;
        }
    }
}

static bool encoded(void)
{
    return verify() == OK;
}

static bool decoded(void)
{
    return same_file(place("in.ppm"), place("back.ppm"));
}

static bool always(void)
{
    return true;
}

static void memory_ends_anywhere(void)
{
    EXPECT(make_input(130, 70));
    struct run_encode_config c = encoding();
    starve(&c, encoded);
    EXPECT_EQ(quietly(&c, NULL), OK);
    c = decoding("back.ppm");
    starve(&c, decoded);
    c = decoding("back.y4m");
    starve(&c, always);
    c = decoding("back.png");
    c.frame = "1";
    starve(&c, always);
    remove_all();
}

/* Tries a command with system calls of one kind failing from the `nth` on. */
static void obstruct(enum os_call call, int error, const struct run_encode_config *c,
                     bool (*good)(void))
{
    for (uint64_t nth = 1; !test_failed(); nth++) {
        struct reason why;
        struct stat st;
        os_fail_at(call, nth, error);
        enum err e = quietly(c, &why);
        bool fired = os_fault_fired(call);
        os_fail_at(call, 0, 0);
        if (e && !(fired && why.text[0]))
            printf("call %d nth %d: %s\n", (int)call, (int)nth, err_text(e));
        EXPECT(e == OK || (fired && why.text[0]));
        EXPECT(e || good());
        /* Whatever went wrong: what is there of a recording can be read. */
        if (e && !c->decode && stat(place("out.fsr"), &st) == 0 && st.st_size > 0) {
            struct run_encode_config d = decoding("back.ppm");
            enum err read = quietly(&d, &why);
            EXPECT(read == OK || (read == ERR_MALFORMED && strstr(why.text, "no whole frame")));
        }
        if (!fired) {
            EXPECT_EQ(e, OK);
            EXPECT(nth > 1);
            break;
        }
    }
}

static void system_calls_fail_anywhere(void)
{
    EXPECT(make_input(130, 20));
    struct run_encode_config c = encoding();
    obstruct(OS_WRITE, ENOSPC, &c, encoded);
    obstruct(OS_READ, EIO, &c, encoded);
    obstruct(OS_OPEN, EACCES, &c, encoded);
    EXPECT_EQ(quietly(&c, NULL), OK);
    c = decoding("back.ppm");
    obstruct(OS_WRITE, ENOSPC, &c, decoded);
    obstruct(OS_READ, EIO, &c, decoded);
    obstruct(OS_OPEN, EACCES, &c, decoded);
    c = decoding("back.png");
    c.frame = "2";
    obstruct(OS_WRITE, ENOSPC, &c, always);
    remove_all();
}

static void many_tiles_by_many_workers(void)
{
    EXPECT(make_input(1000, 600));
    struct run_encode_config c = encoding();
    EXPECT_EQ(quietly(&c, NULL), OK);
    EXPECT_EQ(verify(), OK);
    c = decoding("back.ppm");
    EXPECT_EQ(quietly(&c, NULL), OK);
    EXPECT(decoded());
    remove_all();
}

TEST_MAIN({"memory ends anywhere", memory_ends_anywhere},
          {"system calls fail anywhere", system_calls_fail_anywhere},
          {"many tiles by many workers", many_tiles_by_many_workers})
