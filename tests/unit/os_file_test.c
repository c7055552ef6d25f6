#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/file.h"
#include "tests/unit/test.h"

static char folder[64], path[128], logged[512];

static void keep_line(enum log_level level, const char *line)
{
    (void)level;
    snprintf(logged, sizeof logged, "%s", line);
}

static bool begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/farspan-file-test-XXXXXX");
    snprintf(path, sizeof path, "%s/f", mkdtemp(folder) ? folder : "");
    log_set_sink(keep_line);
    logged[0] = 0;
    return strlen(path) > 2;
}

/* How many names are in the folder, the two of every folder not counted. */
static int names(void)
{
    char command[128], text[16] = "";

    snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
    FILE *f = popen(command, "r");
    if (f && !fgets(text, sizeof text, f))
        text[0] = 0;
    return f && pclose(f) == 0 ? atoi(text) : -1;
}

static void end(void)
{
    char command[128];

    log_set_sink(NULL);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    EXPECT_EQ(system(command), 0);
}

/* Whether the file holds exactly `text`. */
static bool holds(const char *text)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    bool same =
        file_read(path, false, &b) == OK && bytes_equal(buf_bytes(&b), bytes_of_string(text));
    buf_release(&b);
    return same;
}

static unsigned mode_of(const char *name)
{
    struct stat st;

    return stat(name, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void files_are_made_once_and_replaced_whole(void)
{
    EXPECT(begin());
    umask(0077);
    EXPECT_EQ(file_create(path, bytes_of_string("one"), 0644), OK);
    EXPECT(holds("one"));
    EXPECT_EQ(mode_of(path), 0644);
    EXPECT_EQ(file_create(path, bytes_of_string("two"), 0600), ERR_EXISTS);
    EXPECT(holds("one"));
    EXPECT_EQ(file_replace(path, bytes_of_string("three"), 0600), OK);
    EXPECT(holds("three"));
    EXPECT_EQ(mode_of(path), 0600);
    EXPECT_EQ(file_replace(path, bytes_of(NULL, 0), 0600), OK);
    EXPECT(holds(""));
    EXPECT_EQ(names(), 1); /* no temporary file is left */
    /* A dangling link is a name that is taken. */
    EXPECT_EQ(unlink(path), 0);
    EXPECT_EQ(symlink("nowhere", path), 0);
    EXPECT_EQ(file_create(path, bytes_of_string("x"), 0600), ERR_EXISTS);
    EXPECT_EQ(names(), 1);
    end();
}

static void sizes_are_bounded(void)
{
    char text[10001];
    struct buf b;

    EXPECT(begin());
    memset(text, 'x', sizeof text);
    text[10000] = 0;
    EXPECT_EQ(file_create(path, bytes_of_string(text), 0600), OK);
    buf_init(&b, 10000);
    EXPECT_EQ(file_read(path, false, &b), OK);
    EXPECT(bytes_equal(buf_bytes(&b), bytes_of_string(text)));
    buf_release(&b);
    buf_init(&b, 9999);
    EXPECT_EQ(file_read(path, false, &b), ERR_LIMIT);
    EXPECT(strstr(logged, path) && strstr(logged, "9999"));
    buf_release(&b);
    buf_init(&b, 100);
    EXPECT_EQ(file_read("/dev/zero", false, &b), ERR_LIMIT);
    buf_release(&b);
    buf_init(&b, 100);
    EXPECT_EQ(file_read(folder, false, &b), ERR_SYSTEM);
    snprintf(path, sizeof path, "%s/none", folder);
    EXPECT_EQ(file_read(path, false, &b), ERR_NOT_FOUND);
    buf_release(&b);
    end();
}

static void lines_are_appended(void)
{
    EXPECT(begin());
    EXPECT_EQ(file_append_line(path, bytes_of_string("one"), 0600), OK);
    EXPECT_EQ(file_append_line(path, bytes_of_string("two"), 0600), OK);
    EXPECT(holds("one\ntwo\n"));
    EXPECT_EQ(mode_of(path), 0600);
    EXPECT_EQ(file_replace(path, bytes_of_string("cut"), 0600), OK);
    EXPECT_EQ(file_append_line(path, bytes_of_string("off"), 0600), OK);
    EXPECT(holds("cut\noff\n"));
    EXPECT_EQ(file_append_line(folder, bytes_of_string("x"), 0600), ERR_SYSTEM);
    end();
}

static void appending_at_once_keeps_lines_whole(void)
{
    enum { WRITERS = 4, LINES = 25, CHARS = 300 };
    char line[CHARS];
    struct buf b;

    EXPECT(begin());
    for (int w = 0; w < WRITERS; w++)
        if (fork() == 0) {
            memset(line, 'a' + w, sizeof line);
            for (int i = 0; i < LINES; i++)
                if (file_append_line(path, bytes_of(line, sizeof line), 0600) != OK)
                    _exit(1);
            _exit(0);
        }
    for (int w = 0; w < WRITERS; w++) {
        int status = -1;
        EXPECT(wait(&status) > 0 && status == 0);
    }
    buf_init(&b, 1 << 20);
    EXPECT_EQ(file_read(path, true, &b), OK);
    EXPECT_EQ(b.n, WRITERS * LINES * (CHARS + 1));
    for (size_t i = 0; i < b.n; i++)
        EXPECT(i % (CHARS + 1) == CHARS ? b.p[i] == '\n' : b.p[i] == b.p[i - i % (CHARS + 1)]);
    buf_release(&b);
    end();
}

static void folders_are_made_with_those_above(void)
{
    char deep[160];

    EXPECT(begin());
    snprintf(deep, sizeof deep, "%s/a//b/c/", folder);
    EXPECT_EQ(file_make_folder(deep, 0700), OK);
    EXPECT_EQ(file_make_folder(deep, 0700), OK);
    EXPECT_EQ(mode_of(deep), 0700);
    EXPECT_EQ(file_make_folder("/", 0700), OK);
    EXPECT_EQ(file_create(path, bytes_of_string("x"), 0600), OK);
    EXPECT_EQ(file_make_folder(path, 0700), ERR_SYSTEM);
    snprintf(deep, sizeof deep, "%s/g", path);
    EXPECT_EQ(file_make_folder(deep, 0700), ERR_SYSTEM);
    EXPECT(strstr(logged, deep));
    end();
}

static void failed_allocations_leave_nothing_behind(void)
{
    EXPECT(begin());
    for (uint64_t nth = 1; nth < 10; nth++) {
        heap_fail_at(nth);
        enum err e = file_append_line(path, bytes_of_string("line"), 0600);
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT_EQ(e, fired ? ERR_MEMORY : OK);
        EXPECT(holds(fired ? "" : "line\n"));
        if (!fired)
            break;
    }
    for (uint64_t nth = 1; nth < 10; nth++) {
        heap_fail_at(nth);
        enum err e = file_replace(path, bytes_of_string("new"), 0600);
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT_EQ(e, fired ? ERR_MEMORY : OK);
        EXPECT_EQ(names(), 1);
        if (!fired)
            break;
    }
    EXPECT(holds("new"));
    end();
}

TEST_MAIN({"files are made once and replaced whole", files_are_made_once_and_replaced_whole},
          {"sizes are bounded", sizes_are_bounded}, {"lines are appended", lines_are_appended},
          {"appending at once keeps lines whole", appending_at_once_keeps_lines_whole},
          {"folders are made with those above", folders_are_made_with_those_above},
          {"failed allocations leave nothing behind", failed_allocations_leave_nothing_behind})
