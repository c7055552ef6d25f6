#include "core/os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/base/parse.h"
#include "core/os/os.h"

enum { PATH_BYTES = 64, STEP_BYTES = 4096, STATE_FIELD = 3, START_FIELD = 22 };

enum err process_of_socket(int fd, int *pid)
{
    struct ucred who;
    socklen_t n = sizeof who;

    if (OS_CALL(OS_SETOPT, getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n)) != 0) {
        log_errno(LOG_WARN, "cannot tell whose socket it is");
        return ERR_SYSTEM;
    }
    *pid = who.pid;
    return OK;
}

static enum err why_not(const char *path)
{
    if (errno == ENOENT || errno == ESRCH)
        return ERR_NOT_FOUND;
    if (errno == EACCES || errno == EPERM)
        return ERR_REFUSED;
    log_errno(LOG_WARN, "cannot read %s", path);
    return ERR_SYSTEM;
}

/* A file of /proc has no size: it is read to its end. */
static enum err read_all(int pid, const char *name, struct buf *out)
{
    char path[PATH_BYTES];
    ssize_t got = 0;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = OS_CALL(OS_OPEN, open(path, O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return why_not(path);
    enum err e;
    do {
        e = buf_reserve(out, num_clamp(out->max - out->n, 1, STEP_BYTES));
        if (e)
            break;
        got = OS_CALL(OS_READ, read(fd, out->p + out->n, num_min(STEP_BYTES, out->max - out->n)));
        if (got < 0 && errno != EINTR)
            e = why_not(path);
        out->n += got > 0 ? (size_t)got : 0;
    } while (!e && got != 0);
    close(fd);
    return e;
}

enum err process_words(int pid, struct buf *out)
{
    return read_all(pid, "cmdline", out);
}

enum err process_folder(int pid, char *path, size_t room)
{
    char link[PATH_BYTES];

    snprintf(link, sizeof link, "/proc/%d/cwd", pid);
    ssize_t n = OS_CALL(OS_READ, readlink(link, path, room));
    if (n < 0)
        return why_not(link);
    if ((size_t)n >= room)
        return ERR_LIMIT;
    path[n] = 0;
    return OK;
}

/* One field of what proc(5) tells in `stat`. The name in the second may hold anything, also blanks
 * and brackets: what follows its last bracket is counted. */
static enum err find_field(struct bytes text, int field, struct bytes *out)
{
    const uint8_t *at = text.n ? memrchr(text.p, ')', text.n) : NULL, *end = text.p + text.n;

    for (int i = 2; at && i < field; i++)
        at = memchr(at + 1, ' ', (size_t)(end - at - 1));
    const uint8_t *stop = at ? memchr(at + 1, ' ', (size_t)(end - at - 1)) : NULL;
    if (!stop)
        return ERR_MALFORMED;
    *out = bytes_of(at + 1, (size_t)(stop - at - 1));
    return OK;
}

enum err process_started(int pid, uint64_t *ticks)
{
    struct bytes state, start;
    struct buf text;

    buf_init(&text, STEP_BYTES);
    enum err e = read_all(pid, "stat", &text);
    if (!e)
        e = find_field(buf_bytes(&text), STATE_FIELD, &state);
    if (!e)
        e = find_field(buf_bytes(&text), START_FIELD, &start);
    if (!e)
        e = parse_number(start, ticks);
    /* One that has ended, and that nobody has asked about yet. */
    if (!e && (bytes_equal(state, bytes_of("Z", 1)) || bytes_equal(state, bytes_of("X", 1))))
        e = ERR_NOT_FOUND;
    buf_release(&text);
    return e;
}

bool process_lives(int pid, uint64_t ticks)
{
    uint64_t now;
    enum err e = process_started(pid, &now);

    return e == OK ? now == ticks : e != ERR_NOT_FOUND;
}

int process_self(void)
{
    return getpid();
}

void process_halt(void)
{
    raise(SIGSTOP);
}
