/* The simulator itself, by a protocol that is small enough to be seen right. */
#include <string.h>

#include "core/base/num.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_heap.h"
#include "tests/sim/sim_mix.h"
#include "tests/sim/sim_pattern.h"
#include "tests/sim/sim_scenario.h"
#include "tests/sim/sim_toy.h"
#include "tests/sim/sim_weather.h"
#include "tests/unit/test.h"

static void heap_gives_sources_by_time(void)
{
    struct sim_heap h = {0};
    struct rng r;

    rng_seed(&r, 1);
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(sim_heap_add(&h), i);
    for (int k = 0; k < 5000; k++) {
        sim_heap_set(&h, rng_below(&r, 50), rng_below(&r, 100));
        size_t least = 0;
        for (size_t i = 1; i < 50; i++)
            if (h.due_us[i] < h.due_us[least])
                least = i;
        EXPECT_EQ(sim_heap_first(&h), least);
    }
    sim_heap_release(&h);
}

static void pattern_knows_its_place(void)
{
    uint8_t a[1000], b[1000];

    sim_pattern_fill(1, 5, a, sizeof a);
    for (size_t i = 0; i < sizeof b; i++)
        sim_pattern_fill(1, 5 + i, b + i, 1);
    EXPECT(memcmp(a, b, sizeof a) == 0);
    EXPECT(sim_pattern_match(1, 5, bytes_of(a, sizeof a)));
    EXPECT(sim_pattern_match(1, 8, bytes_of(a + 3, 900)));
    EXPECT(!sim_pattern_match(1, 6, bytes_of(a, sizeof a)));
    EXPECT(!sim_pattern_match(2, 5, bytes_of(a, sizeof a)));
    a[999] ^= 1;
    EXPECT(!sim_pattern_match(1, 5, bytes_of(a, sizeof a)));
}

static void every_byte_changes_the_hash(void)
{
    uint8_t data[100] = {0};
    uint64_t seen[200];
    size_t n = 0;

    for (size_t bytes = 0; bytes <= 66; bytes += 33)
        for (size_t i = 0; i <= bytes; i++) {
            if (i < bytes)
                data[i] ^= 1;
            seen[n] = sim_mix_bytes(7, bytes_of(data, bytes));
            if (i < bytes)
                data[i] ^= 1;
            for (size_t k = 0; k < n; k++)
                EXPECT(seen[k] != seen[n]);
            n++;
        }
    /* Also when two words are exchanged that are lanes of one round, or of two. */
    data[0] = 1;
    uint64_t first = sim_mix_bytes(7, bytes_of(data, 64));
    data[0] = 0, data[8] = 1;
    uint64_t second = sim_mix_bytes(7, bytes_of(data, 64));
    data[8] = 0, data[32] = 1;
    uint64_t third = sim_mix_bytes(7, bytes_of(data, 64));
    EXPECT(first != second && second != third && first != third);
}

/* Two toys and the links between them. */
struct pair {
    struct sim *sim;
    struct sim_toy sender, receiver;
    size_t a, b;
};

static void pair_make(struct pair *p, struct sim *s, uint64_t blocks, uint32_t without,
                      const struct wan_config *up, const struct wan_config *down)
{
    struct addr a = sim_addr(1, 1000), b = sim_addr(2, 7470);

    p->sim = s;
    sim_toy_init_sender(&p->sender, s, &b, blocks, without);
    sim_toy_init_receiver(&p->receiver, s, without);
    p->a = sim_node(s, "sender", &sim_toy_ops, &p->sender, &a);
    p->b = sim_node(s, "receiver", &sim_toy_ops, &p->receiver, &b);
    sim_join(s, p->a, p->b, up, down);
}

static void time_passes_as_the_links_say(void)
{
    struct wan_config c;
    struct pair p;
    struct sim *s = sim_new(1);

    wan_config_init(&c);
    c.delay_us = 10000;
    c.rate_bps = (SIM_TOY_BLOCK + 16 + 28) * 8 * 100;
    pair_make(&p, s, 10, 0, &c, NULL);
    EXPECT(sim_run(s, 10000000, sim_toy_done, &p.sender));
    /* Each block: 10 ms to be sent, 10 ms to arrive; the answer takes no time. */
    EXPECT_EQ(sim_now_us(s) - SIM_START_US, 200000);
    EXPECT_EQ(p.sender.sent, 10);
    EXPECT_EQ(wan_link_counters(sim_link(s, p.a, p.b))->out_count, 10);
    EXPECT(!sim_run(s, 10000000, NULL, NULL));
    EXPECT_EQ(sim_now_us(s), 10000000);
    sim_free(s);
}

static void clocks_run_at_their_own_rate(void)
{
    struct pair p;
    struct sim *s = sim_new(1);

    pair_make(&p, s, 1, 0, NULL, NULL);
    sim_clock(s, p.a, 5000000000, -50000);
    sim_power(s, p.b, false);
    EXPECT(!sim_run(s, 11000000, sim_toy_done, &p.sender));
    /* 100 ms by its own clock, which is 5 % slow: 10 s hold 95 of them after the first. */
    EXPECT_EQ(p.sender.sent, 96);
    EXPECT_EQ(sim_node_now_us(s, p.a), 5000000000 + 11000000 * 95 / 100);
    sim_power(s, p.b, true);
    EXPECT(sim_run(s, 12000000, sim_toy_done, &p.sender));
    sim_free(s);
}

static void act_move(struct sim *s, void *arg)
{
    struct addr to = sim_addr(9, 99);

    sim_move(s, *(size_t *)arg, &to);
}

static void moving_loses_what_is_on_the_way(void)
{
    struct wan_config c;
    struct pair p;
    struct sim *s = sim_new(1);

    wan_config_init(&c);
    c.delay_us = 10000;
    pair_make(&p, s, 1, 0, &c, &c);
    sim_at(s, SIM_START_US + 15000, act_move, &p.a);
    EXPECT(sim_run(s, 10000000, sim_toy_done, &p.sender));
    EXPECT_EQ(p.sender.sent, 2);
    EXPECT_EQ(sim_now_us(s) - SIM_START_US, 120000);
    const struct addr moved = {.ip = {10, 0, 0, 9}, .port = 99, .family = ADDR_IP4};
    EXPECT(addr_equal(sim_address(s, p.a), &moved));
    sim_free(s);
}

static void schedule_rebinds_the_sender(void)
{
    struct wan_config c;
    struct pair p;
    struct sim *s = sim_new(1);

    wan_config_init(&c);
    c.delay_us = 1000;
    struct wan_config still = c;
    c.change[c.changes++] = (struct wan_change){50500, WAN_CHANGE_REBIND, 0};
    pair_make(&p, s, 100, 0, &c, &still);
    EXPECT(sim_run(s, 10000000, sim_toy_done, &p.sender));
    EXPECT_EQ(sim_address(s, p.a)->port, 1001);
    EXPECT(addr_equal(&p.receiver.peer, sim_address(s, p.a)));
    EXPECT_EQ(p.sender.sent, 101);
    sim_free(s);
}

static void busy_nodes_take_all_at_once(void)
{
    struct pair p;
    struct sim *s = sim_new(1);

    pair_make(&p, s, 2, 0, NULL, NULL);
    sim_busy(s, p.b, SIM_START_US + 250000);
    EXPECT(sim_run(s, 10000000, sim_toy_done, &p.sender));
    /* The first block came three times, at 0, 100 and 200 ms; the second one at once. */
    EXPECT_EQ(sim_now_us(s) - SIM_START_US, 250000);
    EXPECT_EQ(p.sender.sent, 4);
    EXPECT_EQ(p.receiver.sent, 4);
    sim_busy(s, p.a, UINT64_MAX);
    sim_inject(s, sim_address(s, p.b), sim_address(s, p.a), bytes_of("x", 1));
    sim_free(s); /* with what still waits */
}

static void forged_datagrams_arrive(void)
{
    struct pair p;
    struct sim *s = sim_new(1);
    struct addr liar = sim_addr(66, 6);
    uint8_t junk[40] = {1};

    pair_make(&p, s, 1, SIM_TOY_WITHOUT_CHECKSUM, NULL, NULL);
    sim_inject(s, &liar, sim_address(s, p.b), bytes_of(junk, sizeof junk));
    EXPECT(addr_equal(&p.receiver.peer, &liar));
    sim_free(s);
}

static bool tap_see(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                    struct bytes data)
{
    (void)s, (void)from, (void)to;
    *(uint64_t *)self += data.n;
    return true;
}

static bool tap_swallow(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                        struct bytes data)
{
    (void)self, (void)s, (void)from, (void)to, (void)data;
    return false;
}

static void taps_see_all_and_may_swallow(void)
{
    struct pair p;
    struct sim *s = sim_new(1);
    uint64_t bytes = 0;

    pair_make(&p, s, 3, 0, NULL, NULL);
    sim_tap(s, &(struct sim_tap){tap_see, &bytes});
    EXPECT(sim_run(s, 10000000, sim_toy_done, &p.sender));
    EXPECT_EQ(bytes, 3 * (SIM_TOY_BLOCK + 16) + 3 * 16);
    EXPECT_EQ(p.receiver.at, 3);
    sim_free(s);
    s = sim_new(1);
    pair_make(&p, s, 3, 0, NULL, NULL);
    sim_tap(s, &(struct sim_tap){tap_swallow, NULL});
    EXPECT(!sim_run(s, 10000000, sim_toy_done, &p.sender));
    EXPECT_EQ(p.receiver.at, 0);
    sim_free(s);
}

static uint64_t deadline_now(void *self, uint64_t now_us)
{
    (void)self;
    return now_us;
}

static uint64_t deadline_soon(void *self, uint64_t now_us)
{
    (void)self;
    return now_us + 50;
}

static size_t output_none(void *self, uint64_t now_us, uint8_t *space, size_t room, struct addr *to,
                          uint8_t *ecn)
{
    (void)self, (void)now_us, (void)space, (void)room, (void)to, (void)ecn;
    return 0;
}

static size_t output_always(void *self, uint64_t now_us, uint8_t *space, size_t room,
                            struct addr *to, uint8_t *ecn)
{
    (void)self, (void)now_us, (void)room, (void)ecn;
    *to = sim_addr(77, 7);
    space[0] = 0;
    return 1;
}

static void spinning_is_a_failure(void)
{
    static const struct sim_ops idle = {.output = output_none, .deadline_us = deadline_now};
    static const struct sim_ops restless = {.output = output_none, .deadline_us = deadline_soon};
    static const struct sim_ops chatter = {.output = output_always, .deadline_us = deadline_now};
    struct addr a = sim_addr(1, 1);
    struct sim *s = sim_new(1);

    sim_node(s, "idle", &idle, NULL, &a);
    EXPECT(!sim_run(s, 2000000, NULL, NULL));
    EXPECT(sim_failure(s) && strstr(sim_failure(s), "idle spins"));
    sim_free(s);
    s = sim_new(1);
    sim_node(s, "restless", &restless, NULL, &a);
    EXPECT(!sim_run(s, 2000000, NULL, NULL));
    EXPECT(sim_failure(s) && strstr(sim_failure(s), "restless spins"));
    sim_free(s);
    s = sim_new(1);
    sim_node(s, "chatter", &chatter, NULL, &a);
    EXPECT(!sim_run(s, 2000000, NULL, NULL));
    EXPECT(sim_failure(s) && strstr(sim_failure(s), "chatter spins"));
    sim_free(s);
}

static void in_weather(struct sim *s, uint32_t without)
{
    struct sim_weather w;
    struct pair p;

    sim_weather_make(&w, sim_rng(s), 10000000, 3);
    pair_make(&p, s, 20000, without, &w.up, &w.down);
    sim_clock(s, p.a, w.offset_us[0], w.ppm[0]);
    sim_clock(s, p.b, w.offset_us[1], w.ppm[1]);
    sim_run(s, SIM_START_US + w.stop_us, NULL, NULL);
    uint64_t had = p.receiver.at;
    sim_run(s, SIM_START_US + w.stop_us + 2000000, NULL, NULL);
    if (p.receiver.at < had + 3)
        sim_fail(s, "no progress after the faults have stopped");
    if (p.sender.at > p.receiver.at || p.receiver.at > p.sender.at + 1)
        sim_fail(s, "more blocks acknowledged than received, or the other way round");
}

static const struct sim_scenario weather = {"weather", "a toy gets through", NULL, in_weather};

static void swarms_of_toys_get_through_and_repeat(void)
{
    uint32_t all_faults = 0;
    uint64_t last_hash = 0;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim_weather w;
        struct rng r;
        char text[SIM_WEATHER_CHARS];
        rng_seed(&r, seed);
        sim_weather_make(&w, &r, 10000000, 3);
        EXPECT(__builtin_popcount(w.faults) >= 3);
        EXPECT(strchr(sim_weather_print(&w, text), ':'));
        all_faults |= w.faults;
        struct sim_outcome o = sim_scenario_run_twice(&weather, seed, 0);
        if (o.failure[0])
            printf("seed %llu: %s\n", (unsigned long long)seed, o.failure);
        EXPECT(!o.failure[0]);
        EXPECT(o.virtual_us >= 12000000);
        EXPECT(o.hash != last_hash);
        last_hash = o.hash;
    }
    EXPECT_EQ(all_faults, (1u << SIM_FAULTS) - 1);
}

static void swarms_find_what_is_missing(void)
{
    static const uint32_t missing[] = {SIM_TOY_WITHOUT_RESEND, SIM_TOY_WITHOUT_CHECKSUM,
                                       SIM_TOY_WITHOUT_NUMBERS, SIM_TOY_WITHOUT_PATH};

    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        unsigned failed = 0;
        for (uint64_t seed = 1; seed <= 20; seed++)
            failed += sim_scenario_run(&weather, seed, missing[i], NULL).failure[0] != 0;
        EXPECT(failed > 0);
    }
}

static int never_the_same;

static void by_accident(struct sim *s, uint32_t without)
{
    (void)without;
    sim_note(s, "run %d", never_the_same++);
}

static void different_logs_are_found(void)
{
    static const struct sim_scenario accident = {"accident", "", NULL, by_accident};
    struct sim_outcome o = sim_scenario_run_twice(&accident, 1, 0);

    EXPECT(strstr(o.failure, "second run"));
}

TEST_MAIN({"heap_gives_sources_by_time", heap_gives_sources_by_time},
          {"pattern_knows_its_place", pattern_knows_its_place},
          {"every_byte_changes_the_hash", every_byte_changes_the_hash},
          {"time_passes_as_the_links_say", time_passes_as_the_links_say},
          {"clocks_run_at_their_own_rate", clocks_run_at_their_own_rate},
          {"moving_loses_what_is_on_the_way", moving_loses_what_is_on_the_way},
          {"schedule_rebinds_the_sender", schedule_rebinds_the_sender},
          {"busy_nodes_take_all_at_once", busy_nodes_take_all_at_once},
          {"forged_datagrams_arrive", forged_datagrams_arrive},
          {"taps_see_all_and_may_swallow", taps_see_all_and_may_swallow},
          {"spinning_is_a_failure", spinning_is_a_failure},
          {"swarms_of_toys_get_through_and_repeat", swarms_of_toys_get_through_and_repeat},
          {"swarms_find_what_is_missing", swarms_find_what_is_missing},
          {"different_logs_are_found", different_logs_are_found})
