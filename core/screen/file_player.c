#include "core/screen/file_player.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/codec/fsr_reader.h"
#include "core/codec/image.h"
#include "core/codec/ppm.h"
#include "core/codec/y4m.h"
#include "core/os/file.h"
#include "core/os/io_file.h"

enum {
    READ_BYTES = 256 * 1024,
    HEAD_BYTES = FSR_HEADER_BYTES,
    US_PER_S = 1000000,
    /* Of one picture: the area's tiles and those that two edges cut. */
    PICTURE_TILES =
        LIMIT_PICTURE_PIXELS / TILE_PIXELS + 2 * (LIMIT_PICTURE_SIDE_PX / TILE_SIDE_PX + 1)
};

struct file_player {
    struct io_file_in *file; /* NULL for images, which are read whole */
    uint32_t fps;
    uint8_t *space; /* what was read */
    struct bytes unread;

    struct image image; /* one of these four */
    struct ppm_reader *ppm;
    struct y4m_reader *y4m;
    struct fsr_reader *fsr;
    struct tile_pool pool; /* of fsr */

    enum err state; /* of the next picture: OK when it is there */
    struct reason why;
    struct pixels next;
    uint32_t *rgb; /* the next picture of a video or recording, converted; owned */
    size_t rgb_px;
    uint64_t number, time_us;
    uint64_t first_us; /* what the first frame says */
};

/* Lays pixels with alpha on black. */
static void flatten(uint32_t *px, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t a = px[i] >> 24, out = 0;
        for (unsigned shift = 0; shift < 24; shift += 8)
            out |= ((px[i] >> shift & 255) * a + 127) / 255 << shift;
        px[i] = out;
    }
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
    if (p->image.alpha)
        flatten(p->image.px, (size_t)p->image.width * p->image.height);
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

/* Makes room in p->rgb for a picture and lets p->next be it. */
static enum err make_room(struct file_player *p, uint32_t width, uint32_t height)
{
    size_t px = (size_t)width * height;

    if (px > p->rgb_px) {
        heap_free(p->rgb);
        p->rgb = heap_array(px, sizeof *p->rgb);
        p->rgb_px = p->rgb ? px : 0;
    }
    p->next = (struct pixels){p->rgb, width, height, width};
    return p->rgb ? OK : ERR_MEMORY;
}

static void set_time(struct file_player *p, uint64_t time_us)
{
    if (p->number == 0)
        p->first_us = time_us;
    /* Times that go back are shown as they come. */
    p->time_us = num_max(p->time_us, num_sub0(time_us, p->first_us));
}

static enum err take_video(struct file_player *p)
{
    const struct y4m_head *h = y4m_reader_head(p->y4m);
    struct pixels from = y4m_reader_pixels(p->y4m);
    uint64_t time_us = y4m_reader_time_us(p->y4m);
    enum err e = make_room(p, from.width, from.height);

    if (e)
        return e;
    for (uint32_t y = 0; y < from.height; y++)
        memcpy(p->rgb + (size_t)y * from.width, from.px + y * from.stride_px,
               from.width * sizeof *p->rgb);
    samples_to_rgb(h->samples, h->full_range, p->rgb, (size_t)from.width * from.height);
    if (time_us == 0 && p->number && !h->rate_num)
        time_us = num_mul_div(p->number, US_PER_S, p->fps);
    set_time(p, time_us);
    return OK;
}

/* The next frame of a recording that can be shown; damaged ones are told of and left out. */
static enum err take_recorded(struct file_player *p)
{
    struct fsr_frame f;
    enum err e;

    for (;;) {
        struct reason why = {""};
        e = fsr_reader_next(p->fsr, &f, &why);
        if (e == OK)
            break;
        if (e != ERR_MALFORMED && e != ERR_VERIFY)
            return e == ERR_END ? e : reason_give(&p->why, e, "%s", reason_text(&why, e));
        log_warn("%s: %s", p->file->path, reason_text(&why, e));
    }
    size_t px = (size_t)f.pic->width * f.pic->height;
    e = make_room(p, f.pic->width, f.pic->height);
    if (e)
        return e;
    pic_read(f.pic, (struct rect){0, 0, f.pic->width, f.pic->height}, p->rgb, f.pic->width);
    samples_to_rgb(f.shape->samples, f.shape->full_range, p->rgb, px);
    if (samples_shape(f.shape->samples)->alpha)
        flatten(p->rgb, px);
    set_time(p, f.time_us);
    return OK;
}

static void read_ahead(struct file_player *p)
{
    p->state = p->fsr ? take_recorded(p) : read_picture(p);
    if (p->state || p->fsr)
        return;
    if (p->y4m) {
        p->state = take_video(p);
        return;
    }
    p->next = ppm_reader_pixels(p->ppm);
    p->time_us = num_mul_div(p->number, US_PER_S, p->fps);
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

/* Whether it is, or claims to be, a recording. */
static bool is_recording(const struct file_player *p, const char *path)
{
    struct reason ignored = {""};
    size_t n = strlen(path);
    enum err e = fsr_check_header(p->unread.p, p->unread.n, &ignored);

    return e == OK || e == ERR_VERSION || (n > 4 && strcasecmp(path + n - 4, ".fsr") == 0);
}

static enum err open_recording(struct file_player *p)
{
    tile_pool_init(&p->pool, 2 * PICTURE_TILES);
    if (!p->file->regular)
        return reason_give(&p->why, ERR_USAGE, "%s: a recording must be a file", p->file->path);
    enum err e = fsr_reader_open(&p->file->at, &p->pool, &p->fsr, &p->why);
    if (e == OK && !fsr_reader_info(p->fsr)->finished)
        log_warn("%s: the recording was cut off, %" PRIu64 " pictures are there", p->file->path,
                 fsr_reader_info(p->fsr)->frames);
    return e;
}

static enum err open_format(struct file_player *p, const char *path)
{
    if (image_is(p->unread)) {
        io_file_close_in(p->file);
        p->file = NULL;
        return open_image(p, path);
    }
    enum err e = OK;
    if (is_recording(p, path))
        e = open_recording(p);
    else if (begins(p->unread, "YUV4MPEG2"))
        e = (p->y4m = y4m_reader_new()) ? OK : ERR_MEMORY;
    else if (begins(p->unread, "P6"))
        e = (p->ppm = ppm_reader_new()) ? OK : ERR_MEMORY;
    else
        e = reason_give(&p->why, ERR_USAGE, "%s is no PNG, JPEG, BMP, P6 (ppm), y4m or fsr file",
                        path);
    if (e)
        return e;
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
    if (p->fsr) {
        fsr_reader_free(p->fsr);
        tile_pool_release(&p->pool);
    }
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
