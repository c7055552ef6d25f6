#include "core/os/io_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/os.h"

enum { SPACE_BYTES = 256 * 1024 };

static enum err failed(const char *what, const char *path)
{
    log_errno(LOG_ERROR, "cannot %s %s", what, path);
    return ERR_SYSTEM;
}

static enum err read_in_order(struct io_in *in, void *to, size_t room, size_t *got)
{
    struct io_file_in *s = (struct io_file_in *)((char *)in - offsetof(struct io_file_in, in));
    ssize_t n = OS_CALL(OS_READ, read(s->fd, to, room));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return ERR_AGAIN;
    if (n < 0)
        return failed("read", s->path);
    *got = (size_t)n;
    return n ? OK : ERR_END;
}

static enum err read_at_place(struct io_at *at, uint64_t offset, void *to, size_t n, size_t *got)
{
    struct io_file_in *s = (struct io_file_in *)((char *)at - offsetof(struct io_file_in, at));

    for (*got = 0; *got < n;) {
        ssize_t part = offset > INT64_MAX - n
                           ? 0
                           : OS_CALL(OS_READ, pread(s->fd, (char *)to + *got, n - *got,
                                                    (off_t)(offset + *got)));
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return failed("read", s->path);
        if (part == 0)
            break;
        *got += (size_t)part;
    }
    return OK;
}

enum err io_file_open_in(const char *path, struct io_file_in **out)
{
    struct io_file_in *s = heap_alloc(sizeof *s);
    struct stat st;

    if (!s || !(s->path = heap_string(path))) {
        heap_free(s);
        log_error("cannot open %s: %s", path, err_text(ERR_MEMORY));
        return ERR_MEMORY;
    }
    s->in.read = read_in_order;
    s->at.read_at = read_at_place;
    s->fd = strcmp(path, "-") == 0 ? STDIN_FILENO
                                   : OS_CALL(OS_OPEN, open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (s->fd < 0) {
        enum err e = errno == ENOENT ? ERR_NOT_FOUND : failed("open", path);
        io_file_close_in(s);
        return e;
    }
    if (fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode)) {
        s->regular = true;
        s->at.size_bytes = (uint64_t)st.st_size;
    }
    *out = s;
    return OK;
}

uint64_t io_file_next_data(const struct io_file_in *s, uint64_t offset)
{
    off_t at = lseek(s->fd, (off_t)offset, SEEK_DATA);

    return at >= 0 ? (uint64_t)at : errno == ENXIO ? UINT64_MAX : offset;
}

void io_file_close_in(struct io_file_in *s)
{
    if (!s)
        return;
    if (s->fd > STDERR_FILENO)
        close(s->fd);
    heap_free(s->path);
    heap_free(s);
}

static enum err write_out(struct io_file_out *s, struct bytes data)
{
    while (data.n && !s->failed) {
        ssize_t n = OS_CALL(OS_WRITE, write(s->fd, data.p, data.n));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            s->failed = true;
            return failed("write", s->path);
        }
        data.p += n;
        data.n -= (size_t)n;
    }
    return s->failed ? ERR_SYSTEM : OK;
}

static enum err empty_space(struct io_file_out *s)
{
    enum err e = write_out(s, bytes_of(s->space, s->used));

    s->used = 0;
    return e;
}

static enum err take_in(struct io_out *out, struct bytes data)
{
    struct io_file_out *s = (struct io_file_out *)((char *)out - offsetof(struct io_file_out, out));
    enum err e = OK;

    if (data.n > SPACE_BYTES - s->used)
        e = empty_space(s);
    if (e == OK && data.n > SPACE_BYTES) {
        e = write_out(s, data);
    } else if (e == OK && data.n) {
        memcpy(s->space + s->used, data.p, data.n);
        s->used += data.n;
    }
    if (e == OK)
        s->bytes += data.n;
    return e;
}

static int open_for_writing(const char *path, unsigned mode, bool exact_mode)
{
    if (strcmp(path, "-") == 0)
        return STDOUT_FILENO;
    int fd =
        OS_CALL(OS_OPEN, open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, mode));
    struct stat st;
    if (fd < 0 || !exact_mode || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return fd;
    if (fchmod(fd, mode) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

enum err io_file_open_out(const char *path, unsigned mode, bool exact_mode,
                          struct io_file_out **out)
{
    struct io_file_out *s = heap_alloc(sizeof *s);

    if (s) {
        s->path = heap_string(path);
        s->space = heap_alloc(SPACE_BYTES);
    }
    if (!s || !s->path || !s->space) {
        log_error("cannot open %s: %s", path, err_text(ERR_MEMORY));
        if (s) {
            heap_free(s->path);
            heap_free(s->space);
        }
        heap_free(s);
        return ERR_MEMORY;
    }
    s->out.write = take_in;
    s->fd = open_for_writing(path, mode, exact_mode);
    if (s->fd < 0) {
        enum err e = failed("open", path);
        heap_free(s->path);
        heap_free(s->space);
        heap_free(s);
        return e;
    }
    *out = s;
    return OK;
}

enum err io_file_keep(struct io_file_out *s)
{
    enum err e = empty_space(s);

    if (e == OK)
        s->kept = s->bytes;
    return e;
}

enum err io_file_close_out(struct io_file_out *s)
{
    if (!s)
        return OK;
    enum err e = s->failed ? ERR_SYSTEM : empty_space(s);
    /* What is not a file (a pipe) cannot be cut and has seen the broken end already. */
    if (e && ftruncate(s->fd, (off_t)s->kept) < 0 && errno != EINVAL)
        log_errno(LOG_WARN, "cannot cut %s", s->path);
    if (s->fd > STDERR_FILENO && close(s->fd) < 0 && e == OK)
        e = failed("write", s->path);
    heap_free(s->path);
    heap_free(s->space);
    heap_free(s);
    return e;
}
