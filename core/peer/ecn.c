#include "core/peer/ecn.h"

#include <string.h>

#include "core/base/num.h"

void ecn_init(struct ecn *e, uint64_t now_us)
{
    memset(e, 0, sizeof *e);
    e->next_us = now_us;
}

/* What is on its way is no reason to wait: the numbers tell it from the next trial. */
static void test(struct ecn *e, uint64_t now_us)
{
    e->state = e->unchecked ? ECN_ON : ECN_TESTING;
    e->in_flight = e->passed = false;
    e->tries = e->missed = 0;
    e->next_us = now_us;
}

void ecn_restart(struct ecn *e, uint64_t now_us, uint64_t next)
{
    test(e, now_us);
    e->first = next;
    e->acked = 0;
    e->before = e->ect0 + e->ce;
}

bool ecn_wanted(const struct ecn *e, uint64_t now_us)
{
    return now_us >= ecn_deadline_us(e);
}

void ecn_tried(struct ecn *e, uint64_t number)
{
    e->in_flight = true;
    e->number = number;
    e->marked++;
}

void ecn_sent(struct ecn *e)
{
    e->marked++;
}

static void count(struct ecn *e, uint64_t number)
{
    if (number < e->first)
        return;
    e->acked++;
    e->heard = num_max(e->heard, number + 1);
}

void ecn_trial_fate(struct ecn *e, uint64_t now_us, uint64_t number, bool acked)
{
    bool current = e->in_flight && number == e->number;

    if (acked)
        count(e, number);
    if (!current)
        return;
    e->in_flight = false;
    e->next_us = now_us + ECN_RETRY_US;
    if (acked)
        e->passed = true;
    else if (++e->tries == ECN_TRIES)
        e->state = ECN_OFF;
}

void ecn_fate(struct ecn *e, uint64_t now_us, uint64_t number, bool acked)
{
    if (acked) {
        count(e, number);
        e->missed = 0;
        return;
    }
    if (e->state == ECN_ON && number >= e->first && number >= e->heard && ++e->missed >= ECN_MISSED)
        test(e, now_us);
}

uint64_t ecn_report(struct ecn *e, uint64_t ect0, uint64_t ce)
{
    /* Marks may be counted that no ACK has told of yet, but not the other way round; and nobody on
     * the way may add any to what is not marked. */
    bool true_to_us =
        ect0 >= e->ect0 && ce >= e->ce && ect0 <= e->marked && ect0 + ce >= e->before + e->acked;
    uint64_t fresh = num_sub0(ce, e->ce);

    e->ect0 = ect0;
    e->ce = ce;
    if (!true_to_us && !e->unchecked) {
        e->state = ECN_OFF;
        e->in_flight = false;
    } else if (e->passed && e->state == ECN_TESTING) {
        e->state = ECN_ON;
    }
    e->passed = false;
    return e->state == ECN_ON ? fresh : 0;
}

uint64_t ecn_deadline_us(const struct ecn *e)
{
    return e->state == ECN_TESTING && !e->in_flight && !e->passed ? e->next_us : UINT64_MAX;
}
