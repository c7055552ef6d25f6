#include "core/screen/fsr_sink.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/codec/fsr_writer.h"
#include "core/os/io_file.h"

struct fsr_sink {
    struct sink sink; /* first */
    struct io_file_out *file;
    struct fsr_writer *writer;
    uint64_t opened_us, pictures;
    bool cut; /* a picture was lost, and that was said */
};

static enum err lost(struct fsr_sink *f, enum err e)
{
    f->cut = true;
    log_error("%s: holds %" PRIu64 " pictures, those after are lost: %s", f->file->path,
              f->pictures, err_text(e));
    return e;
}

static enum err fsr_present(struct sink *s, const struct sink_frame *frame)
{
    struct fsr_sink *f = (struct fsr_sink *)s;
    enum err e =
        fsr_writer_frame(f->writer, frame->pic, num_sub0(frame->now_us, f->opened_us), NULL);

    if (e == OK)
        e = io_file_keep(f->file);
    if (e)
        return lost(f, e);
    f->pictures++;
    return OK;
}

static enum err fsr_finish(struct sink *s, const struct sink_frame *last)
{
    struct fsr_sink *f = (struct fsr_sink *)s;
    struct io_file_out *file = f->file;
    enum err e = fsr_writer_finish(f->writer), closed;

    (void)last;
    if (e == OK)
        e = io_file_keep(file);
    if (e && !f->cut)
        log_error("%s: has no index: %s", file->path, err_text(e));
    f->file = NULL;
    closed = io_file_close_out(file);
    return e ? e : closed;
}

static void fsr_free(struct sink *s)
{
    struct fsr_sink *f = (struct fsr_sink *)s;

    fsr_writer_free(f->writer);
    /* Not finished: whoever ended the work early has said so. */
    if (io_file_close_out(f->file))
        log_debug("a file was cut");
    heap_free(f);
}

static const struct sink_ops ops = {
    .name = "fsr", .writes = true, .present = fsr_present, .finish = fsr_finish, .free = fsr_free};

enum err fsr_sink_open(const char *path, uint64_t now_us, struct sink **out, char *reason,
                       size_t room)
{
    struct fsr_sink *f = heap_alloc(sizeof *f);

    if (!f)
        return ERR_MEMORY;
    f->sink.ops = &ops;
    f->opened_us = now_us;
    enum err e = io_file_open_out(path, 0600, true, &f->file);
    if (e == OK) {
        struct fsr_writer_config config = {
            .out = &f->file->out, .samples = SAMPLES_RGB, .full_range = true};
        e = fsr_writer_new(&config, &f->writer);
    }
    if (e == OK)
        e = io_file_keep(f->file);
    if (e) {
        snprintf(reason, room, "%s cannot be written", path);
        fsr_free(&f->sink);
        return e;
    }
    *out = &f->sink;
    return OK;
}
