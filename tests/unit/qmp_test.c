/* qmp: greeting, commands, events and errors as QEMU 7.2 writes them, in any pieces; lies. */
#include "core/qmp/qmp.h"

#include <string.h>

#include "core/base/heap.h"
#include "tests/unit/test.h"

#define GREETING                                                                                   \
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, "             \
    "\"package\": \"Debian\"}, \"capabilities\": [\"oob\"]}}\r\n"
#define READY "{\"return\": {}, \"id\": -1}\r\n"

static struct qmp *q;

static enum err give(const char *text)
{
    return qmp_input(q, bytes_of_string(text));
}

/* Everything that waits to be sent is `text`, and is sent. */
static bool says(const char *text)
{
    bool same = bytes_equal(qmp_output(q), bytes_of_string(text));

    qmp_sent(q, qmp_output(q).n);
    return same;
}

static bool next_is(enum qmp_kind kind, uint64_t tag, const char *text)
{
    struct qmp_news n;
    enum err e;

    return qmp_next(q, &n, &e) && !e && n.kind == kind && n.tag == tag &&
           (text ? n.text && strcmp(n.text, text) == 0 : !n.text);
}

static bool nothing(void)
{
    struct qmp_news n;
    enum err e;

    return !qmp_next(q, &n, &e) && e == OK;
}

static enum err fails(const char *text)
{
    struct qmp_news n;
    enum err e = give(text);

    while (!e && qmp_next(q, &n, &e))
        ;
    return e;
}

static void begin(void)
{
    EXPECT(qmp_new(&q) == OK);
    EXPECT(nothing() && says(""));
    EXPECT(give(GREETING) == OK && nothing());
    EXPECT(says("{\"execute\":\"qmp_capabilities\",\"id\":-1}\n"));
    EXPECT(give(READY) == OK && next_is(QMP_GREETED, 0, NULL) && nothing());
}

static void test_commands(void)
{
    struct json *j = json_new();
    struct qmp_news n;
    enum err e;

    begin();
    json_put_int(j, "value", 7);
    EXPECT(qmp_do(q, 1, "query-status", NULL) == OK && qmp_do(q, 2, "balloon", j) == OK);
    EXPECT(says("{\"execute\":\"query-status\",\"id\":1}\n"
                "{\"execute\":\"balloon\",\"arguments\":{\"value\":7},\"id\":2}\n"));
    EXPECT(
        give("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no balloon\"}, \"id\": 2}\r\n"
             "{\"return\": {\"status\": \"running\", \"running\": true}, \"id\": 1}\r\n") == OK);
    EXPECT(next_is(QMP_FAILED, 2, "no balloon"));
    EXPECT(qmp_next(q, &n, &e) && n.kind == QMP_RETURNED && n.tag == 1);
    EXPECT(strcmp(json_text(json_member(n.value, "status")), "running") == 0);
    EXPECT(nothing());
    qmp_free(q);
}

static void test_events(void)
{
    static const char text[] =
        "{\"timestamp\": {\"seconds\": 1764500000, \"microseconds\": 250000}, \"event\": "
        "\"MIGRATION\", \"data\": {\"status\": \"active\"}}\r\n"
        "{\"timestamp\": {\"seconds\": -1, \"microseconds\": -1}, \"event\": \"STOP\"}\r\n";
    struct qmp_news n;
    enum err e;

    /* In any pieces. */
    for (size_t step = 1; step < sizeof text; step++) {
        begin();
        unsigned count = 0;
        for (size_t at = 0; at < sizeof text - 1; at += step) {
            size_t left = sizeof text - 1 - at;
            EXPECT(qmp_input(q, bytes_of(text + at, step < left ? step : left)) == OK);
            while (qmp_next(q, &n, &e)) {
                EXPECT(n.kind == QMP_TOLD);
                EXPECT(strcmp(n.text, count ? "STOP" : "MIGRATION") == 0);
                EXPECT(n.at_us == (count ? 0 : 1764500000250000));
                EXPECT((n.value != NULL) == !count);
                count++;
            }
            EXPECT(e == OK);
        }
        EXPECT_EQ(count, 2);
        qmp_free(q);
    }
}

/* An event may come between the greeting and the answer to it. */
static void test_event_first(void)
{
    EXPECT(qmp_new(&q) == OK);
    EXPECT(give(GREETING "{\"event\": \"RESUME\"}\r\n" READY) == OK);
    EXPECT(next_is(QMP_GREETED, 0, NULL) && nothing());
    qmp_free(q);
}

static void test_lies(void)
{
    static const char *const lies[] = {
        "hello\r\n",
        "{}\r\n",
        "[]\r\n",
        "{\"QMP\": {}, \"QMP\": {}}\r\n",
        "{\"return\": {}, \"id\": 5}\r\n",
        GREETING "{\"return\": {}, \"id\": 5}\r\n",
        GREETING READY "{\"return\": {}}\r\n",
        GREETING READY "{\"return\": {}, \"id\": \"1\"}\r\n",
        GREETING READY "{\"id\": 1}\r\n",
        GREETING READY "\r\n",
    };

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        EXPECT(qmp_new(&q) == OK);
        EXPECT_EQ(fails(lies[i]), ERR_MALFORMED);
        qmp_free(q);
    }
}

static void test_too_long(void)
{
    static char blanks[65537];
    enum err e = OK;
    int times = 0;

    memset(blanks, ' ', sizeof blanks - 1);
    begin();
    while (!e && times++ < 1000)
        e = fails(blanks);
    EXPECT(e == ERR_LIMIT && times > 100);
    qmp_free(q);
}

/* Every allocation may fail, and is told as such. */
static void test_memory(void)
{
    bool fired = true;
    unsigned failed = 0;

    for (uint64_t nth = 1; fired; nth++) {
        struct qmp_news n;
        heap_fail_at(nth);
        enum err e = qmp_new(&q), asked = OK;
        if (!e)
            e = fails(GREETING READY);
        if (!e)
            asked = qmp_do(q, 1, "query-status", json_new());
        if (!e)
            e = give("{\"return\": {\"status\": \"running\"}, \"id\": 1}\r\n");
        while (!e && qmp_next(q, &n, &e))
            ;
        fired = heap_fault_fired();
        heap_fail_at(0);
        /* Who parses cannot tell lack of memory from bad text (jansson), and some can be done
         * without. */
        EXPECT(fired ? !e || e == ERR_MEMORY || e == ERR_MALFORMED : !e && !asked);
        failed += e || asked;
        qmp_free(q);
    }
    EXPECT(failed > 30);
}

TEST_MAIN({"commands", test_commands}, {"events", test_events}, {"event_first", test_event_first},
          {"lies", test_lies}, {"too_long", test_too_long}, {"memory", test_memory})
