#include "core/screen/y4m_sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/codec/y4m.h"
#include "core/os/io_file.h"

enum { PLAYER_RATE = 30 /* frames a second, for players that ignore the frames' times */ };

struct y4m_sink {
    struct sink sink; /* first */
    struct io_file_out *file;
    uint64_t opened_us, pictures;
    struct y4m_head head;  /* of no size before the first picture */
    struct tile_pool pool; /* for pictures of another size than the first */
    uint32_t *px;          /* owned; one picture of the head's size, NULL before it is needed */
};

static enum err write_head(struct y4m_sink *y, const struct pic *p)
{
    y4m_head_for_rgb(&y->head, p->width, p->height, PLAYER_RATE, 1);
    size_t n = strlen(y->head.line);
    snprintf(y->head.line + n, sizeof y->head.line - n, " Xt0_us=%" PRIu64, y->opened_us);
    log_info("%s: colours are converted to YCbCr 4:4:4, which is not exact (ppm, png and fsr are)",
             y->file->path);
    return y4m_write_head(&y->file->out, &y->head);
}

/* Writes a picture that has not the head's size: its upper left part, on black. */
static enum err write_fitted(struct y4m_sink *y, const struct pic *p, uint64_t time_us)
{
    uint32_t width = y->head.width, height = y->head.height, count = 0;
    struct rect both = {0, 0, (uint32_t)num_min(p->width, width),
                        (uint32_t)num_min(p->height, height)};
    struct pic *fitted = NULL;
    uint8_t *changed = NULL;

    if (!y->px) {
        log_warn("%s: the picture is %u x %u now, y4m has one size: it is cut or padded to %u x %u",
                 y->file->path, p->width, p->height, width, height);
        y->px = heap_array((size_t)width * height, sizeof *y->px);
        tile_pool_init(&y->pool, SIZE_MAX);
    }
    enum err e = y->px ? pic_new(&y->pool, width, height, false, &fitted) : ERR_MEMORY;
    if (e)
        return e;
    memset(y->px, 0, (size_t)width * height * sizeof *y->px);
    pic_read(p, both, y->px, width);
    changed = heap_alloc(pic_tiles(fitted));
    struct pixels from = {y->px, width, height, width};
    e = changed ? pic_update(fitted, &from, (struct rect){0, 0, width, height}, changed, &count)
                : ERR_MEMORY;
    if (e == OK)
        e = y4m_write_frame(&y->file->out, &y->head, fitted, SAMPLES_RGB, time_us);
    heap_free(changed);
    pic_unref(fitted);
    return e;
}

static enum err y4m_present(struct sink *s, const struct sink_frame *f)
{
    struct y4m_sink *y = (struct y4m_sink *)s;
    uint64_t time_us = num_sub0(f->now_us, y->opened_us);
    enum err e = y->head.width ? OK : write_head(y, f->pic);

    if (e == OK && f->pic->width == y->head.width && f->pic->height == y->head.height)
        e = y4m_write_frame(&y->file->out, &y->head, f->pic, SAMPLES_RGB, time_us);
    else if (e == OK)
        e = write_fitted(y, f->pic, time_us);
    if (e == OK)
        e = io_file_keep(y->file);
    if (e)
        log_error("%s: holds %" PRIu64 " pictures, those after are lost: %s", y->file->path,
                  y->pictures, err_text(e));
    else
        y->pictures++;
    return e;
}

static enum err y4m_finish(struct sink *s, const struct sink_frame *last)
{
    struct y4m_sink *y = (struct y4m_sink *)s;
    struct io_file_out *file = y->file;

    (void)last;
    y->file = NULL;
    return io_file_close_out(file);
}

static void y4m_free(struct sink *s)
{
    struct y4m_sink *y = (struct y4m_sink *)s;

    /* Not finished: whoever ended the work early has said so. */
    if (io_file_close_out(y->file))
        log_debug("a file was cut");
    if (y->px)
        tile_pool_release(&y->pool);
    heap_free(y->px);
    heap_free(y);
}

static const struct sink_ops ops = {
    .name = "y4m", .present = y4m_present, .finish = y4m_finish, .free = y4m_free};

enum err y4m_sink_open(const char *path, uint64_t now_us, struct sink **out, char *reason,
                       size_t room)
{
    struct y4m_sink *y = heap_alloc(sizeof *y);

    if (!y)
        return ERR_MEMORY;
    y->sink.ops = &ops;
    y->opened_us = now_us;
    enum err e = io_file_open_out(path, 0666, false, &y->file);
    if (e) {
        snprintf(reason, room, "%s cannot be written", path);
        heap_free(y);
        return e;
    }
    *out = &y->sink;
    return OK;
}
