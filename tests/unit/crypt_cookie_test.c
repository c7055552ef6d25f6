#include <string.h>

#include "core/base/num.h"
#include "core/crypt/cookie.h"
#include "core/crypt/crypt.h"
#include "core/crypt/token.h"
#include "tests/unit/test.h"

static uint8_t seed[32];
static uint8_t home[6] = {127, 0, 0, 1, 0x2e, 0x1d};
static uint8_t nonce[8] = {'n', 'o', 'n', 'c', 'e', 'n', 'o', 'n'};

static void set_up(struct cookie_key *c, struct token_key *t)
{
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)i;
    cookie_init(c, seed);
    token_init(t, seed);
}

/* Known answers come from Python's hashlib. */
static void cookies_and_tokens_are_as_documented(void)
{
    uint8_t want[TOKEN_BYTES], got[TOKEN_BYTES];
    struct cookie_key c;
    struct token_key t;

    EXPECT_EQ(crypt_init(), OK);
    set_up(&c, &t);
    test_hex("7e7d4bab8123a9ca1565ad82bf289dab", want, sizeof want);
    cookie_make(&c, 50000000, bytes_of(home, 6), bytes_of(nonce, 8), got);
    EXPECT(memcmp(got, want, COOKIE_BYTES) == 0);
    test_hex("8050d2201400000013a60f4ed56c9d6c8e732a6f1bb5c692", want, sizeof want);
    token_make(&t, 50000000, bytes_of(home, 4), got);
    EXPECT(memcmp(got, want, TOKEN_BYTES) == 0);
}

static void a_cookie_is_good_for_one_to_two_slots(void)
{
    static const uint64_t times[] = {0, 1, COOKIE_SLOT_US - 1, COOKIE_SLOT_US,
                                     7 * (uint64_t)COOKIE_SLOT_US + 5};
    struct bytes from = bytes_of(home, 6), mine = bytes_of(nonce, 8);
    uint8_t cookie[COOKIE_BYTES];
    struct bytes all = bytes_of(cookie, sizeof cookie);
    struct cookie_key c;
    struct token_key t;

    set_up(&c, &t);
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        uint64_t slot = times[i] / COOKIE_SLOT_US * COOKIE_SLOT_US;
        cookie_make(&c, times[i], from, mine, cookie);
        EXPECT(cookie_check(&c, times[i], from, mine, all));
        EXPECT(cookie_check(&c, times[i] + COOKIE_SLOT_US, from, mine, all));
        EXPECT(cookie_check(&c, slot + 2ull * COOKIE_SLOT_US - 1, from, mine, all));
        EXPECT(!cookie_check(&c, slot + 2ull * COOKIE_SLOT_US, from, mine, all));
        if (slot)
            EXPECT(!cookie_check(&c, slot - 1, from, mine, all));
    }
}

static void a_cookie_is_for_one_address_and_nonce(void)
{
    uint8_t cookie[COOKIE_BYTES + 1];
    struct bytes from = bytes_of(home, 6), mine = bytes_of(nonce, 8);
    struct bytes all = bytes_of(cookie, COOKIE_BYTES);
    struct cookie_key c, other;
    struct token_key t;

    set_up(&c, &t);
    cookie_make(&c, 99, from, mine, cookie);
    for (size_t bit = 0; bit < 8 * COOKIE_BYTES; bit++) {
        cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
        EXPECT(!cookie_check(&c, 99, from, mine, all));
        cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof home; bit++) {
        home[bit / 8] ^= (uint8_t)(1 << bit % 8);
        EXPECT(!cookie_check(&c, 99, from, mine, all));
        home[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof nonce; bit++) {
        nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
        EXPECT(!cookie_check(&c, 99, from, mine, all));
        nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    /* The border between address and nonce counts. */
    uint8_t both[14];
    memcpy(both, home, 6);
    memcpy(both + 6, nonce, 8);
    EXPECT(!cookie_check(&c, 99, bytes_of(both, 7), bytes_of(both + 7, 7), all));
    EXPECT(cookie_check(&c, 99, bytes_of(both, 6), bytes_of(both + 6, 8), all));
    for (size_t n = 0; n <= sizeof cookie; n++)
        EXPECT_EQ(cookie_check(&c, 99, from, mine, bytes_of(cookie, n)), n == COOKIE_BYTES);
    seed[0] ^= 1;
    cookie_init(&other, seed);
    EXPECT(!cookie_check(&other, 99, from, mine, all));
    cookie_wipe(&c);
    EXPECT_EQ(c.key[0] | c.key[31], 0);
}

static void a_token_is_for_one_address_and_a_day(void)
{
    uint8_t token[TOKEN_BYTES + 1];
    struct bytes from = bytes_of(home, 4), all = bytes_of(token, TOKEN_BYTES);
    uint64_t now_us = 123456789;
    struct cookie_key c;
    struct token_key t;

    set_up(&c, &t);
    token_make(&t, now_us, from, token);
    EXPECT(token_check(&t, now_us, from, all));
    EXPECT(token_check(&t, now_us + TOKEN_LIFE_US - 1, from, all));
    EXPECT(!token_check(&t, now_us + TOKEN_LIFE_US, from, all));
    EXPECT(!token_check(&t, now_us - 1, from, all)); /* made in the future */
    EXPECT(!token_check(&t, now_us, bytes_of(home, 6), all));
    EXPECT(!token_check(&t, now_us, bytes_of(NULL, 0), all));
    for (size_t n = 0; n <= sizeof token; n++)
        EXPECT_EQ(token_check(&t, now_us, from, bytes_of(token, n)), n == TOKEN_BYTES);
    for (size_t bit = 0; bit < 8 * TOKEN_BYTES; bit++) {
        token[bit / 8] ^= (uint8_t)(1 << bit % 8);
        EXPECT(!token_check(&t, now_us, from, all));
        token[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 32; bit++) {
        home[bit / 8] ^= (uint8_t)(1 << bit % 8);
        EXPECT(!token_check(&t, now_us, from, all));
        home[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    token_wipe(&t);
    EXPECT(!token_check(&t, now_us, from, all));
}

TEST_MAIN({"cookies and tokens are as documented", cookies_and_tokens_are_as_documented},
          {"a cookie is good for one to two slots", a_cookie_is_good_for_one_to_two_slots},
          {"a cookie is for one address and nonce", a_cookie_is_for_one_address_and_nonce},
          {"a token is for one address and a day", a_token_is_for_one_address_and_a_day})
