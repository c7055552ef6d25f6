#include "core/os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/os.h"

enum { TRY_MS = 5 };

static enum err say_busy(struct lock *l, const char *path)
{
    char holder[16];
    ssize_t n = OS_CALL(OS_READ, pread(l->fd, holder, sizeof holder - 1, 0));

    holder[n > 0 ? n : 0] = 0;
    holder[strcspn(holder, "\n")] = 0;
    log_error("%s is in use by process %s", path, holder[0] ? holder : "?");
    lock_release(l);
    return ERR_BUSY;
}

static enum err open_lock(struct lock *l, const char *path)
{
    l->fd = OS_CALL(OS_OPEN, open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (l->fd >= 0)
        return OK;
    log_errno(LOG_ERROR, "cannot open the lock %s", path);
    return ERR_SYSTEM;
}

/* ERR_BUSY: not logged, and the file stays open. */
static enum err try_lock(struct lock *l, const char *path)
{
    int r;

    while ((r = OS_CALL(OS_LOCK, flock(l->fd, LOCK_EX | LOCK_NB))) != 0 && errno == EINTR)
        ;
    if (r == 0)
        return OK;
    if (errno == EWOULDBLOCK)
        return ERR_BUSY;
    log_errno(LOG_ERROR, "cannot lock %s", path);
    lock_release(l);
    return ERR_SYSTEM;
}

enum err lock_take(struct lock *l, const char *path)
{
    char text[16];
    enum err e = open_lock(l, path);

    if (!e)
        e = try_lock(l, path);
    if (e)
        return e == ERR_BUSY ? say_busy(l, path) : e;
    /* The number is for people: it is held without it. */
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (OS_CALL(OS_WRITE, ftruncate(l->fd, 0)) != 0 ||
        OS_CALL(OS_WRITE, pwrite(l->fd, text, (size_t)n, 0)) != n)
        log_errno(LOG_WARN, "cannot write to the lock %s", path);
    return OK;
}

enum err lock_wait(struct lock *l, const char *path, unsigned wait_ms)
{
    enum err e = open_lock(l, path);

    for (unsigned ms = 0; !e; ms += TRY_MS) {
        e = try_lock(l, path);
        if (e != ERR_BUSY)
            return e;
        if (ms >= wait_ms)
            break;
        usleep(TRY_MS * 1000);
        e = OK;
    }
    lock_release(l);
    return e;
}

void lock_release(struct lock *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
