#include "core/run/udp.h"

#include <errno.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/os/os.h"
#include "tests/unit/test.h"

/* An owner that sends `left` datagrams of numbered bytes to `to` and keeps account of what comes.
 */
struct node {
    struct loop *loop;
    struct udp *udp;
    struct addr to[2];
    int peers;
    uint64_t left, sent, got, wrong, bytes;
    uint64_t stop_at; /* datagrams got */
    size_t size;
    bool echo;
    struct udp_in last;
};

static void take(void *ctx, uint64_t now_us, const struct udp_in *in, size_t count)
{
    struct node *n = ctx;

    (void)now_us;
    for (size_t i = 0; i < count; i++) {
        n->got++;
        n->bytes += in[i].data.n;
        n->wrong += in[i].data.n < 8 || in[i].data.p[in[i].data.n - 1] != in[i].data.p[0];
        n->last = in[i];
        if (n->echo) {
            n->to[0] = in[i].peer;
            n->left++;
        }
    }
    if (n->got >= n->stop_at)
        loop_stop(n->loop, 0);
}

static bool next(void *ctx, uint64_t now_us, uint8_t *space, size_t room, struct udp_out *out)
{
    struct node *n = ctx;

    (void)now_us;
    if (!n->left || room < LIMIT_DATAGRAM_BYTES)
        return false;
    n->left--;
    out->peer = n->to[n->peers > 1 ? n->sent % 2 : 0];
    out->n = n->size - (n->sent % 5 == 4); /* bursts of five: the last is shorter */
    memset(space, (int)n->sent, out->n);
    n->sent++;
    return true;
}

static void broken(void *ctx)
{
    struct node *n = ctx;

    loop_stop(n->loop, 9);
}

static void give_up(void *ctx)
{
    loop_stop(ctx, 99);
}

/* Stops the loop with 99 after 10 s, so that a test that fails ends. */
static void guard(struct loop *l, struct loop_timer *t)
{
    loop_timer_init(t, l, give_up, l);
    loop_timer_set(t, loop_now_us(l) + 10 * 1000000);
}

static enum err open_node(struct node *n, struct loop *l, const char *where)
{
    struct udp_owner owner = {.in = take, .next = next, .broken = broken, .ctx = n};
    struct addr a;

    if (addr_parse(where, -1, &a))
        return ERR_USAGE;
    *n = (struct node){.loop = l, .size = 1200, .peers = 1, .stop_at = UINT64_MAX};
    return udp_new(l, &a, &owner, &n->udp);
}

static void datagrams_are_pumped_both_ways(void)
{
    static const char *const homes[] = {"127.0.0.1:0", "[::1]:0", "[::]:0"};
    struct loop_timer t;
    struct loop *l;

    for (size_t i = 0; i < COUNT_OF(homes); i++) {
        struct node a, b;
        EXPECT_EQ(loop_new(&l), OK);
        guard(l, &t);
        EXPECT_EQ(open_node(&a, l, i == 1 ? "[::1]:0" : "127.0.0.1:0"), OK);
        EXPECT_EQ(open_node(&b, l, homes[i]), OK);
        b.echo = true;
        a.to[0] = *udp_local(a.udp);
        a.to[0].port = udp_local(b.udp)->port;
        a.left = a.stop_at = 200;
        udp_kick(a.udp);
        EXPECT_EQ(loop_run(l), 0);
        EXPECT(a.got == 200 && b.got == 200 && !a.wrong && !b.wrong);
        EXPECT(addr_equal(&a.last.peer, &a.to[0]));
        struct udp_counters ca = udp_count(a.udp), cb = udp_count(b.udp);
        EXPECT(ca.out_datagrams == 200 && ca.in_datagrams == 200 && cb.in_bytes == b.bytes);
        EXPECT(ca.out_bytes == cb.in_bytes && cb.out_bytes == a.bytes);
        EXPECT(ca.calls < 200 && !ca.refused && !cb.overflow);
        udp_free(a.udp);
        udp_free(b.udp);
        loop_free(l);
    }
}

/* Two peers in turn: no two datagrams can share a burst. */
static void peers_are_not_mixed_up(void)
{
    struct node a, b, c;
    struct loop_timer t;
    struct loop *l;

    EXPECT_EQ(loop_new(&l), OK);
    guard(l, &t);
    EXPECT(!open_node(&a, l, "127.0.0.1:0") && !open_node(&b, l, "127.0.0.1:0") &&
           !open_node(&c, l, "127.0.0.1:0"));
    a.to[0] = *udp_local(b.udp);
    a.to[1] = *udp_local(c.udp);
    a.peers = 2;
    a.left = 100;
    c.stop_at = 50;
    udp_kick(a.udp);
    EXPECT_EQ(loop_run(l), 0);
    loop_turn(l, false);
    EXPECT(b.got == 50 && c.got == 50 && !b.wrong && !c.wrong);
    udp_free(a.udp), udp_free(b.udp), udp_free(c.udp);
    loop_free(l);
}

static void full_sockets_and_devices_are_waited_for(void)
{
    static const int errors[] = {EAGAIN, ENOBUFS, EINTR};
    struct loop_timer t;
    struct loop *l;

    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        struct node a, b;
        EXPECT_EQ(loop_new(&l), OK);
        guard(l, &t);
        EXPECT(!open_node(&a, l, "127.0.0.1:0") && !open_node(&b, l, "127.0.0.1:0"));
        a.to[0] = *udp_local(b.udp);
        a.left = 100;
        /* ENOBUFS loses the burst that met it: five datagrams. */
        b.stop_at = errors[i] == ENOBUFS ? 95 : 100;
        os_fail_at(OS_SENDMMSG, 1, errors[i]);
        udp_kick(a.udp);
        EXPECT_EQ(loop_run(l), 0);
        EXPECT(os_fault_fired(OS_SENDMMSG) && b.got == b.stop_at && !b.wrong);
        EXPECT_EQ(udp_count(a.udp).refused, 100 - b.stop_at);
        udp_free(a.udp), udp_free(b.udp);
        loop_free(l);
    }
}

static void broken_sockets_are_told(void)
{
    static const enum os_call calls[] = {OS_SENDMMSG, OS_RECVMMSG};
    struct loop_timer t;
    struct loop *l;

    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        struct node a;
        EXPECT_EQ(loop_new(&l), OK);
        guard(l, &t);
        EXPECT_EQ(open_node(&a, l, "127.0.0.1:0"), OK);
        a.to[0] = *udp_local(a.udp);
        a.left = 1;
        os_fail_at(calls[i], 1, EBADF);
        udp_kick(a.udp);
        EXPECT_EQ(loop_run(l), 9);
        udp_kick(a.udp);
        loop_turn(l, false);
        udp_free(a.udp);
        loop_free(l);
    }
}

/* What an owner says last leaves before the socket is closed. */
static void last_words_are_flushed(void)
{
    struct node a, b;
    struct loop_timer t;
    struct loop *l;

    EXPECT_EQ(loop_new(&l), OK);
    guard(l, &t);
    EXPECT(!open_node(&a, l, "127.0.0.1:0") && !open_node(&b, l, "127.0.0.1:0"));
    a.to[0] = *udp_local(b.udp);
    a.left = b.stop_at = 3;
    udp_flush(a.udp);
    udp_free(a.udp);
    EXPECT_EQ(loop_run(l), 0);
    EXPECT_EQ(b.got, 3);
    udp_free(b.udp);
    udp_free(NULL);
    loop_free(l);
}

TEST_MAIN({"datagrams_are_pumped_both_ways", datagrams_are_pumped_both_ways},
          {"peers_are_not_mixed_up", peers_are_not_mixed_up},
          {"full_sockets_and_devices_are_waited_for", full_sockets_and_devices_are_waited_for},
          {"broken_sockets_are_told", broken_sockets_are_told},
          {"last_words_are_flushed", last_words_are_flushed})
