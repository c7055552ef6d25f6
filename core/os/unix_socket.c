#include "core/os/unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/os.h"
#include "core/os/stream_socket.h"

enum { BACKLOG = 64, PRIVATE_MODE = 0600 };

_Static_assert(sizeof((struct sockaddr_un *)NULL)->sun_path == UNIX_SOCKET_PATH_CHARS + 1,
               "a path and its end fill sun_path");

static enum err name_of(const char *path, struct sockaddr_un *at)
{
    size_t n = strlen(path);

    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (n == 0 || n > UNIX_SOCKET_PATH_CHARS)
        return ERR_USAGE;
    memcpy(at->sun_path, path, n);
    return OK;
}

static enum err open_socket(int *fd)
{
    *fd = OS_CALL(OS_SOCKET, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (*fd >= 0)
        return OK;
    log_errno(LOG_WARN, "cannot make a local socket");
    return ERR_SYSTEM;
}

static enum err fail(int *fd, enum err e)
{
    stream_socket_close(*fd);
    *fd = -1;
    return e;
}

enum err unix_socket_connect(const char *path, int *fd)
{
    struct sockaddr_un at;
    enum err e = name_of(path, &at);

    *fd = -1;
    if (!e)
        e = open_socket(fd);
    if (e || OS_CALL(OS_CONNECT, connect(*fd, (struct sockaddr *)&at, sizeof at)) == 0)
        return e;
    if (errno == EAGAIN)
        return fail(fd, ERR_AGAIN);
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTSOCK)
        return fail(fd, ERR_NOT_FOUND);
    log_errno(LOG_WARN, "cannot connect to %s", path);
    return fail(fd, ERR_SYSTEM);
}

/* Takes a socket away that nobody listens on; nothing when nothing is there. */
static enum err clear(const char *path)
{
    struct stat is;
    int fd;

    if (lstat(path, &is) != 0)
        return OK;
    if (!S_ISSOCK(is.st_mode))
        return ERR_EXISTS;
    enum err e = unix_socket_connect(path, &fd);
    stream_socket_close(fd);
    if (e != ERR_NOT_FOUND)
        return e == ERR_SYSTEM ? e : ERR_BUSY;
    unix_socket_remove(path);
    return OK;
}

enum err unix_socket_listen(const char *path, int *fd)
{
    struct sockaddr_un at;
    enum err e = name_of(path, &at);

    *fd = -1;
    if (!e)
        e = clear(path);
    if (!e)
        e = open_socket(fd);
    if (e)
        return e;
    /* Before it listens nobody can connect: until then it is not open to more than it will be. */
    if (OS_CALL(OS_BIND, bind(*fd, (struct sockaddr *)&at, sizeof at)) != 0) {
        e = errno == EADDRINUSE ? ERR_BUSY : ERR_SYSTEM;
        log_errno(LOG_WARN, "cannot listen on %s", path);
        return fail(fd, e);
    }
    if (chmod(path, PRIVATE_MODE) == 0 && OS_CALL(OS_ACCEPT, listen(*fd, BACKLOG)) == 0)
        return OK;
    log_errno(LOG_WARN, "cannot listen on %s", path);
    unix_socket_remove(path);
    return fail(fd, ERR_SYSTEM);
}

void unix_socket_remove(const char *path)
{
    if (OS_CALL(OS_RENAME, unlink(path)) != 0 && errno != ENOENT)
        log_errno(LOG_WARN, "cannot remove %s", path);
}
