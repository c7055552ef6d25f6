/* line_loss: what a bad line loses, and what queues lose. */
#include "core/peer/line_loss.h"

#include "tests/unit/test.h"

enum { TRIP = 250000 };

/* `n` round trips, one in eight of them calm, that lose so much of a thousand. */
static struct line_loss after(unsigned n, unsigned calm, unsigned busy)
{
    struct line_loss l = {0};

    for (unsigned i = 0; i < n; i++) {
        unsigned lost = i % 8 == 0 ? calm : busy;
        line_loss_note(&l, i % 8 == 0, TRIP / 1000 * (1000 - lost), TRIP / 1000 * lost, TRIP);
    }
    return l;
}

static void test_line(void)
{
    struct line_loss l = after(80, 20, 20);

    EXPECT(line_loss_share(&l) >= 19 && line_loss_share(&l) <= 20);
    EXPECT(!line_loss_overflows(&l));
    l = after(80, 700, 700);
    EXPECT_EQ(line_loss_share(&l), 500);
}

static void test_queue(void)
{
    struct line_loss l = after(80, 0, 50);

    EXPECT_EQ(line_loss_share(&l), 0);
    EXPECT(line_loss_overflows(&l));
    l = after(80, 0, 10); /* less than what is worth a word */
    EXPECT(!line_loss_overflows(&l));
    l = after(80, 20, 50); /* something of both */
    EXPECT_EQ(line_loss_share(&l), 0);
    EXPECT(!line_loss_overflows(&l));
}

static void test_nothing_known(void)
{
    struct line_loss l = {0};

    EXPECT_EQ(line_loss_share(&l), 0);
    EXPECT(!line_loss_overflows(&l));
    line_loss_note(&l, true, 10000, 10000, TRIP);
    line_loss_note(&l, false, 10000, 10000, TRIP);
    EXPECT_EQ(line_loss_share(&l), 0); /* too few to tell */
}

/* A line becomes better: that is believed after some fifteen calm round trips. */
static void test_fades(void)
{
    struct line_loss l = after(80, 100, 100);

    for (unsigned i = 0; i < 15; i++) {
        line_loss_note(&l, true, TRIP, 0, TRIP);
        line_loss_note(&l, false, 7 * TRIP, 0, TRIP);
    }
    EXPECT(line_loss_share(&l) <= 5);
}

static void test_doubt(void)
{
    struct line_loss l = after(80, 100, 100);

    EXPECT(line_loss_share(&l) > 0);
    for (unsigned i = 0; i < 8; i++)
        line_loss_doubt(&l);
    EXPECT_EQ(line_loss_share(&l), 0);
}

TEST_MAIN({"line", test_line}, {"queue", test_queue}, {"nothing", test_nothing_known},
          {"fades", test_fades}, {"doubt", test_doubt})
