#include "core/wan/wan_queue.h"

#include "core/base/num.h"

static uint64_t size_of(const struct wan_queue *q, size_t n)
{
    return n + q->overhead_bytes;
}

/* What serving the first datagram takes: bits times a million, so that one microsecond at
 * `rate_bps` does `rate_bps` of it and no rounding builds up. */
static uint64_t work_of(const struct wan_queue *q)
{
    return size_of(q, q->first->n) * 8000000;
}

void wan_queue_set(struct wan_queue *q, uint64_t now_us, uint64_t rate_bps, uint64_t limit_bytes)
{
    if (q->first && now_us > q->from_us) {
        q->credit += (now_us - q->from_us) * q->rate_bps;
        q->from_us = now_us;
    }
    q->rate_bps = rate_bps;
    q->limit_bytes = limit_bytes;
}

bool wan_queue_fits(const struct wan_queue *q, size_t n)
{
    return q->first == NULL || q->bytes + size_of(q, n) <= q->limit_bytes;
}

void wan_queue_push(struct wan_queue *q, uint64_t now_us, struct wan_slot *s)
{
    if (q->first == NULL) {
        /* Arriving just as the last one left, it may use what was left of that microsecond. */
        if (now_us > q->from_us)
            q->credit = 0;
        q->from_us = num_max(now_us, q->from_us);
        q->first = s;
    } else {
        q->last->next = s;
    }
    s->next = NULL;
    q->last = s;
    q->bytes += size_of(q, s->n);
}

uint64_t wan_queue_leaves_us(const struct wan_queue *q)
{
    if (q->first == NULL)
        return UINT64_MAX;
    if (q->rate_bps == 0)
        return q->from_us;
    return q->from_us + num_div_up(num_sub0(work_of(q), q->credit), q->rate_bps);
}

struct wan_slot *wan_queue_skip(struct wan_queue *q)
{
    struct wan_slot *s = q->first;

    q->bytes -= size_of(q, s->n);
    q->first = s->next;
    s->next = NULL;
    return s;
}

struct wan_slot *wan_queue_pop(struct wan_queue *q)
{
    uint64_t at_us = wan_queue_leaves_us(q);

    q->credit += (at_us - q->from_us) * q->rate_bps;
    q->credit = q->rate_bps ? num_sub0(q->credit, work_of(q)) : 0;
    q->from_us = at_us;
    return wan_queue_skip(q);
}

uint64_t wan_queue_wait_us(const struct wan_queue *q)
{
    if (q->first == NULL || q->rate_bps == 0)
        return 0;
    return num_mul_div(q->bytes, 8000000, q->rate_bps);
}
