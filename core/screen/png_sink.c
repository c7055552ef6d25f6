#include "core/screen/png_sink.h"

#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/codec/png.h"
#include "core/os/file.h"

enum { FILE_BYTES = 512 * 1024 * 1024 };

struct png_sink {
    struct sink sink; /* first */
    char *path;       /* owned */
};

/* The picture counts when it is over. */
static enum err png_present(struct sink *s, const struct sink_frame *f)
{
    (void)s;
    (void)f;
    return OK;
}

static enum err png_finish(struct sink *s, const struct sink_frame *last)
{
    const char *path = ((struct png_sink *)s)->path;
    struct buf file;
    struct io_buf io;

    if (!last) {
        log_warn("%s: not written, no picture ever came", path);
        return OK;
    }
    buf_init(&file, FILE_BYTES);
    io_buf_init(&io, &file);
    enum err e = png_write(&io.out, last->pic, last->pic->alpha ? SAMPLES_RGBA : SAMPLES_RGB, true);
    if (e)
        log_error("%s: not written: %s", path, err_text(e));
    else
        e = file_replace(path, buf_bytes(&file), 0644);
    buf_release(&file);
    if (e == OK)
        log_info("%s: %u x %u, %s", path, last->pic->width, last->pic->height,
                 last->exact ? "exact" : "not exact yet");
    return e;
}

static void png_free(struct sink *s)
{
    heap_free(((struct png_sink *)s)->path);
    heap_free(s);
}

static const struct sink_ops ops = {
    .name = "png", .present = png_present, .finish = png_finish, .free = png_free};

enum err png_sink_open(const char *path, struct sink **out, char *reason, size_t room)
{
    struct png_sink *s = heap_alloc(sizeof *s);

    if (!s || !(s->path = heap_string(path))) {
        heap_free(s);
        return ERR_MEMORY;
    }
    s->sink.ops = &ops;
    enum err e = file_check_place(path);
    if (e) {
        snprintf(reason, room, "%s cannot be written", path);
        png_free(&s->sink);
        return e;
    }
    *out = &s->sink;
    return OK;
}
