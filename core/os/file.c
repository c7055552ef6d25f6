#include "core/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/os.h"

static enum err failed(const char *what, const char *path)
{
    log_errno(LOG_ERROR, "cannot %s %s", what, path);
    return ERR_SYSTEM;
}

static enum err check_private(int fd, const char *path)
{
    struct stat st;

    if (OS_CALL(OS_FD, fstat(fd, &st)) < 0)
        return failed("read", path);
    if (!S_ISREG(st.st_mode)) {
        log_error("%s is no regular file", path);
        return ERR_USAGE;
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        log_error("%s belongs to another user", path);
        return ERR_USAGE;
    }
    if (st.st_mode & 077) {
        log_error("%s can be read or written by others (mode %04o): run chmod 600 on it", path,
                  (unsigned)(st.st_mode & 07777));
        return ERR_USAGE;
    }
    return OK;
}

static enum err read_all(int fd, const char *path, struct buf *out)
{
    for (;;) {
        uint8_t end;
        size_t room = out->max - out->n < 4096 ? out->max - out->n : 4096;
        enum err e = buf_reserve(out, room);

        if (e != OK) {
            log_error("cannot read %s: %s", path, err_text(e));
            return e;
        }
        /* With the maximum reached one byte more must not be there. */
        ssize_t n = OS_CALL(OS_READ, room ? read(fd, out->p + out->n, room) : read(fd, &end, 1));
        if (n == 0)
            return OK;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed("read", path);
        if (!room) {
            log_error("%s is larger than %zu bytes", path, out->max);
            return ERR_LIMIT;
        }
        out->n += (size_t)n;
    }
}

enum err file_read(const char *path, bool private, struct buf *out)
{
    /* A private file is never a pipe, and opening one must not wait for a writer. */
    int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (private ? O_NONBLOCK : 0);
    int fd = OS_CALL(OS_OPEN, open(path, flags));

    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : failed("open", path);
    enum err e = private ? check_private(fd, path) : OK;
    if (e == OK)
        e = read_all(fd, path, out);
    close(fd);
    return e;
}

static enum err write_all(int fd, struct bytes data, const char *path)
{
    while (data.n) {
        ssize_t n = OS_CALL(OS_WRITE, write(fd, data.p, data.n));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed("write", path);
        data.p += n;
        data.n -= (size_t)n;
    }
    return OK;
}

/* Opens a new file with a name of its own beside `path`; *temp is the caller's. */
static enum err open_temp(const char *path, unsigned mode, char **temp, int *fd)
{
    size_t room = strlen(path) + 16;

    *temp = heap_alloc(room);
    if (!*temp) {
        log_error("cannot write %s: %s", path, err_text(ERR_MEMORY));
        return ERR_MEMORY;
    }
    snprintf(*temp, room, "%s.XXXXXX", path);
    *fd = OS_CALL(OS_OPEN, mkostemp(*temp, O_CLOEXEC));
    if (*fd < 0) {
        heap_free(*temp);
        return failed("write", path);
    }
    if (OS_CALL(OS_FD, fchmod(*fd, mode)) == 0)
        return OK;
    enum err e = failed("set the permissions of", *temp);
    close(*fd);
    unlink(*temp);
    heap_free(*temp);
    return e;
}

/* Makes the name of a new file durable; cuts `temp`, a name in the same folder. */
static enum err sync_folder(char *temp, const char *path)
{
    char *slash = strrchr(temp, '/');

    if (slash)
        slash[slash == temp] = 0;
    int fd = OS_CALL(OS_OPEN, open(slash ? temp : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0)
        return failed("sync the folder of", path);
    /* Some file systems refuse to sync a folder (EINVAL); their files are as durable as they get.
     */
    enum err e = OS_CALL(OS_SYNC, fsync(fd)) < 0 && errno != EINVAL
                     ? failed("sync the folder of", path)
                     : OK;
    close(fd);
    return e;
}

static enum err take_name(const char *temp, const char *path)
{
    if (OS_CALL(OS_RENAME, renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE)) == 0)
        return OK;
    /* Old kernels and some file systems cannot do that; a link never replaces either. */
    if ((errno == EINVAL || errno == ENOSYS) && OS_CALL(OS_RENAME, link(temp, path)) == 0) {
        unlink(temp);
        return OK;
    }
    return errno == EEXIST ? ERR_EXISTS : failed("write", path);
}

static enum err write_file(const char *path, struct bytes data, unsigned mode, bool replace)
{
    char *temp;
    int fd;
    enum err e = open_temp(path, mode, &temp, &fd);

    if (e != OK)
        return e;
    e = write_all(fd, data, temp);
    if (e == OK && OS_CALL(OS_SYNC, fsync(fd)) < 0)
        e = failed("sync", temp);
    if (close(fd) < 0 && e == OK)
        e = failed("write", temp);
    if (e == OK && replace)
        e = OS_CALL(OS_RENAME, rename(temp, path)) < 0 ? failed("write", path) : OK;
    else if (e == OK)
        e = take_name(temp, path);
    if (e == OK)
        e = sync_folder(temp, path);
    else
        unlink(temp);
    heap_free(temp);
    return e;
}

void file_remove(const char *path)
{
    char *name = heap_string(path);

    if (OS_CALL(OS_RENAME, unlink(path)) == 0) {
        if (name && sync_folder(name, path))
            log_debug("%s is gone, and may come back with the power", path);
    } else if (errno != ENOENT) {
        log_errno(LOG_WARN, "cannot take %s away", path);
    }
    heap_free(name);
}

enum err file_create(const char *path, struct bytes data, unsigned mode)
{
    return write_file(path, data, mode, false);
}

enum err file_replace(const char *path, struct bytes data, unsigned mode)
{
    return write_file(path, data, mode, true);
}

enum err file_check_place(const char *path)
{
    struct stat st;
    char *folder = heap_string(path), *slash = folder ? strrchr(folder, '/') : NULL;
    enum err e = OK;

    if (!folder)
        return ERR_MEMORY;
    if (slash)
        slash[slash == folder] = 0;
    if (access(slash ? folder : ".", W_OK | X_OK) < 0) {
        e = failed("write", path);
    } else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        e = failed("write", path);
    }
    heap_free(folder);
    return e;
}

/* Whether the file has a last line without an end; also for a file that cannot be read. */
static bool is_cut(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char last;

    return size > 0 && (OS_CALL(OS_READ, pread(fd, &last, 1, size - 1)) != 1 || last != '\n');
}

enum err file_append_line(const char *path, struct bytes line, unsigned mode)
{
    struct buf whole;
    enum err e;
    int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
    int fd = OS_CALL(OS_OPEN, open(path, flags, mode));

    if (fd < 0)
        return failed("open", path);
    buf_init(&whole, line.n + 2);
    while (OS_CALL(OS_LOCK, flock(fd, LOCK_EX)) < 0)
        if (errno != EINTR) {
            e = failed("lock", path);
            goto out;
        }
    e = is_cut(fd) ? buf_append(&whole, bytes_of("\n", 1)) : OK;
    if (e == OK)
        e = buf_append(&whole, line);
    if (e == OK)
        e = buf_append(&whole, bytes_of("\n", 1));
    if (e != OK)
        log_error("cannot write %s: %s", path, err_text(e));
    else
        e = write_all(fd, buf_bytes(&whole), path);
    if (e == OK && OS_CALL(OS_SYNC, fsync(fd)) < 0)
        e = failed("sync", path);
out:
    buf_release(&whole);
    close(fd);
    return e;
}

enum err file_make_folder(const char *path, unsigned mode)
{
    struct stat st;
    char *part = heap_string(path);
    enum err e = OK;

    if (!part) {
        log_error("cannot make %s: %s", path, err_text(ERR_MEMORY));
        return ERR_MEMORY;
    }
    for (char *p = part + 1; *part && *p; p++)
        if (*p == '/' && p[1] != '/') {
            *p = 0;
            mkdir(part, mode); /* what is wrong shows at the last one */
            *p = '/';
        }
    if (OS_CALL(OS_RENAME, mkdir(part, mode)) < 0 &&
        !(errno == EEXIST && stat(part, &st) == 0 && S_ISDIR(st.st_mode)))
        e = failed("make the folder", path);
    heap_free(part);
    return e;
}
