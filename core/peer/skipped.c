#include "core/peer/skipped.h"

#include <string.h>

void skipped_init(struct skipped *s, const struct rng *rng, bool off)
{
    memset(s, 0, sizeof *s);
    s->rng = *rng;
    s->off = off;
}

/* Any but the next: who has seen one left out cannot count upon a while without another. */
static uint64_t draw(struct skipped *s, uint64_t after)
{
    return after + 2 + rng_below(&s->rng, SKIPPED_GAP - 1);
}

bool skipped_take(struct skipped *s, uint64_t number)
{
    if (s->off)
        return false;
    if (s->at == 0)
        s->at = draw(s, number);
    if (number != s->at)
        return false;
    s->number[s->count++ % SKIPPED_KEPT] = number;
    s->at = draw(s, number);
    return true;
}

bool skipped_told(const struct skipped *s, const struct frame *ack)
{
    uint64_t k = s->count, oldest = k > SKIPPED_KEPT ? k - SKIPPED_KEPT : 0;

    /* Both from the highest down: nearly always the newest one is below the only range. */
    for (uint32_t i = 0; i < ack->ack.count; i++) {
        while (k > oldest && s->number[(k - 1) % SKIPPED_KEPT] > ack->ack.range[i].last)
            k--;
        if (k > oldest && s->number[(k - 1) % SKIPPED_KEPT] >= ack->ack.range[i].first)
            return true;
    }
    return false;
}
