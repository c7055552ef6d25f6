#include "core/codec/frames.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/codec/image.h"
#include "core/codec/ppm.h"
#include "core/codec/y4m.h"

enum { CHUNK_BYTES = 64 * 1024, HEAD_BYTES = 16 };
enum kind { UNKNOWN, IMAGE, PPM, Y4M, DONE };

struct frames {
    struct io_in *in; /* borrowed */
    enum kind kind;
    struct buf whole;  /* an image's file; before that, the first bytes of anything */
    struct bytes left; /* read, not yet taken; in `chunk` */
    struct image image;
    struct ppm_reader *ppm;
    struct y4m_reader *y4m;
    uint8_t chunk[CHUNK_BYTES];
};

struct frames *frames_new(struct io_in *in)
{
    struct frames *f = heap_alloc(sizeof *f);

    if (!f)
        return NULL;
    f->in = in;
    buf_init(&f->whole, IMAGE_FILE_BYTES);
    return f;
}

void frames_free(struct frames *f)
{
    if (!f)
        return;
    buf_release(&f->whole);
    image_release(&f->image);
    ppm_reader_free(f->ppm);
    y4m_reader_free(f->y4m);
    heap_free(f);
}

static bool begins(struct bytes b, const char *magic)
{
    size_t n = strlen(magic);

    return b.n >= n && memcmp(b.p, magic, n) == 0;
}

/* What the first bytes are the beginning of. */
static enum err take_kind(struct frames *f, struct bytes head, struct reason *why)
{
    if (image_is(head)) {
        f->kind = IMAGE;
        return OK;
    }
    if (begins(head, "P6")) {
        f->kind = PPM;
        f->ppm = ppm_reader_new();
        return f->ppm ? OK : ERR_MEMORY;
    }
    if (begins(head, "YUV4MPEG2")) {
        f->kind = Y4M;
        f->y4m = y4m_reader_new();
        return f->y4m ? OK : ERR_MEMORY;
    }
    if (head.n == 0)
        return reason_give(why, ERR_MALFORMED, "nothing to read");
    if (begins(head, "\x89"
                     "FSR"))
        return reason_give(why, ERR_USAGE, "a recording, which is no input: --decode it first");
    return reason_give(why, ERR_USAGE, "no PNG, JPEG, BMP, P6 (ppm) or YUV4MPEG2 (y4m)");
}

/* Reads until the first bytes tell the kind; an image goes on being gathered in `whole`. */
static enum err find_kind(struct frames *f, struct reason *why)
{
    enum err e = OK;
    size_t got;

    while (!e && f->whole.n < HEAD_BYTES) {
        if ((e = buf_reserve(&f->whole, HEAD_BYTES)) != OK)
            return e;
        got = 0;
        e = f->in->read(f->in, f->whole.p + f->whole.n, HEAD_BYTES - f->whole.n, &got);
        f->whole.n += e ? 0 : got;
    }
    if (e && e != ERR_END)
        return e;
    memcpy(f->chunk, f->whole.p, f->whole.n);
    f->left = bytes_of(f->chunk, f->whole.n);
    return take_kind(f, f->left, why);
}

static enum err next_image(struct frames *f, struct frames_picture *out, struct reason *why)
{
    enum err e = OK;

    while (!e) {
        size_t got = 0;
        e = f->in->read(f->in, f->chunk, sizeof f->chunk, &got);
        if (!e)
            e = buf_append(&f->whole, bytes_of(f->chunk, got));
    }
    if (e == ERR_LIMIT)
        return reason_give(why, e, "an image file of more than %d MiB", IMAGE_FILE_BYTES >> 20);
    if (e == ERR_END)
        e = image_decode(buf_bytes(&f->whole), &f->image, why);
    if (e)
        return e;
    buf_release(&f->whole);
    f->kind = DONE;
    *out = (struct frames_picture){.pixels = image_pixels(&f->image),
                                   .samples = f->image.alpha ? SAMPLES_RGBA : SAMPLES_RGB};
    return OK;
}

static void give_ppm(const struct frames *f, struct frames_picture *out)
{
    *out = (struct frames_picture){.pixels = ppm_reader_pixels(f->ppm), .samples = SAMPLES_RGB};
}

static void give_y4m(const struct frames *f, struct frames_picture *out)
{
    const struct y4m_head *h = y4m_reader_head(f->y4m);

    *out = (struct frames_picture){.pixels = y4m_reader_pixels(f->y4m),
                                   .samples = h->samples,
                                   .full_range = h->full_range,
                                   .line = h->line,
                                   .timed = h->rate_num || y4m_reader_time_us(f->y4m),
                                   .time_us = y4m_reader_time_us(f->y4m),
                                   .step_us = y4m_time_us(h, 1)};
}

static enum err next_of_stream(struct frames *f, struct frames_picture *out, struct reason *why)
{
    for (;;) {
        enum err e = f->ppm ? ppm_reader_feed(f->ppm, &f->left, why)
                            : y4m_reader_feed(f->y4m, &f->left, why);
        if (e == OK) {
            f->ppm ? give_ppm(f, out) : give_y4m(f, out);
            return OK;
        }
        if (e != ERR_AGAIN)
            return e;
        size_t got = 0;
        e = f->in->read(f->in, f->chunk, sizeof f->chunk, &got);
        if (e == ERR_END) {
            e = f->ppm ? ppm_reader_end(f->ppm, why) : y4m_reader_end(f->y4m, why);
            return e ? e : ERR_END;
        }
        if (e)
            return e;
        f->left = bytes_of(f->chunk, got);
    }
}

enum err frames_next(struct frames *f, struct frames_picture *out, struct reason *why)
{
    enum err e = f->kind == UNKNOWN ? find_kind(f, why) : OK;

    if (!e && f->kind == DONE)
        return ERR_END;
    if (!e)
        e = f->kind == IMAGE ? next_image(f, out, why) : next_of_stream(f, out, why);
    return e == ERR_MEMORY ? reason_give(why, e, "out of memory for a picture") : e;
}
