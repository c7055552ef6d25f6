#include "core/peer/way.h"

#include "core/base/num.h"

void way_init(struct way *w)
{
    *w = (struct way){.back_us = {UINT64_MAX, UINT64_MAX}};
}

static void note(struct way *w, uint64_t now_us, int64_t there_us)
{
    bool over = w->known && now_us - w->stamp_us > WAY_WINDOW_US;

    if (!w->known)
        w->least_us[0] = w->least_us[1] = there_us;
    else if (over)
        w->least_us[1] = w->least_us[0], w->least_us[0] = there_us;
    if (!w->known || over)
        w->stamp_us = now_us;
    w->known = true;
    if (there_us < w->least_us[0])
        w->least_us[0] = there_us;
}

void way_changed(struct way *w)
{
    w->known = false;
}

uint64_t way_round_trip(struct way *w, uint64_t now_us, int64_t there_us, uint64_t rtt_us,
                        uint64_t least_rtt_us)
{
    note(w, now_us, there_us);
    if (least_rtt_us == 0 || rtt_us <= least_rtt_us)
        return rtt_us;
    int64_t least = w->least_us[0] < w->least_us[1] ? w->least_us[0] : w->least_us[1];
    uint64_t queue_us = num_min((uint64_t)(there_us - least), rtt_us - least_rtt_us);
    uint64_t back_us = rtt_us - least_rtt_us - queue_us;
    w->back_us[0] = num_min(w->back_us[0], back_us);
    w->back_most_us[0] = num_max(w->back_most_us[0], back_us);
    return least_rtt_us + queue_us;
}

void way_begin_round(struct way *w)
{
    w->back_us[1] = w->back_us[0];
    w->back_us[0] = UINT64_MAX;
    w->back_most_us[1] = w->back_most_us[0];
    w->back_most_us[0] = 0;
}

uint64_t way_back_us(const struct way *w)
{
    return w->back_us[0];
}

uint64_t way_back_of_two_us(const struct way *w)
{
    uint64_t least = num_min(w->back_us[0], w->back_us[1]);

    return least == UINT64_MAX ? 0 : least;
}

uint64_t way_back_varies_us(const struct way *w)
{
    return num_sub0(num_max(w->back_most_us[0], w->back_most_us[1]), way_back_of_two_us(w));
}
