#include "core/crypt/b64.h"

#include "core/crypt/crypt.h"

/* By hand: libsodium 1.0.18's decoder takes bytes from 128 on for digits. Secrets pass here, so
 * nothing branches on a digit or uses it as an index. */

/* All ones when lo <= c <= hi, else 0. */
static int mask(int c, int lo, int hi)
{
    return ((lo - 1 - c) & (c - hi - 1)) >> 31;
}

static char digit_of(int v)
{
    return (char)((mask(v, 0, 25) & ('A' + v)) | (mask(v, 26, 51) & ('a' + v - 26)) |
                  (mask(v, 52, 61) & ('0' + v - 52)) | (mask(v, 62, 62) & '-') |
                  (mask(v, 63, 63) & '_'));
}

/* 0 .. 63, or -1. */
static int value_of(uint8_t c)
{
    return -1 + ((mask(c, 'A', 'Z') & (c - 'A' + 1)) | (mask(c, 'a', 'z') & (c - 'a' + 27)) |
                 (mask(c, '0', '9') & (c - '0' + 53)) | (mask(c, '-', '-') & 63) |
                 (mask(c, '_', '_') & 64));
}

void b64_put(const uint8_t *from, size_t n, char *out)
{
    uint32_t held = 0; /* bits not yet written are its lowest `bits` */
    unsigned bits = 0;

    for (size_t i = 0; i < n; i++) {
        held = held << 8 | from[i];
        for (bits += 8; bits >= 6; bits -= 6)
            *out++ = digit_of(held >> (bits - 6) & 63);
    }
    if (bits)
        *out++ = digit_of(held << (6 - bits) & 63);
    *out = 0;
}

enum err b64_get(struct bytes text, uint8_t *out, size_t n)
{
    uint32_t held = 0;
    unsigned bits = 0;
    size_t done = 0;
    int seen = 0; /* negative after the first character that is no digit */

    if (text.n != B64_CHARS(n))
        goto out;
    for (size_t i = 0; i < text.n; i++) {
        int v = value_of(text.p[i]);
        seen |= v;
        held = held << 6 | (uint32_t)(v & 63);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[done++] = (uint8_t)(held >> bits);
        }
    }
    if (seen >= 0 && (held & ((1u << bits) - 1)) == 0)
        return OK;
out:
    crypt_wipe(out, n);
    return ERR_MALFORMED;
}
