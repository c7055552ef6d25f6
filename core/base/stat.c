#include "core/base/stat.h"

#include "core/base/num.h"

/* Values below 64 have a bucket each; above, the top bit and the six bits after it choose. */
static unsigned bucket_of(uint64_t v)
{
    if (v >> STAT_SUB_BITS == 0)
        return (unsigned)v;
    unsigned shift = 63u - (unsigned)__builtin_clzll(v) - STAT_SUB_BITS;
    return (shift + 1) << STAT_SUB_BITS | (unsigned)(v >> shift & ((1u << STAT_SUB_BITS) - 1));
}

static uint64_t bucket_top(unsigned b)
{
    if (b >> STAT_SUB_BITS == 0)
        return b;
    unsigned shift = (b >> STAT_SUB_BITS) - 1;
    uint64_t low = (uint64_t)(b & ((1u << STAT_SUB_BITS) - 1)) | 1u << STAT_SUB_BITS;
    return (low << shift) + ((1ull << shift) - 1);
}

void stat_add(struct stat_hist *h, uint64_t value)
{
    h->count++;
    h->sum += value;
    h->max = num_max(h->max, value);
    h->bucket[bucket_of(value)]++;
}

uint64_t stat_quantile(const struct stat_hist *h, unsigned per_mille)
{
    uint64_t want = num_max(1, num_div_up(h->count * per_mille, 1000)), seen = 0;

    if (h->count == 0)
        return 0;
    for (unsigned b = 0; b < STAT_BUCKETS; b++) {
        seen += h->bucket[b];
        if (seen >= want)
            return num_min(bucket_top(b), h->max);
    }
    return h->max;
}

uint64_t stat_mean(const struct stat_hist *h)
{
    return h->count ? h->sum / h->count : 0;
}
