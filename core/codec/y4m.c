#include "core/codec/y4m.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"

static const char MAGIC[] = "YUV4MPEG2";

/* The names of planes that are 8 bits a sample and nothing else. */
static const struct chroma {
    const char *name;
    enum samples samples;
} chromas[] = {
    {"420jpeg", SAMPLES_420},   {"420mpeg2", SAMPLES_420}, {"420paldv", SAMPLES_420},
    {"420", SAMPLES_420},       {"422", SAMPLES_422},      {"444", SAMPLES_444},
    {"411", SAMPLES_411},       {"440", SAMPLES_440},      {"mono", SAMPLES_MONO},
    {"444alpha", SAMPLES_444A},
};

/* The next word of a line, borrowed; empty at the end. */
static struct bytes next_word(struct bytes *line)
{
    while (line->n && line->p[0] == ' ')
        *line = bytes_of(line->p + 1, line->n - 1);
    const uint8_t *end = line->n ? memchr(line->p, ' ', line->n) : NULL;
    struct bytes word = bytes_of(line->p, end ? (size_t)(end - line->p) : line->n);
    *line = bytes_of(line->p + word.n, line->n - word.n);
    return word;
}

/* Decimal digits at the front of *text, at most `max`; false without digits or beyond. */
static bool take_number(struct bytes *text, uint64_t max, uint64_t *out)
{
    size_t n = 0;

    *out = 0;
    for (; n < text->n && text->p[n] >= '0' && text->p[n] <= '9'; n++) {
        uint64_t digit = text->p[n] - '0';
        if (*out > (max - digit) / 10)
            return false;
        *out = *out * 10 + digit;
    }
    *text = bytes_of(text->p + n, text->n - n);
    return n > 0;
}

static bool take_size(struct bytes text, uint32_t *out)
{
    uint64_t v;

    if (!take_number(&text, UINT32_MAX, &v) || text.n)
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool take_rate(struct bytes text, struct y4m_head *h)
{
    uint64_t num, den;

    if (!take_number(&text, UINT32_MAX, &num) || text.n < 2 || text.p[0] != ':')
        return false;
    text = bytes_of(text.p + 1, text.n - 1);
    if (!take_number(&text, UINT32_MAX, &den) || text.n)
        return false;
    h->rate_num = den ? (uint32_t)num : 0; /* 0:0 is what says "unknown" */
    h->rate_den = num ? (uint32_t)den : 0;
    return true;
}

static bool take_chroma(struct bytes text, struct y4m_head *h)
{
    for (size_t i = 0; i < COUNT_OF(chromas); i++)
        if (bytes_equal(text, bytes_of_string(chromas[i].name))) {
            h->samples = chromas[i].samples;
            return true;
        }
    return false;
}

static enum err check_head(const struct y4m_head *h, struct reason *why)
{
    if (h->width == 0 || h->height == 0)
        return reason_give(why, ERR_MALFORMED, "y4m header without a width or height");
    if (!samples_size_fits(h->width, h->height))
        return reason_give(why, ERR_LIMIT, "y4m of %ux%u is beyond %dx%d or %d pixels", h->width,
                           h->height, LIMIT_PICTURE_SIDE_PX, LIMIT_PICTURE_SIDE_PX,
                           LIMIT_PICTURE_PIXELS);
    return OK;
}

enum err y4m_parse_head(struct bytes line, struct y4m_head *out, struct reason *why)
{
    *out = (struct y4m_head){.samples = SAMPLES_420};
    if (line.n > Y4M_LINE_CHARS || (line.n && memchr(line.p, 0, line.n)))
        return reason_give(why, ERR_MALFORMED, "y4m header line is too long or has a zero byte");
    memcpy(out->line, line.p, line.n);
    if (!bytes_equal(next_word(&line), bytes_of_string(MAGIC)))
        return reason_give(why, ERR_MALFORMED, "no YUV4MPEG2 header");
    for (struct bytes word = next_word(&line); word.n; word = next_word(&line)) {
        struct bytes value = bytes_of(word.p + 1, word.n - 1);
        bool good = true;

        if (word.p[0] == 'W')
            good = take_size(value, &out->width);
        else if (word.p[0] == 'H')
            good = take_size(value, &out->height);
        else if (word.p[0] == 'F')
            good = take_rate(value, out);
        else if (word.p[0] == 'C' && !take_chroma(value, out))
            return reason_give(why, ERR_USAGE,
                               "y4m planes %.*s are not taken: only 8 bits a sample, 420, 422, "
                               "444, 411, 440, mono, 444alpha",
                               (int)num_min(word.n, 40), (const char *)word.p);
        else if (bytes_equal(word, bytes_of_string("XCOLORRANGE=FULL")))
            out->full_range = true;
        if (!good)
            return reason_give(why, ERR_MALFORMED, "y4m header with %.*s", (int)num_min(word.n, 40),
                               (const char *)word.p);
    }
    return check_head(out, why);
}

void y4m_head_for_rgb(struct y4m_head *out, uint32_t width, uint32_t height, uint32_t rate_num,
                      uint32_t rate_den)
{
    *out = (struct y4m_head){.width = width,
                             .height = height,
                             .samples = SAMPLES_444,
                             .rate_num = rate_num,
                             .rate_den = rate_den,
                             .full_range = true};
    snprintf(out->line, sizeof out->line, "%s W%u H%u F%u:%u Ip A1:1 C444 XCOLORRANGE=FULL", MAGIC,
             width, height, rate_num, rate_den);
}

uint64_t y4m_time_us(const struct y4m_head *h, uint64_t n)
{
    uint64_t per_second = num_mul_div(n, h->rate_den, 1);

    if (!h->rate_num)
        return 0;
    return num_min(num_mul_div(per_second, 1000000, h->rate_num), Y4M_TIME_MAX);
}

enum state { HEAD_LINE, FRAME_LINE, FRAME_DATA };

struct y4m_reader {
    enum state state;
    struct y4m_head head;
    uint8_t line[Y4M_LINE_CHARS + 1];
    size_t line_bytes;
    uint64_t position; /* bytes taken so far */
    uint64_t frames;   /* whole ones */
    uint64_t time_us;  /* of the frame being read, Y4M_NO_TIME when it does not say */
    uint32_t *px;      /* owned: width * height */
    uint8_t *row;      /* owned: room for a row of the widest plane */
    size_t row_bytes;  /* of the row being read that are there */
    unsigned plane;
    uint32_t y; /* row of the plane */
};

struct y4m_reader *y4m_reader_new(void)
{
    return heap_alloc(sizeof(struct y4m_reader));
}

void y4m_reader_free(struct y4m_reader *r)
{
    if (!r)
        return;
    heap_free(r->px);
    heap_free(r->row);
    heap_free(r);
}

/* How far plane `i` (0 luma, 1 Cb, 2 Cr, 3 alpha) is subsampled. */
static void plane_shift(enum samples s, unsigned i, unsigned *x, unsigned *y)
{
    const struct samples_shape *shape = samples_shape(s);

    *x = i == 1 || i == 2 ? shape->shift_x : 0;
    *y = i == 1 || i == 2 ? shape->shift_y : 0;
}

/* Samples in one row, or rows, of a plane that covers `size` pixels halved `shift` times. */
static uint32_t shifted(uint32_t size, unsigned shift)
{
    return (size + (1u << shift) - 1) >> shift;
}

/* Where the byte of plane `i` is in a pixel: luma green, Cb blue, Cr red, alpha on top. */
static unsigned plane_bit(unsigned i)
{
    static const uint8_t bit[] = {8, 0, 16, 24};

    CHECK(i < sizeof bit);
    return bit[i];
}

/* Spreads the row that is whole over the pixels that it covers. */
static void spread_row(struct y4m_reader *r)
{
    const struct y4m_head *h = &r->head;
    unsigned sx, sy, bit = plane_bit(r->plane);

    plane_shift(h->samples, r->plane, &sx, &sy);
    for (uint32_t y = r->y << sy; y < num_min((uint64_t)(r->y + 1) << sy, h->height); y++) {
        uint32_t *px = r->px + (size_t)y * h->width;
        if (h->samples == SAMPLES_MONO)
            for (uint32_t x = 0; x < h->width; x++)
                px[x] = r->row[x] * 0x010101u;
        else if (r->plane == 0)
            for (uint32_t x = 0; x < h->width; x++)
                px[x] = (uint32_t)r->row[x] << 8;
        else
            for (uint32_t x = 0; x < h->width; x++)
                px[x] |= (uint32_t)r->row[x >> sx] << bit;
    }
}

/* Takes samples; true when the frame is whole. */
static bool take_data(struct y4m_reader *r, struct bytes *in)
{
    const struct y4m_head *h = &r->head;
    unsigned sx, sy;

    plane_shift(h->samples, r->plane, &sx, &sy);
    size_t need = shifted(h->width, sx), n = num_min(in->n, need - r->row_bytes);
    memcpy(r->row + r->row_bytes, in->p, n);
    r->row_bytes += n;
    r->position += n;
    *in = bytes_of(in->p + n, in->n - n);
    if (r->row_bytes < need)
        return false;
    spread_row(r);
    r->row_bytes = 0;
    if (++r->y < shifted(h->height, sy))
        return false;
    r->y = 0;
    return ++r->plane == samples_shape(h->samples)->planes;
}

static enum err take_frame_line(struct y4m_reader *r, struct bytes line, struct reason *why)
{
    static const char key[] = "Xt_us=";

    if (!bytes_equal(next_word(&line), bytes_of_string("FRAME")))
        return reason_give(why, ERR_MALFORMED,
                           "y4m frame %" PRIu64 ": no FRAME before byte %" PRIu64, r->frames,
                           r->position);
    r->time_us = Y4M_NO_TIME;
    for (struct bytes word = next_word(&line); word.n; word = next_word(&line)) {
        if (word.n < sizeof key - 1 || memcmp(word.p, key, sizeof key - 1) != 0)
            continue;
        struct bytes value = bytes_of(word.p + sizeof key - 1, word.n - (sizeof key - 1));
        if (!take_number(&value, Y4M_TIME_MAX, &r->time_us) || value.n)
            return reason_give(why, ERR_MALFORMED, "y4m frame %" PRIu64 ": %.*s is no time",
                               r->frames, (int)num_min(word.n, 40), (const char *)word.p);
    }
    r->plane = r->y = 0;
    r->row_bytes = 0;
    r->state = FRAME_DATA;
    return OK;
}

static enum err take_head(struct y4m_reader *r, struct bytes line, struct reason *why)
{
    enum err e = y4m_parse_head(line, &r->head, why);

    if (e)
        return e;
    r->px = heap_array((size_t)r->head.width * r->head.height, sizeof *r->px);
    r->row = heap_array(r->head.width, 1);
    if (!r->px || !r->row)
        return reason_give(why, ERR_MEMORY, "out of memory for a y4m frame");
    r->state = FRAME_LINE;
    return OK;
}

/* Takes one byte of a line; acts on the line at its end. */
static enum err take_char(struct y4m_reader *r, uint8_t c, struct reason *why)
{
    r->position++;
    if (c != '\n') {
        if (r->line_bytes == Y4M_LINE_CHARS)
            return reason_give(why, ERR_MALFORMED, "y4m: no end of the line before byte %" PRIu64,
                               r->position);
        r->line[r->line_bytes++] = c;
        return OK;
    }
    struct bytes line = bytes_of(r->line, r->line_bytes);
    r->line_bytes = 0;
    return r->state == HEAD_LINE ? take_head(r, line, why) : take_frame_line(r, line, why);
}

enum err y4m_reader_feed(struct y4m_reader *r, struct bytes *in, struct reason *why)
{
    while (in->n) {
        if (r->state == FRAME_DATA) {
            if (!take_data(r, in))
                continue;
            r->frames++;
            r->state = FRAME_LINE;
            return OK;
        }
        uint8_t c = in->p[0];
        *in = bytes_of(in->p + 1, in->n - 1);
        enum err e = take_char(r, c, why);
        if (e)
            return e;
    }
    return ERR_AGAIN;
}

enum err y4m_reader_end(const struct y4m_reader *r, struct reason *why)
{
    if (r->state == FRAME_LINE && r->line_bytes == 0 && r->frames)
        return OK;
    return reason_give(why, ERR_MALFORMED, "y4m frame %" PRIu64 " is cut short at byte %" PRIu64,
                       r->frames, r->position);
}

const struct y4m_head *y4m_reader_head(const struct y4m_reader *r)
{
    return &r->head;
}

struct pixels y4m_reader_pixels(const struct y4m_reader *r)
{
    return (struct pixels){r->px, r->head.width, r->head.height, r->head.width};
}

uint64_t y4m_reader_time_us(const struct y4m_reader *r)
{
    return r->time_us != Y4M_NO_TIME ? r->time_us : y4m_time_us(&r->head, r->frames - 1);
}

enum err y4m_write_head(struct io_out *out, const struct y4m_head *h)
{
    enum err e = out->write(out, bytes_of_string(h->line));

    return e ? e : out->write(out, bytes_of("\n", 1));
}

/* Writes one plane, with `px` and `row` as room for a row. */
static enum err write_plane(struct io_out *out, const struct y4m_head *h, const struct pic *p,
                            enum samples from, unsigned plane, uint32_t *px, uint8_t *row)
{
    unsigned sx, sy, bit = plane_bit(plane);
    enum err e = OK;

    plane_shift(h->samples, plane, &sx, &sy);
    uint32_t columns = shifted(h->width, sx), rows = shifted(h->height, sy);
    for (uint32_t y = 0; !e && y < rows; y++) {
        pic_read(p, (struct rect){0, y << sy, p->width, 1}, px, p->width);
        if (from != h->samples)
            samples_from_rgb(px, p->width);
        for (uint32_t x = 0; x < columns; x++)
            row[x] = (uint8_t)(px[(size_t)x << sx] >> bit);
        e = out->write(out, bytes_of(row, columns));
    }
    return e;
}

static enum err write_frame_line(struct io_out *out, uint64_t time_us)
{
    char line[64] = "FRAME\n";

    if (time_us != Y4M_NO_TIME)
        snprintf(line, sizeof line, "FRAME Xt_us=%" PRIu64 "\n", time_us);
    return out->write(out, bytes_of_string(line));
}

enum err y4m_write_frame(struct io_out *out, const struct y4m_head *h, const struct pic *p,
                         enum samples from, uint64_t time_us)
{
    uint32_t *px = heap_array(p->width, sizeof *px);
    uint8_t *row = heap_array(p->width, 1);

    CHECK(p->width == h->width && p->height == h->height);
    CHECK(from == h->samples || (samples_shape(from)->planes == 0 && h->samples == SAMPLES_444));
    enum err e = px && row ? write_frame_line(out, time_us) : ERR_MEMORY;
    for (unsigned i = 0; !e && i < samples_shape(h->samples)->planes; i++)
        e = write_plane(out, h, p, from, i, px, row);
    heap_free(px);
    heap_free(row);
    return e;
}

size_t y4m_planes_bytes(const struct y4m_head *h)
{
    return (size_t)h->width * h->height * 3;
}

void y4m_put_planes(const struct y4m_head *h, const struct pic *p, struct rect area,
                    uint8_t *planes)
{
    uint32_t px[TILE_SIDE_PX];
    size_t plane = (size_t)h->width * h->height;

    CHECK(area.x <= h->width && area.width <= h->width - area.x);
    CHECK(area.y <= h->height && area.height <= h->height - area.y);
    for (uint32_t y = area.y; y < area.y + area.height; y++)
        for (uint32_t x = area.x, n; x < area.x + area.width; x += n) {
            n = (uint32_t)num_min(TILE_SIDE_PX - x % TILE_SIDE_PX, area.x + area.width - x);
            uint8_t *to = planes + (size_t)y * h->width + x;
            pic_read(p, (struct rect){x, y, n, 1}, px, n);
            samples_split_rgb(px, n, to, to + plane, to + 2 * plane);
        }
}

enum err y4m_write_planes(struct io_out *out, const struct y4m_head *h, const uint8_t *planes,
                          uint64_t time_us)
{
    enum err e = write_frame_line(out, time_us);

    return e ? e : out->write(out, bytes_of(planes, y4m_planes_bytes(h)));
}
