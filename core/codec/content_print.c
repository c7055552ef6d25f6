#include "core/codec/content_print.h"

#include <string.h>
#include <xxhash.h>

_Static_assert((int)CONTENT_SECRET_BYTES >= XXH3_SECRET_SIZE_MIN, "XXH3 takes it");

void content_print_key(struct content_key *k, const uint8_t seed[CONTENT_SEED_BYTES])
{
    memcpy(k->seed, seed, CONTENT_SEED_BYTES);
    for (unsigned i = 0; i < CONTENT_SECRET_BYTES / sizeof(XXH128_hash_t); i++) {
        XXH128_hash_t h = XXH3_128bits_withSeed(seed, CONTENT_SEED_BYTES, i);
        memcpy(k->secret + i * sizeof h, &h, sizeof h);
    }
}

struct content_print content_print_of(const struct content_key *k,
                                      const uint8_t block[CONTENT_BLOCK_BYTES])
{
    XXH128_hash_t h =
        XXH3_128bits_withSecret(block, CONTENT_BLOCK_BYTES, k->secret, sizeof k->secret);

    return (struct content_print){.name = h.low64, .check = h.high64};
}

uint64_t content_print_join(uint64_t sum, uint64_t check)
{
    return (sum << 1 | sum >> 63) + check;
}
