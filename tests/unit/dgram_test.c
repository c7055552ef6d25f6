#include "core/os/dgram.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/num.h"
#include "core/os/os.h"
#include "tests/unit/test.h"

enum { MANY = 40, SIZE = 700 };

/* Two sockets on loopback and what arrives at `b`, datagram by datagram. */
struct pair {
    struct dgram a, b;
    struct dgram_space *space;
    uint8_t sent[MANY * SIZE];
    uint8_t got[MANY * SIZE];
    size_t got_bytes, got_datagrams, largest_burst;
    struct dgram_burst last;
};

static struct addr at(const char *text)
{
    struct addr a = {0};

    if (addr_parse(text, -1, &a) != OK)
        test_fail(__FILE__, __LINE__, text);
    return a;
}

static void faults_off(void)
{
    for (int i = 0; i < OS_CALL_COUNT; i++)
        os_fail_at((enum os_call)i, 0, 0);
}

static bool open_pair(struct pair *p, const char *from, const char *to)
{
    struct addr a = at(from), b = at(to);

    memset(p, 0, sizeof *p);
    p->a.fd = p->b.fd = -1;
    for (size_t i = 0; i < sizeof p->sent; i++)
        p->sent[i] = (uint8_t)(i * 7 + i / SIZE);
    p->space = dgram_space_new();
    return p->space && dgram_open(&p->a, &a) == OK && dgram_open(&p->b, &b) == OK;
}

static void close_pair(struct pair *p)
{
    dgram_close(&p->a);
    dgram_close(&p->b);
    dgram_space_free(p->space);
    faults_off();
}

/* Receives at `d` until `bytes` have come or nothing comes for 5 s. */
static void receive(struct pair *p, struct dgram *d, size_t bytes)
{
    struct dgram_burst in[DGRAM_BATCH];
    size_t n;

    p->got_bytes = p->got_datagrams = 0;
    while (p->got_bytes < bytes) {
        enum err e = dgram_receive(d, p->space, in, &n);
        if (e == ERR_AGAIN) {
            struct pollfd fd = {.fd = d->fd, .events = POLLIN};
            if (poll(&fd, 1, 5000) != 1)
                return;
            continue;
        }
        if (e)
            return;
        for (size_t i = 0; i < n; i++) {
            if (p->got_bytes + in[i].n > sizeof p->got)
                return;
            memcpy(p->got + p->got_bytes, in[i].p, in[i].n);
            p->got_bytes += in[i].n;
            p->got_datagrams += in[i].n ? num_div_up(in[i].n, in[i].each) : 1;
            p->largest_burst = num_max(p->largest_burst, in[i].n);
            p->last = in[i];
        }
    }
}

/* Sends MANY datagrams of SIZE bytes as one burst from a to b; how many bursts are done. */
static enum err send_many(struct pair *p, size_t *done)
{
    struct dgram_burst b = {
        .peer = p->b.local, .p = p->sent, .n = sizeof p->sent, .each = SIZE, .ecn = 2};

    return dgram_send(&p->a, &b, 1, done);
}

static void expect_all(struct pair *p)
{
    size_t done;

    EXPECT_EQ(send_many(p, &done), OK);
    EXPECT_EQ(done, 1);
    receive(p, &p->b, sizeof p->sent);
    EXPECT_EQ(p->got_bytes, sizeof p->sent);
    EXPECT_EQ(p->got_datagrams, MANY);
    EXPECT(memcmp(p->got, p->sent, sizeof p->sent) == 0);
    EXPECT(addr_equal(&p->last.peer, &p->a.local));
    EXPECT(addr_equal(&p->last.local, &p->b.local));
    EXPECT_EQ(p->last.ecn, 2);
}

static void bursts_go_and_come(void)
{
    static const char *const homes[] = {"127.0.0.1:0", "[::1]:0"};
    static struct pair p;

    for (size_t i = 0; i < COUNT_OF(homes); i++) {
        EXPECT(open_pair(&p, homes[i], homes[i]));
        expect_all(&p);
        if (p.a.gso && p.b.gro)
            EXPECT(p.largest_burst > SIZE && p.a.calls == 1);
        EXPECT(p.a.refused == 0 && p.b.truncated == 0);
        close_pair(&p);
    }
}

/* Each of the kernel's newer calls missing alone, and all together. */
static void older_kernels_get_one_at_a_time(void)
{
    static const struct {
        enum os_call call;
        int error;
    } missing[] = {{OS_SENDMMSG, ENOSYS},      {OS_RECVMMSG, ENOSYS},     {OS_SET_GRO, ENOPROTOOPT},
                   {OS_SET_GSO, ENOPROTOOPT},  {OS_SEND_GSO, EIO},        {OS_SEND_GSO, EINVAL},
                   {OS_SEND_GSO, ENOPROTOOPT}, {OS_SEND_GSO, EOPNOTSUPP}, {OS_ANY, 0}};
    static struct pair p;

    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        for (size_t k = 0; k < COUNT_OF(missing) - 1; k++)
            if (k == i || missing[i].call == OS_ANY)
                os_fail_from(missing[k].call, 1, missing[k].error);
        EXPECT(open_pair(&p, "127.0.0.1:0", "127.0.0.1:0"));
        expect_all(&p);
        for (size_t k = 0; k < COUNT_OF(missing) - 1; k++)
            if (k == i)
                EXPECT(os_fault_fired(missing[k].call));
        faults_off();
        expect_all(&p); /* and it stays so */
        if (missing[i].call == OS_SENDMMSG)
            EXPECT(!p.a.sendmmsg && p.a.gso);
        if (missing[i].call == OS_RECVMMSG)
            EXPECT(!p.b.recvmmsg && p.a.sendmmsg);
        if (missing[i].call == OS_SEND_GSO || missing[i].call == OS_SET_GSO)
            EXPECT(!p.a.gso && p.a.sendmmsg);
        EXPECT_EQ(p.a.refused, 0);
        close_pair(&p);
    }
}

static void interruptions_and_closed_peers_pass(void)
{
    static struct pair p;

    EXPECT(open_pair(&p, "127.0.0.1:0", "127.0.0.1:0"));
    os_fail_at(OS_SENDMMSG, 1, EINTR);
    os_fail_at(OS_RECVMMSG, 1, EINTR);
    expect_all(&p);
    EXPECT(os_fault_fired(OS_SENDMMSG) && os_fault_fired(OS_RECVMMSG));
    os_fail_at(OS_SENDMMSG, 1, ECONNREFUSED);
    os_fail_at(OS_RECVMMSG, 1, ECONNREFUSED);
    expect_all(&p);
    EXPECT_EQ(p.a.refused, 0);
    /* Refused again and again: dropped and counted, and the socket lives. */
    os_fail_from(OS_SENDMMSG, 1, ECONNREFUSED);
    size_t done;
    EXPECT_EQ(send_many(&p, &done), OK);
    EXPECT_EQ(p.a.refused, MANY);
    faults_off();
    expect_all(&p);
    /* To a port where nobody listens. */
    struct dgram_burst b = {.peer = p.b.local, .p = p.sent, .n = SIZE, .each = SIZE};
    dgram_close(&p.b);
    for (int i = 0; i < 3; i++) {
        struct dgram_burst again = b;
        EXPECT_EQ(dgram_send(&p.a, &again, 1, &done), OK);
        EXPECT_EQ(done, 1);
    }
    close_pair(&p);
}

static void full_buffers_are_told_apart(void)
{
    static struct pair p;
    size_t done;

    EXPECT(open_pair(&p, "127.0.0.1:0", "127.0.0.1:0"));
    os_fail_at(OS_SENDMMSG, 1, EAGAIN);
    EXPECT_EQ(send_many(&p, &done), ERR_AGAIN);
    EXPECT_EQ(done, 0);
    os_fail_at(OS_SENDMMSG, 1, ENOBUFS);
    EXPECT_EQ(send_many(&p, &done), ERR_BUSY);
    EXPECT_EQ(done, 1);
    EXPECT_EQ(p.a.refused, MANY);
    os_fail_at(OS_RECVMMSG, 1, EAGAIN);
    struct dgram_burst in[DGRAM_BATCH];
    EXPECT_EQ(dgram_receive(&p.b, p.space, in, &done), ERR_AGAIN);
    os_fail_from(OS_RECVMMSG, 1, EHOSTUNREACH); /* a storm of ICMP: one call ends nevertheless */
    EXPECT_EQ(dgram_receive(&p.b, p.space, in, &done), ERR_AGAIN);
    os_fail_at(OS_RECVMMSG, 1, EBADF);
    EXPECT_EQ(dgram_receive(&p.b, p.space, in, &done), ERR_SYSTEM);
    os_fail_at(OS_SENDMMSG, 1, EBADF);
    EXPECT_EQ(send_many(&p, &done), ERR_SYSTEM);
    faults_off();
    expect_all(&p);
    close_pair(&p);
}

/* A burst cut short by a full buffer goes on where it was cut. */
static void cut_bursts_go_on(void)
{
    static struct pair p;
    size_t done;

    EXPECT(open_pair(&p, "127.0.0.1:0", "127.0.0.1:0"));
    p.a.gso = false;
    struct dgram_burst b = {.peer = p.b.local, .p = p.sent, .n = sizeof p.sent, .each = SIZE};
    os_fail_at(OS_SENDMMSG, 2, EAGAIN);
    EXPECT_EQ(dgram_send(&p.a, &b, 1, &done), ERR_AGAIN);
    EXPECT(done == 0 && b.n == sizeof p.sent - DGRAM_BATCH * SIZE);
    EXPECT_EQ(dgram_send(&p.a, &b, 1, &done), OK);
    EXPECT_EQ(done, 1);
    receive(&p, &p.b, sizeof p.sent);
    EXPECT(p.got_bytes == sizeof p.sent && memcmp(p.got, p.sent, sizeof p.sent) == 0);
    close_pair(&p);
}

static void what_cannot_go_is_dropped(void)
{
    static struct pair p;
    static uint8_t large[DGRAM_MAX_BYTES + 100];
    struct dgram_burst b[4];
    size_t done;

    EXPECT(open_pair(&p, "127.0.0.1:0", "127.0.0.1:0"));
    for (int i = 0; i < 4; i++)
        b[i] = (struct dgram_burst){.peer = p.b.local, .p = large, .n = 100, .each = 100};
    b[0].peer.port = 0;        /* nobody can be there */
    b[1].peer = at("[::1]:9"); /* not through an IPv4 socket */
    b[2].n = b[2].each = sizeof large;
    EXPECT_EQ(dgram_send(&p.a, b, 4, &done), OK);
    EXPECT_EQ(done, 4);
    EXPECT_EQ(p.a.refused, 3);
    EXPECT(p.a.gso || !p.b.gro); /* none of that says anything about GSO */
    receive(&p, &p.b, 100);
    EXPECT_EQ(p.got_bytes, 100);
    close_pair(&p);
}

static void edges_of_sizes(void)
{
    static struct pair p;
    static uint8_t large[DGRAM_MAX_BYTES];
    struct dgram_burst in[DGRAM_BATCH];
    size_t n;

    EXPECT(open_pair(&p, "127.0.0.1:0", "127.0.0.1:0"));
    struct dgram_burst out[2] = {
        {.peer = p.b.local, .p = large, .n = 0, .each = 0},
        {.peer = p.b.local, .p = large, .n = sizeof large, .each = sizeof large}};
    EXPECT_EQ(dgram_send(&p.a, out, 2, &n), OK);
    EXPECT(n == 2 && p.a.refused == 0);
    EXPECT_EQ(dgram_receive(&p.b, p.space, in, &n), OK);
    EXPECT_EQ(n, 2);
    EXPECT(in[0].n == 0 && in[1].n == sizeof large && in[1].each == sizeof large);
    close_pair(&p);
}

/* The wildcard of IPv6 takes IPv4, and answers leave from where they were asked. */
static void wildcards_know_where_they_were_asked(void)
{
    static struct pair p;
    static const char *const asked[] = {"127.0.0.77", "::1"};

    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        EXPECT(open_pair(&p, i ? "[::1]:0" : "127.0.0.1:0", "[::]:0"));
        struct addr to;
        EXPECT_EQ(addr_parse_ip(asked[i], &to), OK);
        to.port = p.b.local.port;
        struct dgram_burst b = {.peer = to, .p = p.sent, .n = 10, .each = 10, .ecn = 1};
        size_t done;
        EXPECT_EQ(dgram_send(&p.a, &b, 1, &done), OK);
        receive(&p, &p.b, 10);
        EXPECT(addr_equal(&p.last.local, &to) && addr_equal(&p.last.peer, &p.a.local));
        EXPECT_EQ(p.last.ecn, 1);
        struct dgram_burst answer = {
            .peer = p.last.peer, .local = p.last.local, .p = p.sent, .n = 20, .each = 20, .ecn = 3};
        EXPECT_EQ(dgram_send(&p.b, &answer, 1, &done), OK);
        receive(&p, &p.a, 20);
        EXPECT(addr_equal(&p.last.peer, &to));
        EXPECT_EQ(p.last.ecn, 3);
        close_pair(&p);
    }
}

static void opening_fails_cleanly(void)
{
    static const enum os_call needed[] = {OS_SOCKET, OS_BIND};
    struct addr a = at("127.0.0.1:0"), foreign = at("192.0.2.1:0");
    struct dgram d, second;

    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        os_fail_at(needed[i], 1, EMFILE);
        EXPECT_EQ(dgram_open(&d, &a), ERR_SYSTEM);
        EXPECT_EQ(d.fd, -1);
    }
    EXPECT_EQ(dgram_open(&d, &foreign), ERR_SYSTEM);
    EXPECT_EQ(dgram_open(&d, &a), OK);
    EXPECT_EQ(dgram_open(&second, &d.local), ERR_BUSY);
    dgram_close(&d);
    dgram_close(&d);
    /* Options are wishes. */
    os_fail_from(OS_SETOPT, 1, ENOPROTOOPT);
    EXPECT_EQ(dgram_open(&d, &a), OK);
    dgram_close(&d);
    faults_off();
}

static void inherited_sockets_are_adopted(void)
{
    int plain = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_DGRAM, 0), ends[2];
    static struct pair p;
    struct dgram d;

    EXPECT(plain >= 0 && local >= 0 && pipe(ends) == 0);
    EXPECT_EQ(dgram_adopt(&d, plain), ERR_USAGE);
    EXPECT_EQ(dgram_adopt(&d, local), ERR_USAGE);
    EXPECT_EQ(dgram_adopt(&d, ends[0]), ERR_USAGE);
    EXPECT(close(ends[0]) != 0 && close(ends[1]) == 0); /* it was taken */
    EXPECT(open_pair(&p, "127.0.0.1:0", "127.0.0.1:0"));
    EXPECT_EQ(dgram_adopt(&d, dup(p.b.fd)), OK);
    EXPECT(addr_equal(&d.local, &p.b.local));
    dgram_close(&p.b);
    p.b = d;
    expect_all(&p);
    close_pair(&p);
}

TEST_MAIN({"bursts_go_and_come", bursts_go_and_come},
          {"older_kernels_get_one_at_a_time", older_kernels_get_one_at_a_time},
          {"interruptions_and_closed_peers_pass", interruptions_and_closed_peers_pass},
          {"full_buffers_are_told_apart", full_buffers_are_told_apart},
          {"cut_bursts_go_on", cut_bursts_go_on},
          {"what_cannot_go_is_dropped", what_cannot_go_is_dropped},
          {"edges_of_sizes", edges_of_sizes},
          {"wildcards_know_where_they_were_asked", wildcards_know_where_they_were_asked},
          {"opening_fails_cleanly", opening_fails_cleanly},
          {"inherited_sockets_are_adopted", inherited_sockets_are_adopted})
