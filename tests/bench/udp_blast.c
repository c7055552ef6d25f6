/* udp_blast: paced datagrams through something (the relay), to itself; says what became of them.
 *
 *   udp_blast --to A:P [--sink A:P] [--pps N] [--size BYTES] [--for SECONDS] [--clients N] [--echo]
 *             [--ect]
 *
 * Sends from N sockets to `--to` and receives at `--sink` (printed as an event first, port 0: any),
 * with --echo also what the sink sends back; --ect says that they can be marked. Ends with one JSON
 * object. Delays are of one clock. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/addr.h"
#include "core/base/heap.h"
#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/rd.h"
#include "core/base/stat.h"
#include "core/base/wr.h"
#include "core/os/clock.h"
#include "core/os/dgram.h"

enum { HEAD = 24, MAX_CLIENTS = 64, MAX_SOURCES = 256, DRAIN_US = 700000, TICK_US = 1000 };

/* What has arrived at one end. */
struct side {
    uint64_t count, duplicated, reordered, corrupted, highest, last_us, longest_gap_us, marked;
    uint8_t *seen; /* a bit a sequence number */
    struct stat_hist delay_us;
    struct addr source[MAX_SOURCES];
    size_t sources;
};

static struct {
    struct addr to, sink_at;
    uint64_t pps, size, seconds, clients;
    bool echo, ect;
    struct dgram sink, client[MAX_CLIENTS];
    struct dgram_space *space;
    uint64_t sent, most;
    struct side up, down;
    uint8_t burst[DGRAM_SEGMENTS * 1500], pattern[DGRAM_MAX_BYTES];
} b;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "udp_blast: %s\n", what);
    exit(2);
}

static void write_one(uint8_t *to, uint64_t seq, uint64_t now_us)
{
    struct wr w = wr_of(to, HEAD);

    wr_u64(&w, seq);
    wr_u64(&w, now_us);
    wr_u64(&w, seq * 0x9e3779b97f4a7c15u ^ now_us);
    memcpy(to + HEAD, b.pattern, b.size - HEAD);
}

static void note(struct side *s, const struct addr *from, const uint8_t *p, size_t n,
                 uint64_t now_us)
{
    struct rd r = rd_of(bytes_of(p, n));
    uint64_t seq = rd_u64(&r), sent_us = rd_u64(&r), check = rd_u64(&r);
    size_t i = 0;

    s->count++;
    if (n != b.size || check != (seq * 0x9e3779b97f4a7c15u ^ sent_us) || seq >= b.most ||
        memcmp(p + HEAD, b.pattern, n - HEAD) != 0) {
        s->corrupted++;
        return;
    }
    if (s->seen[seq / 8] >> seq % 8 & 1)
        s->duplicated++;
    else if (seq < s->highest)
        s->reordered++;
    s->seen[seq / 8] |= (uint8_t)(1u << seq % 8);
    s->highest = num_max(s->highest, seq);
    if (s->last_us)
        s->longest_gap_us = num_max(s->longest_gap_us, now_us - s->last_us);
    s->last_us = now_us;
    stat_add(&s->delay_us, now_us - sent_us);
    while (i < s->sources && !addr_equal(&s->source[i], from))
        i++;
    if (i == s->sources && i < MAX_SOURCES)
        s->source[s->sources++] = *from;
}

static void receive(struct dgram *d, struct side *s, bool echo)
{
    struct dgram_burst in[DGRAM_BATCH];
    size_t n = DGRAM_BATCH, done;

    while (n == DGRAM_BATCH && dgram_receive(d, b.space, in, &n) == OK) {
        uint64_t now_us = clock_mono_us();
        for (size_t i = 0; i < n; i++) {
            if (in[i].ecn == 3)
                s->marked += num_div_up(in[i].n, in[i].each);
            for (size_t at = 0; at < in[i].n; at += in[i].each)
                note(s, &in[i].peer, in[i].p + at, num_min(in[i].each, in[i].n - at), now_us);
        }
        if (echo && dgram_send(d, in, n, &done) == ERR_SYSTEM)
            die("the sink is broken");
    }
}

static void receive_all(int wait_ms)
{
    struct pollfd fd[1 + MAX_CLIENTS] = {{.fd = b.sink.fd, .events = POLLIN}};

    for (size_t i = 0; i < b.clients; i++)
        fd[1 + i] = (struct pollfd){.fd = b.client[i].fd, .events = POLLIN};
    if (poll(fd, 1 + b.clients, wait_ms) <= 0)
        return;
    if (fd[0].revents)
        receive(&b.sink, &b.up, b.echo);
    for (size_t i = 0; i < b.clients; i++)
        if (fd[1 + i].revents)
            receive(&b.client[i], &b.down, false);
}

/* Sends `n` datagrams from the next client. */
static void send_some(uint64_t n)
{
    size_t most = num_min(DGRAM_SEGMENTS, DGRAM_BURST_BYTES / b.size), done;
    static size_t turn;

    while (n > 0) {
        uint64_t now_us = clock_mono_us();
        size_t k = b.clients > 1 ? 1 : num_min(n, most);
        for (size_t i = 0; i < k; i++)
            write_one(b.burst + i * b.size, b.sent + i, now_us);
        struct dgram_burst out = {
            .peer = b.to, .p = b.burst, .n = k * b.size, .each = b.size, .ecn = b.ect ? 2 : 0};
        enum err e = dgram_send(&b.client[turn++ % b.clients], &out, 1, &done);
        if (e == ERR_SYSTEM)
            die("cannot send");
        if (e)
            return; /* full: try at the next tick */
        b.sent += k;
        n -= k;
    }
}

static void blast(void)
{
    uint64_t begin_us = clock_mono_us(), end_us;

    while (b.sent < b.most) {
        uint64_t now_us = clock_mono_us();
        uint64_t due = num_min(num_mul_div(now_us - begin_us, b.pps, 1000000) + 1, b.most);
        if (due > b.sent)
            send_some(due - b.sent);
        uint64_t next_us = begin_us + num_mul_div(b.sent, 1000000, b.pps);
        uint64_t wait_us = num_sub0(num_max(next_us, now_us + TICK_US), clock_mono_us());
        receive_all((int)num_min(wait_us / 1000, 100));
    }
    end_us = clock_mono_us() + DRAIN_US;
    while (clock_mono_us() < end_us)
        receive_all(100);
}

static struct json *report(const struct side *s, uint32_t overflow)
{
    struct json *j = json_new(), *d = json_new();
    uint64_t distinct = s->count - s->duplicated - s->corrupted;

    json_put_int(d, "p50", (int64_t)stat_quantile(&s->delay_us, 500));
    json_put_int(d, "p95", (int64_t)stat_quantile(&s->delay_us, 950));
    json_put_int(d, "p99", (int64_t)stat_quantile(&s->delay_us, 990));
    json_put_int(d, "max", (int64_t)s->delay_us.max);
    json_put_int(j, "received", (int64_t)s->count);
    json_put_int(j, "distinct", (int64_t)distinct);
    json_put_int(j, "duplicated", (int64_t)s->duplicated);
    json_put_int(j, "reordered", (int64_t)s->reordered);
    json_put_int(j, "corrupted", (int64_t)s->corrupted);
    json_put_int(j, "marked", (int64_t)s->marked);
    json_put_int(j, "sources", (int64_t)s->sources);
    json_put_int(j, "overflow", overflow);
    json_put_int(j, "longest_gap_us", (int64_t)s->longest_gap_us);
    json_put(j, "delay_us", d);
    return j;
}

static void options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "--echo") == 0) {
            b.echo = true;
            continue;
        }
        if (strcmp(name, "--ect") == 0) {
            b.ect = true;
            continue;
        }
        i++;
        if (strcmp(name, "--to") == 0 && addr_parse(value, -1, &b.to) == OK)
            continue;
        if (strcmp(name, "--sink") == 0 && addr_parse(value, -1, &b.sink_at) == OK)
            continue;
        uint64_t n = strtoull(value, NULL, 10);
        if (strcmp(name, "--pps") == 0 && n)
            b.pps = n;
        else if (strcmp(name, "--size") == 0 && n >= HEAD && n <= 1500)
            b.size = n;
        else if (strcmp(name, "--for") == 0 && n)
            b.seconds = n;
        else if (strcmp(name, "--clients") == 0 && n && n <= MAX_CLIENTS)
            b.clients = n;
        else
            die(name);
    }
}

static void open_all(void)
{
    struct addr any = {.family = b.sink_at.family};

    if (dgram_open(&b.sink, &b.sink_at))
        die("no sink");
    any.family = b.to.family ? b.to.family : b.sink_at.family;
    for (size_t i = 0; i < b.clients; i++)
        if (dgram_open(&b.client[i], &any))
            die("no client");
    b.most = b.pps * b.seconds;
    b.up.seen = heap_alloc(b.most / 8 + 1);
    b.down.seen = heap_alloc(b.most / 8 + 1);
    b.space = dgram_space_new();
    if (!b.up.seen || !b.down.seen || !b.space)
        die("out of memory");
    for (size_t i = 0; i < sizeof b.pattern; i++)
        b.pattern[i] = (uint8_t)(i * 37 + i / 256);
}

/* The address to blast at may only be known once the sink's is: then it comes on stdin. */
static void read_target(void)
{
    char text[ADDR_CHARS] = "", line[ADDR_CHARS];
    struct json *j = json_new();

    json_put_string(j, "event", "listening");
    json_put_string(j, "address", addr_print(&b.sink.local, text));
    if (json_print(j, stdout))
        die("cannot write");
    if (b.to.family)
        return;
    if (!fgets(line, sizeof line, stdin))
        die("no --to, and none on stdin");
    line[strcspn(line, "\n")] = 0;
    if (addr_parse(line, -1, &b.to))
        die(line);
}

int main(int argc, char **argv)
{
    b.pps = 1000, b.size = 1200, b.seconds = 1, b.clients = 1;
    if (addr_parse("127.0.0.1:0", -1, &b.sink_at))
        die("no address");
    options(argc, argv);
    open_all();
    read_target();
    uint64_t cpu_us = clock_cpu_us();
    blast();
    struct json *j = json_new();
    json_put_string(j, "event", "result");
    json_put_int(j, "sent", (int64_t)b.sent);
    json_put_int(j, "lost", (int64_t)(b.sent - num_min(b.sent, b.up.count - b.up.duplicated)));
    json_put_int(j, "cpu_us", (int64_t)(clock_cpu_us() - cpu_us));
    json_put(j, "up", report(&b.up, b.sink.overflow));
    if (b.echo)
        json_put(j, "down", report(&b.down, b.client[0].overflow));
    return json_print(j, stdout) != OK;
}
