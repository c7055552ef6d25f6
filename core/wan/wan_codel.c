#include "core/wan/wan_codel.h"

/* The interval divided by the square root of `count`. */
static uint64_t spacing_us(uint64_t count)
{
    uint64_t square = (uint64_t)WAN_CODEL_INTERVAL_US * WAN_CODEL_INTERVAL_US / count, root = 0;

    for (uint64_t bit = 1u << 17; bit; bit >>= 1)
        if ((root | bit) * (root | bit) <= square)
            root |= bit;
    return root;
}

/* Whether the wait has been above the target for an interval. */
static bool is_long(struct wan_codel *c, uint64_t now_us, uint64_t waited_us, uint64_t queue_bytes)
{
    if (waited_us < c->target_us || queue_bytes <= WAN_CODEL_LEAST_BYTES) {
        c->above_us = 0;
        return false;
    }
    if (c->above_us == 0) {
        c->above_us = now_us + WAN_CODEL_INTERVAL_US;
        return false;
    }
    return now_us >= c->above_us;
}

bool wan_codel_strikes(struct wan_codel *c, uint64_t now_us, uint64_t waited_us,
                       uint64_t queue_bytes)
{
    if (c->target_us == 0)
        return false;
    if (!is_long(c, now_us, waited_us, queue_bytes)) {
        c->striking = false;
        return false;
    }
    if (c->striking) {
        if (now_us < c->next_us)
            return false;
        c->next_us += spacing_us(++c->count);
        return true;
    }
    /* A spell soon after the last one goes on nearly where that had got to. */
    uint64_t since = c->count - c->last_count;
    bool soon = now_us < c->next_us + 16ull * WAN_CODEL_INTERVAL_US;
    c->count = since > 1 && soon ? since : 1;
    c->last_count = c->count;
    c->next_us = now_us + spacing_us(c->count);
    c->striking = true;
    return true;
}
