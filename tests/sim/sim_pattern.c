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

/* The bytes of `offset` .. within one word; gives how many. */
static size_t fill_part(uint64_t key, uint64_t offset, uint8_t *to, size_t n)
{
    size_t skip = (size_t)(offset % 8), k = num_min(8 - skip, n);

    num_put_le(to, k, word(key, offset / 8) >> 8 * skip);
    return k;
}

void sim_pattern_fill(uint64_t key, uint64_t offset, uint8_t *to, size_t n)
{
    size_t i = offset % 8 && n ? fill_part(key, offset, to, n) : 0;

    for (; i + 8 <= n; i += 8) {
        uint64_t w = word(key, (offset + i) / 8);
        memcpy(to + i, &w, 8); /* little-endian, as everything this runs on */
    }
    if (i < n)
        fill_part(key, offset + i, to + i, n - i);
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
