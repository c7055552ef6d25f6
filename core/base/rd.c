#include "core/base/rd.h"

#include <string.h>

#include "core/base/num.h"

static uint64_t take_le(struct rd *r, size_t n)
{
    if (r->bad || r->left < n) {
        r->bad = true;
        return 0;
    }
    uint64_t v = num_get_le(r->p, n);
    r->p += n;
    r->left -= n;
    return v;
}

uint8_t rd_u8(struct rd *r)
{
    return (uint8_t)take_le(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
    return (uint16_t)take_le(r, 2);
}

uint32_t rd_u32(struct rd *r)
{
    return (uint32_t)take_le(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
    return take_le(r, 8);
}

uint64_t rd_var(struct rd *r)
{
    if (r->bad || r->left == 0) {
        r->bad = true;
        return 0;
    }
    return take_le(r, (size_t)1 << (*r->p & 3)) >> 2;
}

struct bytes rd_bytes(struct rd *r, size_t n)
{
    if (r->bad || r->left < n) {
        r->bad = true;
        return bytes_of(NULL, 0);
    }
    struct bytes b = bytes_of(r->p, n);
    r->p += n;
    r->left -= n;
    return b;
}

void rd_copy(struct rd *r, void *to, size_t n)
{
    struct bytes b = rd_bytes(r, n);

    if (r->bad)
        memset(to, 0, n);
    else if (n)
        memcpy(to, b.p, n);
}

struct bytes rd_sized(struct rd *r, size_t max)
{
    uint64_t n = rd_var(r);

    if (n > max) {
        r->bad = true;
        return bytes_of(NULL, 0);
    }
    return rd_bytes(r, n);
}

enum err rd_done(const struct rd *r)
{
    return r->bad || r->left ? ERR_MALFORMED : OK;
}
