#include "core/os/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/os.h"

enum { PATH_BYTES = 4096 };

/* Where the file system knows no files without names: one that loses it at once. */
static int open_named(const char *folder)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/scratch-XXXXXX", folder);

    if (n >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = OS_CALL(OS_OPEN, mkostemp(path, O_CLOEXEC));
    if (fd >= 0)
        unlink(path);
    return fd;
}

enum err scratch_open(const char *folder, int *fd)
{
    *fd = OS_CALL(OS_OPEN, open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
    if (*fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        *fd = open_named(folder);
    if (*fd >= 0)
        return OK;
    log_errno(LOG_ERROR, "cannot make a file in %s", folder);
    return ERR_SYSTEM;
}

void scratch_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

enum err scratch_write(int fd, uint64_t at, struct bytes b)
{
    while (b.n) {
        ssize_t n = OS_CALL(OS_WRITE, pwrite(fd, b.p, b.n, (off_t)at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            log_errno(LOG_ERROR, "cannot keep what was read");
            return ERR_SYSTEM;
        }
        b = bytes_of(b.p + n, b.n - (size_t)n);
        at += (uint64_t)n;
    }
    return OK;
}

enum err scratch_read(int fd, uint64_t at, void *to, size_t n)
{
    uint8_t *p = to;

    while (n) {
        ssize_t got = OS_CALL(OS_READ, pread(fd, p, n, (off_t)at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got == 0)
                errno = ENODATA;
            log_errno(LOG_ERROR, "cannot read what was kept");
            return ERR_SYSTEM;
        }
        p += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return OK;
}
