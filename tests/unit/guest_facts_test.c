/* guest_facts: what QEMU answers is understood, told on and compared; lies are refused. */
#include "core/guest/guest_facts.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/guest/guest_capabilities.h"
#include "tests/unit/test.h"

enum { TEXT_BYTES = 1 << 20 };

static struct json_value *parse(const char *text)
{
    struct json_value *v = NULL;

    if (json_parse(bytes_of_string(text), &v))
        test_fail(__FILE__, __LINE__, text);
    return v;
}

/* Answers a question; the property tells apart those of one command. */
static enum err answer(struct guest_facts *f, const char *command, const char *text)
{
    enum err e = ERR_COUNT;

    for (const struct guest_question *q = guest_facts_questions; q->command; q++)
        if (strcmp(q->command, command) == 0) {
            struct json_value *v = parse(text);
            e = q->hear(f, v);
            json_discard(v);
        }
    return e;
}

/* Answers a question about an object. */
static enum err answer_of(struct guest_facts *f, const char *object, const char *text)
{
    enum err e = ERR_COUNT;

    for (const struct guest_question *q = guest_facts_questions; q->command; q++)
        if (q->object && strcmp(q->object, object) == 0) {
            struct json_value *v = parse(text);
            e = q->hear(f, v);
            json_discard(v);
        }
    return e;
}

/* As QEMU 7.2 answers. */
static bool fill(struct guest_facts *f)
{
    memset(f, 0, sizeof *f);
    return answer(f, "query-status",
                  "{\"running\":true,\"singlestep\":false,"
                  "\"status\":\"running\"}") == OK &&
           answer(f, "query-name", "{\"name\":\"db1\"}") == OK &&
           answer(f, "query-uuid", "{\"UUID\":\"7f0c8d4e-1111-4222-8333-944455566677\"}") == OK &&
           answer(f, "query-version",
                  "{\"qemu\":{\"micro\":22,\"minor\":2,\"major\":7},"
                  "\"package\":\"Debian\"}") == OK &&
           answer(f, "qom-get", "\"pc-q35-7.2-machine\"") == OK &&
           answer(f, "query-memory-size-summary",
                  "{\"base-memory\":1073741824,\"plugged-memory\":0}") == OK &&
           answer(f, "query-cpus-fast", "[{\"cpu-index\":0},{\"cpu-index\":1}]") == OK &&
           answer(f, "query-block",
                  "[{\"device\":\"\",\"qdev\":\"/machine/peripheral/d0/virtio-backend\","
                  "\"removable\":false,\"inserted\":{\"ro\":false,\"node-name\":\"disk0\","
                  "\"file\":\"/vm/a.qcow2\",\"image\":{\"virtual-size\":2147483648}}},"
                  "{\"device\":\"ide1-cd0\",\"removable\":true},"
                  "{\"device\":\"floppy0\",\"inserted\":{\"ro\":true,\"node-name\":\"#block1\","
                  "\"file\":\"x.img\",\"image\":{\"virtual-size\":512}}}]") == OK &&
           answer(f, "query-kvm", "{\"enabled\":true,\"present\":true}") == OK &&
           answer_of(f, "/machine/peripheral",
                     "[{\"name\":\"type\",\"type\":\"string\"},"
                     "{\"name\":\"net0\",\"type\":\"child<virtio-net-pci>\"}]") == OK &&
           answer_of(f, "/machine/peripheral-anon",
                     "[{\"name\":\"device[0]\",\"type\":\"child<virtio-net-pci>\"},"
                     "{\"name\":\"device[1]\",\"type\":\"child<virtio-rng-pci>\"}]") == OK &&
           answer(f, "query-migrate", "{}") == OK;
}

static void test_heard(void)
{
    struct guest_facts *f = heap_alloc(sizeof *f);
    size_t n = 0;

    EXPECT(f && fill(f));
    for (; guest_facts_questions[n].command; n++)
        ;
    EXPECT_EQ(n, GUEST_QUESTIONS);
    EXPECT(guest_facts_runs(f) && strcmp(f->name, "db1") == 0);
    EXPECT(strcmp(f->version, "7.2.22") == 0 && f->memory_bytes == 1u << 30 && f->cpus == 2);
    EXPECT_EQ(f->disks, 2);
    EXPECT(strcmp(f->disk[0].name, "/machine/peripheral/d0/virtio-backend") == 0);
    EXPECT(strcmp(f->disk[0].node, "disk0") == 0 && f->disk[0].size_bytes == 2147483648u);
    EXPECT(!f->disk[0].read_only && f->disk[1].read_only);
    EXPECT(strcmp(f->disk[1].name, "floppy0") == 0);
    EXPECT_EQ(f->devices, 3);
    EXPECT(strcmp(f->device[0].name, "net0") == 0 && f->device[1].name[0] == 0);
    EXPECT(strcmp(f->device[1].kind, "virtio-net-pci") == 0);
    EXPECT(!f->emulated && answer(f, "query-kvm", "{\"enabled\":false}") == OK && f->emulated);
    EXPECT(answer(f, "query-kvm", "{}") == OK && !f->emulated);
    EXPECT(answer(f, "query-migrate",
                  "{\"status\":\"failed\",\"blocked-reasons\":[\"a vfio "
                  "device\"]}") == OK);
    EXPECT(strcmp(f->blocked, "a vfio device") == 0 && strcmp(f->migration, "failed") == 0);

    EXPECT(answer(f, "query-status", "[]") == ERR_MALFORMED);
    EXPECT(answer(f, "query-version", "{\"qemu\":7}") == ERR_MALFORMED);
    EXPECT(answer(f, "qom-get", "7") == ERR_MALFORMED);
    EXPECT(answer(f, "query-cpus-fast", "[]") == ERR_MALFORMED);
    EXPECT(answer(f, "query-memory-size-summary", "{\"base-memory\":-1}") == ERR_MALFORMED);
    EXPECT(answer(f, "query-memory-size-summary",
                  "{\"base-memory\":9223372036854775807,\"plugged-memory\":1}") == ERR_MALFORMED);
    EXPECT(answer(f, "query-block", "[{\"device\":\"a\",\"inserted\":{\"file\":\"f\"}}]") ==
           ERR_MALFORMED);
    char many[8192] = "[";
    for (int i = 0; i <= LIMIT_GUEST_DISKS; i++)
        snprintf(
            many + strlen(many), sizeof many - strlen(many),
            "%s{\"device\":\"d%d\",\"inserted\":{\"file\":\"f\",\"image\":{\"virtual-size\":1}}}",
            i ? "," : "", i);
    strcat(many, "]");
    EXPECT(answer(f, "query-block", many) == ERR_LIMIT);
    heap_free(f);
}

static void test_told(void)
{
    struct guest_facts *f = heap_alloc(sizeof *f), *back = heap_alloc(sizeof *back);
    struct json_value *v;
    struct buf text;

    EXPECT(f && back && fill(f));
    buf_init(&text, TEXT_BYTES);
    EXPECT(json_write(guest_facts_put(f), &text) == OK);
    EXPECT(json_parse(buf_bytes(&text), &v) == OK);
    EXPECT(guest_facts_get(v, back) == OK);
    EXPECT(memcmp(f, back, sizeof *f) == 0);
    json_discard(v);
    buf_release(&text);

    v = parse("{\"name\":\"a\\u001b[2J\",\"uuid\":\"\",\"machine\":\"m\",\"version\":\"7\","
              "\"status\":\"running\",\"memory_bytes\":1,\"cpus\":1}");
    EXPECT(guest_facts_get(v, back) == OK && strcmp(back->name, "a?[2J") == 0);
    json_discard(v);
    v = parse("{\"name\":\"a\",\"uuid\":\"\",\"machine\":\"m\",\"version\":\"7\","
              "\"status\":\"running\",\"memory_bytes\":-1,\"cpus\":1}");
    EXPECT(guest_facts_get(v, back) == ERR_MALFORMED);
    json_discard(v);
    EXPECT(guest_facts_get(NULL, back) == ERR_MALFORMED);
    heap_free(f);
    heap_free(back);
}

static void test_matched(void)
{
    struct guest_facts *f = heap_alloc(sizeof *f), *to = heap_alloc(sizeof *to);

    EXPECT(f && to && fill(f) && fill(to));
    struct reason why = {0};
    EXPECT(guest_facts_match(f, to, &why) == OK);
    snprintf(to->uuid, sizeof to->uuid, "00000000-0000-0000-0000-000000000000");
    EXPECT(guest_facts_match(f, to, &why) == OK);
    to->uuid[0] = '1';
    EXPECT(guest_facts_match(f, to, &why) == ERR_UNSUPPORTED && strstr(why.text, "-uuid"));
    *to = *f, why = (struct reason){0};
    to->memory_bytes *= 2;
    EXPECT(guest_facts_match(f, to, &why) == ERR_UNSUPPORTED && strstr(why.text, "-m"));
    *to = *f, why = (struct reason){0};
    to->cpus = 1;
    EXPECT(guest_facts_match(f, to, &why) == ERR_UNSUPPORTED && strstr(why.text, "-smp"));
    *to = *f, why = (struct reason){0};
    to->machine[0] = 'x';
    EXPECT(guest_facts_match(f, to, &why) == ERR_UNSUPPORTED && strstr(why.text, "-machine"));
    *to = *f, why = (struct reason){0};
    to->disks = 1;
    EXPECT(guest_facts_match(f, to, &why) == ERR_UNSUPPORTED && strstr(why.text, "floppy0"));
    *to = *f, why = (struct reason){0};
    to->disk[0].size_bytes--;
    EXPECT(guest_facts_match(f, to, &why) == ERR_UNSUPPORTED && strstr(why.text, "same size"));
    *to = *f, why = (struct reason){0};
    to->disk[0].read_only = true;
    EXPECT(guest_facts_match(f, to, &why) == ERR_UNSUPPORTED && strstr(why.text, "written"));
    *to = *f, why = (struct reason){0};
    to->devices--; /* one the less of the kind that comes last */
    EXPECT(guest_facts_match(f, to, &why) == ERR_UNSUPPORTED && strstr(why.text, "virtio-rng-pci"));
    EXPECT(guest_facts_match(to, f, &why) == OK);
    *to = *f, why = (struct reason){0};
    memcpy(&to->device[0], &to->device[2], sizeof to->device[0]);
    EXPECT(guest_facts_match(f, to, &why) == ERR_UNSUPPORTED &&
           strstr(why.text, "2 of the device virtio-net-pci, the QEMU there 1"));
    heap_free(f);
    heap_free(to);
}

static void count(void *ctx, const char *text)
{
    EXPECT(strlen(text) < LIMIT_REASON_CHARS && strstr(text, "-m that is no multiple of 256 KiB"));
    ++*(int *)ctx;
}

/* An emulated guest under an old QEMU may crash. */
static void test_doubted(void)
{
    struct guest_facts *f = heap_alloc(sizeof *f);
    const struct {
        bool emulated;
        const char *version;
        uint64_t memory_bytes;
        int doubts;
    } cases[] = {
        {true, "7.2.22", 1 << 30, 1},  {true, "8.2.9", 1 << 30, 1},
        {true, "9.0.0", 1 << 30, 0},   {true, "10.0.2", 1 << 30, 0},
        {false, "7.2.22", 1 << 30, 0}, {true, "7.2.22", (1 << 30) + 8192, 0},
    };

    EXPECT(f && fill(f));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int n = 0;
        f->emulated = cases[i].emulated;
        f->memory_bytes = cases[i].memory_bytes;
        snprintf(f->version, sizeof f->version, "%s", cases[i].version);
        guest_facts_doubts(f, count, &n);
        EXPECT_EQ(n, cases[i].doubts);
    }
    heap_free(f);
}

static void test_capabilities(void)
{
    struct guest_capabilities c;
    struct json_value *v = parse(
        "[{\"capability\":\"xbzrle\",\"state\":true},{\"capability\":\"return-path\",\"state\":"
        "false},{\"capability\":\"auto-converge\",\"state\":true},{\"capability\":\"events\","
        "\"state\":true},{\"capability\":\"late-block-activate\",\"state\":false}]");
    struct buf text;

    guest_capabilities_hear(&c, v);
    json_discard(v);
    EXPECT_EQ(c.n, 5);
    const struct {
        enum guest_side side;
        bool back;
        const char *is;
    } want[] = {
        {GUEST_SOURCE, false,
         "{\"capabilities\":[{\"capability\":\"xbzrle\",\"state\":false},"
         "{\"capability\":\"return-path\",\"state\":true}]}\n"},
        {GUEST_SOURCE, true,
         "{\"capabilities\":[{\"capability\":\"return-path\",\"state\":false},"
         "{\"capability\":\"xbzrle\",\"state\":true}]}\n"},
        {GUEST_DESTINATION, false,
         "{\"capabilities\":[{\"capability\":\"xbzrle\",\"state\":false},"
         "{\"capability\":\"return-path\",\"state\":true},"
         "{\"capability\":\"late-block-activate\",\"state\":true}]}\n"},
    };
    for (size_t i = 0; i < 3; i++) {
        buf_init(&text, TEXT_BYTES);
        EXPECT(json_write(guest_capabilities_change(&c, want[i].side, want[i].back), &text) == OK);
        EXPECT(bytes_equal(buf_bytes(&text), bytes_of_string(want[i].is)));
        buf_release(&text);
    }
    EXPECT(!guest_capabilities_wanted(GUEST_SOURCE, "of-a-later-version", true));
    guest_capabilities_hear(&c, NULL);
    EXPECT_EQ(c.n, 0);
}

TEST_MAIN({"heard", test_heard}, {"told", test_told}, {"matched", test_matched},
          {"doubted", test_doubted}, {"capabilities", test_capabilities})
