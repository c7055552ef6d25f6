/* The end of a session: both sides learn of it, whatever is lost, and then nobody says anything. */
#include <string.h>

#include "tests/unit/duo.h"
#include "tests/unit/test.h"

static struct duo d;
static unsigned lose[2];

static bool losing(struct duo *duo, enum duo_side from, const struct addr *to,
                   struct duo_datagram *g)
{
    (void)duo, (void)to, (void)g;
    if (lose[from])
        return --lose[from], false;
    return true;
}

static void begin(unsigned from_client, unsigned from_server)
{
    duo_begin(&d, NULL, NULL);
    duo_run(&d, 100000);
    d.see = losing;
    lose[DUO_CLIENT] = from_client;
    lose[DUO_SERVER] = from_server;
}

/* Both have told their applications once, with the same words, and are silent from now on. */
static bool well_ended(enum err error, const char *reason)
{
    for (int side = 0; side < 2; side++) {
        const struct peer_event *e = &d.seen[side].last[PEER_EVENT_CLOSED];
        if (d.seen[side].count[PEER_EVENT_CLOSED] != 1 || e->error != error ||
            strcmp(e->reason, reason) != 0 || !peer_over(d.peer[side]))
            return false;
    }
    uint64_t before = d.sent[0] + d.sent[1];
    duo_run(&d, 20000000);
    return d.sent[0] + d.sent[1] == before;
}

static void a_round_trip_ends_it(void)
{
    begin(0, 0);
    peer_close(d.peer[DUO_CLIENT], d.now_us, ERR_BUSY, "enough");
    EXPECT(peer_closed(d.peer[DUO_CLIENT]) && !peer_over(d.peer[DUO_CLIENT]));
    duo_run(&d, 2 * DUO_DELAY_US + 1);
    EXPECT(well_ended(ERR_BUSY, "enough"));
    duo_end(&d);
}

static void a_lost_word_is_repeated(void)
{
    begin(2, 0);
    peer_close(d.peer[DUO_CLIENT], d.now_us, OK, "enough");
    duo_run(&d, 400000);
    EXPECT(well_ended(OK, "enough"));
    duo_end(&d);
}

static void a_lost_answer_is_repeated(void)
{
    begin(0, 2);
    peer_close(d.peer[DUO_CLIENT], d.now_us, OK, "enough");
    duo_run(&d, 400000);
    EXPECT(well_ended(OK, "enough"));
    duo_end(&d);
}

static void nobody_there_is_waited_for_three_seconds(void)
{
    begin(1000, 1000);
    peer_close(d.peer[DUO_CLIENT], d.now_us, OK, "enough");
    uint64_t before = d.sent[DUO_CLIENT];
    duo_run(&d, 2900000);
    EXPECT(!peer_over(d.peer[DUO_CLIENT]));
    EXPECT(d.sent[DUO_CLIENT] - before >= 3 && d.sent[DUO_CLIENT] - before <= 8);
    duo_run(&d, 200000);
    EXPECT(peer_over(d.peer[DUO_CLIENT]));
    duo_end(&d);
}

static void both_at_once(void)
{
    begin(0, 0);
    peer_close(d.peer[DUO_CLIENT], d.now_us, OK, "enough");
    peer_close(d.peer[DUO_SERVER], d.now_us, OK, "enough");
    duo_run(&d, 2 * DUO_DELAY_US);
    EXPECT(well_ended(OK, "enough"));
    duo_end(&d);
}

static void traffic_on_its_way_does_not_disturb(void)
{
    struct peer_message m = {.class = PEER_TEXT, .tag = 1};

    begin(0, 0);
    for (int i = 0; i < 50; i++) {
        EXPECT_EQ(peer_message_send(d.peer[DUO_SERVER], &m, NULL), OK);
        EXPECT_EQ(peer_message_send(d.peer[DUO_CLIENT], &m, NULL), OK);
        duo_run(&d, 500);
    }
    peer_close(d.peer[DUO_CLIENT], d.now_us, OK, "enough");
    uint64_t before = d.sent[DUO_CLIENT];
    duo_run(&d, 400000);
    EXPECT(d.sent[DUO_CLIENT] - before <= 2);
    EXPECT(well_ended(OK, "enough"));
    EXPECT_EQ(peer_message_send(d.peer[DUO_SERVER], &m, NULL), ERR_END);
    duo_end(&d);
}

static void a_foreign_reason_is_fit_to_print(void)
{
    begin(0, 0);
    peer_close(d.peer[DUO_CLIENT], d.now_us, OK, "a\x1b[31mb\xff");
    duo_run(&d, 100000);
    EXPECT(strcmp(d.seen[DUO_SERVER].last[PEER_EVENT_CLOSED].reason, "a?[31mb?") == 0);
    duo_end(&d);
}

TEST_MAIN({"a_round_trip_ends_it", a_round_trip_ends_it},
          {"a_lost_word_is_repeated", a_lost_word_is_repeated},
          {"a_lost_answer_is_repeated", a_lost_answer_is_repeated},
          {"nobody_there_is_waited_for_three_seconds", nobody_there_is_waited_for_three_seconds},
          {"both_at_once", both_at_once},
          {"traffic_on_its_way_does_not_disturb", traffic_on_its_way_does_not_disturb},
          {"a_foreign_reason_is_fit_to_print", a_foreign_reason_is_fit_to_print})
