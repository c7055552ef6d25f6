#include "core/wan/wan_policer.h"

#include "core/base/num.h"

enum { PER_BYTE = 8000000 };

static void fill(struct wan_policer *p, uint64_t now_us)
{
    uint64_t us = num_sub0(now_us, p->from_us);

    /* By division first: a long silence at a high rate has no room in 64 bits. */
    if (p->rate_bps && us > (p->bucket - p->tokens) / p->rate_bps)
        p->tokens = p->bucket;
    else
        p->tokens += us * p->rate_bps;
    p->from_us = num_max(p->from_us, now_us);
}

void wan_policer_set(struct wan_policer *p, uint64_t now_us, uint64_t rate_bps,
                     uint64_t bucket_bytes)
{
    bool fresh = p->bucket == 0;

    fill(p, now_us);
    p->rate_bps = rate_bps;
    p->bucket = bucket_bytes * PER_BYTE;
    p->tokens = fresh ? p->bucket : num_min(p->tokens, p->bucket);
}

bool wan_policer_passes(struct wan_policer *p, uint64_t now_us, size_t n)
{
    if (p->rate_bps == 0)
        return true;
    fill(p, now_us);
    if (n * PER_BYTE > p->tokens)
        return false;
    p->tokens -= n * PER_BYTE;
    return true;
}
