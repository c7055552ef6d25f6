#include <string.h>

#include "core/base/num.h"
#include "core/wan/wan_link.h"
#include "core/wan/wan_schedule.h"
#include "tests/unit/test.h"

static enum err outage(struct wan_config *c, const char *text)
{
    return wan_schedule_outage(bytes_of_string(text), c);
}

static enum err change(struct wan_config *c, const char *text)
{
    return wan_schedule_change(bytes_of_string(text), c);
}

static enum err queue(struct wan_config *c, const char *text)
{
    return wan_schedule_queue(bytes_of_string(text), c);
}

static void outages_are_read(void)
{
    struct wan_config c;

    wan_config_init(&c);
    EXPECT_EQ(outage(&c, "5s:30s"), OK);
    EXPECT_EQ(outage(&c, "0:250ms"), OK);
    EXPECT_EQ(c.outages, 2);
    EXPECT(c.outage[0].at_us == 5000000 && c.outage[0].for_us == 30000000);
    EXPECT(c.outage[1].at_us == 0 && c.outage[1].for_us == 250000);
    static const char *const bad[] = {"",     ":",        "5s",     "5s:",    ":5s",
                                      "5:5s", "5s:5s:5s", "5s:-1s", "5s: 5s", "x:y"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        EXPECT_EQ(outage(&c, bad[i]), ERR_MALFORMED);
    EXPECT_EQ(c.outages, 2);
    while (c.outages < WAN_OUTAGES_MAX)
        EXPECT_EQ(outage(&c, "1s:1s"), OK);
    EXPECT_EQ(outage(&c, "1s:1s"), ERR_LIMIT);
}

static void changes_are_read(void)
{
    struct wan_config c;

    wan_config_init(&c);
    EXPECT_EQ(change(&c, "10s:rate=2M"), OK);
    EXPECT_EQ(change(&c, "1.5s:rebind"), OK);
    EXPECT_EQ(change(&c, "2s:loss=1%,delay=30ms,jitter=2ms,burst=4,reorder=0.5%,duplicate=0,"
                         "corrupt=100%,rate=0,mtu=1280,policer=5M,fade=1s,slots=0s"),
              OK);
    static const struct wan_change want[] = {
        {10000000, WAN_CHANGE_RATE, 2000000},   {1500000, WAN_CHANGE_REBIND, 0},
        {2000000, WAN_CHANGE_LOSS, 10000},      {2000000, WAN_CHANGE_DELAY, 30000},
        {2000000, WAN_CHANGE_JITTER, 2000},     {2000000, WAN_CHANGE_BURST, 4},
        {2000000, WAN_CHANGE_REORDER, 5000},    {2000000, WAN_CHANGE_DUPLICATE, 0},
        {2000000, WAN_CHANGE_CORRUPT, 1000000}, {2000000, WAN_CHANGE_RATE, 0},
        {2000000, WAN_CHANGE_MTU, 1280},        {2000000, WAN_CHANGE_POLICER, 5000000},
        {2000000, WAN_CHANGE_FADE, 1000000},    {2000000, WAN_CHANGE_SLOTS, 0}};
    EXPECT_EQ(c.changes, COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        EXPECT(c.change[i].at_us == want[i].at_us && c.change[i].kind == want[i].kind);
        EXPECT_EQ(c.change[i].value, want[i].value);
    }
    static const char *const bad[] = {
        "",           "1s",          "1s:",       "1s:rate",         "1s:rate=",   "1s:rate=2X",
        "1s:speed=1", "1s:rebind=1", "1s:loss=2", "1s:loss=101%",    "1s:delay=1", "rate=1M",
        "1s:rebind,", "1s:,rebind",  "x:rebind",  "1s:rebind,loss=x"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        enum err e = change(&c, bad[i]);
        EXPECT(e == ERR_MALFORMED || e == ERR_LIMIT);
        EXPECT_EQ(c.changes, COUNT_OF(want));
    }
    while (c.changes < WAN_CHANGES_MAX - 1)
        EXPECT_EQ(change(&c, "1s:rebind"), OK);
    EXPECT_EQ(change(&c, "1s:rebind,rebind"), ERR_LIMIT);
    EXPECT_EQ(c.changes, WAN_CHANGES_MAX - 1);
}

static void queues_are_read(void)
{
    struct wan_config c;

    wan_config_init(&c);
    EXPECT_EQ(queue(&c, "64KiB"), OK);
    EXPECT_EQ(c.queue_bytes, 65536);
    EXPECT_EQ(queue(&c, "50ms"), OK);
    EXPECT(c.queue_us == 50000 && c.queue_bytes == 0);
    EXPECT_EQ(queue(&c, "3000"), OK);
    EXPECT_EQ(c.queue_bytes, 3000);
    EXPECT_EQ(queue(&c, "0"), OK);
    EXPECT_EQ(c.queue_bytes, 1);
    EXPECT(queue(&c, "") != OK && queue(&c, "5 ms") != OK && queue(&c, "5lightyears") != OK);
    EXPECT_EQ(c.queue_bytes, 1);
}

static void policers_are_read(void)
{
    static const char *const bad[] = {"",     "5M",     "5M:",   ":64KiB",       "5M:0",
                                      "5M:x", "x:1500", "5M:-1", "5M:1500:1500", "5M: 1500"};
    struct wan_config c;

    wan_config_init(&c);
    EXPECT_EQ(wan_schedule_policer(bytes_of_string("5M:64KiB"), &c), OK);
    EXPECT(c.police_bps == 5000000 && c.police_bytes == 65536);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        EXPECT(wan_schedule_policer(bytes_of_string(bad[i]), &c) != OK);
    EXPECT_EQ(wan_schedule_policer(bytes_of_string("5M:2GiB"), &c), ERR_LIMIT);
    EXPECT(c.police_bps == 5000000 && c.police_bytes == 65536);
}

static void fading_is_read(void)
{
    static const char *const bad[] = {"",        "200ms",      "200ms:", ":20%",
                                      "200:20%", "200ms:101%", "x:20%",  "200ms:20%:1"};
    struct wan_config c;

    wan_config_init(&c);
    EXPECT_EQ(wan_schedule_fade(bytes_of_string("200ms:20%"), &c), OK);
    EXPECT(c.fade_us == 200000 && c.fade_least == 200000);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        EXPECT(wan_schedule_fade(bytes_of_string(bad[i]), &c) != OK);
    EXPECT_EQ(wan_schedule_fade(bytes_of_string("999us:0"), &c), ERR_LIMIT);
    EXPECT_EQ(wan_schedule_fade(bytes_of_string("0s:0"), &c), ERR_LIMIT);
    EXPECT(c.fade_us == 200000 && c.fade_least == 200000);
}

TEST_MAIN({"outages_are_read", outages_are_read}, {"changes_are_read", changes_are_read},
          {"queues_are_read", queues_are_read}, {"policers_are_read", policers_are_read},
          {"fading_is_read", fading_is_read})
