#include "core/os/lock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/os/os.h"
#include "tests/unit/test.h"

static char path[] = "/tmp/lock-XXXXXX";

static bool set_up(void)
{
    strcpy(path + sizeof path - 7, "XXXXXX");
    int fd = mkstemp(path);

    return fd >= 0 && close(fd) == 0 && unlink(path) == 0;
}

static void one_holder_at_a_time(void)
{
    struct lock a, b;
    struct stat st;

    EXPECT(set_up());
    EXPECT_EQ(lock_take(&a, path), OK);
    EXPECT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    EXPECT_EQ(lock_take(&b, path), ERR_BUSY);
    EXPECT_EQ(b.fd, -1);
    lock_release(&b);
    lock_release(&a);
    lock_release(&a);
    EXPECT_EQ(lock_take(&b, path), OK);
    lock_release(&b);
    EXPECT(stat(path, &st) == 0);
    unlink(path);
}

static void the_end_of_a_process_lets_go(void)
{
    int ready[2], status;
    char c, text[32] = "", want[32];
    struct lock l;

    EXPECT(set_up() && pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct lock mine;
        c = lock_take(&mine, path) == OK ? 'y' : 'n';
        if (write(ready[1], &c, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    EXPECT(child > 0 && read(ready[0], &c, 1) == 1 && c == 'y');
    EXPECT_EQ(lock_take(&l, path), ERR_BUSY);
    FILE *f = fopen(path, "r");
    EXPECT(f && fgets(text, sizeof text, f));
    fclose(f);
    snprintf(want, sizeof want, "%d\n", (int)child);
    EXPECT(strcmp(text, want) == 0);
    EXPECT(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    EXPECT_EQ(lock_take(&l, path), OK);
    lock_release(&l);
    close(ready[0]), close(ready[1]);
    unlink(path);
}

static void failures_are_told(void)
{
    struct lock l;

    EXPECT(set_up());
    EXPECT_EQ(lock_take(&l, "/nowhere/lock"), ERR_SYSTEM);
    os_fail_at(OS_LOCK, 1, ENOLCK);
    EXPECT_EQ(lock_take(&l, path), ERR_SYSTEM);
    EXPECT_EQ(l.fd, -1);
    os_fail_at(OS_LOCK, 1, EINTR);
    EXPECT_EQ(lock_take(&l, path), OK);
    EXPECT(os_fault_fired(OS_LOCK));
    lock_release(&l);
    os_fail_at(OS_WRITE, 2, ENOSPC); /* the number cannot be written: it is held nevertheless */
    EXPECT_EQ(lock_take(&l, path), OK);
    EXPECT(os_fault_fired(OS_WRITE));
    lock_release(&l);
    unlink(path);
    EXPECT_EQ(symlink("/etc/passwd", path), 0);
    EXPECT_EQ(lock_take(&l, path), ERR_SYSTEM); /* never through a link somebody has put there */
    unlink(path);
}

TEST_MAIN({"one_holder_at_a_time", one_holder_at_a_time},
          {"the_end_of_a_process_lets_go", the_end_of_a_process_lets_go},
          {"failures_are_told", failures_are_told})
