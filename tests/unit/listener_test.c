/* A listener and its callers, datagram by datagram: what is answered where, and what it costs. */
#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/peer/session.h"
#include "core/peer/listener.h"
#include "tests/unit/test.h"

enum { CALLERS = 400, GREEDY = 200 };

static struct {
    uint64_t now_us;
    struct rng rng;
    struct key_pair key, caller_key;
    struct listener *listener;
    struct peer *caller[CALLERS];
    struct addr server;
    bool welcome;
} w;

static void judge(void *context, uint64_t now_us, const uint8_t *key, const uint8_t *token_id,
                  struct listener_verdict *out)
{
    (void)context, (void)now_us, (void)key, (void)token_id;
    *out = (struct listener_verdict){.welcome = w.welcome, .reason = "not you"};
}

static const char *enrol(void *context, uint64_t now_us, const uint8_t *key,
                         const uint8_t *token_id)
{
    (void)context, (void)now_us, (void)key, (void)token_id;
    return NULL;
}

static void begin(uint32_t handshakes_per_s)
{
    struct listener_config c = {.identity = &w.key,
                                .auth = {.judge = judge, .enrol = enrol},
                                .handshakes_per_s = handshakes_per_s};

    memset(&w, 0, sizeof w);
    w.now_us = 1000000;
    w.welcome = true;
    w.server = (struct addr){.family = ADDR_IP4, .port = 7470, .ip = {10, 0, 0, 2}};
    rng_seed(&w.rng, 3);
    if (crypt_init())
        test_fail(__FILE__, __LINE__, "crypt_init");
    key_generate(&w.key, &w.rng);
    key_generate(&w.caller_key, &w.rng);
    if (listener_new(&c, &w.rng, w.now_us, &w.listener))
        test_fail(__FILE__, __LINE__, "listener_new");
}

static void end(void)
{
    for (size_t i = 0; i < CALLERS; i++)
        peer_free(w.caller[i]);
    listener_free(w.listener);
}

static void dial(size_t i)
{
    struct peer_dial d = {.to = w.server, .identity = &w.caller_key, .expected_key = w.key.public};
    struct rng r;

    rng_seed(&r, 1000 + i);
    if (peer_new(NULL, &d, &r, w.now_us, &w.caller[i]))
        test_fail(__FILE__, __LINE__, "peer_new");
}

/* Brings what the caller says now to the listener, from `at`; gives how many datagrams. */
static unsigned bring(size_t i, const struct addr *at)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct addr to;
    unsigned count = 0;
    size_t n;

    for (; peer_output(w.caller[i], w.now_us, space, sizeof space, &n, &to) == OK; count++)
        listener_input(w.listener, w.now_us, at, bytes_of(space, n), false);
    return count;
}

/* Brings the listener's answers to the caller when they go to `at`, others are lost; gives how many
 * there were in all. */
static unsigned fetch(size_t i, const struct addr *at)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct addr to;
    unsigned count = 0;
    size_t n;

    for (; listener_output(w.listener, w.now_us, space, sizeof space, &n, &to) == OK; count++)
        if (addr_equal(&to, at))
            peer_input(w.caller[i], w.now_us, &w.server, bytes_of(space, n), false);
    return count;
}

static bool is_connected(size_t i)
{
    struct peer_path p;

    peer_path(w.caller[i], w.now_us, &p);
    return p.connected;
}

static struct addr ip4(uint8_t host, uint16_t port)
{
    return (struct addr){.family = ADDR_IP4, .port = port, .ip = {10, 1, 0, host}};
}

static struct addr ip6(uint8_t net, uint8_t host)
{
    return (struct addr){.family = ADDR_IP6, .port = 5, .ip = {0x20, 1, [7] = net, [15] = host}};
}

/* Brings caller `i` as far as message 1 with a good cookie. */
static void say_message_1(size_t i, const struct addr *at)
{
    dial(i);
    bring(i, at);
    fetch(i, at);
    bring(i, at);
}

static struct listener_counters counters(void)
{
    struct listener_counters c;

    listener_count(w.listener, &c);
    return c;
}

static void a_caller_that_moves_gets_its_answer_there(void)
{
    struct addr old = ip4(1, 1), new = ip4(1, 2);

    begin(0);
    say_message_1(0, &old);
    EXPECT_EQ(fetch(0, &new), 1); /* message 2 goes to where it is no more */
    for (int i = 0; i < 10 && !is_connected(0); i++) {
        w.now_us += 250000;
        bring(0, &new);
        fetch(0, &new);
    }
    EXPECT(is_connected(0));
    EXPECT_EQ(counters().handshakes, 1);
    EXPECT_EQ(counters().half_open, 1);
    bring(0, &new);
    EXPECT_EQ(counters().half_open, 0);
    end();
}

static void a_network_shares_one_budget(void)
{
    begin(1000);
    w.welcome = false;
    for (size_t i = 0; i < 100; i++) {
        struct addr at = ip6(1, (uint8_t)i);
        say_message_1(i, &at);
        fetch(i, &at);
    }
    EXPECT_EQ(counters().handshakes, 64);
    EXPECT_EQ(counters().over_budget, 36);
    /* Another network has its own. */
    struct addr other = ip6(2, 1);
    say_message_1(100, &other);
    EXPECT_EQ(counters().handshakes, 65);
    /* A quarter of a second later there are 16 more. */
    w.now_us += 250000;
    for (size_t i = 101; i < 140; i++) {
        struct addr at = ip6(1, (uint8_t)i);
        say_message_1(i, &at);
        fetch(i, &at);
    }
    EXPECT_EQ(counters().handshakes, 81);
    end();
}

/* Handshakes with good cookies of many addresses, far more than there is a budget for: who comes
 * anew is heard at once all the same. */
static void greedy_addresses_leave_room(void)
{
    static uint8_t init[GREEDY][LIMIT_DATAGRAM_BYTES];
    size_t n[GREEDY], next = GREEDY;
    struct addr to;

    begin(0);
    w.welcome = false;
    for (size_t i = 0; i < GREEDY; i++) {
        struct addr at = ip4((uint8_t)i, 5);
        dial(i);
        bring(i, &at);
        fetch(i, &at);
        EXPECT_EQ(peer_output(w.caller[i], w.now_us, init[i], sizeof init[i], &n[i], &to), OK);
    }
    for (int i = 0; i < 20000; i++) {
        struct addr at = ip4((uint8_t)(i % GREEDY), 5);
        listener_input(w.listener, w.now_us, &at, bytes_of(init[i % GREEDY], n[i % GREEDY]), 0);
        fetch(0, &at);
        w.now_us += 150;
        if (i < 10000 || i % 500 || next == CALLERS)
            continue;
        uint64_t before = counters().handshakes;
        struct addr anew = ip6((uint8_t)next, 1);
        say_message_1(next++, &anew);
        EXPECT_EQ(counters().handshakes, before + 1);
    }
    EXPECT(next == GREEDY + 20);
    EXPECT(counters().over_budget > 15000);
    end();
}

static void refused_callers_push_nobody_out(void)
{
    begin(100000);
    for (size_t i = 0; i < LIMIT_HALF_OPEN; i++) {
        struct addr at = ip4((uint8_t)(i / 20), (uint16_t)(i + 1));
        say_message_1(i, &at);
        fetch(i, &at);
    }
    EXPECT_EQ(counters().half_open, LIMIT_HALF_OPEN);
    w.welcome = false;
    for (size_t i = LIMIT_HALF_OPEN; i < CALLERS; i++) {
        struct addr at = ip4((uint8_t)(i / 20), (uint16_t)(i + 1));
        say_message_1(i, &at);
        fetch(i, &at);
        EXPECT_EQ(peer_closed(w.caller[i]), true);
    }
    EXPECT_EQ(counters().half_open, LIMIT_HALF_OPEN);
    w.now_us += 31000000;
    fetch(0, &w.server);
    EXPECT_EQ(counters().half_open, 0);
    end();
}

static void answers_are_never_longer_than_questions(void)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES], junk[LIMIT_DATAGRAM_BYTES];
    struct addr at = ip4(1, 1), to;
    size_t n, in, answer, answers = 0;

    begin(0);
    dial(0);
    EXPECT_EQ(peer_output(w.caller[0], w.now_us, space, sizeof space, &n, &to), OK);
    for (size_t cut = 0; cut <= n; cut++) {
        listener_input(w.listener, w.now_us, &at, bytes_of(space, cut), false);
        while (listener_output(w.listener, w.now_us, junk, sizeof junk, &answer, &to) == OK) {
            EXPECT(answer <= cut && cut >= PACKET_LONG_FLOOR_BYTES);
            answers++;
        }
    }
    EXPECT_EQ(answers, 1);
    for (int i = 0; i < 20000; i++) {
        in = rng_below(&w.rng, sizeof junk);
        rng_fill(&w.rng, junk, in);
        memcpy(junk, space, num_min(in, rng_below(&w.rng, 40)));
        listener_input(w.listener, w.now_us, &at, bytes_of(junk, in), false);
        while (listener_output(w.listener, w.now_us, junk, sizeof junk, &answer, &to) == OK)
            EXPECT(answer <= in);
    }
    end();
}

static void answers_that_cannot_leave_are_dropped(void)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct addr at = ip4(1, 1), to;
    size_t n;

    begin(0);
    dial(0);
    EXPECT_EQ(peer_output(w.caller[0], w.now_us, space, sizeof space, &n, &to), OK);
    for (int i = 0; i < 10000; i++)
        listener_input(w.listener, w.now_us, &at, bytes_of(space, n), false);
    EXPECT_EQ(fetch(0, &at), 256);
    EXPECT(listener_deadline_us(w.listener, w.now_us) > w.now_us);
    end();
}

/* A second of 200,000 HELLOs and as many INITs with made-up cookies, all from other addresses. */
static void a_flood_is_looked_at_within_its_budget(void)
{
    uint8_t hello[LIMIT_DATAGRAM_BYTES], init[LIMIT_DATAGRAM_BYTES], junk[LIMIT_DATAGRAM_BYTES];
    struct addr at = ip4(1, 1), to;
    struct listener_sieve sieve = {0};
    size_t hello_bytes, init_bytes, n;
    uint64_t in = 0, out = 0;

    begin(0);
    dial(0);
    EXPECT_EQ(peer_output(w.caller[0], w.now_us, hello, sizeof hello, &hello_bytes, &to), OK);
    listener_input(w.listener, w.now_us, &at, bytes_of(hello, hello_bytes), false);
    fetch(0, &at);
    EXPECT_EQ(peer_output(w.caller[0], w.now_us, init, sizeof init, &init_bytes, &to), OK);
    for (uint64_t i = 0; i < 200000; i++) {
        at.ip[1] = (uint8_t)(2 + i % 100);
        w.now_us += 5;
        listener_input(w.listener, w.now_us, &at, bytes_of(hello, hello_bytes), false);
        listener_input(w.listener, w.now_us, &at, bytes_of(init, init_bytes), false);
        in += hello_bytes + init_bytes;
        for (; listener_output(w.listener, w.now_us, junk, sizeof junk, &n, &to) == OK; out += n)
            EXPECT(n <= hello_bytes);
        if (i == 20000)
            EXPECT(listener_sieve(w.listener, &sieve) && sieve.on);
    }
    /* A second's budget of both kinds and the first burst of each; a HELLO makes a cookie, an INIT
     * has one checked and then makes one. */
    uint64_t looked_at = counters().received - counters().shed;
    EXPECT(looked_at >= 2 * LIMIT_STRANGERS_PER_S * 9 / 10);
    EXPECT(looked_at <= 2 * (LIMIT_STRANGERS_PER_S * 11 / 10 + 1));
    EXPECT(counters().hashed <= 3 * (LIMIT_STRANGERS_PER_S * 11 / 10 + 1));
    EXPECT_EQ(counters().handshakes, 0);
    EXPECT(out > 0 && out < in / 100);
    /* Who has a session is known to the filter by his connection id. */
    EXPECT(sieve.on && sieve.keep_hello < 1u << 30 && sieve.keep_init < 1u << 30);
    end();
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void connection_ids_carry_their_mark(void)
{
    struct listener_sieve sieve;
    uint8_t space[LIMIT_DATAGRAM_BYTES] = {0x7f};
    struct addr at, to;
    size_t n;

    begin(1000);
    for (int i = 0; i < LIMIT_STRANGERS_PER_S; i++)
        listener_input(w.listener, w.now_us, &w.server, bytes_of(space, 1), false);
    EXPECT(listener_sieve(w.listener, &sieve) && sieve.on);
    for (size_t i = 0; i < 20; i++) {
        at = ip4((uint8_t)i, 7);
        say_message_1(i, &at);
        fetch(i, &at);
        EXPECT_EQ(peer_output(w.caller[i], w.now_us, space, sizeof space, &n, &to), OK);
        EXPECT(packet_is_data(bytes_of(space, n)));
        EXPECT_EQ(mark_of(&sieve.key, big_endian(space + 1)), big_endian(space + 5));
    }
    end();
}

static void a_copy_of_message_1_is_one_session(void)
{
    uint8_t init[LIMIT_DATAGRAM_BYTES], junk[LIMIT_DATAGRAM_BYTES];
    struct addr at = ip4(1, 1), to;
    size_t n, m;

    begin(0);
    dial(0);
    bring(0, &at);
    fetch(0, &at);
    EXPECT_EQ(peer_output(w.caller[0], w.now_us, init, sizeof init, &n, &to), OK);
    for (int i = 0; i < 5; i++)
        listener_input(w.listener, w.now_us, &at, bytes_of(init, n), false);
    EXPECT_EQ(counters().handshakes, 1);
    EXPECT_EQ(fetch(0, &at), 5); /* the same answer to each */
    bring(0, &at);
    EXPECT_EQ(counters().peers, 1);
    /* Once the session is up there is no more answer. */
    while (listener_output(w.listener, w.now_us, junk, sizeof junk, &m, &to) == OK)
        ;
    listener_input(w.listener, w.now_us, &at, bytes_of(init, n), false);
    EXPECT_EQ(fetch(0, &at), 0);
    EXPECT_EQ(counters().handshakes, 1);
    end();
}

/* Caller 0 as far as packet `stage` of its handshake, from HELLO to RESPONSE, which is in `to` then
 * and has not arrived. */
static size_t handshake_as_far_as(unsigned stage, const struct addr *at, uint8_t *to)
{
    struct addr where;
    size_t n;

    begin(0);
    dial(0);
    for (unsigned i = 0; i < stage; i++)
        if ((i % 2 ? fetch(0, at) : bring(0, at)) != 1)
            test_fail(__FILE__, __LINE__, "one packet each time");
    enum err e = stage % 2
                     ? listener_output(w.listener, w.now_us, to, LIMIT_DATAGRAM_BYTES, &n, &where)
                     : peer_output(w.caller[0], w.now_us, to, LIMIT_DATAGRAM_BYTES, &n, &where);
    if (e)
        test_fail(__FILE__, __LINE__, "handshake");
    return n;
}

/* Whether both ends hear each other before long. */
static bool comes_about(const struct addr *at)
{
    for (int i = 0; i < 12 && !(is_connected(0) && counters().half_open == 0); i++) {
        bring(0, at);
        fetch(0, at);
        w.now_us += 500000;
    }
    return is_connected(0) && counters().peers == 1 && counters().half_open == 0;
}

/* Whatever bit is damaged on the way: what the caller says again brings them together. */
static void a_damaged_bit_delays_a_handshake_and_no_more(void)
{
    static const char *const names[] = {"HELLO", "COOKIE", "INIT", "RESPONSE"};
    static const size_t most[] = {30, 78, 280, 94}; /* bytes; the rest is zeros */
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct addr at = ip4(1, 1);

    for (unsigned stage = 0; stage < COUNT_OF(names); stage++)
        for (size_t bit = 0; bit < 8 * most[stage]; bit++) {
            size_t n = handshake_as_far_as(stage, &at, space);
            EXPECT(n >= most[stage]);
            space[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (stage % 2)
                peer_input(w.caller[0], w.now_us, &w.server, bytes_of(space, n), false);
            else
                listener_input(w.listener, w.now_us, &at, bytes_of(space, n), false);
            bool good = comes_about(&at);
            if (!good)
                fprintf(stderr, "%s, bit %zu\n", names[stage], bit);
            EXPECT(good);
            end();
        }
}

TEST_MAIN({"a_caller_that_moves_gets_its_answer_there", a_caller_that_moves_gets_its_answer_there},
          {"a_network_shares_one_budget", a_network_shares_one_budget},
          {"greedy_addresses_leave_room", greedy_addresses_leave_room},
          {"refused_callers_push_nobody_out", refused_callers_push_nobody_out},
          {"answers_are_never_longer_than_questions", answers_are_never_longer_than_questions},
          {"answers_that_cannot_leave_are_dropped", answers_that_cannot_leave_are_dropped},
          {"a_flood_is_looked_at_within_its_budget", a_flood_is_looked_at_within_its_budget},
          {"connection_ids_carry_their_mark", connection_ids_carry_their_mark},
          {"a_copy_of_message_1_is_one_session", a_copy_of_message_1_is_one_session},
          {"a_damaged_bit_delays_a_handshake_and_no_more",
           a_damaged_bit_delays_a_handshake_and_no_more})
