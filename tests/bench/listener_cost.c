/* listener_cost: what one datagram of a stranger costs a listener, by its kind.
 *
 *   listener_cost [KIND [COUNT]]
 *
 * Feeds each kind COUNT times (default 20,000) to a listener and takes what it answers, without a
 * socket; prints one JSON object a kind with nanoseconds of processor time and bytes. For counts of
 * instructions run it under callgrind with one kind and --toggle-collect=feed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/json.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/os/clock.h"
#include "core/peer/listener.h"
#include "core/peer/peer.h"
#include "core/wire/packet.h"

enum { COUNT = 20000, STEP_US = 100 };

static struct {
    struct rng rng;
    struct key_pair server, caller;
    struct listener *listener;
    uint64_t now_us, in_bytes, out_bytes, answers;
    struct addr at, from;
} w;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "listener_cost: %s\n", what);
    exit(2);
}

static void judge(void *context, uint64_t now_us, const uint8_t *key, const uint8_t *token_id,
                  struct listener_verdict *out)
{
    (void)context, (void)now_us, (void)key, (void)token_id;
    *out = (struct listener_verdict){.welcome = false, .reason = "not you"};
}

static void begin(uint32_t strangers_per_s)
{
    struct listener_config c = {.identity = &w.server,
                                .auth = {.judge = judge},
                                .handshakes_per_s = 1000000,
                                .strangers_per_s = strangers_per_s};

    memset(&w, 0, sizeof w);
    w.now_us = 1000000;
    w.at = (struct addr){.family = ADDR_IP4, .port = 7470, .ip = {10, 0, 0, 2}};
    w.from = (struct addr){.family = ADDR_IP4, .port = 4000, .ip = {10, 1, 0, 0}};
    w.rng = crypt_rng();
    key_generate(&w.server, &w.rng);
    key_generate(&w.caller, &w.rng);
    if (listener_new(&c, &w.rng, w.now_us, &w.listener))
        die("no listener");
}

/* One datagram in and its answers out: what is measured. */
__attribute__((noinline)) void feed(struct bytes data, uint8_t *answer, size_t *answer_bytes);
void feed(struct bytes data, uint8_t *answer, size_t *answer_bytes)
{
    struct addr to;
    size_t n;

    listener_input(w.listener, w.now_us, &w.from, data, 0);
    w.in_bytes += data.n;
    while (listener_output(w.listener, w.now_us, answer, LIMIT_DATAGRAM_BYTES, &n, &to) == OK) {
        w.out_bytes += n;
        w.answers++;
        *answer_bytes = n;
    }
}

/* What a caller sends first, or after it has its cookie. */
static struct bytes opening(uint8_t *space, bool init)
{
    struct peer_dial d = {.to = w.at, .identity = &w.caller, .expected_key = w.server.public};
    uint8_t answer[LIMIT_DATAGRAM_BYTES];
    struct peer *p;
    struct addr to;
    size_t n, got = 0;

    if (peer_new(NULL, &d, &w.rng, w.now_us, &p) ||
        peer_output(p, w.now_us, space, LIMIT_DATAGRAM_BYTES, &n, &to))
        die("no caller");
    if (init) {
        feed(bytes_of(space, n), answer, &got);
        peer_input(p, w.now_us, &w.at, bytes_of(answer, got), 0);
        if (peer_output(p, w.now_us, space, LIMIT_DATAGRAM_BYTES, &n, &to))
            die("no message 1");
    }
    peer_free(p);
    return bytes_of(space, n);
}

/* Fills the datagram of a kind; each time another one where that matters. */
static struct bytes make(char kind, uint8_t *space, size_t i)
{
    struct bytes b = {0};

    w.from.ip[1] = (uint8_t)(1 + i / 65536), w.from.ip[2] = (uint8_t)(i >> 8);
    w.from.ip[3] = (uint8_t)i;
    switch (kind) {
    case 'h':
    case 's':
        b = opening(space, false);
        break;
    case 'k':
    case 'c':
        b = opening(space, true);
        break;
    case 't':
        b = opening(space, true);
        space[1 + 2 + 1 + PACKET_CID_BYTES + PACKET_NONCE_BYTES + 2] = PACKET_PROOF_TOKEN;
        break;
    default:
        rng_fill(&w.rng, space, 1200);
        space[0] = kind == 'd' ? PACKET_DATA : 0x7f;
        b = bytes_of(space, 1200);
    }
    return b;
}

static const struct kind {
    char letter;
    uint32_t strangers_per_s;
    const char *name;
} kinds[] = {{'h', 1000000000, "HELLO"},
             {'s', 1, "HELLO beyond the budget"},
             {'c', 1000000000, "INIT with the cookie of another address"},
             {'t', 1000000000, "INIT with a made-up token"},
             {'k', 1000000000, "INIT with a good cookie and a strange key"},
             {'d', 1000000000, "data with an unknown connection id"},
             {'g', 1000000000, "random bytes"}};

static enum err measure(const struct kind *k, size_t count)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES], answer[LIMIT_DATAGRAM_BYTES];
    uint64_t spent_us = 0;
    size_t unused;

    begin(k->strangers_per_s);
    struct bytes *data = heap_array(count, sizeof *data);
    if (!data)
        die("out of memory");
    for (size_t i = 0; i < count; i++) {
        struct bytes b = make(k->letter, space, i);
        uint8_t *p = heap_alloc(b.n);
        if (!p)
            die("out of memory");
        memcpy(p, b.p, b.n);
        data[i] = bytes_of(p, b.n);
    }
    w.in_bytes = w.out_bytes = w.answers = 0;
    spent_us = clock_cpu_us();
    for (size_t i = 0; i < count; i++) {
        w.from.ip[1] = (uint8_t)(1 + i / 65536), w.from.ip[2] = (uint8_t)(i >> 8);
        w.from.ip[3] = (uint8_t)i;
        w.from.ip[0] = k->letter == 'c' ? 11 : 10; /* not where the cookie went */
        w.now_us += STEP_US;
        feed(data[i], answer, &unused);
    }
    spent_us = clock_cpu_us() - spent_us;
    struct listener_counters n;
    listener_count(w.listener, &n);
    struct json *j = json_new();
    json_put_string(j, "kind", k->name);
    json_put_int(j, "ns", (int64_t)(spent_us * 1000 / count));
    json_put_int(j, "in_bytes", (int64_t)(w.in_bytes / count));
    json_put_int(j, "out_bytes", (int64_t)(w.out_bytes / count));
    json_put_int(j, "key_agreements", (int64_t)n.handshakes);
    json_put_int(j, "cookie_hashes", (int64_t)n.hashed);
    return json_print(j, stdout);
}

int main(int argc, char **argv)
{
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : COUNT;

    if (crypt_init() || count == 0)
        die("what?");
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if ((argc < 2 || argv[1][0] == kinds[i].letter) && measure(&kinds[i], count))
            return 1;
    return 0;
}
