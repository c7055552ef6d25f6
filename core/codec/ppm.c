#include "core/codec/ppm.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"

enum { FIELD_WIDTH, FIELD_HEIGHT, FIELD_MAXIMUM, FIELD_COUNT };
enum state { MAGIC_P, MAGIC_6, SPACE, COMMENT, DIGITS, DATA };
enum { HEAD_MAX = 1024 }; /* bytes of one image's header, comments included */

struct ppm_reader {
    enum state state;
    unsigned field;
    uint32_t value[FIELD_COUNT];
    uint32_t head_bytes;
    uint64_t position; /* bytes taken so far */
    uint64_t images;   /* whole ones */
    uint32_t *px;      /* owned: value[WIDTH] * value[HEIGHT] */
    size_t px_room;
    size_t filled; /* pixels of the image that are there */
    uint8_t part[3];
    size_t part_bytes; /* of the next pixel, when the input ended within it */
};

struct ppm_reader *ppm_reader_new(void)
{
    return heap_alloc(sizeof(struct ppm_reader));
}

void ppm_reader_free(struct ppm_reader *r)
{
    if (r)
        heap_free(r->px);
    heap_free(r);
}

static enum err begin_data(struct ppm_reader *r, struct reason *why)
{
    uint64_t w = r->value[FIELD_WIDTH], h = r->value[FIELD_HEIGHT];

    if (r->value[FIELD_MAXIMUM] != 255)
        return reason_give(why, ERR_USAGE,
                           "ppm image %" PRIu64 " has a maximum of %u: only 255 (8 bits) is taken",
                           r->images, r->value[FIELD_MAXIMUM]);
    if (!samples_size_fits(w, h))
        return reason_give(
            why, ERR_LIMIT,
            "ppm image %" PRIu64 " of %" PRIu64 "x%" PRIu64 " is beyond %dx%d or %d pixels",
            r->images, w, h, LIMIT_PICTURE_SIDE_PX, LIMIT_PICTURE_SIDE_PX, LIMIT_PICTURE_PIXELS);
    if (w * h > r->px_room) {
        heap_free(r->px);
        r->px_room = 0;
        r->px = heap_array(w * h, sizeof *r->px);
        if (!r->px)
            return reason_give(why, ERR_MEMORY, "out of memory for a ppm image");
        r->px_room = w * h;
    }
    r->filled = r->part_bytes = 0;
    r->state = DATA;
    return OK;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* One digit or the end of a number; false when it does not belong there. */
static bool take_number(struct ppm_reader *r, uint8_t c)
{
    uint32_t *v = &r->value[r->field];

    if (c >= '0' && c <= '9') {
        *v = *v > 99999 ? *v : *v * 10 + (c - '0'); /* larger than every limit stays so */
        r->state = DIGITS;
        return true;
    }
    if (r->state != DIGITS || !(is_space(c) || c == '#'))
        return false;
    r->field++;
    r->state = c == '#' ? COMMENT : SPACE;
    return true;
}

static enum err take_head(struct ppm_reader *r, uint8_t c, struct reason *why)
{
    bool good = ++r->head_bytes <= HEAD_MAX;

    switch (r->state) {
    case MAGIC_P:
        good = c == 'P';
        r->state = MAGIC_6;
        break;
    case MAGIC_6:
        good = c == '6';
        r->state = SPACE;
        r->field = 0;
        memset(r->value, 0, sizeof r->value);
        break;
    case COMMENT:
        r->state = c == '\n' || c == '\r' ? SPACE : COMMENT;
        break;
    case SPACE:
        if (c == '#')
            r->state = COMMENT;
        else if (!is_space(c))
            good &= take_number(r, c);
        break;
    default:
        good &= take_number(r, c);
        if (good && r->field == FIELD_COUNT)
            return c == '#' ? reason_give(why, ERR_MALFORMED, "a comment ends the ppm header")
                            : begin_data(r, why);
    }
    return good ? OK
                : reason_give(why, ERR_MALFORMED,
                              "ppm image %" PRIu64 ": no P6 header at byte %" PRIu64, r->images,
                              r->position - 1);
}

static uint32_t pixel(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

/* Takes samples; true when the image is whole. */
static bool take_data(struct ppm_reader *r, struct bytes *in)
{
    size_t total = (size_t)r->value[FIELD_WIDTH] * r->value[FIELD_HEIGHT];
    const uint8_t *p = in->p, *end = in->p + in->n;

    while (r->part_bytes && r->part_bytes < 3 && p < end)
        r->part[r->part_bytes++] = *p++;
    if (r->part_bytes == 3) {
        r->px[r->filled++] = pixel(r->part);
        r->part_bytes = 0;
    }
    if (r->part_bytes == 0) {
        size_t n = num_min(total - r->filled, (size_t)(end - p) / 3);
        for (size_t i = 0; i < n; i++, p += 3)
            r->px[r->filled + i] = pixel(p);
        r->filled += n;
        while (r->filled < total && p < end)
            r->part[r->part_bytes++] = *p++;
    }
    r->position += (uint64_t)(p - in->p);
    *in = bytes_of(p, (size_t)(end - p));
    return r->filled == total;
}

enum err ppm_reader_feed(struct ppm_reader *r, struct bytes *in, struct reason *why)
{
    while (in->n) {
        if (r->state == DATA) {
            if (!take_data(r, in))
                continue;
            r->images++;
            r->state = MAGIC_P;
            r->head_bytes = 0;
            return OK;
        }
        uint8_t c = in->p[0];
        *in = bytes_of(in->p + 1, in->n - 1);
        r->position++;
        enum err e = take_head(r, c, why);
        if (e)
            return e;
    }
    return ERR_AGAIN;
}

enum err ppm_reader_end(const struct ppm_reader *r, struct reason *why)
{
    if (r->state == MAGIC_P && r->images)
        return OK;
    return reason_give(why, ERR_MALFORMED, "ppm image %" PRIu64 " is cut short at byte %" PRIu64,
                       r->images, r->position);
}

struct pixels ppm_reader_pixels(const struct ppm_reader *r)
{
    uint32_t w = r->value[FIELD_WIDTH];

    return (struct pixels){r->px, w, r->value[FIELD_HEIGHT], w};
}

enum err ppm_write(struct io_out *out, const struct pic *p, enum samples from, bool full_range)
{
    char head[64];
    int n = snprintf(head, sizeof head, "P6\n%u %u\n255\n", p->width, p->height);
    uint32_t *row = heap_array(p->width, sizeof *row);
    uint8_t *bytes = heap_array(p->width, 3);
    enum err e = row && bytes ? out->write(out, bytes_of(head, (size_t)n)) : ERR_MEMORY;

    for (uint32_t y = 0; !e && y < p->height; y++) {
        pic_read(p, (struct rect){0, y, p->width, 1}, row, p->width);
        samples_to_rgb(from, full_range, row, p->width);
        for (uint32_t x = 0; x < p->width; x++) {
            bytes[3 * x] = (uint8_t)(row[x] >> 16);
            bytes[3 * x + 1] = (uint8_t)(row[x] >> 8);
            bytes[3 * x + 2] = (uint8_t)row[x];
        }
        e = out->write(out, bytes_of(bytes, (size_t)p->width * 3));
    }
    heap_free(row);
    heap_free(bytes);
    return e;
}
