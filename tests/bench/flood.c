/* flood: what strangers can send to a server: handshakes with valid cookies, and garbage.
 *
 *   flood --to A:P [--handshakes N] [--garbage N] [--for SECONDS] [--cid HEX]
 *   flood --tap A:P --to A:P
 *
 * Handshakes a second are well-formed messages 1 from keys that nobody has authorised, each with a
 * cookie that was asked for; garbage datagrams a second are random bytes, handshake headers before
 * random bytes, data headers with an unknown and with the given connection id, and cut pieces of
 * all that. Every source is a socket of its own at an address of its own (127.0.1.x); what comes
 * back to each is counted. It begins when it has read a line (or the end) of its standard input,
 * after saying that it is ready, and ends with one JSON object.
 *
 * With --tap it passes datagrams on between one viewer and a server, as anybody on their path
 * could, and prints the connection id that the viewer's packets carry. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/addr.h"
#include "core/base/heap.h"
#include "core/base/json.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/base/wr.h"
#include "core/crypt/crypt.h"
#include "core/crypt/noise.h"
#include "core/os/clock.h"
#include "core/os/dgram.h"
#include "core/peer/session.h"
#include "core/wire/hello.h"
#include "core/wire/packet.h"

enum {
    SOURCES = 64, /* the first half sends handshakes, the other garbage */
    KEYS = 16,
    MESSAGE_BYTES = 256,
    PIECES = 8192, /* different garbage datagrams */
    TICK_US = 1000,
    COOKIE_AGAIN_US = 8000000,
    DRAIN_US = 500000
};

struct source {
    struct dgram socket;
    uint64_t out_datagrams, out_bytes, in_datagrams, in_bytes;
    uint8_t nonce[PACKET_NONCE_BYTES], cid[PACKET_CID_BYTES];
    uint8_t cookie[PACKET_PROOF_BYTES];
    size_t cookie_bytes;
    uint64_t asked_us;
};

struct message {
    uint16_t n;
    uint8_t cid[PACKET_CID_BYTES]; /* which it is bound to */
    uint8_t data[MESSAGE_BYTES];
};

static struct {
    struct addr to, tap;
    uint64_t handshakes, garbage, seconds;
    bool has_cid;
    uint8_t cid[PACKET_CID_BYTES], server_key[KEY_BYTES], server_ciphers;
    struct source source[SOURCES];
    struct message *message; /* handshakes * seconds of them */
    uint64_t messages;
    struct bytes piece[PIECES];
    struct dgram_space *space;
    struct rng rng;
    uint64_t sent_handshakes, sent_garbage, cookies, responses, full;
} f;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "flood: %s\n", what);
    exit(2);
}

/* ---- what is sent ---- */

static void send_out(struct source *s, const struct bytes *data, size_t count)
{
    struct dgram_burst out[DGRAM_BATCH];
    size_t done;

    for (size_t i = 0; i < count; i++)
        out[i] =
            (struct dgram_burst){.peer = f.to, .p = data[i].p, .n = data[i].n, .each = data[i].n};
    if (dgram_send(&s->socket, out, count, &done) == ERR_SYSTEM)
        die("cannot send");
    f.full += count - done;
    for (size_t i = 0; i < done; i++) {
        s->out_datagrams++;
        s->out_bytes += data[i].n;
    }
}

static void say_hello(struct source *s, uint64_t now_us)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct wr w = wr_of(space, sizeof space);
    struct packet_long p = {.type = PACKET_HELLO, .version = PACKET_VERSION};

    memcpy(p.cid, s->cid, sizeof p.cid);
    memcpy(p.nonce, s->nonce, sizeof p.nonce);
    packet_encode_long(&p, &w);
    struct bytes data = wr_done(&w);
    send_out(s, &data, 1);
    s->asked_us = now_us;
}

static enum cipher chosen(void)
{
    return f.server_ciphers & 1 << CIPHER_AESGCM && cipher_available(CIPHER_AESGCM)
               ? CIPHER_AESGCM
               : CIPHER_CHACHAPOLY;
}

/* All messages before the first is sent: making one costs as much as refusing it. */
static void make_messages(void)
{
    struct key_pair pair[KEYS];
    struct noise n;
    uint8_t space[64], inside[128];
    struct hello_client hello = {.params = {.max_data = 1 << 24, .max_stream_data = 1 << 20}};

    for (int i = 0; i < KEYS; i++)
        key_generate(&pair[i], &f.rng);
    f.message = heap_array(f.messages, sizeof *f.message);
    if (!f.message)
        die("out of memory");
    for (uint64_t i = 0; i < f.messages; i++) {
        struct wr payload = wr_of(inside, sizeof inside),
                  w = wr_of(f.message[i].data, sizeof f.message[i].data);
        rng_fill(&f.rng, f.message[i].cid, sizeof f.message[i].cid);
        size_t bytes = dial_prologue(space, f.server_key, f.server_ciphers,
                                     (uint8_t)(1 << chosen()), (uint8_t)chosen(), f.message[i].cid);
        hello_put_client(&payload, &hello);
        if (noise_init(&n, chosen(), true, &pair[i % KEYS], f.server_key, bytes_of(space, bytes)) ||
            noise_write(&n, &f.rng, wr_done(&payload), &w))
            die("cannot make a message");
        f.message[i].n = (uint16_t)w.n;
    }
}

static void send_handshake(void)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct wr w = wr_of(space, sizeof space);
    struct source *s = &f.source[f.sent_handshakes % (SOURCES / 2)];
    const struct message *m = &f.message[f.sent_handshakes++ % f.messages];
    struct packet_long p = {.type = PACKET_INIT,
                            .version = PACKET_VERSION,
                            .ciphers = (uint8_t)(1 << chosen()),
                            .cipher = (uint8_t)chosen(),
                            .proof_kind = PACKET_PROOF_COOKIE,
                            .proof = bytes_of(s->cookie, s->cookie_bytes),
                            .noise = bytes_of(m->data, m->n)};

    memcpy(p.cid, m->cid, sizeof p.cid);
    memcpy(p.nonce, s->nonce, sizeof p.nonce);
    packet_encode_long(&p, &w);
    struct bytes data = wr_done(&w);
    send_out(s, &data, 1);
}

/* Garbage of five kinds, made once. */
static void make_pieces(void)
{
    for (size_t i = 0; i < PIECES; i++) {
        size_t n = 1 + rng_below(&f.rng, LIMIT_DATAGRAM_BYTES), kind = i % 5;
        uint8_t *p = heap_alloc(LIMIT_DATAGRAM_BYTES);
        if (!p)
            die("out of memory");
        rng_fill(&f.rng, p, LIMIT_DATAGRAM_BYTES);
        if (kind == 1) { /* a whole handshake packet of any type, as far as its head goes */
            memcpy(p, (uint8_t[]){(uint8_t)(1 + rng_below(&f.rng, 4)), 'f', 's', PACKET_VERSION},
                   4);
            n = PACKET_LONG_FLOOR_BYTES;
        } else if (kind == 2 || kind == 3) {
            p[0] = (uint8_t)(PACKET_DATA | (p[0] & 1));
            if (kind == 2)
                memcpy(p + 1, f.cid, sizeof f.cid);
        } else if (kind == 4) {
            p[0] = i % 2 ? PACKET_DATA : PACKET_INIT;
            memcpy(p + 1, f.cid, sizeof f.cid);
            n = 1 + rng_below(&f.rng, PACKET_DATA_HEAD_BYTES + PACKET_TAG_BYTES);
        }
        f.piece[i] = bytes_of(p, n);
    }
}

static void send_garbage(uint64_t count)
{
    struct bytes data[DGRAM_BATCH];

    while (count > 0) {
        size_t n = num_min(count, DGRAM_BATCH);
        struct source *s = &f.source[SOURCES / 2 + f.sent_garbage / DGRAM_BATCH % (SOURCES / 2)];
        for (size_t i = 0; i < n; i++)
            data[i] = f.piece[f.sent_garbage++ % PIECES];
        send_out(s, data, n);
        count -= n;
    }
}

/* ---- what comes back ---- */

static void take(struct source *s, struct bytes data)
{
    struct packet_long p;

    s->in_datagrams++;
    s->in_bytes += data.n;
    if (packet_decode_long(data, &p))
        return;
    f.responses += p.type == PACKET_RESPONSE;
    if (p.type != PACKET_COOKIE || memcmp(p.nonce, s->nonce, sizeof p.nonce) != 0)
        return;
    f.cookies++;
    memcpy(f.server_key, p.server_key, KEY_BYTES);
    f.server_ciphers = p.ciphers;
    memcpy(s->cookie, p.proof.p, p.proof.n);
    s->cookie_bytes = p.proof.n;
}

static void receive_all(void)
{
    struct dgram_burst in[DGRAM_BATCH];

    for (size_t i = 0; i < SOURCES; i++) {
        size_t n = DGRAM_BATCH;
        while (n == DGRAM_BATCH && dgram_receive(&f.source[i].socket, f.space, in, &n) == OK)
            for (size_t b = 0; b < n; b++)
                for (size_t at = 0; at < in[b].n; at += in[b].each)
                    take(&f.source[i], bytes_of(in[b].p + at, num_min(in[b].each, in[b].n - at)));
    }
}

static void pause_us(uint64_t us)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

static void get_cookies(void)
{
    uint64_t until_us = clock_mono_us() + 5000000;

    for (size_t have = 0; have < SOURCES / 2; pause_us(20000)) {
        for (size_t i = 0; i < SOURCES / 2; i++)
            if (!f.source[i].cookie_bytes && clock_mono_us() - f.source[i].asked_us > 500000)
                say_hello(&f.source[i], clock_mono_us());
        receive_all();
        have = 0;
        for (size_t i = 0; i < SOURCES / 2; i++)
            have += f.source[i].cookie_bytes != 0;
        if (clock_mono_us() > until_us)
            die("the server gives no cookies");
    }
}

static void flood(void)
{
    uint64_t begin_us = clock_mono_us(), now_us = begin_us, next_us = begin_us;

    while (now_us < begin_us + f.seconds * 1000000) {
        uint64_t past_us = now_us - begin_us;
        uint64_t due = num_min(num_mul_div(past_us, f.handshakes, 1000000), f.messages);
        while (f.sent_handshakes < due)
            send_handshake();
        send_garbage(num_sub0(num_mul_div(past_us, f.garbage, 1000000), f.sent_garbage));
        for (size_t i = 0; i < SOURCES / 2; i++)
            if (now_us - f.source[i].asked_us > COOKIE_AGAIN_US)
                say_hello(&f.source[i], now_us);
        receive_all();
        next_us = num_max(next_us + TICK_US, clock_mono_us());
        pause_us(num_min(next_us - clock_mono_us() + TICK_US, 2 * TICK_US));
        now_us = clock_mono_us();
    }
    for (uint64_t end_us = now_us + DRAIN_US; clock_mono_us() < end_us; pause_us(10000))
        receive_all();
}

static enum err report(uint64_t us)
{
    struct json *j = json_new();
    uint64_t out = 0, in = 0, answered = 0;
    double worst = 0;

    for (size_t i = 0; i < SOURCES; i++) {
        const struct source *s = &f.source[i];
        double ratio = s->out_bytes ? (double)s->in_bytes / (double)s->out_bytes : 0;
        out += s->out_bytes;
        in += s->in_bytes;
        answered += s->in_datagrams;
        worst = ratio > worst ? ratio : worst;
    }
    json_put_string(j, "event", "result");
    json_put_int(j, "for_us", (int64_t)us);
    json_put_int(j, "handshakes", (int64_t)f.sent_handshakes);
    json_put_int(j, "garbage", (int64_t)f.sent_garbage);
    json_put_int(j, "not_sent", (int64_t)f.full);
    json_put_int(j, "out_bytes", (int64_t)out);
    json_put_int(j, "in_bytes", (int64_t)in);
    json_put_int(j, "answers", (int64_t)answered);
    json_put_int(j, "cookies", (int64_t)f.cookies);
    json_put_int(j, "responses", (int64_t)f.responses);
    json_put_real(j, "worst_ratio", worst);
    json_put_int(j, "cpu_us", (int64_t)clock_cpu_us());
    return json_print(j, stdout);
}

static void open_sources(void)
{
    for (size_t i = 0; i < SOURCES; i++) {
        struct addr at = {.family = ADDR_IP4, .ip = {127, 0, 1, (uint8_t)(1 + i)}};
        if (dgram_open(&f.source[i].socket, &at))
            die("no socket");
        rng_fill(&f.rng, f.source[i].nonce, sizeof f.source[i].nonce);
        rng_fill(&f.rng, f.source[i].cid, sizeof f.source[i].cid);
    }
}

/* ---- the tap ---- */

static volatile sig_atomic_t ended;

static void on_end(int number)
{
    (void)number;
    ended = 1;
}

static void say(const char *event, const char *key, const char *value)
{
    struct json *j = json_new();

    json_put_string(j, "event", event);
    json_put_string(j, key, value);
    if (json_print(j, stdout))
        die("cannot write");
}

static void say_cid(struct bytes data)
{
    static bool said;
    char text[2 * PACKET_CID_BYTES + 1];

    if (said || !packet_is_data(data) || data.n < PACKET_DATA_HEAD_BYTES)
        return;
    said = true;
    for (size_t i = 0; i < PACKET_CID_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", data.p[1 + i]);
    say("cid", "cid", text);
}

static void pass(struct dgram *from, struct dgram *to, struct addr *heard, const struct addr *goes)
{
    struct dgram_burst in[DGRAM_BATCH];
    size_t n, done;

    if (dgram_receive(from, f.space, in, &n))
        return;
    for (size_t i = 0; i < n; i++) {
        if (heard) {
            *heard = in[i].peer;
            say_cid(bytes_of(in[i].p, in[i].each));
        }
        in[i].peer = *goes;
        in[i].local = (struct addr){0};
    }
    if (goes->family && dgram_send(to, in, n, &done) == ERR_SYSTEM)
        die("cannot pass on");
}

static void tap(void)
{
    struct dgram near, far;
    struct addr viewer = {0}, any = {.family = f.to.family};
    char text[ADDR_CHARS];

    signal(SIGTERM, on_end);
    if (dgram_open(&near, &f.tap) || dgram_open(&far, &any))
        die("no socket");
    say("listening", "address", addr_print(&near.local, text));
    while (!ended) {
        struct pollfd fd[2] = {{.fd = near.fd, .events = POLLIN}, {.fd = far.fd, .events = POLLIN}};
        if (poll(fd, 2, 1000) <= 0)
            continue;
        if (fd[0].revents)
            pass(&near, &far, &viewer, &f.to);
        if (fd[1].revents)
            pass(&far, &near, NULL, &viewer);
    }
}

/* ---- beginning ---- */

static bool read_cid(const char *hex)
{
    for (size_t i = 0; i < PACKET_CID_BYTES; i++)
        if (sscanf(hex + 2 * i, "%2hhx", &f.cid[i]) != 1)
            return false;
    f.has_cid = true;
    return true;
}

static void options(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        uint64_t n = strtoull(value, NULL, 10);
        if (strcmp(name, "--to") == 0 && addr_parse(value, -1, &f.to) == OK)
            continue;
        if (strcmp(name, "--tap") == 0 && addr_parse(value, -1, &f.tap) == OK)
            continue;
        if (strcmp(name, "--cid") == 0 && strlen(value) == 2 * PACKET_CID_BYTES && read_cid(value))
            continue;
        if (strcmp(name, "--handshakes") == 0)
            f.handshakes = n;
        else if (strcmp(name, "--garbage") == 0)
            f.garbage = n;
        else if (strcmp(name, "--for") == 0 && n)
            f.seconds = n;
        else
            die(name);
    }
    if (f.to.family != ADDR_IP4)
        die("--to an IPv4 address");
}

int main(int argc, char **argv)
{
    f.handshakes = 1000, f.garbage = 100000, f.seconds = 30;
    options(argc, argv);
    if (crypt_init())
        die("no randomness");
    f.rng = crypt_rng();
    f.space = dgram_space_new();
    if (!f.space)
        die("out of memory");
    if (f.tap.family) {
        tap();
        return 0;
    }
    f.messages = num_max(f.handshakes * f.seconds, 1);
    if (!f.has_cid)
        rng_fill(&f.rng, f.cid, sizeof f.cid);
    open_sources();
    get_cookies();
    make_messages();
    make_pieces();
    struct json *ready = json_new();
    json_put_string(ready, "event", "ready");
    if (json_print(ready, stdout))
        die("cannot write");
    (void)fgetc(stdin);
    uint64_t begin_us = clock_mono_us();
    flood();
    return report(clock_mono_us() - begin_us) != OK;
}
