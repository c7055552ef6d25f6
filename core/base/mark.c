#include "core/base/mark.h"

uint32_t mark_of(const struct mark_key *k, uint32_t n)
{
    uint32_t x = (n ^ k->word[0]) * MARK_FACTOR_1;

    x ^= x >> MARK_SHIFT_1;
    x = (x + k->word[1]) * MARK_FACTOR_2;
    x ^= x >> MARK_SHIFT_2;
    x *= MARK_FACTOR_3;
    return x ^ x >> MARK_SHIFT_3;
}
