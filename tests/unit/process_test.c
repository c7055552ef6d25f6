/* process: what is told of this process is what it knows of itself. */
#include "core/os/process.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/os/os.h"
#include "tests/unit/test.h"

enum { NOBODY = 4194304 + 1 }; /* above the largest id that Linux gives */

static void test_self(void)
{
    char folder[PATH_MAX], here[PATH_MAX];
    uint64_t ticks, again;
    struct buf words;
    int pair[2], pid;

    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    EXPECT(process_of_socket(pair[0], &pid) == OK && pid == getpid());
    close(pair[0]);
    close(pair[1]);
    buf_init(&words, 65536);
    EXPECT(process_words(pid, &words) == OK && words.n > 0 && words.p[words.n - 1] == 0);
    EXPECT(strstr((const char *)words.p, "process_test") != NULL);
    buf_release(&words);
    EXPECT(process_folder(pid, folder, sizeof folder) == OK && getcwd(here, sizeof here));
    EXPECT(strcmp(folder, here) == 0);
    EXPECT(process_folder(pid, folder, strlen(here)) == ERR_LIMIT);
    EXPECT(process_started(pid, &ticks) == OK && ticks > 0);
    EXPECT(process_started(pid, &again) == OK && again == ticks);
}

static void test_gone(void)
{
    char folder[PATH_MAX];
    uint64_t ticks;
    struct buf words;

    buf_init(&words, 65536);
    EXPECT(process_words(NOBODY, &words) == ERR_NOT_FOUND && words.n == 0);
    EXPECT(process_folder(NOBODY, folder, sizeof folder) == ERR_NOT_FOUND);
    EXPECT(process_started(NOBODY, &ticks) == ERR_NOT_FOUND);
    buf_release(&words);
}

static void test_faults(void)
{
    char folder[PATH_MAX];
    struct buf words;
    int pid = getpid();

    buf_init(&words, 4);
    EXPECT(process_words(pid, &words) == ERR_LIMIT);
    buf_release(&words);
    buf_init(&words, 65536);
    os_fail_at(OS_OPEN, 1, EACCES);
    EXPECT(process_words(pid, &words) == ERR_REFUSED);
    os_fail_at(OS_OPEN, 0, 0);
    os_fail_at(OS_READ, 1, EIO);
    EXPECT(process_words(pid, &words) == ERR_SYSTEM);
    os_fail_at(OS_READ, 1, EIO);
    EXPECT(process_folder(pid, folder, sizeof folder) == ERR_SYSTEM);
    os_fail_at(OS_READ, 0, 0);
    buf_release(&words);
    EXPECT(process_of_socket(-1, &pid) == ERR_SYSTEM);
}

TEST_MAIN({"self", test_self}, {"gone", test_gone}, {"faults", test_faults})
