#include "core/run/trial_log.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"

enum err trial_log_init(struct trial_log *l, uint64_t for_us)
{
    memset(l, 0, sizeof *l);
    /* Counts may come closer than asked for, and go on until the last one is here. */
    l->room = (size_t)(2 * (for_us / TRIAL_LOG_WINDOW_US)) + 1024;
    l->counts = heap_array(l->room, sizeof *l->counts);
    return l->counts ? OK : ERR_MEMORY;
}

void trial_log_release(struct trial_log *l)
{
    heap_free(l->counts);
    l->counts = NULL;
}

void trial_log_pong(struct trial_log *l, uint64_t now_us, const struct trial_ping *p)
{
    if (p->sent_us > now_us)
        return;
    uint64_t rtt_us = num_max(now_us - p->sent_us, 1);
    l->pongs++;
    l->last_rtt_us = rtt_us;
    if (l->loaded)
        stat_add(&l->rtt_us, rtt_us);
    /* The way there and the way back are taken to be equally long, which is least wrong for the
     * fastest. */
    if (l->fastest_us && rtt_us >= l->fastest_us)
        return;
    l->fastest_us = rtt_us;
    l->ahead_us = (int64_t)(p->far_us - (p->sent_us + rtt_us / 2));
}

uint64_t trial_log_here_us(const struct trial_log *l, uint64_t far_us)
{
    return l->one_clock ? far_us : far_us - (uint64_t)l->ahead_us;
}

void trial_log_delivered(struct trial_log *l, uint64_t at_us, uint64_t bytes)
{
    const struct trial_log_count *last = l->n ? &l->counts[l->n - 1] : NULL;

    if (l->n == l->room || (last && (at_us <= last->at_us || bytes < last->bytes)))
        return;
    l->counts[l->n++] = (struct trial_log_count){at_us, bytes};
}

void trial_log_arrived(struct trial_log *l, int64_t late_us, bool far_receives)
{
    int64_t ahead_us = l->one_clock ? 0 : far_receives ? l->ahead_us : -l->ahead_us;
    int64_t delay_us = late_us - ahead_us;

    stat_add(&l->delay_us, delay_us > 0 ? (uint64_t)delay_us : 0);
}

uint64_t trial_log_bytes_at(const struct trial_log *l, uint64_t at_us)
{
    uint64_t before_us = l->begun_us, bytes = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct trial_log_count *c = &l->counts[i];
        if (c->at_us > at_us)
            return bytes +
                   (at_us > before_us && c->at_us > before_us
                        ? num_mul_div(c->bytes - bytes, at_us - before_us, c->at_us - before_us)
                        : 0);
        before_us = c->at_us;
        bytes = c->bytes;
    }
    return bytes;
}

uint64_t trial_log_rate_bps(const struct trial_log *l, uint64_t from_us, uint64_t to_us)
{
    if (to_us <= from_us)
        return 0;
    return num_mul_div(trial_log_bytes_at(l, to_us) - trial_log_bytes_at(l, from_us), 8000000,
                       to_us - from_us);
}

bool trial_log_held_us(const struct trial_log *l, uint64_t from_us, uint64_t wanted_bps,
                       uint64_t until_us, uint64_t *out)
{
    size_t end = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct trial_log_count *from = &l->counts[i];
        if (from->at_us < from_us)
            continue;
        while (end < l->n && l->counts[end].at_us < from->at_us + TRIAL_LOG_HOLD_US)
            end++;
        if (end == l->n || l->counts[end].at_us > until_us)
            return false;
        uint64_t took_us = l->counts[end].at_us - from->at_us;
        if (num_mul_div(l->counts[end].bytes - from->bytes, 8000000, took_us) >= wanted_bps) {
            *out = from->at_us - from_us;
            return true;
        }
    }
    return false;
}
