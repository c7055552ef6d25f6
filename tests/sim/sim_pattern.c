#include "tests/sim/sim_pattern.h"

#include <string.h>

#include "core/base/num.h"

/* Eight bytes of the pattern: a mix of their place, so that any place can be looked up. */
static uint64_t word(uint64_t key, uint64_t index)
{
    uint64_t z = key * 0xd6e8feb86659fd93u + (index + 1) * 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 32) * 0xd6e8feb86659fd93u;
    z = (z ^ z >> 32) * 0xd6e8feb86659fd93u;
    return z ^ z >> 32;
}

void sim_pattern_fill(uint64_t key, uint64_t offset, uint8_t *to, size_t n)
{
    while (n > 0) {
        size_t skip = (size_t)(offset % 8), k = num_min(8 - skip, n);
        uint64_t w = word(key, offset / 8) >> 8 * skip;
        if (k == 8)
            memcpy(to, &w, 8); /* little-endian, as everything this runs on */
        else
            num_put_le(to, k, w);
        to += k;
        offset += k;
        n -= k;
    }
}

bool sim_pattern_match(uint64_t key, uint64_t offset, struct bytes data)
{
    uint8_t want[256];

    for (size_t i = 0, k; i < data.n; i += k) {
        k = num_min(sizeof want, data.n - i);
        sim_pattern_fill(key, offset + i, want, k);
        if (!bytes_equal(bytes_of(want, k), bytes_of(data.p + i, k)))
            return false;
    }
    return true;
}
