/* A session at rest: what wakes its two ends, and how much they say. */
#include <string.h>

#include "core/base/num.h"
#include "tests/unit/duo.h"
#include "tests/unit/test.h"

enum { MINUTE_US = 60000000, KEEPALIVE_US = 450000, DELAY_US = 20000, ON_WAY = 16 };

struct rest_datagram {
    uint64_t due_us;
    size_t n;
    uint8_t data[LIMIT_DATAGRAM_BYTES];
};

/* One end: what was on the way to it, and why it was woken. */
struct rest_end {
    struct rest_datagram in[ON_WAY];
    unsigned first, count;
    unsigned arrivals, timers, vain; /* vain: a timer, and nothing was sent */
    unsigned datagrams;
    uint64_t bytes;
    uint64_t longest_us, heard_us; /* between two arrivals */
};

static struct duo d;
static struct rest_end end[2];

static enum err output(enum duo_side side, uint8_t *space, size_t *n)
{
    struct addr to;

    return side == DUO_CLIENT
               ? peer_output(d.peer[side], d.now_us, space, LIMIT_DATAGRAM_BYTES, n, &to)
               : listener_output(d.listener, d.now_us, space, LIMIT_DATAGRAM_BYTES, n, &to);
}

static unsigned send_all(enum duo_side side)
{
    struct rest_end *other = &end[!side];
    unsigned sent = 0;

    for (;;) {
        struct rest_datagram *g = &other->in[(other->first + other->count) % ON_WAY];
        if (output(side, g->data, &g->n))
            return sent;
        if (other->count == ON_WAY - 1) {
            test_fail(__FILE__, __LINE__, "so much is sent at rest");
            return sent;
        }
        g->due_us = d.now_us + DELAY_US;
        other->count++;
        end[side].datagrams++;
        end[side].bytes += g->n + 28;
        sent++;
    }
}

static uint64_t deadline(enum duo_side side)
{
    return side == DUO_CLIENT ? peer_deadline_us(d.peer[side], d.now_us)
                              : listener_deadline_us(d.listener, d.now_us);
}

static void arrive(enum duo_side side)
{
    struct rest_end *e = &end[side];
    struct rest_datagram *g = &e->in[e->first];

    if (side == DUO_CLIENT)
        peer_input(d.peer[side], d.now_us, &d.address[DUO_SERVER], bytes_of(g->data, g->n), 0);
    else
        listener_input(d.listener, d.now_us, &d.address[DUO_CLIENT], bytes_of(g->data, g->n), 0);
    e->first = (e->first + 1) % ON_WAY;
    e->count--;
    e->arrivals++;
    e->longest_us = num_max(e->longest_us, d.now_us - e->heard_us);
    e->heard_us = d.now_us;
}

/* The next thing that happens to an end, not later than `until_us`. */
static void step(uint64_t until_us)
{
    uint64_t at[2][2], next = until_us;

    for (int s = 0; s < 2; s++) {
        at[s][0] = end[s].count ? end[s].in[end[s].first].due_us : UINT64_MAX;
        at[s][1] = deadline((enum duo_side)s);
        next = num_min(next, num_min(at[s][0], at[s][1]));
    }
    d.now_us = num_max(d.now_us, next);
    for (int s = 0; s < 2; s++) {
        struct peer_event ev;
        if (at[s][0] <= d.now_us) {
            arrive((enum duo_side)s);
            send_all((enum duo_side)s);
        } else if (at[s][1] <= d.now_us) {
            end[s].timers++;
            end[s].vain += send_all((enum duo_side)s) == 0;
        }
        while (peer_next_event(d.peer[s], &ev))
            ;
    }
}

static void rest(uint64_t us)
{
    uint64_t until_us = d.now_us + us;

    while (d.now_us < until_us && !test_failed())
        step(until_us);
}

static void a_minute_of_rest(void)
{
    duo_begin(&d, NULL, NULL);
    duo_run(&d, 2000000);
    memset(end, 0, sizeof end);
    rest(2000000); /* what duo had on the way is lost */
    for (int s = 0; s < 2; s++) {
        end[s].arrivals = end[s].timers = end[s].vain = end[s].datagrams = 0;
        end[s].bytes = end[s].longest_us = 0;
        end[s].heard_us = d.now_us;
    }
    rest(MINUTE_US);
    /* One question and one answer each time, and once in ten seconds something else. */
    unsigned times = MINUTE_US / KEEPALIVE_US + 1, more = MINUTE_US / 10000000;
    EXPECT(end[DUO_CLIENT].datagrams <= times + more);
    EXPECT(end[DUO_SERVER].datagrams <= times + more);
    EXPECT(end[DUO_CLIENT].arrivals + end[DUO_CLIENT].timers <= 2 * times + more);
    EXPECT(end[DUO_SERVER].arrivals + end[DUO_SERVER].timers <= times + more);
    EXPECT(end[DUO_CLIENT].vain <= more && end[DUO_SERVER].vain <= more);
    EXPECT(end[DUO_CLIENT].bytes + end[DUO_SERVER].bytes < 300 * 60);
    /* And yet neither is left without a sign of the other. */
    EXPECT(end[DUO_CLIENT].longest_us <= 500000 && end[DUO_SERVER].longest_us <= 500000);
    duo_end(&d);
}

TEST_MAIN({"a_minute_of_rest", a_minute_of_rest})
