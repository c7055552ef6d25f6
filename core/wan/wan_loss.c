#include "core/wan/wan_loss.h"

#include "core/wan/wan_config.h"

/* a / b of 2^64, saturated. */
static uint64_t fraction(uint64_t a, uint64_t b)
{
    unsigned __int128 f;

    if (a >= b)
        return UINT64_MAX;
    f = ((unsigned __int128)a << 64) / b;
    return (uint64_t)f;
}

void wan_loss_set(struct wan_loss *m, uint32_t loss, uint32_t burst)
{
    m->loss = loss;
    m->burst = burst;
    if (loss == 0 || burst == 0 || loss >= WAN_PROBABILITY) {
        m->bad = false;
        return;
    }
    m->to_good = fraction(1, burst);
    m->to_bad = fraction(loss, (uint64_t)burst * (WAN_PROBABILITY - loss));
}

bool wan_loss_next(struct wan_loss *m, struct rng *rng)
{
    if (m->loss == 0)
        return false;
    if (m->burst == 0 || m->loss >= WAN_PROBABILITY)
        return rng_chance(rng, m->loss);
    uint64_t p = m->bad ? m->to_good : m->to_bad;
    if (p == UINT64_MAX || rng_u64(rng) < p)
        m->bad = !m->bad;
    return m->bad;
}
