#include "core/screen/ppm_sink.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/codec/ppm.h"
#include "core/os/io_file.h"

struct ppm_sink {
    struct sink sink; /* first */
    struct io_file_out *file;
    uint64_t pictures;
};

static enum err ppm_present(struct sink *s, const struct sink_frame *f)
{
    struct ppm_sink *p = (struct ppm_sink *)s;
    enum err e = ppm_write(&p->file->out, f->pic, SAMPLES_RGB, true);

    if (e == OK)
        e = io_file_keep(p->file);
    if (e)
        log_error("%s: holds %" PRIu64 " pictures, those after are lost: %s", p->file->path,
                  p->pictures, err_text(e));
    else
        p->pictures++;
    return e;
}

static enum err ppm_finish(struct sink *s, const struct sink_frame *last)
{
    struct ppm_sink *p = (struct ppm_sink *)s;
    struct io_file_out *file = p->file;

    (void)last;
    p->file = NULL;
    return io_file_close_out(file);
}

static void ppm_free(struct sink *s)
{
    /* Not finished: whoever ended the work early has said so. */
    if (io_file_close_out(((struct ppm_sink *)s)->file))
        log_debug("a file was cut");
    heap_free(s);
}

static const struct sink_ops ops = {
    .name = "ppm", .writes = true, .present = ppm_present, .finish = ppm_finish, .free = ppm_free};

enum err ppm_sink_open(const char *path, struct sink **out, char *reason, size_t room)
{
    struct ppm_sink *s = heap_alloc(sizeof *s);

    if (!s)
        return ERR_MEMORY;
    s->sink.ops = &ops;
    enum err e = io_file_open_out(path, 0666, false, &s->file);
    if (e) {
        snprintf(reason, room, "%s cannot be written", path);
        heap_free(s);
        return e;
    }
    *out = &s->sink;
    return OK;
}
