#include "core/peer/mtu.h"

#include <string.h>

#include "core/base/limits.h"
#include "core/base/num.h"

/* The base, then what IPv6 or IPv4 and UDP leave of links of 1280, 1300, 1320, 1350, 1400, 1420
 * (WireGuard), 1440, 1460 (tunnels), 1480 (6in4), 1492 (PPPoE) and 1500 bytes. */
static const uint16_t sizes[MTU_SIZES] = {
    LIMIT_DATAGRAM_FLOOR, 1232, 1252, 1272, 1292, 1322, 1352, 1372, 1392, 1412, 1432, 1444,
    LIMIT_DATAGRAM_BYTES};

static uint32_t size_at(const struct mtu *m, unsigned i)
{
    return num_min(sizes[i], m->cap_bytes);
}

/* The least size of the table that holds so much. */
static unsigned class_of(const struct mtu *m, uint32_t bytes)
{
    unsigned i = 0;

    while (i < m->top && size_at(m, i) < bytes)
        i++;
    return i;
}

static void settle(struct mtu *m, unsigned low)
{
    m->low = low;
    m->now_bytes = size_at(m, low);
}

void mtu_init(struct mtu *m, uint32_t cap_bytes, uint64_t now_us)
{
    memset(m, 0, sizeof *m);
    m->cap_bytes = cap_bytes;
    while (sizes[m->top] < cap_bytes)
        m->top++;
    m->high = m->top + 1;
    m->next_us = now_us;
    m->missed_least = MTU_SIZES;
    settle(m, 0);
}

/* What to try next; `low` when the search is over. */
static unsigned candidate(const struct mtu *m)
{
    if (m->first > m->low && m->first < m->high)
        return m->first;
    if (m->high > m->top)
        return m->top;
    return (m->low + m->high) / 2;
}

static bool searching(const struct mtu *m)
{
    return candidate(m) != m->low;
}

/* The first size is tried by everybody. Who sends nothing large has no use for the rest of the
 * search, nor for another: one that has ended may have been unlucky, and paths change. */
static bool has_a_use(const struct mtu *m)
{
    return m->used ? m->low < m->top : searching(m) && m->high > m->top;
}

uint32_t mtu_wanted(const struct mtu *m, uint64_t now_us)
{
    if (now_us < mtu_deadline_us(m))
        return 0;
    return size_at(m, searching(m) ? candidate(m) : m->top);
}

void mtu_probed(struct mtu *m, uint64_t number)
{
    if (!searching(m)) {
        m->high = m->top + 1;
        m->first = 0;
        m->used = false;
    }
    m->at = candidate(m);
    m->in_flight = true;
    m->number = number;
}

void mtu_sent(struct mtu *m, uint32_t bytes)
{
    m->used |= bytes > m->now_bytes / 4 * 3;
}

static void end_try(struct mtu *m, uint64_t now_us)
{
    m->tries = 0;
    m->next_us = searching(m) ? now_us : now_us + MTU_RAISE_US;
}

void mtu_probe_fate(struct mtu *m, uint64_t now_us, uint64_t number, uint32_t bytes, bool acked)
{
    bool current = m->in_flight && number == m->number;
    unsigned i = class_of(m, bytes);

    if (acked)
        m->heard[i] = num_max(m->heard[i], number + 1);
    if (!current)
        return;
    m->in_flight = false;
    if (acked) {
        settle(m, m->at);
        end_try(m, now_us);
    } else if (++m->tries == MTU_TRIES) {
        m->high = m->at;
        end_try(m, now_us);
    } else {
        m->next_us = now_us + MTU_RETRY_US;
    }
}

void mtu_fate(struct mtu *m, uint64_t now_us, uint64_t number, uint32_t bytes, bool acked)
{
    unsigned i = class_of(m, bytes);

    if (i == 0)
        return;
    if (acked) {
        m->heard[i] = num_max(m->heard[i], number + 1);
        if (i >= m->missed_least) {
            m->missed = 0;
            m->missed_least = MTU_SIZES;
        }
        return;
    }
    /* Larger than what is in use now are those from before a doubt. */
    if (i > m->low)
        return;
    for (unsigned k = i; k <= m->top; k++)
        if (m->heard[k] > number)
            return;
    m->missed_least = num_min(m->missed_least, i);
    if (++m->missed >= MTU_MISSED)
        mtu_doubt(m, now_us);
}

void mtu_doubt(struct mtu *m, uint64_t now_us)
{
    if (m->low)
        m->first = m->low;
    settle(m, 0);
    m->high = m->top + 1;
    m->in_flight = false;
    m->tries = m->missed = 0;
    m->missed_least = MTU_SIZES;
    m->next_us = now_us;
}

uint64_t mtu_deadline_us(const struct mtu *m)
{
    return !m->in_flight && has_a_use(m) ? m->next_us : UINT64_MAX;
}
