#include "core/codec/jpeg_check.h"

#include "core/base/num.h"

enum {
    MARKER_DHT = 0xc4,
    MARKER_SOS = 0xda,
    CODES_MAX = 256,
    SEGMENTS_MAX = 4096, /* of tables after the first scan: no real file comes near */
};

/* The byte at `at`, or 0 past the end, as stb_image takes it. */
static unsigned byte_at(struct bytes f, size_t at)
{
    return at < f.n ? f.p[at] : 0;
}

static int length_at(struct bytes f, size_t at)
{
    return (int)(byte_at(f, at) << 8 | byte_at(f, at + 1));
}

/* Whether the tables of the segment whose length stands at `at` are small enough, up to one that
 * stb_image ends at. */
static bool tables_good(struct bytes f, size_t at)
{
    int left = length_at(f, at) - 2;

    for (at += 2; left > 0;) {
        unsigned kind = byte_at(f, at), codes = 0;
        if (kind >> 4 > 1 || (kind & 15) > 3)
            return true;
        for (size_t i = 1; i <= 16; i++)
            codes += byte_at(f, at + i);
        if (codes > CODES_MAX)
            return false;
        at += 17 + codes;
        left -= 17 + (int)codes;
    }
    return true;
}

/* Whether all that may be tables from `at` on is good. */
static bool rest_good(struct bytes f, size_t at)
{
    unsigned segments = 0;

    for (; at + 1 < f.n; at++)
        if (f.p[at] == 0xff && f.p[at + 1] == MARKER_DHT &&
            (++segments > SEGMENTS_MAX || !tables_good(f, at + 2)))
            return false;
    return true;
}

bool jpeg_check(struct bytes file)
{
    size_t at = 2;

    for (;;) {
        while (at < file.n && file.p[at] != 0xff)
            at++;
        while (at < file.n && file.p[at] == 0xff)
            at++;
        if (at >= file.n)
            return true;
        unsigned marker = file.p[at++];
        if (marker == MARKER_SOS)
            return rest_good(file, at);
        if (marker == MARKER_DHT && !tables_good(file, at))
            return false;
        at += num_max((uint64_t)length_at(file, at), 2);
    }
}
