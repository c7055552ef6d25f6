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
    struct y4m_head head; /* of no size before the first picture */
    uint8_t *planes;      /* owned; the frame written last: only what has changed is converted */
    bool fits, cut;       /* the last picture had the head's size; one had not, and that was said */
};

static enum err begin(struct y4m_sink *y, const struct pic *p)
{
    y4m_head_for_rgb(&y->head, p->width, p->height, PLAYER_RATE, 1);
    size_t n = strlen(y->head.line);
    snprintf(y->head.line + n, sizeof y->head.line - n, " Xt0_us=%" PRIu64, y->opened_us);
    y->planes = heap_alloc(y4m_planes_bytes(&y->head));
    if (!y->planes)
        return ERR_MEMORY;
    log_info("%s: colours are converted to YCbCr 4:4:4, which is not exact (ppm, png and fsr are)",
             y->file->path);
    return y4m_write_head(&y->file->out, &y->head);
}

/* Converts a picture that has not the head's size: its upper left part, on black. */
static void convert_part(struct y4m_sink *y, const struct pic *p)
{
    size_t plane = (size_t)y->head.width * y->head.height;
    struct rect both = {0, 0, (uint32_t)num_min(p->width, y->head.width),
                        (uint32_t)num_min(p->height, y->head.height)};

    if (!y->cut)
        log_warn("%s: the picture is %u x %u now, y4m has one size: it is cut or padded to %u x %u",
                 y->file->path, p->width, p->height, y->head.width, y->head.height);
    y->cut = true;
    memset(y->planes, 0, plane);
    memset(y->planes + plane, 128, 2 * plane);
    y4m_put_planes(&y->head, p, both, y->planes);
}

static void convert(struct y4m_sink *y, const struct sink_frame *f)
{
    bool fits = f->pic->width == y->head.width && f->pic->height == y->head.height;
    bool all = !y->fits || !f->changed;

    y->fits = fits;
    if (!fits) {
        convert_part(y, f->pic);
        return;
    }
    for (uint32_t i = 0; i < pic_tiles(f->pic); i++)
        if (all || f->changed[i])
            y4m_put_planes(&y->head, f->pic, pic_tile_rect(f->pic, i), y->planes);
}

static enum err y4m_present(struct sink *s, const struct sink_frame *f)
{
    struct y4m_sink *y = (struct y4m_sink *)s;
    uint64_t time_us = num_sub0(f->now_us, y->opened_us);
    enum err e = y->planes ? OK : begin(y, f->pic);

    if (e == OK) {
        convert(y, f);
        e = y4m_write_planes(&y->file->out, &y->head, y->planes, time_us);
    }
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
    heap_free(y->planes);
    heap_free(y);
}

static const struct sink_ops ops = {
    .name = "y4m", .writes = true, .present = y4m_present, .finish = y4m_finish, .free = y4m_free};

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
