#include <stdio.h>
#include <string.h>

#include "core/base/num.h"
#include "core/base/parse.h"
#include "core/base/reason.h"
#include "tests/unit/test.h"

typedef enum err parse_fn(struct bytes text, uint64_t *out);

struct good {
    const char *text;
    uint64_t value;
};

struct bad {
    const char *text;
    enum err err;
};

/* Every text gives its value; every bad one its error, and leaves the result alone. */
static void try_all(parse_fn *parse, const struct good *good, const struct bad *bad)
{
    uint64_t v;

    for (; good->text; good++) {
        v = 4711;
        if (parse(bytes_of_string(good->text), &v) != OK || v != good->value) {
            printf("text: %s\n", good->text);
            EXPECT_EQ(v, good->value);
            EXPECT(!"refused");
        }
    }
    for (; bad->text; bad++) {
        v = 4711;
        enum err e = parse(bytes_of_string(bad->text), &v);
        if (e != bad->err || v != 4711) {
            printf("text: %s\n", bad->text);
            EXPECT_EQ(e, bad->err);
            EXPECT_EQ(v, 4711);
        }
    }
}

static void numbers(void)
{
    static const struct good good[] = {
        {"0", 0}, {"7", 7}, {"007", 7}, {"9223372036854775807", INT64_MAX}, {0}};
    static const struct bad bad[] = {{"", ERR_MALFORMED},
                                     {" 1", ERR_MALFORMED},
                                     {"1 ", ERR_MALFORMED},
                                     {"-1", ERR_MALFORMED},
                                     {"+1", ERR_MALFORMED},
                                     {"0x10", ERR_MALFORMED},
                                     {"1.5", ERR_MALFORMED},
                                     {"1k", ERR_MALFORMED},
                                     {"9223372036854775808", ERR_LIMIT},
                                     {"1\n", ERR_MALFORMED},
                                     {"\xd9\xa1", ERR_MALFORMED},
                                     {"99999999999999999999", ERR_LIMIT},
                                     {0}};

    try_all(parse_number, good, bad);
}

static void rates(void)
{
    static const struct good good[] = {{"0", 0},
                                       {"300", 300},
                                       {"20M", 20000000},
                                       {"64k", 64000},
                                       {"64K", 64000},
                                       {"1.5G", 1500000000},
                                       {"0.000000001G", 1},
                                       {"2.0M", 2000000},
                                       {"1.0019k", 1001},
                                       {"9223372T", 9223372000000000000},
                                       {0}};
    static const struct bad bad[] = {{"", ERR_MALFORMED},
                                     {"M", ERR_MALFORMED},
                                     {"-20M", ERR_MALFORMED},
                                     {"20m", ERR_MALFORMED},
                                     {"20 M", ERR_MALFORMED},
                                     {"20MB", ERR_MALFORMED},
                                     {"20MiB", ERR_MALFORMED},
                                     {"1.5", ERR_MALFORMED},
                                     {".5M", ERR_MALFORMED},
                                     {"5.M", ERR_MALFORMED},
                                     {"1.2.3M", ERR_MALFORMED},
                                     {"1,5M", ERR_MALFORMED},
                                     {"1e6", ERR_MALFORMED},
                                     {"9223373T", ERR_LIMIT},
                                     {"0.0000000001G", ERR_LIMIT},
                                     {"1.0000000000000000001G", ERR_LIMIT},
                                     {"inf", ERR_MALFORMED},
                                     {"nan", ERR_MALFORMED},
                                     {0}};

    try_all(parse_rate_bps, good, bad);
}

static void sizes(void)
{
    static const struct good good[] = {{"0", 0},
                                       {"1500", 1500},
                                       {"1500B", 1500},
                                       {"64MiB", 64 << 20},
                                       {"1kB", 1000},
                                       {"1KiB", 1024},
                                       {"1.5GiB", 3ull << 29},
                                       {"2TB", 2000000000000},
                                       {"8388607TiB", 8388607ull << 40},
                                       {0}};
    static const struct bad bad[] = {{"", ERR_MALFORMED},
                                     {"B", ERR_MALFORMED},
                                     {"64M", ERR_MALFORMED},
                                     {"64mib", ERR_MALFORMED},
                                     {"1.5", ERR_MALFORMED},
                                     {"1.5B", ERR_MALFORMED},
                                     {"-1KiB", ERR_MALFORMED},
                                     {"1KiB ", ERR_MALFORMED},
                                     {"8388608TiB", ERR_LIMIT},
                                     {"0.0001KiB", ERR_LIMIT},
                                     {0}};

    try_all(parse_size_bytes, good, bad);
}

static void times(void)
{
    static const struct good good[] = {{"0", 0},
                                       {"0s", 0},
                                       {"7us", 7},
                                       {"250ms", 250000},
                                       {"2s", 2000000},
                                       {"1.5s", 1500000},
                                       {"10min", 600000000},
                                       {"1h", 3600000000},
                                       {"365d", 31536000000000},
                                       {"0.001ms", 1},
                                       {0}};
    static const struct bad bad[] = {{"", ERR_MALFORMED},
                                     {"5", ERR_MALFORMED},
                                     {"ms", ERR_MALFORMED},
                                     {"5m", ERR_MALFORMED},
                                     {"5S", ERR_MALFORMED},
                                     {"5 s", ERR_MALFORMED},
                                     {"-5s", ERR_MALFORMED},
                                     {"1.5us", ERR_MALFORMED},
                                     {"0.0", ERR_MALFORMED},
                                     {"1h30min", ERR_MALFORMED},
                                     {"106751992d", ERR_LIMIT},
                                     {"0.0001ms", ERR_LIMIT},
                                     {0}};

    try_all(parse_time_us, good, bad);
}

static void probabilities(void)
{
    static const struct good good[] = {
        {"0", 0}, {"0%", 0}, {"1%", 10000}, {"100%", 1000000}, {"0.5%", 5000}, {"0.0001%", 1}, {0}};
    static const struct bad bad[] = {{"", ERR_MALFORMED},      {"1", ERR_MALFORMED},
                                     {"0.01", ERR_MALFORMED},  {"%", ERR_MALFORMED},
                                     {"-1%", ERR_MALFORMED},   {"101%", ERR_LIMIT},
                                     {"100.0001%", ERR_LIMIT}, {"0.00001%", ERR_LIMIT},
                                     {"1%%", ERR_MALFORMED},   {0}};

    try_all(parse_probability_ppm, good, bad);
}

static void addresses(void)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } good[] = {
        {"127.0.0.1:7470", "127.0.0.1", 7470},
        {"localhost:0", "localhost", 0},
        {"a.b-c_d.example", "a.b-c_d.example", PARSE_PORT},
        {"[::1]:65535", "::1", 65535},
        {"[::]", "::", PARSE_PORT},
        {"fd:3", "fd", 3},
        {"::1", "::1", PARSE_PORT},
        {"[fe80::1%eth0]:1", "fe80::1%eth0", 1},
        {"[::ffff:10.0.0.1]:5", "::ffff:10.0.0.1", 5},
    };

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct parse_address a;
        EXPECT_EQ(parse_address(bytes_of_string(good[i].text), &a), OK);
        EXPECT(strcmp(a.host, good[i].host) == 0);
        EXPECT_EQ(a.port, good[i].port);
    }
}

static void bad_addresses(void)
{
    static const char *const bad[] = {
        "",      ":",        ":7470",     "host:",     "host:x", "host:-1",  "host: 1", "host:1:2",
        "1::g",  "[::1",     "[::1]7470", "[::1]:",    "[]:1",   "[host]:1", "[:]:1",   "-x:1",
        "a b:1", "host/1:1", "[::1%]:1",  "[::1% ]:1", "]:1",    "host:0x10"};
    struct parse_address a = {.port = 4711};
    char longest[600];

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        enum err e = parse_address(bytes_of_string(bad[i]), &a);
        if (e != ERR_MALFORMED)
            printf("text: %s\n", bad[i]);
        EXPECT_EQ(e, ERR_MALFORMED);
        EXPECT_EQ(a.port, 4711);
    }
    EXPECT_EQ(parse_address(bytes_of_string("host:65536"), &a), ERR_MALFORMED);
    EXPECT_EQ(parse_address(bytes_of("host\0", 5), &a), ERR_MALFORMED);
    memset(longest, 'a', sizeof longest);
    EXPECT_EQ(parse_address(bytes_of(longest, PARSE_HOST_CHARS), &a), OK);
    EXPECT_EQ(strlen(a.host), PARSE_HOST_CHARS);
    EXPECT_EQ(parse_address(bytes_of(longest, PARSE_HOST_CHARS + 1), &a), ERR_MALFORMED);
    EXPECT_EQ(parse_address(bytes_of(longest, sizeof longest), &a), ERR_MALFORMED);
}

static void the_first_reason_stays(void)
{
    struct reason r = {0};
    char longest[LIMIT_REASON_CHARS * 2];

    EXPECT(strcmp(reason_text(&r, ERR_REFUSED), err_text(ERR_REFUSED)) == 0);
    EXPECT_EQ(reason_give(&r, ERR_REFUSED, "a\nb%d", 7), ERR_REFUSED);
    EXPECT_EQ(reason_give(&r, ERR_SYSTEM, "later"), ERR_SYSTEM);
    EXPECT(strcmp(reason_text(&r, ERR_REFUSED), "a?b7") == 0);
    r = (struct reason){0};
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    EXPECT_EQ(reason_give(&r, ERR_LIMIT, "%s", longest), ERR_LIMIT);
    EXPECT_EQ(strlen(r.text), LIMIT_REASON_CHARS);
}

TEST_MAIN({"numbers", numbers}, {"rates", rates}, {"sizes", sizes}, {"times", times},
          {"probabilities", probabilities}, {"addresses", addresses},
          {"bad addresses", bad_addresses}, {"the first reason stays", the_first_reason_stays})
