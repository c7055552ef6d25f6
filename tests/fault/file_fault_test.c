/* Every system call of a file's making, replacing and growing fails once: what is there afterwards
 * is the old or the new content, whole, and nothing else is left behind. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/num.h"
#include "core/os/file.h"
#include "core/os/lock.h"
#include "core/os/os.h"
#include "core/os/shared.h"
#include "tests/unit/test.h"

static char folder[] = "/tmp/fault-XXXXXX", path[64], lock_path[64];
static const int errors[] = {EIO, ENOSPC, EINTR, EMFILE, EACCES};

static bool set_up(void)
{
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    if (!mkdtemp(folder))
        return false;
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(lock_path, sizeof lock_path, "%s/lock", folder);
    return true;
}

static size_t names_in(void)
{
    DIR *d = opendir(folder);
    size_t n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n - 2;
}

static bool holds(const char *text)
{
    struct buf b;

    buf_init(&b, 1000);
    bool same =
        file_read(path, false, &b) == OK && bytes_equal(buf_bytes(&b), bytes_of_string(text));
    buf_release(&b);
    return same;
}

static void files_are_whole_or_not_there(void)
{
    EXPECT(set_up());
    for (size_t k = 0; k < COUNT_OF(errors); k++) {
        bool fired = true;
        uint64_t n = 0;
        while (fired && ++n < 100) {
            unlink(path);
            os_fail_at(OS_ANY, n, errors[k]);
            enum err e = file_create(path, bytes_of_string("new"), 0600);
            fired = os_fault_fired(OS_ANY);
            os_fail_at(OS_ANY, 0, 0);
            EXPECT(e == OK || e == ERR_SYSTEM);
            EXPECT(e == OK ? holds("new") : access(path, F_OK) != 0 || holds("new"));
            EXPECT(names_in() <= 1);
        }
        EXPECT(n > 5 && n < 100);
    }
    unlink(path);
    rmdir(folder);
}

static void replacing_keeps_old_or_new(void)
{
    EXPECT(set_up());
    for (size_t k = 0; k < COUNT_OF(errors); k++) {
        bool fired = true;
        uint64_t n = 0;
        while (fired && ++n < 100) {
            EXPECT_EQ(file_replace(path, bytes_of_string("old"), 0600), OK);
            os_fail_at(OS_ANY, n, errors[k]);
            enum err e = file_replace(path, bytes_of_string("new"), 0600);
            fired = os_fault_fired(OS_ANY);
            os_fail_at(OS_ANY, 0, 0);
            EXPECT(e == OK || e == ERR_SYSTEM);
            EXPECT(holds("new") || (e && holds("old")));
            EXPECT_EQ(names_in(), 1);
        }
        EXPECT(n > 5 && n < 100);
    }
    unlink(path);
    rmdir(folder);
}

static void appending_adds_a_line_or_not(void)
{
    EXPECT(set_up());
    for (size_t k = 0; k < COUNT_OF(errors); k++) {
        bool fired = true;
        uint64_t n = 0;
        while (fired && ++n < 100) {
            EXPECT_EQ(file_replace(path, bytes_of_string("one\n"), 0600), OK);
            os_fail_at(OS_ANY, n, errors[k]);
            enum err e = file_append_line(path, bytes_of_string("two"), 0600);
            fired = os_fault_fired(OS_ANY);
            os_fail_at(OS_ANY, 0, 0);
            EXPECT(e == OK || e == ERR_SYSTEM);
            /* When the last byte cannot be read, an empty line in between is what is safe. */
            EXPECT(holds("one\ntwo\n") || holds("one\n\ntwo\n") || (e && holds("one\n")));
        }
        EXPECT(n > 3 && n < 100);
    }
    unlink(path);
    rmdir(folder);
}

static void reading_locks_and_memory(void)
{
    EXPECT(set_up() && file_create(path, bytes_of_string("text"), 0600) == OK);
    for (size_t k = 0; k < COUNT_OF(errors); k++) {
        bool fired = true;
        uint64_t n = 0;
        while (fired && ++n < 100) {
            struct shared s;
            struct lock l;
            struct buf b;
            buf_init(&b, 100);
            os_fail_at(OS_ANY, n, errors[k]);
            enum err e = file_read(path, true, &b), f = lock_take(&l, lock_path);
            enum err g = shared_init(&s, 4096);
            fired = os_fault_fired(OS_ANY);
            os_fail_at(OS_ANY, 0, 0);
            EXPECT(e == OK || e == ERR_SYSTEM);
            EXPECT(f == OK || f == ERR_SYSTEM);
            EXPECT(g == OK || g == ERR_SYSTEM);
            EXPECT((e != OK) + (f != OK) + (g != OK) <= 1);
            EXPECT(e || b.n > 0);
            buf_release(&b);
            lock_release(&l);
            shared_release(&s);
        }
        EXPECT(n > 8 && n < 100);
    }
    unlink(lock_path);
    unlink(path);
    rmdir(folder);
}

TEST_MAIN({"files_are_whole_or_not_there", files_are_whole_or_not_there},
          {"replacing_keeps_old_or_new", replacing_keeps_old_or_new},
          {"appending_adds_a_line_or_not", appending_adds_a_line_or_not},
          {"reading_locks_and_memory", reading_locks_and_memory})
