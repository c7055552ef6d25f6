/* What strangers are granted, second by second, whatever addresses they have. */
#include "core/peer/budget.h"

#include "tests/unit/test.h"

enum { LOOKS_PER_S = 20000 };

static struct {
    struct budget b;
    uint64_t now_us;
} w;

static void begin(uint32_t agreements_per_s)
{
    w.now_us = 5000000;
    budget_init(&w.b, agreements_per_s, LOOKS_PER_S, 0x1234567890abcdef, w.now_us);
}

static struct addr ip4(uint32_t host)
{
    return (struct addr){
        .family = ADDR_IP4,
        .port = 5,
        .ip = {(uint8_t)(host >> 24), (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host}};
}

static struct addr ip6(uint8_t net, uint8_t host)
{
    return (struct addr){.family = ADDR_IP6, .port = 5, .ip = {0x20, 1, [7] = net, [15] = host}};
}

/* Asks `times` times at once for an address; gives how often it was granted. */
static unsigned agree(struct addr from, unsigned times)
{
    unsigned granted = 0;

    for (unsigned i = 0; i < times; i++, from.port++)
        granted += budget_agree(&w.b, w.now_us, &from);
    return granted;
}

static unsigned look(enum sieve_kind kind, unsigned times)
{
    unsigned granted = 0;

    for (unsigned i = 0; i < times; i++)
        granted += budget_look(&w.b, w.now_us, kind);
    return granted;
}

static void each_kind_is_looked_at_within_its_own_budget(void)
{
    begin(1000);
    EXPECT_EQ(look(SIEVE_HELLO, 100000), LOOKS_PER_S / 10);
    EXPECT_EQ(look(SIEVE_INIT, 100000), LOOKS_PER_S / 10);
    w.now_us += 10000;
    EXPECT_EQ(look(SIEVE_HELLO, 100000), LOOKS_PER_S / 100);
    /* What nobody has used for a day is not all there at once. */
    w.now_us += 86400000000;
    EXPECT_EQ(look(SIEVE_HELLO, 100000), LOOKS_PER_S / 10);
}

static void an_address_has_its_share(void)
{
    begin(1000);
    EXPECT_EQ(agree(ip4(1), 100), BUDGET_ADDRESS_BURST);
    EXPECT_EQ(agree(ip4(2), 1), 1);
    /* An IPv6 host is its /64. */
    EXPECT_EQ(agree(ip6(1, 1), 40), 40);
    EXPECT_EQ(agree(ip6(1, 2), 40), BUDGET_ADDRESS_BURST - 40);
    EXPECT_EQ(agree(ip6(2, 2), 1), 1);
    w.now_us += 250000;
    EXPECT_EQ(agree(ip4(1), 100), BUDGET_ADDRESS_PER_S / 4);
}

static void who_has_had_one_waits_when_few_are_left(void)
{
    uint32_t next = 10;

    begin(256);
    EXPECT_EQ(agree(ip4(1), 1), 1);
    EXPECT_EQ(agree(ip4(2), 64) + agree(ip4(3), 63), 127);
    EXPECT_EQ(agree(ip4(1), 1), 1); /* half was left */
    EXPECT_EQ(agree(ip4(1), 1), 0);
    for (int i = 0; i < 60; i++)
        EXPECT_EQ(agree(ip4(next++), 2), 1); /* who comes anew has one */
    for (int i = 0; i < 500; i++, w.now_us += BUDGET_PRESSED_US / 500) {
        EXPECT_EQ(agree(ip4(1), 1), 0);
        EXPECT_EQ(agree(ip4(next++), 1), 1);
    }
    EXPECT_EQ(agree(ip4(1), 2), 1);
}

static void addresses_without_number_get_no_more(void)
{
    unsigned granted = 0;

    begin(256);
    for (uint32_t i = 0; i < 1000000; i++, w.now_us += 10)
        granted += agree(ip4(i), 1);
    EXPECT(granted >= 10 * 256 && granted <= 11 * 256);
}

TEST_MAIN({"each_kind_is_looked_at_within_its_own_budget",
           each_kind_is_looked_at_within_its_own_budget},
          {"an_address_has_its_share", an_address_has_its_share},
          {"who_has_had_one_waits_when_few_are_left", who_has_had_one_waits_when_few_are_left},
          {"addresses_without_number_get_no_more", addresses_without_number_get_no_more})
