#include "core/wan/wan_config.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/num.h"

enum { RING_MIN = 1 << 20, RING_UNLIMITED = 64 << 20, RING_MAX = 512 << 20 };

static const uint64_t year_us = 365ull * 86400 * 1000000, rate_max_bps = 1000000000000;

void wan_config_init(struct wan_config *c)
{
    memset(c, 0, sizeof *c);
    c->overhead_bytes = WAN_OVERHEAD_UDP4;
    c->queue_us = WAN_QUEUE_US;
}

/* With a mean of N losses in a row and at least one datagram between runs, loss is at most
 * N / (N + 1). */
static bool loss_possible(uint64_t loss, uint64_t burst)
{
    if (burst == 0 || loss == WAN_PROBABILITY)
        return true;
    return loss * (burst + 1) <= (uint64_t)WAN_PROBABILITY * burst;
}

static enum err check_one(const struct wan_config *c)
{
    if (c->loss > WAN_PROBABILITY || c->reorder > WAN_PROBABILITY ||
        c->duplicate > WAN_PROBABILITY || c->corrupt > WAN_PROBABILITY ||
        c->fade_least > WAN_PROBABILITY || (c->police_bps && c->police_bytes == 0) ||
        !loss_possible(c->loss, c->burst) || c->ecn_way > WAN_ECN_BLOCK)
        return ERR_USAGE;
    if (c->rate_bps > rate_max_bps || c->queue_us > year_us || c->delay_us > year_us ||
        c->jitter_us > year_us || c->reorder_us > year_us || c->duplicate_us > year_us ||
        c->ecn_mark_us > year_us || c->slot_us > year_us || c->fade_us > year_us ||
        c->police_bps > rate_max_bps || c->police_bytes > WAN_BUCKET_MAX ||
        (c->fade_us && c->fade_us < WAN_FADE_LEAST_US) || c->overhead_bytes > WAN_DATAGRAM_MAX)
        return ERR_LIMIT;
    return OK;
}

static enum err check_change(struct wan_config *c, const struct wan_change *ch)
{
    if (ch->at_us > year_us)
        return ERR_LIMIT;
    switch (ch->kind) {
    case WAN_CHANGE_LOSS:
    case WAN_CHANGE_REORDER:
    case WAN_CHANGE_DUPLICATE:
    case WAN_CHANGE_CORRUPT:
        if (ch->value > WAN_PROBABILITY)
            return ERR_USAGE;
        break;
    case WAN_CHANGE_BURST:
    case WAN_CHANGE_MTU:
        if (ch->value > UINT32_MAX)
            return ERR_LIMIT;
        break;
    case WAN_CHANGE_ECN:
        if (ch->value > WAN_ECN_BLOCK)
            return ERR_USAGE;
        break;
    case WAN_CHANGE_RATE:
    case WAN_CHANGE_DELAY:
    case WAN_CHANGE_JITTER:
    case WAN_CHANGE_POLICER:
    case WAN_CHANGE_FADE:
    case WAN_CHANGE_SLOTS:
    case WAN_CHANGE_REBIND:
        break;
    default:
        return ERR_USAGE;
    }
    wan_config_apply(c, ch);
    return check_one(c);
}

enum err wan_config_check(const struct wan_config *c)
{
    if (c->outages > WAN_OUTAGES_MAX || c->changes > WAN_CHANGES_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < c->outages; i++)
        if (c->outage[i].at_us > year_us || c->outage[i].for_us > year_us)
            return ERR_LIMIT;
    enum err e = check_one(c);
    struct wan_config now = *c;
    wan_config_sort(&now);
    for (size_t i = 0; e == OK && i < now.changes; i++) {
        struct wan_change ch = now.change[i];
        e = check_change(&now, &ch);
    }
    return e;
}

void wan_config_apply(struct wan_config *c, const struct wan_change *ch)
{
    switch (ch->kind) {
    case WAN_CHANGE_RATE:
        c->rate_bps = ch->value;
        break;
    case WAN_CHANGE_DELAY:
        c->delay_us = ch->value;
        break;
    case WAN_CHANGE_JITTER:
        c->jitter_us = ch->value;
        break;
    case WAN_CHANGE_LOSS:
        c->loss = (uint32_t)ch->value;
        break;
    case WAN_CHANGE_BURST:
        c->burst = (uint32_t)ch->value;
        break;
    case WAN_CHANGE_REORDER:
        c->reorder = (uint32_t)ch->value;
        break;
    case WAN_CHANGE_DUPLICATE:
        c->duplicate = (uint32_t)ch->value;
        break;
    case WAN_CHANGE_CORRUPT:
        c->corrupt = (uint32_t)ch->value;
        break;
    case WAN_CHANGE_MTU:
        c->mtu_bytes = (uint32_t)ch->value;
        break;
    case WAN_CHANGE_POLICER:
        c->police_bps = ch->value;
        break;
    case WAN_CHANGE_ECN:
        c->ecn_way = (uint32_t)ch->value;
        break;
    case WAN_CHANGE_FADE:
        c->fade_us = ch->value;
        break;
    case WAN_CHANGE_SLOTS:
        c->slot_us = ch->value;
        break;
    case WAN_CHANGE_REBIND:
        break;
    }
}

void wan_config_sort(struct wan_config *c)
{
    for (size_t i = 1; i < c->changes; i++) {
        struct wan_change x = c->change[i];
        size_t k = i;
        for (; k > 0 && c->change[k - 1].at_us > x.at_us; k--)
            c->change[k] = c->change[k - 1];
        c->change[k] = x;
    }
}

uint64_t wan_config_reorder_us(const struct wan_config *c)
{
    return c->reorder_us ? c->reorder_us : WAN_REORDER_US + c->delay_us / 4;
}

uint64_t wan_config_duplicate_us(const struct wan_config *c)
{
    return c->duplicate_us ? c->duplicate_us : WAN_DUPLICATE_US;
}

uint64_t wan_config_queue_limit(const struct wan_config *c)
{
    if (c->queue_bytes)
        return c->queue_bytes;
    return num_max(WAN_QUEUE_FLOOR, num_mul_div(c->rate_bps, c->queue_us, 8000000));
}

/* Half more than the payload: slots have a header and short datagrams take a whole small slot. */
static uint64_t ring_bytes_at(const struct wan_config *c)
{
    if (c->rate_bps == 0)
        return RING_UNLIMITED;
    uint64_t late_us = c->delay_us + c->jitter_us + c->slot_us + wan_config_duplicate_us(c) +
                       (c->reorder ? wan_config_reorder_us(c) : 0);
    uint64_t bytes = wan_config_queue_limit(c);
    bytes += num_min(num_mul_div(c->rate_bps, late_us, 8000000), RING_MAX);
    bytes += num_mul_div(bytes, c->duplicate, WAN_PROBABILITY);
    return num_clamp(RING_MIN + num_min(bytes, RING_MAX) * 3 / 2, RING_MIN, RING_MAX);
}

size_t wan_config_ring_bytes(const struct wan_config *c)
{
    struct wan_config now = *c;
    uint64_t most = ring_bytes_at(c);

    wan_config_sort(&now);
    for (size_t i = 0; i < now.changes; i++) {
        struct wan_change ch = now.change[i];
        wan_config_apply(&now, &ch);
        most = num_max(most, ring_bytes_at(&now));
    }
    return (size_t)most;
}
