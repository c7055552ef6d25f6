/* Which ways are tried when: by the clock that the test holds. */
#include "core/peer/race.h"

#include <stdio.h>
#include <string.h>

#include "core/base/num.h"
#include "tests/unit/test.h"

enum { START_US = 1000000 };

static struct {
    struct race race;
    struct race_session session;
    uint64_t now_us, heard_us; /* what was heard last: silence is counted from then */
    char said[4096]; /* "MS ACT TRANSPORT HOST;" of each step, MS since the start or a mark */
    uint64_t mark_us;
} w;

static struct addr four(uint8_t host)
{
    return (struct addr){.family = ADDR_IP4, .ip = {192, 0, 2, host}, .port = 7470};
}

static struct addr six(uint8_t host)
{
    return (struct addr){.family = ADDR_IP6, .ip = {0x20, 1, [15] = host}, .port = 7470};
}

static struct addr tcp(struct addr a)
{
    a.via = ADDR_TCP;
    return a;
}

static void begin(const struct addr *list, size_t count, bool tcp_only)
{
    memset(&w, 0, sizeof w);
    w.now_us = w.mark_us = w.heard_us = START_US;
    w.session.remote = tcp_only ? tcp(list[0]) : list[0];
    race_init(&w.race, list, count, tcp_only, 0, w.now_us);
}

static void step(void)
{
    static const char *const acts[] = {"", "try", "connect", "close"};
    struct addr to;
    enum race_act act;

    w.session.silent_us = w.now_us - w.heard_us;
    while ((act = race_next(&w.race, w.now_us, &w.session, &to)) != RACE_NONE) {
        size_t n = strlen(w.said);
        snprintf(w.said + n, sizeof w.said - n, "%s%llu %s %s %u", n ? "; " : "",
                 (unsigned long long)((w.now_us - w.mark_us) / 1000), acts[act], addr_via_name(&to),
                 to.ip[to.family == ADDR_IP6 ? 15 : 3]);
    }
}

/* Lets so much time pass, from one deadline to the next. */
static void pass(uint64_t us)
{
    uint64_t until_us = w.now_us + us;

    for (;;) {
        step();
        uint64_t at = race_deadline_us(&w.race, w.now_us, &w.session);
        EXPECT(at > w.now_us);
        if (at <= w.now_us || at > until_us)
            break;
        w.now_us = at;
    }
    w.now_us = until_us;
    w.session.silent_us = w.now_us - w.heard_us;
}

/* What was said since the last question. */
static void expect(const char *wanted)
{
    if (strcmp(w.said, wanted) != 0) {
        printf("said '%s', wanted '%s'\n", w.said, wanted);
        test_fail(__FILE__, __LINE__, "what was said");
    }
    w.said[0] = 0;
    w.mark_us = w.now_us;
}

static void hear(void)
{
    w.heard_us = w.now_us;
}

/* The session is up at that address. */
static void connect_at(struct addr at)
{
    w.session = (struct race_session){.answered = true, .connected = true, .remote = at};
    hear();
}

static void opened(struct addr to)
{
    race_opened(&w.race, w.now_us, &to);
}

static void gone(struct addr to)
{
    race_gone(&w.race, w.now_us, &to);
}

static void families_alternate_a_quarter_of_a_second_apart(void)
{
    struct addr list[] = {six(1), six(2), six(3), four(4), four(5)};

    begin(list, COUNT_OF(list), false);
    pass(1400000);
    expect("0 try udp 1; 250 try udp 4; 500 try udp 2; 500 connect tcp 1; 750 try udp 5; "
           "750 connect tcp 4; 1000 try udp 3; 1000 connect tcp 2; 1250 connect tcp 5");
    struct addr other[] = {four(4), six(1), six(2)};
    begin(other, COUNT_OF(other), false);
    pass(499000);
    expect("0 try udp 4; 250 try udp 1");
}

static void what_fails_at_once_is_not_waited_for(void)
{
    struct addr list[] = {six(1), four(2)};

    begin(list, 2, false);
    pass(10000);
    gone(six(1)); /* network unreachable */
    pass(10000);
    expect("0 try udp 1; 10 try udp 2");
    gone(four(2)); /* no UDP at all */
    pass(0);
    expect("0 connect tcp 1");
    gone(tcp(six(1)));
    pass(0);
    expect("0 connect tcp 2");
    gone(tcp(four(2)));
    pass(600000);
    expect("250 connect tcp 1; 250 connect tcp 2");
    gone(tcp(six(1)));
    gone(tcp(four(2)));
    pass(600000);
    expect("500 connect tcp 1; 500 connect tcp 2");
}

static void an_answer_ends_the_race(void)
{
    struct addr list[] = {six(1), four(2)};

    begin(list, 2, false);
    pass(300000);
    expect("0 try udp 1; 250 try udp 2");
    w.session.answered = true;
    pass(3000000);
    expect("");
    w.session.answered = false; /* the way that it came by has fallen silent */
    pass(100000);
    expect("0 connect tcp 1");
}

static void tcp_alone(void)
{
    struct addr list[] = {four(1), six(2)};

    begin(list, 2, true);
    pass(100000);
    opened(tcp(four(1)));
    pass(100000);
    expect("0 connect tcp 1; 100 try tcp 1");
    connect_at(tcp(four(1)));
    for (int i = 0; i < 20; i++) {
        pass(500000);
        hear();
    }
    expect("");
}

static void tcp_is_said_to_as_soon_as_it_is_open(void)
{
    struct addr list[] = {four(1)};

    begin(list, 1, false);
    pass(700000);
    opened(tcp(four(1)));
    pass(100000);
    expect("0 try udp 1; 500 connect tcp 1; 700 try tcp 1");
    /* UDP was only slow: the connection is not kept. */
    connect_at(four(1));
    pass(100000);
    expect("0 close tcp 1");
}

static void a_broken_connection_is_made_again(void)
{
    struct addr list[] = {four(1)};

    begin(list, 1, true);
    pass(0);
    opened(tcp(four(1)));
    pass(0);
    connect_at(tcp(four(1)));
    expect("0 connect tcp 1; 0 try tcp 1");
    gone(tcp(four(1)));
    pass(1000000);
    expect("250 connect tcp 1");
    hear();
    gone(tcp(four(1)));
    pass(1000000);
    expect("500 connect tcp 1");
    opened(tcp(four(1)));
    pass(0);
    expect("0 try tcp 1");
}

static void silence_over_udp_tries_tcp_and_stays_where_it_is_heard(void)
{
    struct addr list[] = {four(1)};

    begin(list, 1, false);
    pass(0);
    connect_at(four(1));
    expect("0 try udp 1");
    pass(3300000);
    expect("3250 connect tcp 1");
    /* A path that was only out for a while gives its answer before the connection is used. */
    opened(tcp(four(1)));
    pass(500000);
    hear();
    pass(2900000);
    expect("");
    hear();
    pass(2900000);
    expect("1600 close tcp 1");
}

static void silence_over_udp_moves_to_tcp(void)
{
    struct addr list[] = {four(1)};

    begin(list, 1, false);
    pass(0);
    connect_at(four(1));
    pass(3250000);
    opened(tcp(four(1)));
    pass(1000000);
    expect("0 try udp 1; 3250 connect tcp 1; 3850 try tcp 1");
    hear();
    w.session.remote = tcp(four(1));
    for (int i = 0; i < 20; i++) {
        pass(500000);
        hear();
    }
    expect("");
}

static void a_silent_connection_is_replaced(void)
{
    struct addr list[] = {four(1)};

    begin(list, 1, false);
    pass(600000);
    opened(tcp(four(1)));
    pass(0);
    connect_at(tcp(four(1)));
    expect("0 try udp 1; 500 connect tcp 1; 600 try tcp 1");
    pass(3000000);
    expect("3000 try udp 1");
    pass(2000000);
    expect("250 close tcp 1; 250 connect tcp 1; 2000 try udp 1");
    pass(3000000); /* nobody answers: again and again */
    expect("750 close tcp 1; 750 connect tcp 1; 2000 try udp 1");
    opened(tcp(four(1)));
    pass(100000);
    expect("0 try tcp 1");
}

static void an_idle_session_asks_for_no_turn(void)
{
    struct addr list[] = {four(1), six(2)};

    begin(list, 2, false);
    pass(0);
    connect_at(four(1));
    w.session.silent_us = 0;
    EXPECT_EQ(race_deadline_us(&w.race, w.now_us, &w.session), w.now_us + RACE_SILENT_US);
}

TEST_MAIN({"families_alternate_a_quarter_of_a_second_apart",
           families_alternate_a_quarter_of_a_second_apart},
          {"what_fails_at_once_is_not_waited_for", what_fails_at_once_is_not_waited_for},
          {"an_answer_ends_the_race", an_answer_ends_the_race}, {"tcp_alone", tcp_alone},
          {"tcp_is_said_to_as_soon_as_it_is_open", tcp_is_said_to_as_soon_as_it_is_open},
          {"a_broken_connection_is_made_again", a_broken_connection_is_made_again},
          {"silence_over_udp_tries_tcp_and_stays_where_it_is_heard",
           silence_over_udp_tries_tcp_and_stays_where_it_is_heard},
          {"silence_over_udp_moves_to_tcp", silence_over_udp_moves_to_tcp},
          {"a_silent_connection_is_replaced", a_silent_connection_is_replaced},
          {"an_idle_session_asks_for_no_turn", an_idle_session_asks_for_no_turn})
