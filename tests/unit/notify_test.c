#include "core/os/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/os.h"
#include "tests/unit/test.h"

static int warnings;

static void count(enum log_level level, const char *line)
{
    (void)line;
    warnings += level == LOG_WARN;
}

/* A service manager's socket at the path, "@" for an abstract name; the variable names it. */
static int manager(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    memcpy(at.sun_path, path, n);
    if (path[0] == '@')
        at.sun_path[0] = 0;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) < 0)
        return -1;
    setenv("NOTIFY_SOCKET", path, 1);
    return fd;
}

static void the_manager_is_told(void)
{
    char path[2][108], text[64];

    snprintf(path[0], sizeof path[0], "@farspan-notify-test-%d", (int)getpid());
    snprintf(path[1], sizeof path[1], "/tmp/farspan-notify-test-%d", (int)getpid());
    log_set_sink(count);
    warnings = 0;
    for (int i = 0; i < 2; i++) {
        int fd = manager(path[i]);
        EXPECT(fd >= 0);
        notify_send("READY=1\nSTATUS=listening");
        notify_send("STOPPING=1");
        ssize_t n = recv(fd, text, sizeof text, 0);
        EXPECT(n == 24 && memcmp(text, "READY=1\nSTATUS=listening", 24) == 0);
        EXPECT_EQ(recv(fd, text, sizeof text, 0), 10);
        EXPECT(recv(fd, text, sizeof text, 0) < 0);
        close(fd);
        unlink(path[i]);
    }
    EXPECT_EQ(warnings, 0);
    log_set_sink(NULL);
}

static void nobody_to_tell_is_no_failure(void)
{
    char longest[256];

    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = 0;
    log_set_sink(count);
    unsetenv("NOTIFY_SOCKET");
    warnings = 0;
    notify_send("READY=1");
    setenv("NOTIFY_SOCKET", "", 1);
    notify_send("READY=1");
    EXPECT_EQ(warnings, 0);
    const char *wrong[] = {"relative", longest, "/nowhere/at/all", "@nobody-listens-there"};
    for (int i = 0; i < 4; i++) {
        setenv("NOTIFY_SOCKET", wrong[i], 1);
        notify_send("READY=1");
        EXPECT_EQ(warnings, i + 1);
    }
    os_fail_at(OS_SOCKET, 1, EMFILE);
    notify_send("READY=1");
    os_fail_at(OS_SOCKET, 0, 0);
    EXPECT_EQ(warnings, 5);
    log_set_sink(NULL);
}

TEST_MAIN({"the_manager_is_told", the_manager_is_told},
          {"nobody_to_tell_is_no_failure", nobody_to_tell_is_no_failure})
