#include "core/peer/sieve.h"

#include <string.h>

#include "core/base/num.h"

void sieve_init(struct sieve *s, uint32_t per_s, uint64_t now_us)
{
    *s = (struct sieve){.per_s = per_s, .began_us = now_us, .keep = {UINT32_MAX, UINT32_MAX}};
}

static uint64_t budget(const struct sieve *s)
{
    return num_max(num_mul_div(s->per_s, SIEVE_WINDOW_US, 1000000), 1);
}

void sieve_count(struct sieve *s, uint64_t now_us, enum sieve_kind kind)
{
    if (++s->seen[kind] >= SIEVE_HASTE * budget(s))
        sieve_turn(s, now_us);
}

/* The share that would have made a budget of what was seen. */
static void set_keep(struct sieve *s, int kind, uint64_t fine)
{
    uint64_t next = num_mul_div((uint64_t)s->keep[kind] + 1, fine, num_max(s->seen[kind], 1));

    next = num_min(next, 2 * ((uint64_t)s->keep[kind] + 1));
    next = num_clamp(next, SIEVE_LEAST, 1ull << 32) - 1;
    s->changed |= s->on && next != s->keep[kind];
    s->keep[kind] = (uint32_t)next;
}

void sieve_turn(struct sieve *s, uint64_t now_us)
{
    uint64_t past_us = num_sub0(now_us, s->began_us), most = 0;
    bool was_on = s->on;

    for (int k = 0; k < SIEVE_KINDS; k++)
        most = num_max(most, s->seen[k]);
    if (past_us < SIEVE_WINDOW_US && most < SIEVE_HASTE * budget(s))
        return;
    uint64_t fine = num_max(num_mul_div(s->per_s, num_min(past_us, SIEVE_WINDOW_US), 1000000), 1);
    bool needed = most > budget(s);
    if (needed)
        s->on = true;
    if (s->on)
        for (int k = 0; k < 2; k++)
            set_keep(s, k, fine);
    if (needed || s->keep[SIEVE_HELLO] != UINT32_MAX || s->keep[SIEVE_INIT] != UINT32_MAX)
        s->needed_us = now_us;
    else if (now_us - s->needed_us >= SIEVE_CALM_US)
        s->on = false;
    s->changed |= s->on != was_on;
    s->began_us = now_us;
    memset(s->seen, 0, sizeof s->seen);
}

bool sieve_changed(struct sieve *s)
{
    bool changed = s->changed;

    s->changed = false;
    return changed;
}

uint64_t sieve_deadline_us(const struct sieve *s)
{
    return s->on ? s->began_us + SIEVE_WINDOW_US : UINT64_MAX;
}
