#include "core/run/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/run/udp.h"
#include "tests/unit/test.h"

/* A name server of some hosts, by first label: "both" has IPv4 and IPv6, "four" only IPv4, "empty"
 * none; of "half4" and "half6" only questions for that family are answered; "slow" gets no answer,
 * "junk" bytes that mean nothing; any other does not exist. */
struct server {
    struct udp *udp;
    struct loop *loop;
    struct udp_out out;
    uint8_t answer[256];
    unsigned asked;
};

static void put_record(struct server *s, const uint8_t *data, uint16_t type, size_t n)
{
    uint8_t head[12] = {0xc0, 12, 0, (uint8_t)type, 0, 1, 0, 0, 0, 60, 0, (uint8_t)n};

    memcpy(s->answer + s->out.n, head, sizeof head);
    memcpy(s->answer + s->out.n + sizeof head, data, n);
    s->out.n += sizeof head + n;
    s->answer[7]++; /* answers */
}

static bool is(const uint8_t *label, const char *name)
{
    return label[0] == strlen(name) && memcmp(label + 1, name, label[0]) == 0;
}

static void on_query(void *ctx, uint64_t now_us, const struct udp_in *in, size_t count)
{
    static const uint8_t ip4[4] = {192, 0, 2, 7}, ip6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 7};
    struct server *s = ctx;

    (void)now_us;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *q = in[i].data.p, *label = q + 12;
        size_t n = 12;
        s->asked++;
        if (in[i].data.n < 18 || in[i].data.n > 200 || is(label, "slow"))
            continue;
        while (n < in[i].data.n && q[n])
            n += q[n] + 1u;
        uint8_t type = q[n + 2];
        n += 5;
        if ((is(label, "half4") && type != 1) || (is(label, "half6") && type != 28))
            continue;
        memcpy(s->answer, q, n);
        s->out = (struct udp_out){.peer = in[i].peer, .n = n};
        memset(s->answer + 6, 0, 6);
        s->answer[2] = 0x81, s->answer[3] = 0x80;
        if (is(label, "junk"))
            memset(s->answer + 4, 0xff, n - 4);
        else if ((is(label, "both") || is(label, "four") || is(label, "half4")) && type == 1)
            put_record(s, ip4, 1, 4);
        else if ((is(label, "both") || is(label, "half6")) && type == 28)
            put_record(s, ip6, 28, 16);
        else if (!is(label, "four") && !is(label, "both") && !is(label, "empty"))
            s->answer[3] |= 3; /* NXDOMAIN */
        udp_flush(s->udp);
    }
}

static bool next(void *ctx, uint64_t now_us, uint8_t *space, size_t room, struct udp_out *out)
{
    struct server *s = ctx;

    (void)now_us, (void)room;
    if (!s->out.n)
        return false;
    *out = s->out;
    memcpy(space, s->answer, s->out.n);
    s->out.n = 0;
    return true;
}

static struct {
    struct loop *loop;
    struct server server;
    char address[ADDR_CHARS];
    struct resolve *resolve;
    struct resolve_result result;
    struct addr list[RESOLVE_MAX];
    int calls;
} t;

static void on_done(void *ctx, const struct resolve_result *result)
{
    (void)ctx;
    t.calls++;
    t.result = *result;
    memcpy(t.list, result->list, result->count * sizeof t.list[0]);
    resolve_free(t.resolve); /* allowed within the call */
    t.resolve = NULL;
    loop_stop(t.loop, 0);
}

static void on_stop(void *ctx)
{
    (void)ctx;
    loop_stop(t.loop, 77);
}

static bool set_up(void)
{
    struct udp_owner owner = {.in = on_query, .next = next, .ctx = &t.server};
    struct addr a;

    memset(&t, 0, sizeof t);
    if (addr_parse("127.0.0.1:0", -1, &a) || loop_new(&t.loop) ||
        udp_new(t.loop, &a, &owner, &t.server.udp))
        return false;
    t.server.loop = t.loop;
    addr_print(udp_local(t.server.udp), t.address);
    return true;
}

static void tear_down(void)
{
    resolve_free(t.resolve);
    udp_free(t.server.udp);
    loop_free(t.loop);
}

/* Looks `host` up and waits. */
static enum err look_up(const char *host, uint64_t timeout_us)
{
    enum err e =
        resolve_start(t.loop, host, 7470, timeout_us, t.address, on_done, NULL, &t.resolve);

    t.calls = 0;
    if (e)
        return e;
    loop_run(t.loop);
    return t.result.e;
}

static bool printed(size_t i, const char *text)
{
    char to[ADDR_CHARS];

    return i < t.result.count && strcmp(addr_print(&t.list[i], to), text) == 0;
}

static void some_are_known_without_asking(void)
{
    static const struct {
        const char *host, *first;
        size_t count;
    } known[] = {{"192.0.2.1", "192.0.2.1:7470", 1},   {"::1", "[::1]:7470", 1},
                 {"fe80::1%2", "[fe80::1%2]:7470", 1}, {"localhost", "127.0.0.1:7470", 2},
                 {"LocalHost.", "127.0.0.1:7470", 2},  {"a.localhost", "127.0.0.1:7470", 2}};

    EXPECT(set_up());
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        EXPECT_EQ(look_up(known[i].host, 5000000), OK);
        EXPECT(t.result.count == known[i].count && printed(0, known[i].first) && t.calls == 1);
    }
    EXPECT_EQ(t.server.asked, 0);
    tear_down();
}

static void names_have_addresses(void)
{
    EXPECT(set_up());
    EXPECT_EQ(look_up("both.test", 5000000), OK);
    EXPECT_EQ(t.result.count, 2);
    EXPECT(printed(0, "[2001:db8::7]:7470") && printed(1, "192.0.2.7:7470"));
    EXPECT_EQ(look_up("four.test", 5000000), OK);
    EXPECT(t.result.count == 1 && printed(0, "192.0.2.7:7470") && t.calls == 1);
    EXPECT(t.server.asked > 0);
    tear_down();
}

/* Long before the name server is given up. */
static void one_family_will_do(void)
{
    EXPECT(set_up());
    EXPECT_EQ(look_up("half4.test", 10000000), OK);
    EXPECT(t.result.count == 1 && printed(0, "192.0.2.7:7470") && t.calls == 1);
    EXPECT_EQ(look_up("half6.test", 10000000), OK);
    EXPECT(t.result.count == 1 && printed(0, "[2001:db8::7]:7470") && t.calls == 1);
    EXPECT_EQ(look_up("half6.test", 100000), OK); /* the whole time is up before that */
    EXPECT(t.result.count == 1 && t.calls == 1);
    tear_down();
}

static void the_hosts_file_comes_first(void)
{
    char path[] = "/tmp/hosts-XXXXXX";
    int fd = mkstemp(path);
    static const char line[] = "192.0.2.99 filed.test both.test\n";

    EXPECT(fd >= 0 && write(fd, line, sizeof line - 1) == sizeof line - 1);
    close(fd);
    setenv("CARES_HOSTS", path, 1);
    EXPECT(set_up());
    EXPECT_EQ(look_up("filed.test", 5000000), OK);
    EXPECT(t.result.count == 1 && printed(0, "192.0.2.99:7470"));
    EXPECT_EQ(t.server.asked, 0);
    tear_down();
    unsetenv("CARES_HOSTS");
    unlink(path);
}

static void failures_say_why(void)
{
    EXPECT(set_up());
    EXPECT_EQ(look_up("none.test", 5000000), ERR_UNREACHABLE);
    EXPECT(t.result.why && t.result.count == 0);
    EXPECT_EQ(look_up("empty.test", 5000000), ERR_UNREACHABLE);
    EXPECT(t.result.why && t.result.count == 0);
    EXPECT_EQ(look_up("slow.test", 30000), ERR_UNREACHABLE);
    EXPECT(t.result.why && t.server.asked > 0 && t.calls == 1);
    EXPECT_EQ(look_up("junk.test", 30000), ERR_UNREACHABLE);
    EXPECT_EQ(look_up("", 30000), ERR_UNREACHABLE);
    EXPECT_EQ(look_up("bad name..test", 30000), ERR_UNREACHABLE);
    tear_down();
}

/* Freed with queries under way: nobody is called, nothing leaks (ASan). */
static void lookups_can_be_given_up(void)
{
    EXPECT(set_up());
    EXPECT_EQ(resolve_start(t.loop, "slow.test", 1, 9000000, t.address, on_done, NULL, &t.resolve),
              OK);
    loop_turn(t.loop, false);
    resolve_free(t.resolve);
    t.resolve = NULL;
    loop_turn(t.loop, false);
    EXPECT_EQ(t.calls, 0);
    EXPECT_EQ(resolve_start(t.loop, "127.0.0.1", 1, 9000000, NULL, on_done, NULL, &t.resolve), OK);
    resolve_free(t.resolve);
    t.resolve = NULL;
    loop_turn(t.loop, false);
    EXPECT_EQ(t.calls, 0);
    EXPECT_EQ(resolve_start(t.loop, "x.test", 1, 9000000, "no server", on_done, NULL, &t.resolve),
              ERR_SYSTEM);
    tear_down();
}

static void waiting_runs_the_loop(void)
{
    struct addr list[RESOLVE_MAX];
    struct loop_task stop;
    const char *why;
    size_t count;
    int code = -1;

    EXPECT(set_up());
    EXPECT_EQ(resolve_wait(t.loop, "localhost", 9, 5000000, list, &count, &why, &code), OK);
    EXPECT(count == 2 && list[0].port == 9 && code == LOOP_LEFT);
    /* Something else may stop the loop first ... */
    loop_task_init(&stop, t.loop, on_stop, NULL);
    loop_stop(t.loop, 77);
    EXPECT_EQ(resolve_wait(t.loop, "192.0.2.1", 9, 5000000, list, &count, &why, &code), ERR_AGAIN);
    EXPECT_EQ(code, 77);
    /* ... or in the same turn: that is not forgotten. */
    loop_task_defer(&stop);
    EXPECT_EQ(resolve_wait(t.loop, "192.0.2.1", 9, 5000000, list, &count, &why, &code), OK);
    EXPECT_EQ(loop_run(t.loop), 77);
    tear_down();
}

/* Each allocation of the lookup fails once, c-ares' own included. */
static void memory_may_run_out(void)
{
    int failures = 0;
    uint64_t n;

    EXPECT(set_up());
    for (n = 1; n < 2000; n++) {
        heap_fail_at(n);
        enum err e = look_up("four.test", 200000);
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT(t.resolve == NULL);
        failures += e != OK;
        if (!fired)
            break;
    }
    EXPECT(n < 2000 && failures > 5);
    tear_down();
}

TEST_MAIN({"some_are_known_without_asking", some_are_known_without_asking},
          {"names_have_addresses", names_have_addresses},
          {"one_family_will_do", one_family_will_do},
          {"the_hosts_file_comes_first", the_hosts_file_comes_first},
          {"failures_say_why", failures_say_why},
          {"lookups_can_be_given_up", lookups_can_be_given_up},
          {"waiting_runs_the_loop", waiting_runs_the_loop},
          {"memory_may_run_out", memory_may_run_out})
