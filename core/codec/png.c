#include "core/codec/png.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/codec/deflate.h"

enum { FILTERS = 5 };

/* Takes the zlib stream in pieces, each of which becomes an IDAT chunk. */
struct png {
    struct io_out data; /* what the deflate encoder writes to */
    struct io_out *out; /* borrowed: the file */
    uint32_t crc[256];
};

static void put_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* PNG specification, annex D. */
static void make_crc(uint32_t table[256])
{
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
}

static uint32_t add_crc(const uint32_t table[256], uint32_t crc, struct bytes b)
{
    for (size_t i = 0; i < b.n; i++)
        crc = table[(crc ^ b.p[i]) & 255] ^ crc >> 8;
    return crc;
}

static enum err write_chunk(struct png *png, const char *type, struct bytes data)
{
    uint8_t head[8], tail[4];

    put_be32(head, (uint32_t)data.n);
    memcpy(head + 4, type, 4);
    uint32_t crc = add_crc(png->crc, UINT32_MAX, bytes_of(head + 4, 4));
    put_be32(tail, ~add_crc(png->crc, crc, data));
    enum err e = png->out->write(png->out, bytes_of(head, sizeof head));
    if (!e && data.n)
        e = png->out->write(png->out, data);
    return e ? e : png->out->write(png->out, bytes_of(tail, sizeof tail));
}

static enum err write_data(struct io_out *out, struct bytes data)
{
    return write_chunk((struct png *)out, "IDAT", data);
}

static enum err write_begin(struct png *png, const struct pic *p)
{
    static const uint8_t magic[8] = {137, 'P', 'N', 'G', 13, 10, 26, 10};
    uint8_t head[13] = {[8] = 8, [9] = p->alpha ? 6 : 2};
    enum err e = png->out->write(png->out, bytes_of(magic, sizeof magic));

    put_be32(head, p->width);
    put_be32(head + 4, p->height);
    return e ? e : write_chunk(png, "IHDR", bytes_of(head, sizeof head));
}

static uint8_t paeth(int a, int b, int c)
{
    int pa = abs(b - c), pb = abs(a - c), pc = abs(a + b - 2 * c);

    return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

/* Filters a row of `n` bytes by `kind` (PNG specification, 9.2); gives the sum that tells how well
 * it did. `row` and `above` have a pixel of zeros before them. */
static uint64_t filter(unsigned kind, const uint8_t *row, const uint8_t *above, size_t n,
                       size_t pixel, uint8_t *to)
{
    uint64_t sum = 0;

    to[0] = (uint8_t)kind;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *a = row + i - pixel, *b = above + i, *c = above + i - pixel;
        uint8_t guess = kind == 0   ? 0
                        : kind == 1 ? *a
                        : kind == 2 ? *b
                        : kind == 3 ? (uint8_t)((*a + *b) / 2)
                                    : paeth(*a, *b, *c);
        to[i + 1] = (uint8_t)(row[i] - guess);
        sum += (uint64_t)abs((int8_t)to[i + 1]);
    }
    return sum;
}

/* Room for rows: what two rows of pixels are filtered from, and two candidates. */
struct rows {
    uint8_t *row, *above, *best, *next;
    uint32_t *px;
};

static void swap(uint8_t **a, uint8_t **b)
{
    uint8_t *t = *a;

    *a = *b;
    *b = t;
}

static enum err write_row(struct deflate *d, struct rows *r, size_t bytes, size_t pixel)
{
    uint64_t best = UINT64_MAX;

    for (unsigned kind = 0; kind < FILTERS; kind++) {
        uint64_t sum = filter(kind, r->row + pixel, r->above + pixel, bytes, pixel, r->next);
        if (sum < best)
            swap(&r->best, &r->next);
        best = sum < best ? sum : best;
    }
    swap(&r->row, &r->above);
    return deflate_add(d, bytes_of(r->best, bytes + 1));
}

static enum err write_rows(struct deflate *d, const struct pic *p, enum samples from,
                           bool full_range, struct rows *r)
{
    size_t pixel = p->alpha ? 4 : 3;
    enum err e = OK;

    for (uint32_t y = 0; !e && y < p->height; y++) {
        pic_read(p, (struct rect){0, y, p->width, 1}, r->px, p->width);
        samples_to_rgb(from, full_range, r->px, p->width);
        for (uint32_t x = 0; x < p->width; x++) {
            uint8_t *to = r->row + pixel * (x + 1);
            to[0] = (uint8_t)(r->px[x] >> 16);
            to[1] = (uint8_t)(r->px[x] >> 8);
            to[2] = (uint8_t)r->px[x];
            if (p->alpha)
                to[3] = (uint8_t)(r->px[x] >> 24);
        }
        e = write_row(d, r, p->width * pixel, pixel);
    }
    return e;
}

enum err png_write(struct io_out *out, const struct pic *p, enum samples from, bool full_range)
{
    struct png png = {.data = {write_data}, .out = out};
    size_t room = ((size_t)p->width + 2) * 4;
    uint8_t *space = heap_array(4, room);
    uint32_t *px = heap_array(p->width, sizeof *px);
    struct deflate *d = deflate_new(&png.data);
    enum err e = space && px && d ? OK : ERR_MEMORY;

    make_crc(png.crc);
    if (!e) {
        struct rows r = {space, space + room, space + 2 * room, space + 3 * room, px};
        e = write_begin(&png, p);
        if (!e)
            e = write_rows(d, p, from, full_range, &r);
    }
    if (!e)
        e = deflate_finish(d);
    if (!e)
        e = write_chunk(&png, "IEND", bytes_of(NULL, 0));
    deflate_free(d);
    heap_free(px);
    heap_free(space);
    return e;
}
