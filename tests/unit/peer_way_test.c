/* A session that goes on over another transport, and one whose transport takes nothing for now. */
#include <string.h>

#include "tests/unit/duo.h"
#include "tests/unit/test.h"

static struct duo d;
static bool udp_is_dead;
static uint64_t over[2]; /* datagrams that went by each transport */

static bool see(struct duo *duo, enum duo_side from, const struct addr *to, struct duo_datagram *g)
{
    (void)duo, (void)from, (void)g;
    over[to->via]++;
    return to->via == ADDR_TCP || !udp_is_dead;
}

static void begin(void)
{
    udp_is_dead = false;
    memset(over, 0, sizeof over);
    duo_begin(&d, NULL, NULL);
    d.see = see;
}

static struct addr tcp_of(enum duo_side side)
{
    struct addr a = d.address[side];

    a.via = ADDR_TCP;
    return a;
}

static struct addr place_of(enum duo_side side)
{
    struct peer_path path;

    peer_path(d.peer[side], d.now_us, &path);
    return path.remote;
}

static bool both_over(enum addr_via via)
{
    return place_of(DUO_CLIENT).via == via && place_of(DUO_SERVER).via == via;
}

static void message(enum duo_side side)
{
    struct peer_message m = {.class = PEER_TEXT, .data = bytes_of_string("hello")};

    if (peer_message_send(d.peer[side], &m, NULL))
        test_fail(__FILE__, __LINE__, "peer_message_send");
}

static void what_is_tried_is_followed_by_both(void)
{
    struct addr to;

    begin();
    duo_run(&d, 1000000);
    EXPECT(both_over(ADDR_UDP) && over[ADDR_TCP] == 0);
    udp_is_dead = true;
    message(DUO_SERVER);
    duo_run(&d, 4000000);
    EXPECT(both_over(ADDR_UDP) && d.seen[DUO_CLIENT].count[PEER_EVENT_MESSAGE] == 0);
    to = tcp_of(DUO_SERVER);
    peer_try(d.peer[DUO_CLIENT], d.now_us, &to);
    duo_run(&d, 10 * DUO_DELAY_US);
    EXPECT(both_over(ADDR_TCP));
    EXPECT_EQ(d.seen[DUO_CLIENT].count[PEER_EVENT_PATH], 1);
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_PATH], 1);
    EXPECT_EQ(d.seen[DUO_CLIENT].count[PEER_EVENT_MESSAGE], 1);
    message(DUO_CLIENT);
    duo_run(&d, 10 * DUO_DELAY_US);
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_MESSAGE], 1);
    duo_end(&d);
}

/* Nobody listens there: the session stays where it is. */
static void what_leads_nowhere_is_not_followed(void)
{
    struct addr nowhere = {.family = ADDR_IP4, .port = 9, .ip = {10, 0, 0, 9}};

    begin();
    peer_try(d.peer[DUO_CLIENT], d.now_us, &nowhere);
    duo_run(&d, 5000000);
    EXPECT(both_over(ADDR_UDP));
    message(DUO_CLIENT);
    duo_run(&d, 1000000);
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_MESSAGE], 1);
    duo_end(&d);
}

static void a_full_way_gets_nothing_and_room_is_none(void)
{
    struct addr to;

    begin();
    to = d.address[DUO_SERVER];
    EXPECT(peer_room(d.peer[DUO_CLIENT], d.now_us, 100000, PEER_TEXT) > 0);
    peer_block(d.peer[DUO_CLIENT], &to, true);
    EXPECT_EQ(peer_room(d.peer[DUO_CLIENT], d.now_us, 100000, PEER_TEXT), 0);
    message(DUO_CLIENT);
    uint64_t before = d.sent[DUO_CLIENT];
    duo_run(&d, 5000000); /* neither data nor probes, and no turn is asked for in vain */
    EXPECT_EQ(d.sent[DUO_CLIENT], before);
    peer_block(d.peer[DUO_CLIENT], &to, false);
    duo_run(&d, 100000);
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_MESSAGE], 1);
    duo_end(&d);
}

static void a_full_way_does_not_stop_another(void)
{
    struct addr full, to;

    begin();
    full = d.address[DUO_SERVER];
    to = tcp_of(DUO_SERVER);
    peer_block(d.peer[DUO_CLIENT], &full, true);
    message(DUO_CLIENT);
    peer_try(d.peer[DUO_CLIENT], d.now_us, &to);
    duo_run(&d, 1000000);
    EXPECT(both_over(ADDR_TCP));
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_MESSAGE], 1);
    duo_end(&d);
}

static void a_full_way_ends_with_its_session(void)
{
    struct addr to;

    begin();
    to = d.address[DUO_SERVER];
    peer_block(d.peer[DUO_CLIENT], &to, true);
    peer_close(d.peer[DUO_CLIENT], d.now_us, OK, "enough");
    duo_run(&d, 2900000);
    EXPECT(!peer_over(d.peer[DUO_CLIENT]));
    duo_run(&d, 200000);
    EXPECT(peer_over(d.peer[DUO_CLIENT]));
    duo_end(&d);
}

static void a_listener_knows_who_is_where(void)
{
    struct addr udp, tcp = {0};

    begin();
    udp = d.address[DUO_CLIENT];
    tcp = tcp_of(DUO_CLIENT);
    EXPECT(listener_uses(d.listener, &udp) && !listener_uses(d.listener, &tcp));
    listener_block(d.listener, &udp, true);
    EXPECT_EQ(peer_room(d.peer[DUO_SERVER], d.now_us, 100000, PEER_TEXT), 0);
    message(DUO_SERVER);
    uint64_t before = d.sent[DUO_SERVER];
    duo_run(&d, 1000000);
    EXPECT_EQ(d.sent[DUO_SERVER], before);
    listener_block(d.listener, &udp, false);
    duo_run(&d, 100000);
    EXPECT_EQ(d.seen[DUO_CLIENT].count[PEER_EVENT_MESSAGE], 1);
    peer_close(d.peer[DUO_CLIENT], d.now_us, OK, "enough");
    duo_run(&d, 1000000);
    EXPECT(!listener_uses(d.listener, &udp));
    duo_end(&d);
}

TEST_MAIN({"what_is_tried_is_followed_by_both", what_is_tried_is_followed_by_both},
          {"what_leads_nowhere_is_not_followed", what_leads_nowhere_is_not_followed},
          {"a_full_way_gets_nothing_and_room_is_none", a_full_way_gets_nothing_and_room_is_none},
          {"a_full_way_does_not_stop_another", a_full_way_does_not_stop_another},
          {"a_full_way_ends_with_its_session", a_full_way_ends_with_its_session},
          {"a_listener_knows_who_is_where", a_listener_knows_who_is_where})
