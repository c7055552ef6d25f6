#include "core/os/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/os.h"

enum { LINK_CHARS = 64 };

static const char usual[] = "/usr/local/bin:/usr/bin:/bin:/usr/libexec";

enum path_kind path_look(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return PATH_NOTHING;
    return S_ISREG(st.st_mode)    ? PATH_FILE
           : S_ISBLK(st.st_mode)  ? PATH_DEVICE
           : S_ISSOCK(st.st_mode) ? PATH_SOCKET
           : S_ISDIR(st.st_mode)  ? PATH_FOLDER
                                  : PATH_OTHER;
}

enum err path_whole(const char *path, char *to, size_t room)
{
    char link[LINK_CHARS];
    int fd = OS_CALL(OS_OPEN, open(path, O_PATH | O_CLOEXEC));

    if (fd < 0)
        return ERR_NOT_FOUND;
    /* Not by realpath, which brings libc's groups into a static binary. */
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, to, room);
    close(fd);
    if (n < 0)
        return ERR_NOT_FOUND;
    if ((size_t)n >= room)
        return ERR_LIMIT;
    to[n] = 0;
    return OK;
}

bool path_writable(const char *folder)
{
    return access(folder, W_OK | X_OK) == 0;
}

static bool can_start(const char *path)
{
    return path_look(path) == PATH_FILE && access(path, X_OK) == 0;
}

static enum err look_in(const char *folders, const char *name, char *to, size_t room)
{
    while (*folders) {
        size_t n = strcspn(folders, ":");
        int wrote = snprintf(to, room, "%.*s/%s", (int)n, folders, name);
        if (wrote < 0 || (size_t)wrote >= room)
            return ERR_LIMIT;
        if (n && can_start(to))
            return OK;
        folders += n;
        folders += *folders == ':';
    }
    return ERR_NOT_FOUND;
}

enum err path_program(const char *name, char *to, size_t room)
{
    const char *folders = getenv("PATH");

    if (strchr(name, '/')) {
        if ((size_t)snprintf(to, room, "%s", name) >= room)
            return ERR_LIMIT;
        return can_start(to) ? OK : ERR_NOT_FOUND;
    }
    enum err e = look_in(folders ? folders : "", name, to, room);
    return e == ERR_NOT_FOUND ? look_in(usual, name, to, room) : e;
}

uint64_t path_free_bytes(const char *path)
{
    struct statvfs v;

    return statvfs(path, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : UINT64_MAX;
}

enum err path_make_disk(const char *path, uint64_t bytes)
{
    int fd = OS_CALL(OS_OPEN, open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));

    if (fd < 0 && errno == EEXIST)
        return ERR_EXISTS;
    if (fd < 0 || OS_CALL(OS_WRITE, ftruncate(fd, (off_t)bytes)) < 0) {
        log_errno(LOG_ERROR, "cannot make %s", path);
        if (fd >= 0) {
            close(fd);
            unlink(path);
        }
        return ERR_SYSTEM;
    }
    close(fd);
    return OK;
}
