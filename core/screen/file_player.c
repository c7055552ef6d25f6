#include "core/screen/file_player.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/codec/image.h"
#include "core/codec/ppm.h"
#include "core/codec/y4m.h"
#include "core/os/file.h"
#include "core/os/io_file.h"

enum { READ_BYTES = 256 * 1024, HEAD_BYTES = 16, US_PER_S = 1000000 };

struct file_player {
    struct io_file_in *file; /* NULL for images, which are read whole */
    uint32_t fps;
    uint8_t *space; /* what was read */
    struct bytes unread;

    struct image image; /* one of these three */
    struct ppm_reader *ppm;
    struct y4m_reader *y4m;

    enum err state; /* of the next picture: OK when it is there */
    struct reason why;
    struct pixels next;
    uint32_t *rgb; /* the next picture of a video, converted; owned */
    size_t rgb_px;
    uint64_t number, time_us;
    uint64_t first_us; /* what the first frame says */
};

/* Lays an image with alpha on black. */
static void flatten(struct image *i)
{
    for (size_t n = (size_t)i->width * i->height, k = 0; i->alpha && k < n; k++) {
        uint32_t p = i->px[k], a = p >> 24, out = 0;
        for (unsigned shift = 0; shift < 24; shift += 8)
            out |= ((p >> shift & 255) * a + 127) / 255 << shift;
        i->px[k] = out;
    }
    i->alpha = false;
}

static enum err open_image(struct file_player *p, const char *path)
{
    struct buf whole;

    buf_init(&whole, IMAGE_FILE_BYTES);
    enum err e = file_read(path, false, &whole);
    if (e)
        reason_give(&p->why, e, "%s: %s", path, err_text(e));
    else
        e = image_decode(buf_bytes(&whole), &p->image, &p->why);
    buf_release(&whole);
    if (e)
        return e;
    flatten(&p->image);
    p->next = image_pixels(&p->image);
    return OK;
}

/* Feeds the reader that there is; ERR_AGAIN when it wants more. */
static enum err feed(struct file_player *p)
{
    return p->y4m ? y4m_reader_feed(p->y4m, &p->unread, &p->why)
                  : ppm_reader_feed(p->ppm, &p->unread, &p->why);
}

static enum err end_of_file(struct file_player *p)
{
    enum err e = p->y4m ? y4m_reader_end(p->y4m, &p->why) : ppm_reader_end(p->ppm, &p->why);

    return e ? e : ERR_END;
}

/* Reads on until a picture is whole. */
static enum err read_picture(struct file_player *p)
{
    for (;;) {
        enum err e = p->unread.n ? feed(p) : ERR_AGAIN;
        if (e != ERR_AGAIN)
            return e;
        size_t got = 0;
        e = p->file->in.read(&p->file->in, p->space, READ_BYTES, &got);
        if (e == ERR_END)
            return end_of_file(p);
        if (e && e != ERR_AGAIN)
            return reason_give(&p->why, e, "%s cannot be read", p->file->path);
        p->unread = bytes_of(p->space, got);
    }
}

/* Makes the whole frame of the video the next picture. */
static enum err convert(struct file_player *p)
{
    const struct y4m_head *h = y4m_reader_head(p->y4m);
    struct pixels from = y4m_reader_pixels(p->y4m);
    size_t px = (size_t)from.width * from.height;

    if (px > p->rgb_px) {
        heap_free(p->rgb);
        p->rgb_px = 0;
        p->rgb = heap_array(px, sizeof *p->rgb);
        if (!p->rgb)
            return ERR_MEMORY;
        p->rgb_px = px;
    }
    for (uint32_t y = 0; y < from.height; y++)
        memcpy(p->rgb + (size_t)y * from.width, from.px + y * from.stride_px,
               from.width * sizeof *p->rgb);
    samples_to_rgb(h->samples, h->full_range, p->rgb, px);
    p->next = (struct pixels){p->rgb, from.width, from.height, from.width};
    return OK;
}

static void read_ahead(struct file_player *p)
{
    p->state = read_picture(p);
    if (p->state)
        return;
    if (!p->y4m) {
        p->next = ppm_reader_pixels(p->ppm);
        p->time_us = num_mul_div(p->number, US_PER_S, p->fps);
        return;
    }
    /* Times that go back are shown as they come. */
    uint64_t time_us = y4m_reader_time_us(p->y4m);
    const struct y4m_head *h = y4m_reader_head(p->y4m);
    if (time_us == 0 && p->number && !h->rate_num)
        time_us = num_mul_div(p->number, US_PER_S, p->fps);
    if (p->number == 0)
        p->first_us = time_us;
    p->time_us = num_max(p->time_us, num_sub0(time_us, p->first_us));
    p->state = convert(p);
}

static enum err open_stream(struct file_player *p, const char *path)
{
    enum err e = io_file_open_in(path, &p->file);
    size_t got = 0;

    if (e)
        return reason_give(&p->why, e, "%s: %s", path,
                           e == ERR_NOT_FOUND ? "no such file" : "cannot be opened");
    p->space = heap_alloc(READ_BYTES);
    if (!p->space)
        return ERR_MEMORY;
    while (e == OK && p->unread.n < HEAD_BYTES) {
        e = p->file->in.read(&p->file->in, p->space + p->unread.n, READ_BYTES - p->unread.n, &got);
        if (e == OK)
            p->unread = bytes_of(p->space, p->unread.n + got);
        else if (e == ERR_AGAIN)
            e = OK;
    }
    if (e && e != ERR_END)
        return reason_give(&p->why, e, "%s cannot be read", path);
    return OK;
}

static bool begins(struct bytes b, const char *magic)
{
    size_t n = strlen(magic);

    return b.n >= n && memcmp(b.p, magic, n) == 0;
}

static enum err open_format(struct file_player *p, const char *path)
{
    if (image_is(p->unread)) {
        io_file_close_in(p->file);
        p->file = NULL;
        return open_image(p, path);
    }
    if (begins(p->unread, "YUV4MPEG2"))
        p->y4m = y4m_reader_new();
    else if (begins(p->unread, "P6"))
        p->ppm = ppm_reader_new();
    else
        return reason_give(&p->why, ERR_USAGE, "%s is no PNG, JPEG, BMP, P6 (ppm) or y4m file",
                           path);
    if (!p->y4m && !p->ppm)
        return ERR_MEMORY;
    read_ahead(p);
    if (p->state == ERR_END)
        return reason_give(&p->why, ERR_MALFORMED, "%s holds no picture", path);
    return p->state;
}

enum err file_player_open(const char *path, uint32_t fps, struct file_player **out,
                          struct reason *why)
{
    struct file_player *p = heap_alloc(sizeof *p);

    CHECK(fps > 0);
    if (!p)
        return ERR_MEMORY;
    p->fps = fps;
    enum err e = open_stream(p, path);
    if (e == OK)
        e = open_format(p, path);
    if (e) {
        *why = p->why;
        file_player_free(p);
        return e;
    }
    *out = p;
    return OK;
}

void file_player_free(struct file_player *p)
{
    if (!p)
        return;
    io_file_close_in(p->file);
    image_release(&p->image);
    ppm_reader_free(p->ppm);
    y4m_reader_free(p->y4m);
    heap_free(p->space);
    heap_free(p->rgb);
    heap_free(p);
}

enum err file_player_next(struct file_player *p, uint64_t *time_us, struct pixels *px,
                          struct reason *why)
{
    if (p->state) {
        *why = p->why;
        return p->state;
    }
    *time_us = p->time_us;
    *px = p->next;
    return OK;
}

void file_player_take(struct file_player *p)
{
    if (p->state)
        return;
    p->number++;
    if (p->file)
        read_ahead(p);
    else
        p->state = ERR_END;
}
