#include "core/base/rng.h"

#include <string.h>

#include "core/base/num.h"

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void rng_seed(struct rng *r, uint64_t seed)
{
    *r = (struct rng){0};
    for (size_t i = 0; i < COUNT_OF(r->state); i++)
        r->state[i] = splitmix(&seed);
}

static uint64_t seeded_next(struct rng *r)
{
    uint64_t *s = r->state, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

void rng_fill(struct rng *r, void *to, size_t n)
{
    if (r->fill) {
        r->fill(r, to, n);
        return;
    }
    for (uint8_t *p = to; n;) {
        uint64_t v = seeded_next(r);
        size_t k = num_min(n, sizeof v);
        memcpy(p, &v, k);
        p += k;
        n -= k;
    }
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t v;

    rng_fill(r, &v, sizeof v);
    return v;
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)rng_u64(r) * bound >> 64);
}

bool rng_chance(struct rng *r, uint32_t millionths)
{
    return rng_below(r, 1000000) < millionths;
}
