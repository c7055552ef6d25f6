#include "core/guest/switch_over.h"

#include "core/base/num.h"

enum {
    ONE = 65536,
    ENOUGH_BYTES = 512 * 1024, /* raw: what less of costs says little */
    LATE_US = 150000,          /* until QEMU has heard, and stops the guest */
    STATE_BYTES = 64 * 1024,   /* of devices, coded */
    MARGIN = 9,                /* tenths of the time that are planned with */
};

static uint64_t ratio_of(uint64_t packed, uint64_t raw)
{
    return num_min(num_mul_div(packed, ONE, num_max(raw, 1)), ONE + ONE / 16);
}

static void begin_round(struct switch_over *s, const struct switch_view *v)
{
    if (s->seen && v->raw_bytes - s->round_raw >= ENOUGH_BYTES)
        s->last_ratio = ratio_of(v->packed_bytes - s->round_packed, v->raw_bytes - s->round_raw);
    s->seen = true;
    s->rounds = v->rounds;
    s->round_us = v->now_us;
    s->round_raw = v->raw_bytes;
    s->round_packed = v->packed_bytes;
}

/* What a byte of memory costs: as in this round, where enough of it has gone, and never less than
 * it did there or in the one before. */
static uint64_t cost(const struct switch_over *s, const struct switch_view *v)
{
    uint64_t raw = v->raw_bytes - s->round_raw, packed = v->packed_bytes - s->round_packed;
    uint64_t now = raw >= ENOUGH_BYTES ? ratio_of(packed, raw) : 0;

    if (now == 0 && s->last_ratio == 0)
        return ONE;
    return num_max(now, s->last_ratio);
}

bool switch_over_look(struct switch_over *s, const struct switch_view *v)
{
    if (!s->seen || v->rounds != s->rounds)
        begin_round(s, v);
    if (v->rate_bps == 0 || v->rounds == 0)
        return false;
    /* What was written since QEMU looked last is not among what it knows. */
    uint64_t since_us = v->now_us - s->round_us + LATE_US;
    uint64_t bytes = v->remaining_bytes + num_mul_div(v->dirty_bps, since_us, 8000000);
    bytes = num_mul_div(bytes, cost(s, v), ONE) + STATE_BYTES + v->queued_bytes;
    s->expected_us = num_mul_div(bytes, 8000000, v->rate_bps);
    return s->expected_us <= s->max_us * MARGIN / 10;
}
