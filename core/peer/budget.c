#include "core/peer/budget.h"

#include <string.h>

#include "core/base/num.h"

static uint32_t looks_at_once(const struct budget *b)
{
    return (uint32_t)num_div_up(b->looks_per_s, BUDGET_BURSTS_PER_S);
}

void budget_init(struct budget *b, uint32_t agreements_per_s, uint32_t looks_per_s, uint64_t salt,
                 uint64_t now_us)
{
    memset(b, 0, sizeof *b);
    b->agreements_per_s = agreements_per_s;
    b->looks_per_s = looks_per_s;
    b->salt = salt;
    b->all = (struct budget_bucket){.filled_us = now_us, .tokens = agreements_per_s};
    b->look[SIEVE_HELLO] = b->look[SIEVE_INIT] =
        (struct budget_bucket){.filled_us = now_us, .tokens = looks_at_once(b)};
}

static bool spend(struct budget_bucket *b, uint64_t now_us, uint32_t per_s, uint32_t burst)
{
    uint64_t fresh = num_mul_div(now_us - b->filled_us, per_s, 1000000);

    if (fresh) {
        b->tokens = (uint32_t)num_min(burst, b->tokens + fresh);
        b->filled_us = now_us;
    }
    if (b->tokens == 0)
        return false;
    b->tokens--;
    b->spent_us = now_us;
    return true;
}

bool budget_look(struct budget *b, uint64_t now_us, enum sieve_kind kind)
{
    return spend(&b->look[kind], now_us, b->looks_per_s, looks_at_once(b));
}

bool budget_agree(struct budget *b, uint64_t now_us, const struct addr *from)
{
    uint64_t h = b->salt ^ from->family;

    for (size_t i = 0; i < 8; i++)
        h = (h ^ from->ip[i]) * 0x100000001b3u;
    h ^= h >> 32;
    struct budget_bucket *one = &b->address[h % BUDGET_ADDRESSES];
    if (one->key != h)
        *one =
            (struct budget_bucket){.key = h, .filled_us = now_us, .tokens = BUDGET_ADDRESS_BURST};
    else if (b->all.tokens < b->agreements_per_s / 2 && now_us - one->spent_us < BUDGET_PRESSED_US)
        return false;
    if (!spend(one, now_us, BUDGET_ADDRESS_PER_S, BUDGET_ADDRESS_BURST))
        return false;
    return spend(&b->all, now_us, b->agreements_per_s, b->agreements_per_s);
}
