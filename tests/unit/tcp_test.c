#include "core/run/tcp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/os/os.h"
#include "core/os/stream_socket.h"
#include "core/os/tcp_socket.h"
#include "tests/unit/test.h"

enum { GUARD_US = 10000000, KEPT = 8 };

/* One end, and what it was told. */
struct end {
    struct loop *loop;
    struct tcp *tcp;
    unsigned got, wrong, opened, gone, fulls, frees;
    unsigned stop_got, stop_opened, stop_gone; /* the loop is stopped at these counts; 0: not */
    bool used;                                 /* what it says of every connection */
    struct addr last, lost;
    size_t sizes;
};

static void check(struct end *e)
{
    if ((e->stop_got && e->got >= e->stop_got) || (e->stop_opened && e->opened >= e->stop_opened) ||
        (e->stop_gone && e->gone >= e->stop_gone))
        loop_stop(e->loop, 0);
}

/* Each packet is full of its size's low byte. */
static void on_in(void *ctx, uint64_t now_us, const struct udp_in *in, size_t count)
{
    struct end *e = ctx;

    (void)now_us;
    for (size_t i = 0; i < count; i++) {
        e->got++;
        e->sizes += in[i].data.n;
        e->last = in[i].peer;
        e->wrong += in[i].peer.via != ADDR_TCP;
        for (size_t k = 0; k < in[i].data.n; k++)
            e->wrong += in[i].data.p[k] != (uint8_t)in[i].data.n;
    }
    check(e);
}

static void on_opened(void *ctx, const struct addr *to)
{
    struct end *e = ctx;

    (void)to;
    e->opened++;
    check(e);
}

static void on_gone(void *ctx, const struct addr *peer)
{
    struct end *e = ctx;

    e->gone++;
    e->lost = *peer;
    check(e);
}

static void on_full(void *ctx, const struct addr *peer, bool full)
{
    struct end *e = ctx;

    (void)peer;
    e->fulls += full;
    e->frees += !full;
}

static bool on_used(void *ctx, const struct addr *peer)
{
    const struct end *e = ctx;

    (void)peer;
    return e->used;
}

static struct {
    struct loop *loop;
    struct loop_timer guard;
    struct end server, client;
    struct addr at;
    bool late; /* the guard had to end a wait */
} t;

static void on_guard(void *ctx)
{
    (void)ctx;
    t.late = true;
    loop_stop(t.loop, 99);
}

static bool open_end(struct end *e)
{
    struct tcp_owner owner = {.in = on_in,
                              .opened = on_opened,
                              .gone = on_gone,
                              .full = on_full,
                              .used = on_used,
                              .ctx = e};

    *e = (struct end){.loop = t.loop};
    return tcp_new(t.loop, &owner, &e->tcp) == OK;
}

/* A free port of `host`, both ends, and no connection yet. */
static bool begin(const char *host)
{
    struct sockaddr_storage at;
    socklen_t n = sizeof at;
    int fd = -1;

    memset(&t, 0, sizeof t);
    if (loop_new(&t.loop) || !open_end(&t.server) || !open_end(&t.client) ||
        addr_parse(host, -1, &t.at) || tcp_socket_listen(&t.at, &fd) ||
        getsockname(fd, (struct sockaddr *)&at, &n) || tcp_adopt(t.server.tcp, fd))
        return false;
    /* Both families have the port at the same place. */
    t.at.port = (uint16_t)(((uint8_t *)&at)[2] << 8 | ((uint8_t *)&at)[3]);
    t.at.via = ADDR_TCP;
    loop_timer_init(&t.guard, t.loop, on_guard, NULL);
    loop_timer_set(&t.guard, loop_now_us(t.loop) + GUARD_US);
    return true;
}

static void end(void)
{
    tcp_free(t.client.tcp);
    tcp_free(t.server.tcp);
    loop_timer_release(&t.guard);
    loop_free(t.loop);
}

static bool connect_client(void)
{
    t.client.stop_opened = t.client.opened + 1;
    if (tcp_connect(t.client.tcp, &t.at) || loop_run(t.loop) != 0)
        return false;
    t.client.stop_opened = 0;
    return true;
}

static void send_one(struct end *e, const struct addr *to, size_t n)
{
    uint8_t data[LIMIT_DATAGRAM_BYTES];

    memset(data, (int)n, n);
    tcp_send(e->tcp, to, bytes_of(data, n));
}

static void packets_come_as_they_were_sent(void)
{
    static const char *const homes[] = {"127.0.0.1:0", "[::1]:0"};

    for (size_t h = 0; h < COUNT_OF(homes); h++) {
        size_t bytes = 0;
        EXPECT(begin(homes[h]));
        EXPECT(connect_client());
        for (size_t n = 1; n <= LIMIT_DATAGRAM_BYTES; n += 13, bytes += n - 13) {
            send_one(&t.client, &t.at, n);
            t.server.stop_got++;
            /* Now and then what is there so far leaves, in the middle of a read of the other. */
            if (n % 7 == 0)
                tcp_flush(t.client.tcp);
            if (n % 50 == 0)
                loop_turn(t.loop, false);
        }
        tcp_flush(t.client.tcp);
        EXPECT_EQ(loop_run(t.loop), 0);
        EXPECT(t.server.wrong == 0 && t.server.sizes == bytes);
        send_one(&t.server, &t.server.last, 77);
        tcp_flush(t.server.tcp);
        t.client.stop_got = 1;
        EXPECT_EQ(loop_run(t.loop), 0);
        EXPECT(t.client.wrong == 0 && addr_equal(&t.client.last, &t.at));
        end();
    }
}

static void what_is_too_much_is_said_to_be(void)
{
    unsigned sent = 0;

    EXPECT(begin("127.0.0.1:0"));
    EXPECT(connect_client());
    /* The server does not read meanwhile: kernel and connection fill. */
    while (!t.client.fulls && sent < 100000) {
        send_one(&t.client, &t.at, LIMIT_DATAGRAM_BYTES);
        sent++;
    }
    EXPECT(t.client.fulls == 1 && tcp_counters(t.client.tcp).refused == 0);
    for (int i = 0; i < 100; i++)
        send_one(&t.client, &t.at, LIMIT_DATAGRAM_BYTES);
    EXPECT(tcp_counters(t.client.tcp).refused > 0);
    sent = (unsigned)tcp_counters(t.client.tcp).out_packets;
    t.server.stop_got = sent;
    EXPECT_EQ(loop_run(t.loop), 0);
    EXPECT(t.server.got == sent && t.server.wrong == 0 && t.client.frees == 1);
    end();
}

static void nonsense_ends_the_connection_only(void)
{
    static const uint8_t bad[] = {0, 0}, long_one[] = {0xff, 0xff, 1};
    struct addr plain;
    size_t n;
    int fd;

    EXPECT(begin("127.0.0.1:0"));
    EXPECT(connect_client());
    plain = t.at;
    for (int i = 0; i < 2; i++) {
        EXPECT(tcp_socket_connect(&plain, &fd) == OK);
        t.server.stop_gone = (unsigned)i + 1;
        while (t.server.got == 0 && tcp_count(t.server.tcp) < 2)
            loop_turn(t.loop, true);
        EXPECT(stream_socket_send(fd, i ? bytes_of(long_one, 3) : bytes_of(bad, 2), &n) == OK);
        EXPECT_EQ(loop_run(t.loop), 0);
        EXPECT_EQ(tcp_counters(t.server.tcp).malformed, i + 1);
        stream_socket_close(fd);
    }
    EXPECT_EQ(tcp_count(t.server.tcp), 1);
    send_one(&t.client, &t.at, 5);
    tcp_flush(t.client.tcp);
    t.server.stop_got = 1;
    EXPECT_EQ(loop_run(t.loop), 0);
    end();
}

static void both_ends_learn_of_the_end(void)
{
    EXPECT(begin("127.0.0.1:0"));
    EXPECT(connect_client());
    t.server.stop_gone = 1;
    tcp_close(t.client.tcp, &t.at);
    EXPECT_EQ(loop_run(t.loop), 0);
    EXPECT(t.client.gone == 0 && tcp_count(t.client.tcp) == 0); /* its owner knows */
    EXPECT(connect_client());
    send_one(&t.client, &t.at, 5);
    tcp_flush(t.client.tcp);
    t.server.stop_got = 1;
    EXPECT_EQ(loop_run(t.loop), 0);
    tcp_close(t.server.tcp, &t.server.last);
    t.client.stop_gone = 1;
    EXPECT_EQ(loop_run(t.loop), 0);
    EXPECT(addr_equal(&t.client.lost, &t.at));
    send_one(&t.client, &t.at, 5);
    EXPECT_EQ(tcp_counters(t.client.tcp).refused, 1);
    end();
}

static void nobody_there_is_said(void)
{
    EXPECT(begin("127.0.0.1:0"));
    tcp_free(t.server.tcp);
    t.server.tcp = NULL;
    t.client.stop_gone = 1;
    enum err e = tcp_connect(t.client.tcp, &t.at);
    EXPECT(e == ERR_UNREACHABLE || (e == OK && loop_run(t.loop) == 0));
    EXPECT_EQ(tcp_count(t.client.tcp), 0);
    end();
}

/* Who opens one connection after the other pushes out his own; sessions stay. */
static void a_crowd_pushes_out_its_own(void)
{
    int fd[LIMIT_TCP_STRANGERS + KEPT];

    EXPECT(begin("127.0.0.1:0"));
    EXPECT(connect_client());
    for (int i = 0; i < (int)COUNT_OF(fd); i++) {
        EXPECT(tcp_socket_connect(&t.at, &fd[i]) == OK);
        for (int k = 0; k < 100 && tcp_count(t.server.tcp) < (size_t)i + 2 &&
                        tcp_counters(t.server.tcp).crowded == 0;
             k++)
            loop_turn(t.loop, false);
    }
    for (int k = 0; k < 100 && tcp_counters(t.server.tcp).crowded < KEPT + 1; k++)
        loop_turn(t.loop, false);
    EXPECT_EQ(tcp_count(t.server.tcp), LIMIT_TCP_STRANGERS);
    EXPECT_EQ(tcp_counters(t.server.tcp).crowded, KEPT + 1);
    for (int i = 0; i < (int)COUNT_OF(fd); i++)
        stream_socket_close(fd[i]);
    end();
}

/* Every system call fails once: there is an error or a connection, never a leak or a wait without
 * end. */
static void each_call_may_fail(void)
{
    for (uint64_t nth = 1; nth < 100; nth++) {
        bool fired;
        EXPECT(begin("127.0.0.1:0"));
        os_fail_at(OS_ANY, nth, EIO);
        t.client.stop_opened = t.client.stop_gone = 1;
        if (tcp_connect(t.client.tcp, &t.at) == OK && loop_run(t.loop) == 0 && t.client.opened) {
            send_one(&t.client, &t.at, 5);
            tcp_flush(t.client.tcp);
            t.server.stop_got = t.server.stop_gone = 1;
            t.client.stop_opened = 0;
            if (!t.client.gone)
                (void)loop_run(t.loop);
        }
        fired = os_fault_fired(OS_ANY);
        os_fail_at(OS_ANY, 0, 0);
        EXPECT(!t.late);
        end();
        if (!fired)
            break;
        EXPECT(nth < 90);
    }
}

static void a_door_without_descriptors_opens_again(void)
{
    EXPECT(begin("127.0.0.1:0"));
    os_fail_at(OS_ACCEPT, 1, EMFILE);
    EXPECT(connect_client());
    send_one(&t.client, &t.at, 5);
    tcp_flush(t.client.tcp);
    t.server.stop_got = 1;
    EXPECT_EQ(loop_run(t.loop), 0);
    EXPECT(os_fault_fired(OS_ACCEPT));
    os_fail_at(OS_ACCEPT, 0, 0);
    end();
}

static void an_address_that_is_taken_is_no_door(void)
{
    struct end other;

    EXPECT(begin("127.0.0.1:0"));
    EXPECT(open_end(&other));
    EXPECT_EQ(tcp_listen(other.tcp, &t.at), ERR_BUSY);
    EXPECT_EQ(tcp_adopt(other.tcp, STDIN_FILENO), ERR_USAGE);
    tcp_free(other.tcp);
    end();
}

TEST_MAIN({"packets_come_as_they_were_sent", packets_come_as_they_were_sent},
          {"what_is_too_much_is_said_to_be", what_is_too_much_is_said_to_be},
          {"nonsense_ends_the_connection_only", nonsense_ends_the_connection_only},
          {"both_ends_learn_of_the_end", both_ends_learn_of_the_end},
          {"nobody_there_is_said", nobody_there_is_said},
          {"a_crowd_pushes_out_its_own", a_crowd_pushes_out_its_own},
          {"each_call_may_fail", each_call_may_fail},
          {"a_door_without_descriptors_opens_again", a_door_without_descriptors_opens_again},
          {"an_address_that_is_taken_is_no_door", an_address_that_is_taken_is_no_door})
