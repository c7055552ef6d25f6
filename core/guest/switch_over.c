#include "core/guest/switch_over.h"

#include "core/base/num.h"

enum {
    ONE = 65536,
    ENOUGH_BYTES = 512 * 1024, /* raw: what less of costs says little */
    LATE_US = 150000,          /* until QEMU has heard, and stops the guest */
    STATE_BYTES = 64 * 1024,   /* of devices, coded */
    MARGIN = 9,                /* tenths of the time that are planned with */
    SLOT_US = 300000,
    FIRST_SLOT_US = 40000,
    LITTLE_US = 20000,    /* less is not worth a wait */
    SETTLED_US = 1000000, /* it did not become less for so long: it will not */
    PATIENCE_US = 10 * 1000000,
    OUT_US = 2000000, /* it was not in time for so long: it begins anew */
    ROUNDS = 2        /* before, nobody knows what was written since the first began */
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

static void note_rate(struct switch_over *s, const struct switch_view *v)
{
    uint64_t past_us = v->now_us - s->slot_us;

    if (s->slot_us && past_us < (s->slots ? SLOT_US : FIRST_SLOT_US))
        return;
    if (s->slot_us)
        s->raw_rate[s->slots++ % SWITCH_SLOTS] =
            num_mul_div(v->raw_bytes - s->slot_raw, 1000000, past_us);
    s->slot_us = v->now_us;
    s->slot_raw = v->raw_bytes;
}

/* How long both hosts take for so many bytes, however few they become on the way. */
static uint64_t handling_us(const struct switch_over *s, uint64_t bytes)
{
    uint64_t best = 0;

    for (unsigned i = 0; i < SWITCH_SLOTS; i++)
        best = num_max(best, s->raw_rate[i]);
    return best ? num_mul_div(bytes, 1000000, best) : 0;
}

/* In time it is; whether it is also as little as it gets. QEMU's rounds become shorter, each leaves
 * what was written during the one before, until they are as short as they can be. */
static bool settled(struct switch_over *s, uint64_t now_us)
{
    if (s->first_us == 0 || now_us - s->last_us > OUT_US) {
        s->first_us = now_us;
        s->least_us = 0;
    }
    s->last_us = now_us;
    if (s->least_us == 0 || s->expected_us < s->least_us / 8 * 7) {
        s->least_us = s->expected_us;
        s->least_at_us = now_us;
    }
    return s->expected_us <= LITTLE_US || now_us - s->first_us > PATIENCE_US ||
           (now_us - s->least_at_us > SETTLED_US && s->expected_us <= s->least_us / 8 * 9);
}

bool switch_over_look(struct switch_over *s, const struct switch_view *v)
{
    if (!s->seen || v->rounds != s->rounds)
        begin_round(s, v);
    note_rate(s, v);
    if (v->rate_bps == 0 || s->slots == 0)
        return false;
    /* What was written since QEMU looked last is not among what it knows. */
    uint64_t since_us = v->now_us - s->round_us + LATE_US;
    uint64_t bytes = v->remaining_bytes + num_mul_div(v->dirty_bps, since_us, 8000000);
    uint64_t handling = handling_us(s, bytes + v->behind_bytes);
    bytes = num_mul_div(bytes, cost(s, v), ONE) + STATE_BYTES + v->queued_bytes;
    s->expected_us = num_max(num_mul_div(bytes, 8000000, v->rate_bps), handling);
    return v->rounds >= ROUNDS && s->expected_us <= s->max_us * MARGIN / 10 &&
           settled(s, v->now_us);
}
