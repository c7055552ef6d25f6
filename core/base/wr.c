#include "core/base/wr.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"

static uint8_t *claim(struct wr *w, size_t n)
{
    if (w->full || w->room - w->n < n) {
        w->full = true;
        return NULL;
    }
    uint8_t *at = w->p + w->n;
    w->n += n;
    return at;
}

static void put_le(struct wr *w, size_t n, uint64_t v)
{
    uint8_t *at = claim(w, n);

    if (at)
        num_put_le(at, n, v);
}

void wr_u8(struct wr *w, uint8_t v)
{
    put_le(w, 1, v);
}

void wr_u16(struct wr *w, uint16_t v)
{
    put_le(w, 2, v);
}

void wr_u32(struct wr *w, uint32_t v)
{
    put_le(w, 4, v);
}

void wr_u64(struct wr *w, uint64_t v)
{
    put_le(w, 8, v);
}

static unsigned var_log2(uint64_t v)
{
    return v < 1ull << 6 ? 0 : v < 1ull << 14 ? 1 : v < 1ull << 30 ? 2 : 3;
}

size_t wr_var_size(uint64_t v)
{
    return (size_t)1 << var_log2(v);
}

void wr_var(struct wr *w, uint64_t v)
{
    CHECK(v < 1ull << 62);
    put_le(w, wr_var_size(v), v << 2 | var_log2(v));
}

void wr_bytes(struct wr *w, struct bytes b)
{
    uint8_t *at = claim(w, b.n);

    if (at && b.n)
        memcpy(at, b.p, b.n);
}

void wr_sized(struct wr *w, struct bytes b)
{
    wr_var(w, b.n);
    wr_bytes(w, b);
}

void wr_zeros(struct wr *w, size_t n)
{
    uint8_t *at = claim(w, n);

    if (at)
        memset(at, 0, n);
}

uint8_t *wr_space(struct wr *w, size_t n)
{
    return claim(w, n);
}
