#include "core/codec/palette_fill.h"

#include "core/base/num.h"

enum {
    COLOURS_MAX = 256,
    PNG_FIRST_CHUNK = 8,
    PLTE_BYTES = 3 * COLOURS_MAX,
    BMP_OFFSET = 10, /* where the pixels begin, 4 bytes */
    BMP_HEADER = 14, /* the second header, whose first 4 bytes are its size */
    BMP_DEPTH = 28,
    BMP_NEEDED = 54,
};

static uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Puts the file together: its bytes before `at`, `n` zeros, and the rest. */
static enum err insert_zeros(struct bytes file, size_t at, size_t n, struct buf *out)
{
    static const uint8_t zeros[4 * COLOURS_MAX];
    enum err e = buf_reserve(out, file.n + n);

    if (!e)
        e = buf_append(out, bytes_of(file.p, at));
    if (!e)
        e = buf_append(out, bytes_of(zeros, n));
    return e ? e : buf_append(out, bytes_of(file.p + at, file.n - at));
}

/* The first PLTE chunk that comes before the pixels; the library does not look at checksums. */
static enum err fill_png(struct bytes f, struct buf *out)
{
    for (size_t at = PNG_FIRST_CHUNK; at < f.n && f.n - at > 8;) {
        uint32_t n = get_be32(f.p + at);
        if (memcmp(f.p + at + 4, "IDAT", 4) == 0 || n > f.n - at - 8)
            return OK;
        if (memcmp(f.p + at + 4, "PLTE", 4) == 0) {
            if (n == 0 || n >= PLTE_BYTES || n % 3)
                return OK;
            enum err e = insert_zeros(f, at + 8 + n, PLTE_BYTES - n, out);
            if (!e)
                out->p[at + 2] = PLTE_BYTES >> 8, out->p[at + 3] = PLTE_BYTES & 255;
            return e;
        }
        at += 8 + n;
        at += num_min(4, f.n - at);
    }
    return OK;
}

static enum err fill_bmp(struct bytes f, struct buf *out)
{
    if (f.n < BMP_NEEDED)
        return ERR_MALFORMED;
    uint64_t offset = num_get_le(f.p + BMP_OFFSET, 4), size = num_get_le(f.p + BMP_HEADER, 4);
    uint64_t depth = num_get_le(f.p + BMP_DEPTH, 2), begin = BMP_HEADER + size;

    if (size < 40) /* OS/2: the library looks for the palette in the wrong place */
        return ERR_MALFORMED;
    if (depth > 8)
        return OK;
    if (offset < begin + 4 || offset > f.n)
        return ERR_MALFORMED;
    uint64_t colours = (offset - begin) / 4, wanted = (uint64_t)1 << depth;
    if (colours >= wanted)
        return OK;
    size_t more = (wanted - colours) * 4;
    enum err e = insert_zeros(f, begin + colours * 4, more, out);
    if (!e)
        num_put_le(out->p + BMP_OFFSET, 4, offset + more);
    return e;
}

enum err palette_fill(struct bytes file, struct buf *out)
{
    if (file.n && file.p[0] == 0x89)
        return fill_png(file, out);
    return file.n && file.p[0] == 'B' ? fill_bmp(file, out) : OK;
}
