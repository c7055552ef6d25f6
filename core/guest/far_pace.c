#include "core/guest/far_pace.h"

#include "core/base/num.h"

enum {
    SLOT_US = 100000,
    AHEAD_US = 60000, /* what may wait there, beyond a round trip's worth */
    LEAST_BYTES = 4 << 20
};

void far_pace_taken(struct far_pace *f, uint64_t now_us, uint64_t bytes)
{
    if (f->slot_us == 0 || bytes < f->taken) {
        f->slot_us = now_us;
        f->slot_taken = bytes;
    }
    f->taken = bytes;
    uint64_t past_us = now_us - f->slot_us;
    if (past_us < SLOT_US)
        return;
    f->rate[f->slots++ % FAR_PACE_SLOTS] = num_mul_div(bytes - f->slot_taken, 1000000, past_us);
    f->slot_us = now_us;
    f->slot_taken = bytes;
}

uint64_t far_pace_rate(const struct far_pace *f)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < FAR_PACE_SLOTS; i++)
        sum += f->rate[i];
    return sum / num_clamp(f->slots, 1, FAR_PACE_SLOTS);
}

uint64_t far_pace_room(const struct far_pace *f, uint64_t read_bytes, uint64_t rtt_us)
{
    uint64_t most = num_mul_div(far_pace_rate(f), rtt_us + AHEAD_US, 1000000);

    if (f->free)
        return UINT64_MAX;
    return num_sub0(f->taken + num_max(most, LEAST_BYTES), read_bytes);
}
