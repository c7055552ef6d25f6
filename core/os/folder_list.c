#include "core/os/folder_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/os.h"

enum err folder_list(const char *path, enum err (*fn)(void *ctx, const char *name), void *ctx)
{
    int fd = OS_CALL(OS_OPEN, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    enum err e = OK;

    if (!d) {
        if (fd < 0 && errno == ENOENT)
            return OK;
        log_errno(LOG_ERROR, "cannot look into %s", path);
        if (fd >= 0)
            close(fd);
        return ERR_SYSTEM;
    }
    for (;;) {
        errno = 0;
        const struct dirent *at = os_fails(OS_READ) ? NULL : readdir(d);
        if (!at && errno) {
            log_errno(LOG_ERROR, "cannot look into %s", path);
            e = ERR_SYSTEM;
        }
        if (!at)
            break;
        if (at->d_name[0] != '.')
            e = fn(ctx, at->d_name);
        if (e)
            break;
    }
    closedir(d);
    return e;
}
