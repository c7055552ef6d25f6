#include "core/run/relay_udp.h"

#include <errno.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/os/dgram.h"
#include "core/os/os.h"
#include "tests/unit/test.h"

/* A relay with its loop, and plain sockets around it. */
static struct {
    struct loop *loop;
    struct loop_timer tick;
    struct wan_link *up, *down;
    struct relay_udp *relay;
    struct dgram server, client[3];
    struct dgram_space *space;
    struct dgram_burst last; /* received last; without its bytes */
    uint8_t first_byte;
} t;

static void on_tick(void *ctx)
{
    (void)ctx;
    loop_timer_set(&t.tick, loop_now_us(t.loop) + 1000);
}

static struct addr home(const char *text)
{
    struct addr a = {0};

    if (addr_parse(text, -1, &a) != OK)
        test_fail(__FILE__, __LINE__, text);
    return a;
}

static void tear_down(void)
{
    relay_udp_free(t.relay);
    wan_link_free(t.up);
    wan_link_free(t.down);
    loop_timer_release(&t.tick);
    loop_free(t.loop);
    dgram_close(&t.server);
    for (size_t i = 0; i < COUNT_OF(t.client); i++)
        dgram_close(&t.client[i]);
    dgram_space_free(t.space);
    for (int i = 0; i < OS_CALL_COUNT; i++)
        os_fail_at((enum os_call)i, 0, 0);
}

/* Everything but the relay itself. */
static bool set_up(const struct wan_config *c, const char *where)
{
    struct addr a = home(where);

    memset(&t, 0, sizeof t);
    t.server.fd = t.client[0].fd = t.client[1].fd = t.client[2].fd = -1;
    t.space = dgram_space_new();
    if (!t.space || loop_new(&t.loop) || wan_link_new(c, 1, 1 << 20, &t.up) ||
        wan_link_new(c, 2, 1 << 20, &t.down) || dgram_open(&t.server, &a))
        return false;
    loop_timer_init(&t.tick, t.loop, on_tick, NULL);
    on_tick(NULL);
    for (size_t i = 0; i < COUNT_OF(t.client); i++)
        if (dgram_open(&t.client[i], &a))
            return false;
    return true;
}

static enum err make(const char *where)
{
    struct addr a = home(where);

    return relay_udp_new(t.loop, &a, &t.server.local, t.up, t.down, &t.relay);
}

static bool plain_relay(void)
{
    struct wan_config c;

    wan_config_init(&c);
    return set_up(&c, "127.0.0.1:0") && make("127.0.0.1:0") == OK;
}

/* Sends one datagram of `n` bytes `value`. */
static bool send_one(struct dgram *from, const struct addr *to, uint8_t value, size_t n)
{
    static uint8_t data[2000];
    size_t done;

    memset(data, value, n);
    struct dgram_burst b = {.peer = *to, .p = data, .n = n, .each = n, .ecn = 2};
    return dgram_send(from, &b, 1, &done) == OK;
}

/* Runs the loop until `at` has received `datagrams`; false when that takes too many turns. */
static bool comes(struct dgram *at, size_t datagrams)
{
    struct dgram_burst in[DGRAM_BATCH];
    size_t got = 0, n;

    for (int turns = 0; got < datagrams && turns < 2000; turns++) {
        loop_turn(t.loop, true);
        if (dgram_receive(at, t.space, in, &n) != OK)
            continue;
        for (size_t i = 0; i < n; i++)
            got += in[i].n ? num_div_up(in[i].n, in[i].each) : 1;
        t.last = in[n - 1];
        t.first_byte = t.last.n ? t.last.p[0] : 0;
    }
    return got == datagrams;
}

static void clients_and_server_find_each_other(void)
{
    static const char *const homes[] = {"127.0.0.1:0", "[::1]:0"};
    struct wan_config c;

    wan_config_init(&c);
    for (size_t i = 0; i < COUNT_OF(homes); i++) {
        EXPECT(set_up(&c, homes[i]) && make(homes[i]) == OK);
        struct addr seen[2];
        for (uint8_t k = 0; k < 2; k++) {
            EXPECT(send_one(&t.client[k], relay_udp_local(t.relay), 10 + k, 100));
            EXPECT(comes(&t.server, 1));
            EXPECT(t.first_byte == 10 + k && t.last.n == 100 && t.last.ecn == 2);
            seen[k] = t.last.peer;
        }
        EXPECT(!addr_equal(&seen[0], &seen[1]) && relay_udp_clients(t.relay) == 2);
        for (uint8_t k = 0; k < 2; k++) {
            EXPECT(send_one(&t.server, &seen[k], 20 + k, 200));
            EXPECT(comes(&t.client[k], 1));
            EXPECT(t.first_byte == 20 + k && t.last.ecn == 2);
            EXPECT(addr_equal(&t.last.peer, relay_udp_local(t.relay)));
        }
        /* The same client stays the same to the server; empty datagrams pass too. */
        EXPECT(send_one(&t.client[1], relay_udp_local(t.relay), 1, 0));
        EXPECT(comes(&t.server, 1));
        EXPECT(addr_equal(&t.last.peer, &seen[1]) && t.last.n == 0);
        EXPECT(wan_link_counters(t.up)->out_count == 3 && wan_link_counters(t.down)->in_count == 2);
        tear_down();
    }
}

static void only_the_server_is_let_back(void)
{
    EXPECT(plain_relay());
    EXPECT(send_one(&t.client[0], relay_udp_local(t.relay), 1, 10));
    EXPECT(comes(&t.server, 1));
    struct addr behind = t.last.peer;
    EXPECT(send_one(&t.client[2], &behind, 66, 10)); /* a stranger who has found the port */
    EXPECT(send_one(&t.server, &behind, 2, 10));
    EXPECT(comes(&t.client[0], 1));
    EXPECT_EQ(t.first_byte, 2);
    EXPECT_EQ(wan_link_counters(t.down)->in_count, 1);
    tear_down();
}

static void rebinding_changes_addresses(void)
{
    struct wan_config c;

    wan_config_init(&c);
    c.change[c.changes++] = (struct wan_change){.at_us = 30000, .kind = WAN_CHANGE_REBIND};
    EXPECT(set_up(&c, "127.0.0.1:0") && make("127.0.0.1:0") == OK);
    EXPECT(send_one(&t.client[0], relay_udp_local(t.relay), 1, 10));
    EXPECT(comes(&t.server, 1));
    struct addr before = t.last.peer;
    while (wan_link_deadline_us(t.up) != UINT64_MAX)
        loop_turn(t.loop, true);
    EXPECT(send_one(&t.server, &before, 3, 10)); /* nobody is there any more */
    EXPECT(send_one(&t.client[0], relay_udp_local(t.relay), 2, 10));
    EXPECT(comes(&t.server, 1));
    EXPECT(t.first_byte == 2 && !addr_equal(&t.last.peer, &before));
    EXPECT(send_one(&t.server, &t.last.peer, 4, 10));
    EXPECT(comes(&t.client[0], 1));
    EXPECT_EQ(t.first_byte, 4);
    EXPECT_EQ(relay_udp_clients(t.relay), 1);
    tear_down();
}

static void clients_are_bounded(void)
{
    struct addr a = home("127.0.0.1:0");
    struct dgram d;

    EXPECT(plain_relay());
    /* The kernel may give a port a second time: then it is a client that is known. */
    for (int i = 0; i < 3000 && relay_udp_count(t.relay, true).no_place < 3; i++) {
        EXPECT(dgram_open(&d, &a) == OK && send_one(&d, relay_udp_local(t.relay), 1, 10));
        loop_turn(t.loop, true);
        dgram_close(&d);
    }
    EXPECT_EQ(relay_udp_clients(t.relay), RELAY_UDP_CLIENTS);
    EXPECT_EQ(relay_udp_count(t.relay, true).no_place, 3);
    tear_down();
}

/* A full socket keeps what waits, a dead one loses it and says so. */
static void full_sockets_are_waited_for(void)
{
    EXPECT(plain_relay());
    EXPECT(send_one(&t.client[0], relay_udp_local(t.relay), 1, 10));
    EXPECT(comes(&t.server, 1));
    /* The 1st send is the test's own. */
    os_fail_at(OS_SENDMMSG, 2, EAGAIN);
    EXPECT(send_one(&t.client[0], relay_udp_local(t.relay), 2, 10));
    EXPECT(comes(&t.server, 1));
    EXPECT(os_fault_fired(OS_SENDMMSG) && t.first_byte == 2);
    os_fail_at(OS_SENDMMSG, 2, EHOSTUNREACH);
    EXPECT(send_one(&t.client[0], relay_udp_local(t.relay), 3, 10));
    for (int i = 0; i < 100 && !os_fault_fired(OS_SENDMMSG); i++)
        loop_turn(t.loop, true);
    EXPECT_EQ(relay_udp_count(t.relay, true).refused, 1);
    EXPECT(send_one(&t.client[0], relay_udp_local(t.relay), 4, 10));
    EXPECT(comes(&t.server, 1));
    EXPECT_EQ(t.first_byte, 4);
    tear_down();
}

/* A few datagrams through a relay that may fail to be made, or lose what it carries. */
static void try_it(void)
{
    static const uint8_t byte = 1;
    enum err e = make("127.0.0.1:0");
    size_t done;

    EXPECT(e == OK || e == ERR_SYSTEM || e == ERR_MEMORY);
    for (int i = 0; i < 3 && !e; i++) {
        struct dgram_burst b = {.peer = *relay_udp_local(t.relay), .p = &byte, .n = 1, .each = 1};
        e = dgram_send(&t.client[0], &b, 1, &done);
        for (int k = 0; k < 3; k++)
            loop_turn(t.loop, true);
    }
}

/* The Nth system call fails, for every N: what is lost is lost, nothing else happens. */
static void every_call_may_fail(void)
{
    static const int errors[] = {EIO, ENOMEM, EINTR, EAGAIN, EMFILE};
    struct wan_config c;

    wan_config_init(&c);
    for (size_t k = 0; k < COUNT_OF(errors); k++) {
        uint64_t n = 0;
        bool fired = true;
        while (fired && ++n < 500) {
            EXPECT(set_up(&c, "127.0.0.1:0"));
            os_fail_at(OS_ANY, n, errors[k]);
            try_it();
            fired = os_fault_fired(OS_ANY);
            tear_down();
        }
        EXPECT(n > 20 && n < 500);
    }
}

static void memory_may_run_out(void)
{
    struct wan_config c;
    bool fired = true;
    uint64_t n = 0;

    wan_config_init(&c);
    while (fired && ++n < 100) {
        EXPECT(set_up(&c, "127.0.0.1:0"));
        heap_fail_at(n);
        try_it();
        fired = heap_fault_fired();
        heap_fail_at(0);
        tear_down();
    }
    EXPECT(n > 3 && n < 100);
}

TEST_MAIN({"clients_and_server_find_each_other", clients_and_server_find_each_other},
          {"only_the_server_is_let_back", only_the_server_is_let_back},
          {"rebinding_changes_addresses", rebinding_changes_addresses},
          {"clients_are_bounded", clients_are_bounded},
          {"full_sockets_are_waited_for", full_sockets_are_waited_for},
          {"every_call_may_fail", every_call_may_fail}, {"memory_may_run_out", memory_may_run_out})
