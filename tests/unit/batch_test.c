#include "core/run/batch.h"

#include <errno.h>
#include <string.h>

#include "core/os/os.h"
#include "tests/unit/test.h"

static struct batch b;
static const struct addr one = {.family = ADDR_IP4, .ip = {127, 0, 0, 1}, .port = 1};
static const struct addr two = {.family = ADDR_IP4, .ip = {127, 0, 0, 1}, .port = 2};
static const struct addr any;

static bool put(uint32_t tag, const struct addr *to, uint8_t ecn, size_t n)
{
    size_t room;
    uint8_t *space = batch_space(&b, n, &room);

    if (!space || room < n)
        return false;
    memset(space, (int)n, n);
    batch_add(&b, tag, to, &any, ecn, n);
    return true;
}

static void what_fits_rides_together(void)
{
    memset(&b, 0, sizeof b);
    EXPECT(batch_empty(&b));
    EXPECT(put(0, &one, 0, 100) && put(0, &one, 0, 100) && put(0, &one, 0, 40));
    EXPECT_EQ(b.end, 1);
    EXPECT(b.burst[0].n == 240 && b.burst[0].each == 100);
    EXPECT(put(0, &one, 0, 40) && b.end == 2); /* after a shorter one nothing may follow */
    EXPECT(put(0, &one, 0, 50) && b.end == 3); /* longer than the first */
    EXPECT(put(0, &two, 0, 50) && b.end == 4); /* another peer */
    EXPECT(put(0, &two, 1, 50) && b.end == 5); /* other bits */
    EXPECT(put(1, &two, 1, 50) && b.end == 6); /* another socket */
    EXPECT(put(1, &two, 1, 0) && b.end == 7);  /* empty ones go alone */
    EXPECT(put(1, &two, 1, 0) && b.end == 8);
    EXPECT_EQ(batch_drop(&b), 3 + 1 + 1 + 1 + 1);
    EXPECT(!batch_empty(&b));
    EXPECT_EQ(batch_drop(&b), 3);
    EXPECT(batch_empty(&b));
}

static void limits_hold(void)
{
    size_t n = 0, room;

    memset(&b, 0, sizeof b);
    while (put(0, &one, 0, 1400))
        n++;
    EXPECT_EQ(n, BATCH_BYTES / 1400);
    for (size_t i = 0; i < b.end; i++)
        EXPECT(b.burst[i].n <= DGRAM_BURST_BYTES && b.burst[i].n <= 64 * 1400);
    EXPECT(batch_drop(&b) == n && batch_empty(&b));
    for (n = 0; put(0, n % 2 ? &one : &two, 0, 1); n++)
        ;
    EXPECT_EQ(n, BATCH_BURSTS);
    EXPECT_EQ(batch_drop(&b), BATCH_BURSTS);
    for (n = 0; n < DGRAM_SEGMENTS + 1; n++)
        EXPECT(put(0, &one, 0, 10));
    EXPECT_EQ(b.end, 2);
    EXPECT(!batch_space(&b, BATCH_BYTES, &room));
}

/* A burst that was sent in part takes no more datagrams, and goes on where it was cut. */
static void cut_bursts_are_closed(void)
{
    struct dgram d, sink;

    memset(&b, 0, sizeof b);
    struct addr home = one;
    home.port = 0;
    EXPECT(dgram_open(&d, &home) == OK && dgram_open(&sink, &home) == OK);
    d.gso = d.sendmmsg = false;
    for (int i = 0; i < 3; i++)
        EXPECT(put(7, &sink.local, 0, 100));
    os_fail_at(OS_SEND, 2, EAGAIN);
    EXPECT_EQ(batch_send(&b, &d), ERR_AGAIN);
    EXPECT(!batch_empty(&b) && b.burst[b.first].n == 200);
    EXPECT(put(7, &sink.local, 0, 100) && b.end - b.first == 2);
    EXPECT(batch_send(&b, &d) == OK && batch_empty(&b));
    EXPECT(d.calls == 5 && d.refused == 0);
    dgram_close(&d);
    dgram_close(&sink);
}

TEST_MAIN({"what_fits_rides_together", what_fits_rides_together}, {"limits_hold", limits_hold},
          {"cut_bursts_are_closed", cut_bursts_are_closed})
