/* monitor: a QEMU of a few lines, one that says nothing, one that goes away. */
#include "core/run/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/os/stream_socket.h"
#include "core/os/unix_socket.h"
#include "tests/unit/test.h"

static char folder[64], path[128], heard[512];
static struct loop *l;
static struct monitor *m;
static int door, far;
static enum err lost_with;
static unsigned readies, losses;

static void on_ready(void *ctx)
{
    (void)ctx;
    readies++;
}

static void on_told(void *ctx, const char *name, const struct json_value *data, int64_t at_us)
{
    (void)ctx;
    (void)at_us;
    snprintf(heard, sizeof heard, "%s:%s", name,
             data ? json_text(json_member(data, "status")) : "");
}

static void on_lost(void *ctx, enum err e)
{
    (void)ctx;
    losses++;
    lost_with = e;
}

static void on_answer(void *ctx, const struct json_value *value, const char *refused)
{
    (void)ctx;
    snprintf(heard, sizeof heard, "%s", value ? json_text(json_member(value, "status")) : refused);
}

static void turns(int n)
{
    while (n-- > 0)
        loop_turn(l, false);
}

static void say(const char *text)
{
    size_t n;

    if (stream_socket_send(far, bytes_of_string(text), &n) || n != strlen(text))
        test_fail(__FILE__, __LINE__, "send");
    turns(3);
}

static void begin(void)
{
    struct monitor_owner owner = {.ready = on_ready, .told = on_told, .lost = on_lost};

    readies = losses = 0;
    heard[0] = 0;
    snprintf(folder, sizeof folder, "/tmp/monitor_test.XXXXXX");
    EXPECT(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/qmp", folder);
    EXPECT(loop_new(&l) == OK);
    EXPECT(monitor_new(l, path, &owner, &m) == ERR_NOT_FOUND);
    EXPECT(unix_socket_listen(path, &door) == OK);
    EXPECT(monitor_new(l, path, &owner, &m) == OK);
    EXPECT(stream_socket_accept(door, &far, NULL) == OK);
}

static void end(void)
{
    monitor_free(m);
    loop_free(l);
    stream_socket_close(far);
    stream_socket_close(door);
    unlink(path);
    rmdir(folder);
}

static void greet(void)
{
    say("{\"QMP\": {}}\r\n");
    say("{\"return\": {}, \"id\": -1}\r\n");
}

static void test_talks(void)
{
    char got[512] = "";
    size_t n;

    begin();
    greet();
    EXPECT_EQ(readies, 1);
    say("{\"event\": \"MIGRATION\", \"data\": {\"status\": \"setup\"}}\r\n");
    EXPECT(strcmp(heard, "MIGRATION:setup") == 0);
    EXPECT(monitor_do(m, "query-status", NULL, on_answer, NULL) == OK);
    turns(3);
    EXPECT(stream_socket_receive(far, got, sizeof got - 1, &n) == OK);
    EXPECT(strstr(got, "qmp_capabilities") && strstr(got, "\"query-status\",\"id\":1"));
    say("{\"return\": {\"status\": \"running\"}, \"id\": 1}\r\n");
    EXPECT(strcmp(heard, "running") == 0);
    EXPECT(monitor_do(m, "nonsense", NULL, on_answer, NULL) == OK);
    say("{\"error\": {\"desc\": \"no such command\"}, \"id\": 2}\r\n");
    EXPECT(strcmp(heard, "no such command") == 0 && losses == 0);
    end();
}

static void test_goes_away(void)
{
    begin();
    greet();
    EXPECT(monitor_do(m, "query-status", NULL, on_answer, NULL) == OK);
    stream_socket_close(far);
    far = -1;
    turns(5);
    EXPECT(losses == 1 && lost_with == ERR_UNREACHABLE);
    EXPECT(strcmp(heard, "QEMU has gone") == 0);
    EXPECT(monitor_do(m, "query-status", NULL, on_answer, NULL) == ERR_END);
    end();
}

static void test_is_no_qemu(void)
{
    begin();
    say("hello\r\n");
    EXPECT(losses == 1 && lost_with == ERR_MALFORMED && readies == 0);
    end();
}

TEST_MAIN({"talks", test_talks}, {"goes_away", test_goes_away}, {"is_no_qemu", test_is_no_qemu})
