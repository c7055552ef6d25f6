#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/file.h"
#include "core/os/os.h"
#include "core/os/io_file.h"
#include "tests/unit/test.h"

static char folder[64], path[128], logged[512];

static void keep_line(enum log_level level, const char *line)
{
    (void)level;
    snprintf(logged, sizeof logged, "%s", line);
}

static bool begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/farspan-stream-XXXXXX");
    snprintf(path, sizeof path, "%s/f", mkdtemp(folder) ? folder : "");
    log_set_sink(keep_line);
    logged[0] = 0;
    return strlen(path) > 2;
}

static void end(void)
{
    log_set_sink(NULL);
    unlink(path);
    EXPECT_EQ(rmdir(folder), 0);
}

static enum err put(struct io_file_out *s, const char *text)
{
    return s->out.write(&s->out, bytes_of_string(text));
}

static bool holds(const char *text)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    bool same =
        file_read(path, false, &b) == OK && bytes_equal(buf_bytes(&b), bytes_of_string(text));
    buf_release(&b);
    return same;
}

static void bytes_go_out_and_come_in(void)
{
    struct io_file_out *out;
    struct io_file_in *in;
    char text[16];
    size_t got;

    EXPECT(begin());
    EXPECT_EQ(io_file_open_in(path, &in), ERR_NOT_FOUND);
    EXPECT_EQ(io_file_open_out(path, 0644, false, &out), OK);
    EXPECT_EQ(put(out, "hello "), OK);
    EXPECT_EQ(put(out, ""), OK);
    EXPECT_EQ(put(out, "world"), OK);
    EXPECT_EQ(io_file_close_out(out), OK);
    EXPECT(holds("hello world"));
    EXPECT_EQ(io_file_open_in(path, &in), OK);
    EXPECT(in->regular && in->at.size_bytes == 11);
    EXPECT_EQ(in->in.read(&in->in, text, 5, &got), OK);
    EXPECT(got == 5 && memcmp(text, "hello", 5) == 0);
    EXPECT_EQ(in->at.read_at(&in->at, 6, text, sizeof text, &got), OK);
    EXPECT(got == 5 && memcmp(text, "world", 5) == 0);
    EXPECT_EQ(in->at.read_at(&in->at, 11, text, 1, &got), OK);
    EXPECT_EQ(got, 0);
    EXPECT_EQ(in->at.read_at(&in->at, UINT64_MAX - 3, text, 8, &got), OK);
    EXPECT_EQ(got, 0);
    EXPECT_EQ(in->in.read(&in->in, text, sizeof text, &got), OK);
    EXPECT_EQ(in->in.read(&in->in, text, sizeof text, &got), ERR_END);
    io_file_close_in(in);
    end();
}

static void large_pieces_keep_their_order(void)
{
    enum { PIECES = 50, LARGE = 300000 };
    struct io_file_out *out;
    struct buf all, back;
    uint8_t *piece = heap_alloc(LARGE);

    EXPECT(begin() && piece);
    buf_init(&all, PIECES * (size_t)LARGE);
    buf_init(&back, PIECES * (size_t)LARGE);
    EXPECT_EQ(io_file_open_out(path, 0644, false, &out), OK);
    for (int i = 0; i < PIECES; i++) {
        size_t n = (size_t)(i * i * 7919) % LARGE;
        memset(piece, i + 1, n);
        EXPECT_EQ(buf_append(&all, bytes_of(piece, n)), OK);
        EXPECT_EQ(out->out.write(&out->out, bytes_of(piece, n)), OK);
        EXPECT_EQ(out->bytes, all.n);
    }
    EXPECT_EQ(io_file_close_out(out), OK);
    EXPECT_EQ(file_read(path, false, &back), OK);
    EXPECT(bytes_equal(buf_bytes(&all), buf_bytes(&back)));
    buf_release(&all);
    buf_release(&back);
    heap_free(piece);
    end();
}

static void a_full_disk_leaves_what_was_kept(void)
{
    struct io_file_out *out;

    EXPECT(begin());
    EXPECT_EQ(io_file_open_out(path, 0644, false, &out), OK);
    EXPECT_EQ(put(out, "kept "), OK);
    EXPECT_EQ(io_file_keep(out), OK);
    EXPECT_EQ(put(out, "lost"), OK);
    os_fail_at(OS_WRITE, 1, ENOSPC);
    EXPECT_EQ(io_file_keep(out), ERR_SYSTEM);
    os_fail_at(OS_WRITE, 0, 0);
    EXPECT(strstr(logged, "cannot write") && strstr(logged, strerror(ENOSPC)));
    EXPECT_EQ(put(out, "more"), OK);
    EXPECT_EQ(io_file_keep(out), ERR_SYSTEM);
    EXPECT_EQ(io_file_close_out(out), ERR_SYSTEM);
    EXPECT(holds("kept "));
    end();
}

static void half_a_write_is_cut_off(void)
{
    static uint8_t large[600000];
    struct io_file_out *out;
    struct stat st;

    EXPECT(begin());
    EXPECT_EQ(io_file_open_out(path, 0644, false, &out), OK);
    EXPECT_EQ(put(out, "kept"), OK);
    EXPECT_EQ(io_file_keep(out), OK);
    EXPECT_EQ(put(out, "x"), OK);
    EXPECT_EQ(out->out.write(&out->out, bytes_of(large, sizeof large)), OK);
    EXPECT(stat(path, &st) == 0 && st.st_size > 4);
    os_fail_at(OS_WRITE, 1, ENOSPC);
    EXPECT_EQ(out->out.write(&out->out, bytes_of(large, sizeof large)), ERR_SYSTEM);
    os_fail_at(OS_WRITE, 0, 0);
    EXPECT_EQ(io_file_close_out(out), ERR_SYSTEM);
    EXPECT(holds("kept"));
    end();
}

static void closing_may_fail_to_write(void)
{
    struct io_file_out *out;

    EXPECT(begin());
    EXPECT_EQ(io_file_open_out(path, 0644, false, &out), OK);
    EXPECT_EQ(put(out, "lost"), OK);
    os_fail_at(OS_WRITE, 1, EIO);
    EXPECT_EQ(io_file_close_out(out), ERR_SYSTEM);
    os_fail_at(OS_WRITE, 0, 0);
    EXPECT(holds(""));
    EXPECT_EQ(io_file_close_out(NULL), OK);
    end();
}

static void permissions_are_as_asked(void)
{
    struct io_file_out *out;
    struct stat st;

    EXPECT(begin());
    EXPECT_EQ(file_create(path, bytes_of_string("old"), 0644), OK);
    EXPECT_EQ(io_file_open_out(path, 0600, true, &out), OK);
    EXPECT(stat(path, &st) == 0);
    EXPECT_EQ(st.st_mode & 07777, 0600);
    EXPECT_EQ(io_file_close_out(out), OK);
    EXPECT(holds(""));
    end();
}

static void what_cannot_be_opened_says_so(void)
{
    struct io_file_out *out;
    struct io_file_in *in;
    size_t got;
    char c;

    EXPECT(begin());
    EXPECT_EQ(io_file_open_out("/nowhere/at/all", 0644, false, &out), ERR_SYSTEM);
    EXPECT(strstr(logged, "/nowhere/at/all"));
    EXPECT_EQ(io_file_open_out(folder, 0644, false, &out), ERR_SYSTEM);
    EXPECT_EQ(io_file_open_in(folder, &in), OK);
    EXPECT_EQ(in->in.read(&in->in, &c, 1, &got), ERR_SYSTEM);
    io_file_close_in(in);
    EXPECT_EQ(file_check_place("/nowhere/at/all"), ERR_SYSTEM);
    EXPECT_EQ(file_check_place(folder), ERR_SYSTEM);
    EXPECT_EQ(file_check_place(path), OK);
    EXPECT_EQ(access(path, F_OK), -1);
    for (int nth = 1; nth <= 3; nth++) {
        heap_fail_at((uint64_t)nth);
        EXPECT_EQ(io_file_open_out(path, 0644, false, &out), ERR_MEMORY);
        EXPECT(nth == 3 || (heap_fail_at((uint64_t)nth), io_file_open_in("/", &in)) == ERR_MEMORY);
    }
    heap_fail_at(0);
    io_file_close_in(NULL);
    end();
}

TEST_MAIN({"bytes_go_out_and_come_in", bytes_go_out_and_come_in},
          {"large_pieces_keep_their_order", large_pieces_keep_their_order},
          {"a_full_disk_leaves_what_was_kept", a_full_disk_leaves_what_was_kept},
          {"half_a_write_is_cut_off", half_a_write_is_cut_off},
          {"closing_may_fail_to_write", closing_may_fail_to_write},
          {"permissions_are_as_asked", permissions_are_as_asked},
          {"what_cannot_be_opened_says_so", what_cannot_be_opened_says_so})
