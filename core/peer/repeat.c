#include "core/peer/repeat.h"

#include "core/base/num.h"

enum {
    GAP_LEAST_US = 2000,
    GAP_MOST_US = 6000,
    PAYS_MILLIONTHS = 3000, /* of packets lost: below it almost all repeats are for nothing */
    LOSSES_LEAST = 2,       /* one alone says little */
    SHARE = 8,              /* repeats take at most so small a part of the rate ... */
    A_TRIP_BYTES = 2400,    /* ... or so much in a round trip, which is never a burden */
    CREDIT_TRIPS = 4
};

static bool pays(const struct recovery *r)
{
    return r->recent_lost >= LOSSES_LEAST &&
           r->recent_lost * 1000000 >= r->recent_sent * PAYS_MILLIONTHS;
}

static void fill_credit(struct repeat *q, const struct recovery *r, uint64_t now_us)
{
    uint64_t rate = num_max(r->control->bandwidth_bytes_s / SHARE,
                            num_mul_div(A_TRIP_BYTES, 1000000, num_max(r->smoothed_us, 1000)));
    uint64_t most = num_mul_div(rate, CREDIT_TRIPS * num_max(r->smoothed_us, 1000), 1000000);

    q->credit_bytes =
        num_min(q->credit_bytes + num_mul_div(rate, now_us - q->credit_us, 1000000), most);
    q->credit_us = now_us;
}

void repeat_note(struct repeat *q, const struct recovery *r, uint64_t now_us, uint64_t number,
                 uint16_t bytes, bool again)
{
    if (!again && !pays(r))
        return;
    fill_credit(q, r, now_us);
    if (q->credit_bytes < bytes)
        return;
    q->credit_bytes -= bytes;
    if (q->count == REPEAT_WAITING) {
        q->first = (q->first + 1) % REPEAT_WAITING;
        q->count--;
    }
    uint64_t gap = num_clamp(r->smoothed_us / 16, GAP_LEAST_US, GAP_MOST_US);
    unsigned at = (q->first + q->count++) % REPEAT_WAITING;
    q->waiting[at].number = number;
    q->waiting[at].due_us = now_us + gap;
}

uint64_t repeat_deadline_us(const struct repeat *q)
{
    return q->count ? q->waiting[q->first].due_us : UINT64_MAX;
}

enum err repeat_run(struct repeat *q, struct recovery *r, uint64_t now_us)
{
    enum err e = OK;

    while (!e && q->count && q->waiting[q->first].due_us <= now_us) {
        e = recovery_again(r, q->waiting[q->first].number);
        q->first = (q->first + 1) % REPEAT_WAITING;
        q->count--;
    }
    return e;
}
