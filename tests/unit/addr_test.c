#include "core/base/addr.h"

#include <string.h>

#include "core/base/num.h"
#include "tests/unit/test.h"

static void addresses_round_trip(void)
{
    static const char *const same[] = {
        "127.0.0.1:7470",
        "0.0.0.0:0",
        "255.255.255.255:65535",
        "[::]:7470",
        "[::1]:1",
        "[fe80::1%3]:9",
        "[2001:db8::ff]:443",
        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535"};
    char text[ADDR_CHARS];
    struct addr a;

    for (size_t i = 0; i < COUNT_OF(same); i++) {
        EXPECT_EQ(addr_parse(same[i], -1, &a), OK);
        EXPECT(strcmp(addr_print(&a, text), same[i]) == 0);
    }
}

static void other_forms_are_understood(void)
{
    char text[ADDR_CHARS];
    struct addr a, b;

    EXPECT_EQ(addr_parse("10.0.0.1", 7470, &a), OK);
    EXPECT(strcmp(addr_print(&a, text), "10.0.0.1:7470") == 0);
    EXPECT_EQ(addr_parse("::1", 7470, &a), OK);
    EXPECT(strcmp(addr_print(&a, text), "[::1]:7470") == 0);
    EXPECT_EQ(addr_parse("[::1]", 7, &a), OK);
    EXPECT(strcmp(addr_print(&a, text), "[::1]:7") == 0);
    EXPECT_EQ(addr_parse("[::ffff:1.2.3.4]:5", -1, &a), OK);
    EXPECT_EQ(addr_parse("1.2.3.4:5", -1, &b), OK);
    EXPECT(addr_equal(&a, &b) && a.family == ADDR_IP4);
    EXPECT(strcmp(addr_print_ip(&a, text), "1.2.3.4") == 0);
    a = (struct addr){0};
    EXPECT(strcmp(addr_print(&a, text), "none") == 0);
    EXPECT(!addr_is_any(&a));
    EXPECT(addr_parse("[::]:1", -1, &a) == OK && addr_is_any(&a));
    EXPECT(addr_parse("0.0.0.0:1", -1, &a) == OK && addr_is_any(&a));
    EXPECT(addr_parse("0.0.0.1:1", -1, &a) == OK && !addr_is_any(&a));
}

static void bad_addresses_are_refused(void)
{
    static const char *const bad[] = {
        "",
        ":",
        ":1",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "1.2.3.4:1x",
        "1.2.3.4: 1",
        " 1.2.3.4:1",
        "1.2.3:1",
        "1.2.3.4.5:1",
        "256.1.1.1:1",
        "01.2.3.4:1",
        "host:1",
        "[::1]",
        "[::1:1",
        "::1]:1",
        "[::1]1",
        "[::1]x:1",
        "[]:1",
        "[1.2.3.4]:1",
        "[:::1]:1",
        "[::1%]:1",
        "[::1%eth0]:1",
        "[::1%4294967296]:1",
        "1.2.3.4%1:1",
        "1.2.3.4:01",
        "[fe80::1%1%2]:1",
        "::1",
        "1.2.3.4:99999999999999999999999",
        "[1111:2222:3333:4444:5555:6666:7777:8888:9999]:1",
        "[0000000000000000000000000000000000000000000000000000000000::1]:1"};
    struct addr a = {.family = ADDR_IP4, .port = 77}, before = a;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        EXPECT_EQ(addr_parse(bad[i], -1, &a), ERR_MALFORMED);
        EXPECT(addr_equal(&a, &before));
    }
}

static void hosts_and_ports_are_split(void)
{
    char host[ADDR_HOST_CHARS], longest[600];
    uint16_t port;

    EXPECT_EQ(addr_split("example.org:80", -1, host, &port), OK);
    EXPECT(strcmp(host, "example.org") == 0 && port == 80);
    EXPECT_EQ(addr_split("example.org", 7470, host, &port), OK);
    EXPECT(strcmp(host, "example.org") == 0 && port == 7470);
    EXPECT_EQ(addr_split("example.org", -1, host, &port), ERR_MALFORMED);
    EXPECT_EQ(addr_split("[fe80::1%2]:80", -1, host, &port), OK);
    EXPECT(strcmp(host, "fe80::1%2") == 0 && port == 80);
    EXPECT_EQ(addr_split("host:", 1, host, &port), ERR_MALFORMED);
    EXPECT_EQ(addr_split(":1", 1, host, &port), ERR_MALFORMED);
    memset(longest, 'a', sizeof longest);
    longest[ADDR_HOST_CHARS] = 0;
    EXPECT_EQ(addr_split(longest, 1, host, &port), ERR_MALFORMED);
    longest[ADDR_HOST_CHARS - 1] = 0;
    EXPECT_EQ(addr_split(longest, 1, host, &port), OK);
}

TEST_MAIN({"addresses_round_trip", addresses_round_trip},
          {"other_forms_are_understood", other_forms_are_understood},
          {"bad_addresses_are_refused", bad_addresses_are_refused},
          {"hosts_and_ports_are_split", hosts_and_ports_are_split})
