/* num: small arithmetic that cannot overflow by surprise. */
#ifndef FARSPAN_NUM_H
#define FARSPAN_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define NUM_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

/* The lesser of two values. */
static inline uint64_t num_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The greater of two values. */
static inline uint64_t num_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* `v` held between `lo` and `hi` (lo <= hi). */
static inline uint64_t num_clamp(uint64_t v, uint64_t lo, uint64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* a - b, or 0 where that would be negative. */
static inline uint64_t num_sub0(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* *out = a + b; false on overflow, and *out is then not to be used. */
static inline bool num_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* *out = a * b; false on overflow, and *out is then not to be used. */
static inline bool num_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* a * b / c in 128 bits (c > 0), saturated to UINT64_MAX. */
static inline uint64_t num_mul_div(uint64_t a, uint64_t b, uint64_t c)
{
    unsigned __int128 r = (unsigned __int128)a * b / c;

    return r > UINT64_MAX ? UINT64_MAX : (uint64_t)r;
}

/* a divided by b (b > 0), rounded up. */
static inline uint64_t num_div_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/* A number near 0, of either sign, as a small one without: 0, -1, 1, -2 ... become 0, 1, 2, 3. */
static inline uint64_t num_zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

/* The number that num_zigzag made this of. */
static inline int64_t num_unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

/* Reads `n` <= 8 little-endian bytes from borrowed `p`. */
static inline uint64_t num_get_le(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    /* Left to themselves, compilers make vectors of the loop where one load would do. */
    if (NUM_LITTLE_ENDIAN && __builtin_constant_p(n))
        memcpy(&v, p, n);
    else
        for (size_t i = n; i-- > 0;)
            v = v << 8 | p[i];
    return v;
}

/* Writes the low `n` <= 8 bytes of `v` to `p`, little-endian. */
static inline void num_put_le(uint8_t *p, size_t n, uint64_t v)
{
    if (NUM_LITTLE_ENDIAN && __builtin_constant_p(n))
        memcpy(p, &v, n);
    else
        for (size_t i = 0; i < n; i++, v >>= 8)
            p[i] = (uint8_t)v;
}

/* Reads `n` <= 8 big-endian bytes from borrowed `p`. */
static inline uint64_t num_get_be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* Writes the low `n` <= 8 bytes of `v` to `p`, big-endian. */
static inline void num_put_be(uint8_t *p, size_t n, uint64_t v)
{
    for (size_t i = n; i-- > 0; v >>= 8)
        p[i] = (uint8_t)v;
}

#endif
