#include "tests/sim/sim_mix.h"

#include <string.h>

#include "core/base/num.h"

enum { LANES = 4 };

uint64_t sim_mix_word(uint64_t hash, uint64_t v)
{
    hash = (hash ^ v) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t word_at(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return v;
}

uint64_t sim_mix_bytes(uint64_t hash, struct bytes b)
{
    uint64_t lane[LANES] = {1, 2, 3, 4};
    size_t i = 0;

    hash = sim_mix_word(hash, b.n);
    /* In lanes, so that one multiplication need not wait for the other. */
    for (; i + 8 * LANES <= b.n; i += 8 * LANES)
        for (size_t k = 0; k < LANES; k++)
            lane[k] = sim_mix_word(lane[k], word_at(b.p + i + 8 * k));
    for (size_t k = 0; i > 0 && k < LANES; k++)
        hash = sim_mix_word(hash, lane[k]);
    for (; i + 8 <= b.n; i += 8)
        hash = sim_mix_word(hash, word_at(b.p + i));
    return i < b.n ? sim_mix_word(hash, num_get_le(b.p + i, b.n - i)) : hash;
}
