#include "core/peer/pace.h"

#include "core/base/num.h"
#include "core/peer/session.h"

enum {
    TCP_TRIPS = 2,
    BURST_US = 1000,                         /* packets leave together for so long ... */
    BURST_BYTES = 46 * LIMIT_DATAGRAM_BYTES, /* ... or until they are one call's worth (GSO) */
    LATE_US = 5000,  /* who was kept from sending makes up for so much of it at the most */
    BURST_FIRST = 10 /* packets of the session that are not paced */
};

/* Over TCP the kernel has a controller of its own, which waits for what was lost on the way: to
 * ours that looks like a queue, and it must not yield to it. It still bounds how much waits there.
 */
static uint64_t window_bytes(const struct peer *p)
{
    const struct control *c = &p->model.head;

    if (p->remote.via != ADDR_TCP)
        return c->window_bytes;
    return num_max(c->window_bytes,
                   TCP_TRIPS * num_mul_div(c->bandwidth_bytes_s, c->min_rtt_us, 1000000));
}

static bool within_window(const struct peer *p)
{
    const struct recovery *r = &p->recovery;

    return r->in_flight_bytes + p->mtu.now_bytes <= window_bytes(p) &&
           r->probes < RECOVERY_SILENCE && !recovery_crowded(r);
}

bool pace_allows(const struct peer *p, uint64_t now_us)
{
    return within_window(p) && p->next_send_us <= now_us;
}

/* How long after the next packet might leave it is worth waiting for others to leave with it: a
 * wake-up for each costs more than they do. */
static uint64_t gather_us(const struct peer *p)
{
    uint64_t rate = num_max(p->model.head.pacing_bytes_s, 1);
    uint64_t burst_us = num_min(num_mul_div(BURST_BYTES, 1000000, rate), BURST_US);

    return num_sub0(burst_us, num_mul_div(p->mtu.now_bytes, 1000000, rate));
}

void pace_sent(struct peer *p, uint64_t now_us, size_t bytes)
{
    uint64_t rate = num_max(p->model.head.pacing_bytes_s, 1);

    /* The first few may leave at once, whatever the path is like (RFC 6928). */
    if (p->counters.sent_datagrams < BURST_FIRST && !p->model.head.bandwidth_bytes_s)
        return;
    if (p->remote.via == ADDR_TCP)
        rate = num_max(rate, p->model.head.bandwidth_bytes_s * 5 / 4);
    uint64_t late_us = BURST_US + num_min(p->model.head.min_rtt_us / 16, LATE_US);
    p->next_send_us =
        num_max(p->next_send_us, num_sub0(now_us, late_us)) + num_mul_div(bytes, 1000000, rate);
}

void pace_changed(struct peer *p, uint64_t now_us, uint64_t before_bytes_s)
{
    uint64_t rate = p->model.head.pacing_bytes_s, wait_us = num_sub0(p->next_send_us, now_us);

    if (wait_us && rate > before_bytes_s)
        p->next_send_us = now_us + num_mul_div(wait_us, before_bytes_s, rate);
}

uint64_t pace_deadline_us(const struct peer *p)
{
    return within_window(p) ? p->next_send_us + gather_us(p) : UINT64_MAX;
}
