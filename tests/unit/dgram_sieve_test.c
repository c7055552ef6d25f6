/* What the kernel's filter lets pass, over real sockets. */
#include "core/os/dgram_sieve.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/rng.h"
#include "core/os/os.h"
#include "tests/unit/test.h"

enum { LEAST = 1200, DATA = 0x40, ALWAYS = 3, NEVER = 1, END = 0x99, MANY = 4000 };

static struct {
    struct dgram from, to;
    struct dgram_space *space;
    struct rng rng;
    struct dgram_sieve sieve;
    uint64_t got;
} w;

static bool begin_between(const struct addr *from, const struct addr *to)
{
    memset(&w, 0, sizeof w);
    rng_seed(&w.rng, 7);
    w.from.fd = w.to.fd = -1;
    w.space = dgram_space_new();
    w.sieve = (struct dgram_sieve){.data = DATA,
                                   .key = {{0x89abcdef, 0x1234567}},
                                   .rare = {{ALWAYS, UINT32_MAX}, {NEVER, 0}},
                                   .rare_least_bytes = LEAST};
    return w.space && dgram_open(&w.from, from) == OK && dgram_open(&w.to, to) == OK;
}

static const struct addr ip4 = {.family = ADDR_IP4, .ip = {127, 0, 0, 1}};
static const struct addr ip6 = {.family = ADDR_IP6, .ip = {[15] = 1}};
static const struct addr any = {.family = ADDR_IP6};

static bool begin(void)
{
    return begin_between(&ip4, &ip4);
}

static void end(void)
{
    dgram_close(&w.from);
    dgram_close(&w.to);
    dgram_space_free(w.space);
    os_fail_at(OS_SETOPT, 0, 0);
}

/* On loopback what was sent has arrived, or was dropped, when the call returns. */
static void receive_all(void)
{
    struct dgram_burst in[DGRAM_BATCH];
    size_t n;

    while (dgram_receive(&w.to, w.space, in, &n) == OK)
        for (size_t i = 0; i < n; i++)
            w.got += in[i].n ? (in[i].n + in[i].each - 1) / in[i].each : 1;
}

/* Whether a datagram comes through. */
static bool passes(const uint8_t *p, size_t n)
{
    struct addr to = w.to.local;

    if (addr_is_any(&to)) {
        to = w.from.local;
        to.port = w.to.local.port;
    }
    struct dgram_burst b = {.peer = to, .p = p, .n = n, .each = n};
    uint64_t before = w.got;
    size_t done;

    if (dgram_send(&w.from, &b, 1, &done) != OK || done != 1)
        test_fail(__FILE__, __LINE__, "cannot send");
    receive_all();
    return w.got != before;
}

static void put(uint8_t *to, uint32_t v)
{
    for (int i = 3; i >= 0; i--, v >>= 8)
        to[i] = (uint8_t)v;
}

static void expect_marked_data_alone(const struct addr *from, const struct addr *to)
{
    uint8_t data[40];

    EXPECT(begin_between(from, to));
    EXPECT_EQ(dgram_sieve_set(&w.to, &w.sieve), OK);
    for (int i = 0; i < 2000; i++) {
        uint32_t n = (uint32_t)rng_u64(&w.rng), bit = 1u << rng_below(&w.rng, 32);
        rng_fill(&w.rng, data, sizeof data);
        data[0] = (uint8_t)(DATA | (i & 1));
        put(data + 1, n);
        put(data + 5, mark_of(&w.sieve.key, n));
        EXPECT(passes(data, sizeof data));
        put(data + 5, mark_of(&w.sieve.key, n) ^ bit);
        EXPECT(!passes(data, sizeof data));
        put(data + 1, n ^ bit);
        put(data + 5, mark_of(&w.sieve.key, n));
        EXPECT(!passes(data, sizeof data));
    }
    /* Cut short it has no mark. */
    for (size_t n = 0; n < 9; n++)
        EXPECT(!passes(data, n));
    end();
}

static void marked_data_passes_other_data_does_not(void)
{
    expect_marked_data_alone(&ip4, &ip4);
    expect_marked_data_alone(&ip6, &ip6);
    expect_marked_data_alone(&ip4, &any);
    expect_marked_data_alone(&ip6, &any);
}

static void others_pass_by_chance_when_they_are_long_enough(void)
{
    uint8_t data[LEAST + 1] = {0};

    EXPECT(begin());
    EXPECT_EQ(dgram_sieve_set(&w.to, &w.sieve), OK);
    for (unsigned first = 0; first < 256; first++) {
        data[0] = (uint8_t)first;
        EXPECT_EQ(passes(data, LEAST), first == ALWAYS);
        EXPECT_EQ(passes(data, LEAST + 1), first == ALWAYS);
        EXPECT(!passes(data, LEAST - 1));
        EXPECT(!passes(data, 1));
    }
    end();
}

static void the_share_is_what_was_asked(void)
{
    uint8_t data[LEAST] = {NEVER};
    uint32_t overflow;

    EXPECT(begin());
    w.sieve.rare[1].keep = (1u << 30) - 1;
    EXPECT_EQ(dgram_sieve_set(&w.to, &w.sieve), OK);
    for (int i = 0; i < MANY; i++)
        passes(data, sizeof data);
    /* A quarter, give or take ten standard deviations. */
    EXPECT(w.got > MANY / 4 - 280 && w.got < MANY / 4 + 280);
    overflow = w.to.overflow;
    data[0] = ALWAYS;
    EXPECT(passes(data, sizeof data));
    EXPECT_EQ(w.to.overflow, MANY - (w.got - 1));
    EXPECT(overflow <= w.to.overflow);
    end();
}

static void taken_away_everything_passes(void)
{
    uint8_t data[] = {END, 1, 2};

    EXPECT(begin());
    EXPECT(passes(data, sizeof data) && passes(data, 0));
    EXPECT_EQ(dgram_sieve_set(&w.to, &w.sieve), OK);
    EXPECT(!passes(data, sizeof data) && !passes(data, 0));
    /* A change that fails leaves what was there. */
    os_fail_at(OS_SETOPT, 1, ENOMEM);
    EXPECT_EQ(dgram_sieve_set(&w.to, NULL), ERR_UNSUPPORTED);
    EXPECT(!passes(data, sizeof data));
    os_fail_at(OS_SETOPT, 1, EPERM);
    EXPECT_EQ(dgram_sieve_set(&w.to, &w.sieve), ERR_UNSUPPORTED);
    EXPECT(!passes(data, sizeof data));
    EXPECT_EQ(dgram_sieve_set(&w.to, NULL), OK);
    EXPECT(passes(data, sizeof data) && passes(data, 0));
    EXPECT_EQ(dgram_sieve_set(&w.to, NULL), ERR_UNSUPPORTED); /* there is none */
    end();
}

/* Whoever held the socket before had other sessions. */
static void an_inherited_socket_has_none(void)
{
    uint8_t data[] = {END, 1, 2};
    struct dgram heir;

    EXPECT(begin());
    EXPECT_EQ(dgram_sieve_set(&w.to, &w.sieve), OK);
    EXPECT(!passes(data, sizeof data));
    EXPECT_EQ(dgram_adopt(&heir, dup(w.to.fd)), OK);
    EXPECT(passes(data, sizeof data));
    dgram_close(&heir);
    end();
}

TEST_MAIN({"marked_data_passes_other_data_does_not", marked_data_passes_other_data_does_not},
          {"others_pass_by_chance_when_they_are_long_enough",
           others_pass_by_chance_when_they_are_long_enough},
          {"the_share_is_what_was_asked", the_share_is_what_was_asked},
          {"taken_away_everything_passes", taken_away_everything_passes},
          {"an_inherited_socket_has_none", an_inherited_socket_has_none})
