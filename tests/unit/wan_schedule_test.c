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
                         "corrupt=100%,rate=0"),
              OK);
    static const struct wan_change want[] = {
        {10000000, WAN_CHANGE_RATE, 2000000},   {1500000, WAN_CHANGE_REBIND, 0},
        {2000000, WAN_CHANGE_LOSS, 10000},      {2000000, WAN_CHANGE_DELAY, 30000},
        {2000000, WAN_CHANGE_JITTER, 2000},     {2000000, WAN_CHANGE_BURST, 4},
        {2000000, WAN_CHANGE_REORDER, 5000},    {2000000, WAN_CHANGE_DUPLICATE, 0},
        {2000000, WAN_CHANGE_CORRUPT, 1000000}, {2000000, WAN_CHANGE_RATE, 0}};
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

TEST_MAIN({"outages_are_read", outages_are_read}, {"changes_are_read", changes_are_read},
          {"queues_are_read", queues_are_read})
