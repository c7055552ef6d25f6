#include <stdlib.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/wan/wan_link.h"
#include "tests/unit/test.h"

enum { RING = 4 << 20 };

static struct wan_link *link_of(const struct wan_config *c, uint64_t seed)
{
    struct wan_link *l = NULL;

    if (wan_link_new(c, seed, RING, &l) != OK)
        test_fail(__FILE__, __LINE__, "wan_link_new");
    return l;
}

static void send_n(struct wan_link *l, uint64_t now_us, size_t n, uint64_t user)
{
    static uint8_t data[WAN_DATAGRAM_MAX + 1];

    wan_link_send(l, now_us, bytes_of(data, n), user, WAN_ECN_NONE);
}

/* Takes out all that has arrived by now; gives how many. */
static uint64_t drain(struct wan_link *l, uint64_t now_us)
{
    struct wan_datagram d;
    uint64_t n = 0;

    while (wan_link_next(l, now_us, &d))
        n++;
    return n;
}

static uint64_t dropped(const struct wan_link *l)
{
    uint64_t n = 0;

    for (int i = 0; i < WAN_DROP_COUNT; i++)
        n += wan_link_counters(l)->dropped[i];
    return n;
}

static void empty_config_passes_everything_at_once(void)
{
    struct wan_config c;
    struct wan_datagram d;

    wan_config_init(&c);
    struct wan_link *l = link_of(&c, 1);
    EXPECT(wan_link_deadline_us(l) == UINT64_MAX);
    wan_link_send(l, 7, bytes_of("abc", 3), 42, WAN_ECN_ECT0);
    EXPECT_EQ(wan_link_deadline_us(l), 7);
    EXPECT(wan_link_next(l, 7, &d));
    EXPECT(bytes_equal(d.bytes, bytes_of("abc", 3)));
    EXPECT(d.user == 42 && d.sent_us == 7 && d.due_us == 7 && d.ecn == WAN_ECN_ECT0);
    EXPECT(!wan_link_next(l, 1000, &d));
    wan_link_send(l, 1001, bytes_of(NULL, 0), 0, 0);
    EXPECT(wan_link_next(l, 1001, &d) && d.bytes.n == 0);
    EXPECT(wan_link_deadline_us(l) == UINT64_MAX);
    wan_link_free(l);
    wan_link_free(NULL);
}

static void rate_is_exact_over_time(void)
{
    static const uint64_t rates[] = {3000, 2000000, 20000000, 999999937, 2000000000};

    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        struct wan_config c;
        wan_config_init(&c);
        c.rate_bps = rates[i];
        struct wan_link *l = link_of(&c, 1);
        /* Kept backlogged: never empty, so the link is busy all the time. */
        uint64_t end_us = rates[i] < 10000 ? 1000000000 : 2000000, now_us = 0, out = 0;
        while (now_us < end_us) {
            for (int k = 0; k < 3; k++)
                send_n(l, now_us, 1200, 0);
            now_us = wan_link_deadline_us(l);
            out += drain(l, now_us);
        }
        uint64_t want = num_mul_div(rates[i], now_us, (1200 + 28) * 8000000ull);
        EXPECT_EQ(out, want);
        wan_link_free(l);
    }
}

static void queue_is_bounded_in_time_and_bytes(void)
{
    struct wan_config c;
    struct wan_datagram d;

    wan_config_init(&c);
    c.rate_bps = 10000000;
    struct wan_link *l = link_of(&c, 1);
    for (int i = 0; i < 1000; i++)
        send_n(l, 0, 1222, 0);
    EXPECT_EQ(wan_link_counters(l)->dropped[WAN_DROP_QUEUE], 900);
    EXPECT_EQ(wan_link_queue_bytes(l), 125000);
    EXPECT_EQ(drain(l, 100000), 100);
    EXPECT_EQ(wan_link_counters(l)->queue_us.max, 100000);
    wan_link_free(l);

    c.queue_bytes = 5000;
    l = link_of(&c, 1);
    for (int i = 0; i < 10; i++)
        send_n(l, 0, 1222, (uint64_t)i);
    EXPECT_EQ(drain(l, 1000000), 4);
    /* Larger than the whole queue, but nothing is before it. */
    send_n(l, 2000000, 9000, 7);
    EXPECT(wan_link_next(l, 3000000, &d) && d.user == 7);
    wan_link_free(l);

    wan_config_init(&c);
    c.rate_bps = 8000;
    l = link_of(&c, 1);
    send_n(l, 0, 1400, 0);
    send_n(l, 0, 1400, 0);
    send_n(l, 0, 1400, 0);
    EXPECT_EQ(wan_link_counters(l)->dropped[WAN_DROP_QUEUE], 1);
    wan_link_free(l);
}

static void delay_is_exact_and_jitter_keeps_order(void)
{
    struct wan_config c;
    struct wan_datagram d;
    uint64_t last_user = 0, least = UINT64_MAX, most = 0;

    wan_config_init(&c);
    c.delay_us = 30000;
    struct wan_link *l = link_of(&c, 1);
    send_n(l, 5, 100, 0);
    EXPECT_EQ(wan_link_deadline_us(l), 30005);
    EXPECT(!wan_link_next(l, 30004, &d));
    EXPECT(wan_link_next(l, 30005, &d));
    wan_link_free(l);

    c.jitter_us = 10000;
    l = link_of(&c, 1);
    for (uint64_t i = 1; i <= 10000; i++) {
        send_n(l, i * 1000, 100, i);
        while (wan_link_next(l, i * 1000, &d)) {
            EXPECT(d.user == last_user + 1);
            last_user = d.user;
            least = num_min(least, d.due_us - d.sent_us);
            most = num_max(most, d.due_us - d.sent_us);
        }
    }
    EXPECT(least < 31000 && least >= 30000 && most <= 40000 && most > 39000);
    wan_link_free(l);

    c.jitter_reorders = 1;
    l = link_of(&c, 1);
    uint64_t overtaken = 0, due_us = 0;
    last_user = 0;
    for (uint64_t i = 1; i <= 10000; i++) {
        send_n(l, i * 1000, 100, i);
        while (wan_link_next(l, i * 1000, &d)) {
            overtaken += d.user < last_user;
            EXPECT(d.due_us >= due_us);
            due_us = d.due_us;
            last_user = d.user;
        }
    }
    EXPECT(overtaken > 2000 && overtaken < 6000);
    wan_link_free(l);
}

struct runs {
    uint64_t lost, runs;
};

/* Sends `count` datagrams and counts losses and runs of them. */
static struct runs count_losses(const struct wan_config *c, uint64_t seed, uint64_t count)
{
    struct wan_link *l = link_of(c, seed);
    struct runs r = {0};
    bool was_lost = false;

    for (uint64_t i = 0; i < count; i++) {
        send_n(l, i, 10, 0);
        bool lost = drain(l, i) == 0;
        r.lost += lost;
        r.runs += lost && !was_lost;
        was_lost = lost;
    }
    if (wan_link_counters(l)->dropped[WAN_DROP_LOSS] != r.lost)
        test_fail(__FILE__, __LINE__, "losses counted");
    wan_link_free(l);
    return r;
}

static void loss_has_its_average_and_bursts_their_length(void)
{
    struct wan_config c;

    wan_config_init(&c);
    EXPECT_EQ(count_losses(&c, 1, 1000).lost, 0);
    c.loss = 1000000;
    EXPECT_EQ(count_losses(&c, 1, 1000).lost, 1000);
    c.loss = 10000;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct runs r = count_losses(&c, seed, 200000);
        EXPECT(r.lost > 1800 && r.lost < 2200);
        EXPECT(r.runs * 100 > r.lost * 97);
    }
    c.burst = 5;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct runs r = count_losses(&c, seed, 1000000);
        EXPECT(r.lost > 9000 && r.lost < 11000);
        EXPECT(r.lost * 100 > r.runs * 460 && r.lost * 100 < r.runs * 540);
    }
    c.burst = 1;
    c.loss = 500000;
    struct runs one = count_losses(&c, 1, 1000);
    EXPECT(one.lost == 500 && one.runs == 500);
}

static void duplicates_come_once_more_and_soon(void)
{
    struct wan_config c;
    struct wan_datagram d;
    uint32_t seen[1000] = {0};
    unsigned twice = 0;

    wan_config_init(&c);
    c.duplicate = 100000;
    c.delay_us = 5000;
    struct wan_link *l = link_of(&c, 9);
    for (uint64_t i = 0; i < 1000; i++)
        send_n(l, i * 100, 50, i);
    while (wan_link_next(l, 1000000, &d)) {
        seen[d.user]++;
        EXPECT(d.due_us - d.sent_us <= 6000);
    }
    for (size_t i = 0; i < 1000; i++) {
        EXPECT(seen[i] == 1 || seen[i] == 2);
        twice += seen[i] == 2;
    }
    EXPECT(twice > 60 && twice < 140);
    EXPECT_EQ(wan_link_counters(l)->duplicated, twice);
    wan_link_free(l);
}

static void reordered_ones_are_overtaken(void)
{
    struct wan_config c;
    struct wan_datagram d;
    uint64_t overtaken = 0, highest = 0;

    wan_config_init(&c);
    c.reorder = 50000;
    c.delay_us = 20000;
    struct wan_link *l = link_of(&c, 3);
    for (uint64_t i = 1; i <= 2000; i++)
        send_n(l, i * 1000, 50, i);
    while (wan_link_next(l, 10000000, &d)) {
        if (d.user < highest) {
            overtaken++;
            EXPECT(d.due_us - d.sent_us >= 27500 && d.due_us - d.sent_us <= 35000);
        } else {
            highest = d.user;
        }
    }
    EXPECT_EQ(overtaken, wan_link_counters(l)->reordered);
    EXPECT(overtaken > 60 && overtaken < 140);
    wan_link_free(l);
}

static void corruption_flips_one_bit(void)
{
    struct wan_config c;
    struct wan_datagram d;
    static const uint8_t zero[100];
    unsigned corrupted = 0;

    wan_config_init(&c);
    c.corrupt = 200000;
    struct wan_link *l = link_of(&c, 3);
    for (uint64_t i = 0; i < 1000; i++) {
        int bits = 0;
        wan_link_send(l, i, bytes_of(zero, sizeof zero), i, 0);
        EXPECT(wan_link_next(l, i, &d));
        for (size_t k = 0; k < d.bytes.n; k++)
            bits += __builtin_popcount(d.bytes.p[k]);
        EXPECT(bits <= 1);
        corrupted += bits == 1;
    }
    EXPECT(corrupted > 150 && corrupted < 250);
    EXPECT_EQ(wan_link_counters(l)->corrupted, corrupted);
    wan_link_free(l);
}

static void outages_drop_everything_meanwhile(void)
{
    struct wan_config c;

    wan_config_init(&c);
    c.outage[0] = (struct wan_outage){.at_us = 1000, .for_us = 500};
    c.outage[1] = (struct wan_outage){.at_us = 3000, .for_us = 1};
    c.outages = 2;
    struct wan_link *l = link_of(&c, 1);
    wan_link_start(l, 100000);
    for (uint64_t t = 0; t < 4000; t++) {
        bool down = (t >= 1000 && t < 1500) || t == 3000;
        send_n(l, 100000 + t, 10, 0);
        EXPECT_EQ(drain(l, 100000 + t), !down);
    }
    EXPECT_EQ(wan_link_counters(l)->dropped[WAN_DROP_OUTAGE], 501);
    wan_link_free(l);

    /* What waits in the queue when the link goes down is lost too. */
    c.rate_bps = 8000000;
    c.outages = 1;
    l = link_of(&c, 1);
    send_n(l, 0, 1172, 0);
    send_n(l, 1600, 72, 0);
    EXPECT_EQ(drain(l, 100000), 1);
    wan_link_free(l);
}

static void schedule_changes_the_link(void)
{
    struct wan_config c;
    struct wan_change ch;

    wan_config_init(&c);
    c.rate_bps = 8000000;
    c.overhead_bytes = 0;
    c.change[0] = (struct wan_change){30000, WAN_CHANGE_REBIND, 0};
    c.change[1] = (struct wan_change){10500, WAN_CHANGE_RATE, 800000};
    c.change[2] = (struct wan_change){40000, WAN_CHANGE_LOSS, 1000000};
    c.changes = 3;
    struct wan_link *l = link_of(&c, 1);
    for (int i = 0; i < 20; i++)
        send_n(l, 0, 1000, 0);
    /* One millisecond each until 10.5 ms, then ten: the eleventh was half sent. */
    EXPECT_EQ(drain(l, 10000), 10);
    EXPECT_EQ(wan_link_deadline_us(l), 10500);
    EXPECT_EQ(drain(l, 15499), 0);
    EXPECT(wan_link_next_event(l, 15499, &ch) && ch.kind == WAN_CHANGE_RATE);
    EXPECT(!wan_link_next_event(l, 15499, &ch));
    EXPECT_EQ(wan_link_deadline_us(l), 15500);
    EXPECT_EQ(drain(l, 15500), 1);
    EXPECT_EQ(drain(l, 25499), 0);
    EXPECT_EQ(drain(l, 25500), 1);
    EXPECT_EQ(wan_link_deadline_us(l), 30000);
    EXPECT_EQ(drain(l, 30001), 0);
    EXPECT_EQ(wan_link_deadline_us(l), 30001);
    EXPECT(wan_link_next_event(l, 30001, &ch) && ch.kind == WAN_CHANGE_REBIND);
    EXPECT(ch.at_us == 30000);
    EXPECT_EQ(drain(l, 39999), 1);
    EXPECT_EQ(wan_link_config(l)->loss, 0);
    EXPECT_EQ(drain(l, 1000000), 0);
    EXPECT_EQ(wan_link_counters(l)->dropped[WAN_DROP_LOSS], 7);
    EXPECT_EQ(wan_link_config(l)->loss, 1000000);
    wan_link_free(l);
}

static void owner_changes_the_link(void)
{
    struct wan_config c;

    wan_config_init(&c);
    c.burst = 2;
    struct wan_link *l = link_of(&c, 1);
    EXPECT_EQ(wan_link_change(l, 10, WAN_CHANGE_LOSS, 900000), ERR_USAGE);
    EXPECT_EQ(wan_link_change(l, 10, WAN_CHANGE_CORRUPT, 1ull << 32), ERR_USAGE);
    EXPECT_EQ(wan_link_change(l, 10, WAN_CHANGE_DELAY, UINT64_MAX), ERR_LIMIT);
    send_n(l, 10, 100, 0);
    EXPECT_EQ(drain(l, 10), 1);
    EXPECT_EQ(wan_link_change(l, 20, WAN_CHANGE_LOSS, 1000000), OK);
    send_n(l, 20, 100, 0);
    EXPECT_EQ(drain(l, 20), 0);
    EXPECT_EQ(wan_link_change(l, 30, WAN_CHANGE_LOSS, 0), OK);
    EXPECT_EQ(wan_link_change(l, 30, WAN_CHANGE_RATE, 8000), OK);
    send_n(l, 30, 72, 0);
    EXPECT_EQ(wan_link_deadline_us(l), 100030);
    EXPECT_EQ(wan_link_change(l, 50030, WAN_CHANGE_RATE, 80000), OK);
    EXPECT_EQ(wan_link_deadline_us(l), 55030);
    EXPECT_EQ(drain(l, 55030), 1);
    wan_link_free(l);
}

static void long_waits_are_marked(void)
{
    struct wan_config c;
    struct wan_datagram d;

    wan_config_init(&c);
    c.rate_bps = 8000000;
    c.overhead_bytes = 0;
    c.ecn_mark_us = 5000;
    struct wan_link *l = link_of(&c, 1);
    for (uint64_t i = 0; i < 10; i++)
        wan_link_send(l, 0, bytes_of((uint8_t[1000]){0}, 1000), i,
                      i == 9 ? WAN_ECN_NONE : WAN_ECN_ECT0);
    for (uint64_t i = 0; i < 10; i++) {
        EXPECT(wan_link_next(l, 100000, &d) && d.user == i);
        EXPECT_EQ(d.ecn, i == 9 ? WAN_ECN_NONE : i > 5 ? WAN_ECN_CE : WAN_ECN_ECT0);
    }
    EXPECT_EQ(wan_link_counters(l)->marked, 3);
    wan_link_free(l);
}

static void large_ones_are_dropped(void)
{
    struct wan_config c;

    wan_config_init(&c);
    c.mtu_bytes = 1280;
    struct wan_link *l = link_of(&c, 1);
    send_n(l, 0, 1252, 0);
    send_n(l, 0, 1253, 0);
    send_n(l, 0, WAN_DATAGRAM_MAX + 1, 0);
    EXPECT_EQ(drain(l, 0), 1);
    EXPECT_EQ(wan_link_counters(l)->dropped[WAN_DROP_MTU], 2);
    wan_link_free(l);
}

static struct wan_config everything(void)
{
    struct wan_config c;

    wan_config_init(&c);
    c.rate_bps = 20000000;
    c.delay_us = 20000;
    c.jitter_us = 3000;
    c.loss = 20000;
    c.burst = 3;
    c.reorder = 20000;
    c.duplicate = 20000;
    c.corrupt = 20000;
    c.ecn_mark_us = 20000;
    c.police_bps = 12000000;
    c.police_bytes = 20000;
    c.fade_us = 70000;
    c.fade_least = 500000;
    c.slot_us = 700;
    c.outage[c.outages++] = (struct wan_outage){1000000, 200000};
    c.change[c.changes++] = (struct wan_change){1500000, WAN_CHANGE_RATE, 2000000};
    c.change[c.changes++] = (struct wan_change){2500000, WAN_CHANGE_RATE, 0};
    return c;
}

/* A running hash of all that comes out of a link with every fault under random load; it looks
 * every `step_us`, or at each deadline when that is 0. */
static uint64_t hash_of_run(uint64_t seed, uint64_t step_us)
{
    struct wan_config c = everything();
    struct wan_link *l = link_of(&c, seed);
    struct wan_datagram d;
    struct wan_change ch;
    struct rng load;
    uint64_t hash = 14695981039346656037u, events = hash, send_us = 0;
    uint8_t data[1500];

    rng_seed(&load, 77);
    for (uint64_t now_us = 0; now_us < 4000000;) {
        uint64_t look_us = step_us ? now_us + step_us : wan_link_deadline_us(l);
        now_us = num_min(look_us, send_us);
        while (wan_link_next(l, now_us, &d)) {
            hash = (hash ^ d.due_us ^ d.user << 20 ^ (uint64_t)d.ecn << 60) * 1099511628211u;
            for (size_t i = 0; i < d.bytes.n; i++)
                hash = (hash ^ d.bytes.p[i]) * 1099511628211u;
        }
        while (wan_link_next_event(l, now_us, &ch))
            events = (events ^ ch.kind ^ ch.at_us) * 1099511628211u;
        if (now_us == send_us) {
            rng_fill(&load, data, sizeof data);
            wan_link_send(l, now_us, bytes_of(data, rng_below(&load, 1500)), send_us, WAN_ECN_ECT0);
            send_us += 1 + rng_below(&load, 1000);
        }
    }
    drain(l, 100000000);
    const struct wan_counters *n = wan_link_counters(l);
    if (n->in_count + n->duplicated != n->out_count + dropped(l))
        test_fail(__FILE__, __LINE__, "every datagram is accounted for");
    if (!n->marked || !n->corrupted || !n->reordered || !n->dropped[WAN_DROP_QUEUE] ||
        !n->dropped[WAN_DROP_POLICER])
        test_fail(__FILE__, __LINE__, "every fault strikes");
    wan_link_free(l);
    return hash ^ events;
}

static void same_seed_same_output_however_often_one_looks(void)
{
    uint64_t first = hash_of_run(5, 0);

    EXPECT(first == hash_of_run(5, 0));
    EXPECT(first == hash_of_run(5, 1000));
    EXPECT(first == hash_of_run(5, 50000));
    EXPECT(first != hash_of_run(6, 0));
}

static void memory_is_bounded(void)
{
    struct wan_config c;
    struct wan_link *l = NULL;
    struct wan_datagram d;
    struct rng rng;

    wan_config_init(&c);
    c.delay_us = 1000000;
    c.jitter_us = 1000000;
    c.jitter_reorders = 1;
    c.duplicate = 500000;
    EXPECT_EQ(wan_link_new(&c, 1, 100000, &l), OK);
    rng_seed(&rng, 1);
    heap_fail_at(1); /* would strike the first allocation: there must be none */
    for (uint64_t t = 0; t < 50000; t++) {
        send_n(l, t * 1000, rng_below(&rng, 3000), t);
        while (wan_link_next(l, t * 1000, &d))
            EXPECT(d.bytes.n < 3000);
    }
    EXPECT(!heap_fault_fired());
    heap_fail_at(0);
    const struct wan_counters *n = wan_link_counters(l);
    EXPECT(n->dropped[WAN_DROP_MEMORY] > 10000 && n->out_count > 1000);
    drain(l, 1000000000);
    EXPECT(n->in_count + n->duplicated == n->out_count + dropped(l));
    /* All of the ring is usable again. */
    uint64_t before = n->dropped[WAN_DROP_MEMORY];
    wan_link_send(l, 1000000000, bytes_of((uint8_t[40000]){0}, 40000), 0, 0);
    EXPECT_EQ(n->dropped[WAN_DROP_MEMORY], before);
    wan_link_free(l);
    for (uint64_t nth = 1; nth <= 3; nth++) {
        heap_fail_at(nth);
        EXPECT_EQ(wan_link_new(&c, 1, 100000, &l), ERR_MEMORY);
        EXPECT(heap_fault_fired());
    }
    heap_fail_at(0);
}

static void ring_fits_the_link_at_full_rate(void)
{
    struct wan_config c;

    wan_config_init(&c);
    c.rate_bps = 2000000000;
    c.delay_us = 30000;
    size_t ring = wan_config_ring_bytes(&c);
    EXPECT(ring > 32500000 && ring < 64 << 20);
    struct wan_link *l = NULL;
    EXPECT_EQ(wan_link_new(&c, 1, ring, &l), OK);
    for (uint64_t t = 0; t < 200000; t += 4) { /* 20 % more than fits */
        send_n(l, t, 1200, 0);
        drain(l, t);
    }
    EXPECT_EQ(wan_link_counters(l)->dropped[WAN_DROP_MEMORY], 0);
    wan_link_free(l);
}

static void senseless_configs_are_refused(void)
{
    struct wan_config c;
    struct wan_link *l = NULL;

    wan_config_init(&c);
    c.loss = 1000001;
    EXPECT_EQ(wan_link_new(&c, 1, RING, &l), ERR_USAGE);
    c.loss = 900000;
    c.burst = 5;
    EXPECT_EQ(wan_config_check(&c), ERR_USAGE);
    c.burst = 9;
    EXPECT_EQ(wan_config_check(&c), OK);
    c.change[0] = (struct wan_change){10, WAN_CHANGE_LOSS, 950000};
    c.changes = 1;
    EXPECT_EQ(wan_config_check(&c), ERR_USAGE);
    c.change[1] = (struct wan_change){9, WAN_CHANGE_BURST, 100};
    c.changes = 2;
    EXPECT_EQ(wan_config_check(&c), OK);
    c.change[1].value = 1ull << 40;
    EXPECT_EQ(wan_config_check(&c), ERR_LIMIT);
    c.change[1] = (struct wan_change){9, WAN_CHANGE_CORRUPT, 1ull << 32};
    EXPECT_EQ(wan_config_check(&c), ERR_USAGE);
    c.change[1].kind = (enum wan_change_kind)99;
    EXPECT_EQ(wan_config_check(&c), ERR_USAGE);
    c.changes = WAN_CHANGES_MAX + 1;
    EXPECT_EQ(wan_config_check(&c), ERR_LIMIT);
    c.changes = 0;
    c.delay_us = UINT64_MAX / 2;
    EXPECT_EQ(wan_config_check(&c), ERR_LIMIT);
    c.delay_us = 0;
    c.outages = 1;
    c.outage[0].for_us = UINT64_MAX;
    EXPECT_EQ(wan_config_check(&c), ERR_LIMIT);
}

TEST_MAIN({"empty_config_passes_everything_at_once", empty_config_passes_everything_at_once},
          {"rate_is_exact_over_time", rate_is_exact_over_time},
          {"queue_is_bounded_in_time_and_bytes", queue_is_bounded_in_time_and_bytes},
          {"delay_is_exact_and_jitter_keeps_order", delay_is_exact_and_jitter_keeps_order},
          {"loss_has_its_average_and_bursts_their_length",
           loss_has_its_average_and_bursts_their_length},
          {"duplicates_come_once_more_and_soon", duplicates_come_once_more_and_soon},
          {"reordered_ones_are_overtaken", reordered_ones_are_overtaken},
          {"corruption_flips_one_bit", corruption_flips_one_bit},
          {"outages_drop_everything_meanwhile", outages_drop_everything_meanwhile},
          {"schedule_changes_the_link", schedule_changes_the_link},
          {"owner_changes_the_link", owner_changes_the_link},
          {"long_waits_are_marked", long_waits_are_marked},
          {"large_ones_are_dropped", large_ones_are_dropped},
          {"same_seed_same_output_however_often_one_looks",
           same_seed_same_output_however_often_one_looks},
          {"memory_is_bounded", memory_is_bounded},
          {"ring_fits_the_link_at_full_rate", ring_fits_the_link_at_full_rate},
          {"senseless_configs_are_refused", senseless_configs_are_refused})
