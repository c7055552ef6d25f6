/* unix_socket: who may listen where, what is left over, what connecting finds. */
#include "core/os/unix_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/os/os.h"
#include "core/os/stream_socket.h"
#include "tests/unit/test.h"

static char folder[64], path[128];

static void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/unix_socket_test.XXXXXX");
    if (!mkdtemp(folder))
        test_fail(__FILE__, __LINE__, "mkdtemp");
    snprintf(path, sizeof path, "%s/s", folder);
}

static void end(void)
{
    unlink(path);
    rmdir(folder);
}

static void test_passes(void)
{
    int door, near, far;
    char got[16] = "";
    struct stat is;
    size_t n;

    begin();
    EXPECT(unix_socket_connect(path, &near) == ERR_NOT_FOUND);
    EXPECT(unix_socket_listen(path, &door) == OK);
    EXPECT(stat(path, &is) == 0 && (is.st_mode & 0777) == 0600);
    EXPECT(stream_socket_accept(door, &far, NULL) == ERR_AGAIN);
    EXPECT(unix_socket_connect(path, &near) == OK);
    EXPECT(stream_socket_accept(door, &far, NULL) == OK);
    EXPECT(stream_socket_receive(far, got, sizeof got, &n) == ERR_AGAIN);
    EXPECT(stream_socket_send(near, bytes_of("hello", 5), &n) == OK && n == 5);
    EXPECT(stream_socket_receive(far, got, sizeof got, &n) == OK && n == 5);
    stream_socket_finish(near);
    EXPECT(stream_socket_receive(far, got, sizeof got, &n) == ERR_END);
    EXPECT(stream_socket_send(far, bytes_of("back", 4), &n) == OK && n == 4);
    EXPECT(stream_socket_receive(near, got, sizeof got, &n) == OK && n == 4);
    stream_socket_close(far);
    stream_socket_close(near);
    stream_socket_close(door);
    end();
}

static void test_listens_once(void)
{
    int door, other;

    begin();
    EXPECT(unix_socket_listen(path, &door) == OK);
    EXPECT(unix_socket_listen(path, &other) == ERR_BUSY);
    /* Nobody listens any more, the name is left over. */
    stream_socket_close(door);
    EXPECT(unix_socket_listen(path, &door) == OK);
    stream_socket_close(door);
    unix_socket_remove(path);
    EXPECT(access(path, F_OK) != 0);
    /* A file is not taken away. */
    FILE *f = fopen(path, "w");
    EXPECT(f && fclose(f) == 0);
    EXPECT(unix_socket_listen(path, &door) == ERR_EXISTS);
    EXPECT(unix_socket_connect(path, &other) == ERR_NOT_FOUND);
    EXPECT(access(path, F_OK) == 0);
    end();
}

static void test_paths(void)
{
    char text[UNIX_SOCKET_PATH_CHARS + 2];
    int fd;

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 0;
    EXPECT(unix_socket_listen(text, &fd) == ERR_USAGE && fd == -1);
    EXPECT(unix_socket_connect(text, &fd) == ERR_USAGE && fd == -1);
    EXPECT(unix_socket_listen("", &fd) == ERR_USAGE);
}

/* More than are let wait. */
static void test_queue_is_full(void)
{
    enum { MOST = 200 };
    int door, fd[MOST], n = 0;
    enum err e = OK;

    begin();
    EXPECT(unix_socket_listen(path, &door) == OK);
    while (n < MOST && (e = unix_socket_connect(path, &fd[n])) == OK)
        n++;
    EXPECT(e == ERR_AGAIN && n > 0);
    while (n > 0)
        stream_socket_close(fd[--n]);
    stream_socket_close(door);
    end();
}

static void test_faults(void)
{
    static const enum os_call calls[] = {OS_SOCKET, OS_BIND, OS_ACCEPT};
    int fd;

    begin();
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        os_fail_at(calls[i], 1, EMFILE);
        EXPECT(unix_socket_listen(path, &fd) == ERR_SYSTEM && fd == -1);
        EXPECT(os_fault_fired(calls[i]));
        os_fail_at(calls[i], 0, 0);
        EXPECT(access(path, F_OK) != 0);
    }
    EXPECT(unix_socket_listen(path, &fd) == OK);
    int door = fd;
    os_fail_at(OS_CONNECT, 1, EACCES);
    EXPECT(unix_socket_connect(path, &fd) == ERR_SYSTEM && fd == -1);
    os_fail_at(OS_CONNECT, 0, 0);
    stream_socket_close(door);
    end();
}

TEST_MAIN({"passes", test_passes}, {"listens_once", test_listens_once}, {"paths", test_paths},
          {"queue_is_full", test_queue_is_full}, {"faults", test_faults})
