#include "core/peer/path_watch.h"
#include "core/peer/peer.h"
#include "tests/unit/test.h"

static struct path_watch w;
static struct path_view v;
static uint64_t now_us;

static void begin(void)
{
    now_us = 1000000;
    v = (struct path_view){
        .heard_us = now_us, .rate_bytes_s = 100000, .rtt_us = 50000, .mtu_bytes = 1200};
    path_watch_init(&w, &v);
}

/* So much later, with something heard or not, what is new? */
static uint32_t look(uint64_t later_us, bool heard)
{
    now_us += later_us;
    if (heard)
        v.heard_us = now_us;
    return path_watch_look(&w, now_us, &v);
}

static void nothing_new_is_no_news(void)
{
    begin();
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(look(100000, true), 0);
}

static void silence_and_its_end(void)
{
    begin();
    EXPECT_EQ(path_watch_deadline_us(&w, &v), now_us + PATH_WATCH_SILENT_US);
    EXPECT_EQ(look(PATH_WATCH_SILENT_US - 1, false), 0);
    EXPECT_EQ(look(1, false), PEER_PATH_SILENT);
    EXPECT(path_watch_deadline_us(&w, &v) == UINT64_MAX);
    EXPECT_EQ(look(60000000, false), 0);
    EXPECT_EQ(look(10, true), PEER_PATH_BACK);
    EXPECT_EQ(look(10, true), 0);
}

static void a_rate_must_last(void)
{
    begin();
    v.rate_bytes_s = 125000; /* a quarter is nothing */
    EXPECT_EQ(look(1000000, true), 0);
    EXPECT_EQ(look(1000000, true), 0);
    v.rate_bytes_s = 126000;
    EXPECT_EQ(look(1, true), 0);
    EXPECT_EQ(look(PATH_WATCH_TRIPS * 50000 - 1, true), 0);
    v.rate_bytes_s = 110000; /* for a moment it is back */
    EXPECT_EQ(look(0, true), 0);
    v.rate_bytes_s = 126000;
    EXPECT_EQ(look(1, true), 0);
    EXPECT_EQ(look(PATH_WATCH_TRIPS * 50000 - 1, true), 0);
    EXPECT_EQ(look(1, true), PEER_PATH_RATE);
    EXPECT_EQ(look(1000000, true), 0);
    v.rate_bytes_s = 90000;
    EXPECT_EQ(look(1, true), 0);
    EXPECT_EQ(look(1000000, true), PEER_PATH_RATE);
}

static void a_slow_drift_is_noticed(void)
{
    begin();
    uint32_t what = 0;
    for (int i = 0; i < 30; i++) {
        v.rate_bytes_s -= v.rate_bytes_s / 50;
        if (i == 5)
            v.mtu_bytes = 1452; /* told of for another reason meanwhile */
        what |= look(300000, true);
    }
    EXPECT_EQ(what, PEER_PATH_RATE | PEER_PATH_MTU);
}

static void the_first_rate_is_news(void)
{
    begin();
    v.rate_bytes_s = 0;
    path_watch_init(&w, &v);
    v.rate_bytes_s = 5000;
    EXPECT_EQ(look(1, true), 0);
    EXPECT_EQ(look(1000000, true), PEER_PATH_RATE);
}

static void size_marks_and_address(void)
{
    begin();
    v.mtu_bytes = 1452;
    v.ecn = ECN_ON;
    path_watch_moved(&w);
    EXPECT_EQ(look(1, true), PEER_PATH_MTU | PEER_PATH_ECN | PEER_PATH_ADDRESS);
    EXPECT_EQ(look(1000000, true), 0);
}

static void news_keep_their_distance(void)
{
    unsigned count = 0;

    begin();
    for (int i = 0; i < 10000; i++) {
        v.mtu_bytes = i % 2 ? 1200 : 1452;
        if (i % 3 == 0)
            path_watch_moved(&w);
        count += look(1000, true) != 0;
    }
    EXPECT(count >= 30 && count <= 10000000 / PATH_WATCH_GAP_US + 1);
    /* What comes too soon is told when it is time, and only if it is so then. */
    begin();
    v.mtu_bytes = 1452;
    EXPECT_EQ(look(1, true), PEER_PATH_MTU);
    uint64_t told_us = now_us;
    v.ecn = ECN_ON;
    v.mtu_bytes = 1200;
    EXPECT_EQ(look(1000, true), 0);
    EXPECT_EQ(path_watch_deadline_us(&w, &v), told_us + PATH_WATCH_GAP_US);
    v.mtu_bytes = 1452;
    EXPECT_EQ(look(PATH_WATCH_GAP_US, true), PEER_PATH_ECN);
    /* Silence, too. */
    EXPECT_EQ(look(PATH_WATCH_SILENT_US - 1000, false), 0);
    v.mtu_bytes = 1200;
    EXPECT_EQ(look(0, false), PEER_PATH_MTU);
    EXPECT_EQ(look(1000, false), 0);
    EXPECT_EQ(path_watch_deadline_us(&w, &v), now_us - 1000 + PATH_WATCH_GAP_US);
    EXPECT_EQ(look(PATH_WATCH_GAP_US, false), PEER_PATH_SILENT);
}

TEST_MAIN({"nothing_new_is_no_news", nothing_new_is_no_news},
          {"silence_and_its_end", silence_and_its_end}, {"a_rate_must_last", a_rate_must_last},
          {"a_slow_drift_is_noticed", a_slow_drift_is_noticed},
          {"the_first_rate_is_news", the_first_rate_is_news},
          {"size_marks_and_address", size_marks_and_address},
          {"news_keep_their_distance", news_keep_their_distance})
