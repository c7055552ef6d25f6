/* flood_link: handshakes from many addresses, as many as this machine can send.
 *
 *   flood_link --to A:P [--rate N] [--for SECONDS] [--kinds LETTERS]
 *
 * N datagrams a second (0: as many as go), each from one of 65,536 addresses 127.x.y.z and one of
 * 8 ports, of the kinds named, in equal shares:
 *
 *   h  HELLO
 *   c  INIT under a cookie that was given to somebody else
 *   f  INIT under a made-up cookie
 *   k  INIT under a good cookie, well made, of a key that nobody has authorised
 *   t  INIT under a made-up address token
 *   d  a data packet with a made-up connection id
 *   g  random bytes
 *
 * It begins when it has read a line (or the end) of its standard input, after saying that it is
 * ready, and ends with one JSON object. What comes back to each address is counted. */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
    SOURCES = 65536,
    OWNERS = 256, /* the first of them ask for cookies and use them */
    PORTS = 8,
    DATAGRAMS = 16384, /* different ones, sent again and again */
    BATCH = 64,
    MESSAGES = 64, /* different messages 1 */
    CONTROL_BYTES = CMSG_SPACE(sizeof(struct in_pktinfo)),
    RENEW_US = 4000000, /* after which cookies are asked for anew */
    DRAIN_US = 500000
};

/* A datagram ready to be sent. */
struct shot {
    uint32_t source;
    uint16_t n;
    char kind;
    size_t cookie_at; /* where its cookie stands; 0: it has none of its own */
    uint8_t data[LIMIT_DATAGRAM_BYTES];
};

struct source {
    uint64_t out_bytes, in_bytes;
};

struct owner {
    uint8_t nonce[PACKET_NONCE_BYTES], cid[PACKET_CID_BYTES], cookie[PACKET_PROOF_BYTES];
    size_t cookie_bytes;
};

/* Message 1, and the connection id that it is bound to. */
struct message {
    uint8_t cid[PACKET_CID_BYTES], data[PACKET_NOISE_BYTES];
    size_t n;
};

static struct {
    struct addr to;
    uint64_t rate, seconds;
    const char *kinds;
    struct dgram socket[PORTS];
    struct dgram_space *space;
    struct rng rng;
    uint8_t net; /* 127.net.x.y */
    uint8_t server_key[KEY_BYTES], server_ciphers;
    struct owner owner[OWNERS];
    struct source source[SOURCES];
    struct shot *shot; /* DATAGRAMS of them */
    struct {
        struct mmsghdr head[BATCH];
        struct iovec part[BATCH];
        union {
            char bytes[CONTROL_BYTES];
            struct cmsghdr align;
        } control[BATCH];
    } out;
    struct sockaddr_in name;
    size_t next; /* datagram to be sent */
    uint64_t sent, not_sent, of_kind[128], cookies, responses, answers, in_bytes, out_bytes;
} f;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "flood_link: %s\n", what);
    exit(2);
}

/* Which port a datagram leaves from: a cookie is good for one address and port. Owner i has port
 * i % PORTS. */
static uint32_t port_of(const struct shot *s)
{
    return (uint32_t)(s - f.shot) / BATCH % PORTS;
}

static void source_address(uint32_t source, uint8_t ip[4])
{
    memcpy(ip, (uint8_t[]){127, f.net, (uint8_t)(source >> 8), (uint8_t)source}, 4);
}

/* ---- what is sent ---- */

static enum cipher chosen(void)
{
    return f.server_ciphers & 1 << CIPHER_AESGCM && cipher_available(CIPHER_AESGCM)
               ? CIPHER_AESGCM
               : CIPHER_CHACHAPOLY;
}

/* Message 1 of a new key, as a client would make it. */
static void make_message(struct message *m)
{
    uint8_t space[64], inside[128];
    struct wr payload = wr_of(inside, sizeof inside), w = wr_of(m->data, sizeof m->data);
    struct hello_client hello = {.params = {.max_data = 1 << 24, .max_stream_data = 1 << 20}};
    struct key_pair pair;
    struct noise n;

    key_generate(&pair, &f.rng);
    rng_fill(&f.rng, m->cid, sizeof m->cid);
    size_t bytes = dial_prologue(space, f.server_key, f.server_ciphers, (uint8_t)(1 << chosen()),
                                 (uint8_t)chosen(), m->cid);
    hello_put_client(&payload, &hello);
    if (noise_init(&n, chosen(), true, &pair, f.server_key, bytes_of(space, bytes)) ||
        noise_write(&n, &f.rng, wr_done(&payload), &w))
        die("cannot make a message");
    m->n = w.n;
}

static void make_long(struct shot *s, const struct message *messages)
{
    struct wr w = wr_of(s->data, sizeof s->data);
    struct packet_long p = {.type = s->kind == 'h' ? PACKET_HELLO : PACKET_INIT,
                            .version = PACKET_VERSION,
                            .ciphers = (uint8_t)(1 << chosen()),
                            .cipher = (uint8_t)chosen(),
                            .proof_kind =
                                s->kind == 't' ? PACKET_PROOF_TOKEN : PACKET_PROOF_COOKIE};
    uint8_t proof[PACKET_PROOF_BYTES];
    const struct message *m = &messages[rng_below(&f.rng, MESSAGES)];
    uint32_t whose = (uint32_t)rng_below(&f.rng, OWNERS / PORTS) * PORTS + port_of(s);
    const struct owner *o = &f.owner[whose];

    memcpy(p.cid, m->cid, sizeof p.cid);
    rng_fill(&f.rng, p.nonce, sizeof p.nonce);
    rng_fill(&f.rng, proof, sizeof proof);
    p.noise = bytes_of(m->data, m->n);
    p.proof = bytes_of(proof, s->kind == 't' ? sizeof proof : f.owner[0].cookie_bytes);
    if (s->kind == 'k')
        s->source = whose;
    if (s->kind == 'k' || s->kind == 'c') {
        memcpy(p.nonce, o->nonce, sizeof p.nonce);
        p.proof = bytes_of(o->cookie, o->cookie_bytes);
    }
    packet_encode_long(&p, &w);
    s->n = (uint16_t)w.n;
    if (s->kind == 'k')
        s->cookie_at = 1 + 2 + 1 + PACKET_CID_BYTES + PACKET_NONCE_BYTES + 3 + 1;
}

static void make_shots(void)
{
    static struct message message[MESSAGES];
    size_t kinds = strlen(f.kinds);

    for (size_t i = 0; i < MESSAGES; i++)
        make_message(&message[i]);
    for (size_t i = 0; i < DATAGRAMS; i++) {
        struct shot *s = &f.shot[i];
        s->kind = f.kinds[i % kinds];
        s->source = (uint32_t)rng_below(&f.rng, SOURCES);
        if (strchr("hcfkt", s->kind)) {
            make_long(s, message);
            continue;
        }
        s->n = (uint16_t)(1 + rng_below(&f.rng, sizeof s->data));
        rng_fill(&f.rng, s->data, sizeof s->data);
        if (s->kind == 'd')
            s->data[0] = (uint8_t)(PACKET_DATA | (s->data[0] & 1));
    }
}

/* The parts of the messages that are the same each time. */
static void prepare(size_t slot)
{
    struct cmsghdr *c = &f.out.control[slot].align;

    f.out.head[slot].msg_hdr = (struct msghdr){.msg_name = &f.name,
                                               .msg_namelen = sizeof f.name,
                                               .msg_iov = &f.out.part[slot],
                                               .msg_iovlen = 1,
                                               .msg_control = c,
                                               .msg_controllen = CONTROL_BYTES};
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
}

/* Where it is of no matter, each goes from another address. */
static void aim(size_t slot, struct shot *s)
{
    uint8_t *info = CMSG_DATA(&f.out.control[slot].align);

    if (!s->cookie_at)
        s->source = (uint32_t)rng_u64(&f.rng) % SOURCES;
    /* All else of it is zero and stays so. */
    source_address(s->source, info + offsetof(struct in_pktinfo, ipi_spec_dst));
    f.out.part[slot] = (struct iovec){s->data, s->n};
}

/* Sends up to `most` datagrams that stand together and leave from one port. */
static void shoot(uint64_t most)
{
    struct shot *first = &f.shot[f.next];
    size_t count = num_min(most, BATCH - f.next % BATCH);

    for (size_t i = 0; i < count; i++)
        aim(i, &first[i]);
    int done = sendmmsg(f.socket[port_of(first)].fd, f.out.head, (unsigned)count, MSG_DONTWAIT);
    if (done <= 0) {
        f.not_sent++;
        return;
    }
    for (int i = 0; i < done; i++) {
        f.source[first[i].source].out_bytes += first[i].n;
        f.out_bytes += first[i].n;
        f.of_kind[(uint8_t)first[i].kind]++;
    }
    f.sent += (uint64_t)done;
    f.next = (f.next + (size_t)done) % DATAGRAMS;
}

/* An owner asks for a cookie, from the port that nothing else leaves from. */
static void say_hello(uint32_t i)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct wr w = wr_of(space, sizeof space);
    struct packet_long p = {.type = PACKET_HELLO, .version = PACKET_VERSION};
    struct addr from = {.family = ADDR_IP4};
    size_t done;

    memcpy(p.cid, f.owner[i].cid, sizeof p.cid);
    memcpy(p.nonce, f.owner[i].nonce, sizeof p.nonce);
    packet_encode_long(&p, &w);
    source_address(i, from.ip);
    struct dgram_burst b = {.peer = f.to, .local = from, .p = space, .n = w.n, .each = w.n};
    if (dgram_send(&f.socket[i % PORTS], &b, 1, &done) == ERR_SYSTEM)
        die("cannot send");
    f.source[i].out_bytes += done ? w.n : 0;
}

/* ---- what comes back ---- */

static void take(const struct addr *at, struct bytes data)
{
    uint32_t source = (uint32_t)at->ip[2] << 8 | at->ip[3];
    struct packet_long p;

    f.answers++;
    f.in_bytes += data.n;
    f.source[source].in_bytes += data.n;
    if (packet_decode_long(data, &p))
        return;
    f.responses += p.type == PACKET_RESPONSE;
    f.cookies += p.type == PACKET_COOKIE;
    if (p.type != PACKET_COOKIE || source >= OWNERS)
        return;
    struct owner *o = &f.owner[source];
    if (memcmp(p.nonce, o->nonce, sizeof p.nonce) != 0)
        return;
    memcpy(f.server_key, p.server_key, KEY_BYTES);
    f.server_ciphers = p.ciphers;
    memcpy(o->cookie, p.proof.p, p.proof.n);
    o->cookie_bytes = p.proof.n;
}

static void receive_all(void)
{
    struct dgram_burst in[DGRAM_BATCH];

    for (size_t i = 0; i < PORTS; i++) {
        size_t n = DGRAM_BATCH;
        while (n == DGRAM_BATCH && dgram_receive(&f.socket[i], f.space, in, &n) == OK)
            for (size_t b = 0; b < n; b++)
                for (size_t at = 0; at < in[b].n; at += in[b].each)
                    take(&in[b].local, bytes_of(in[b].p + at, num_min(in[b].each, in[b].n - at)));
    }
}

static void pause_us(uint64_t us)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

static void get_cookies(void)
{
    uint64_t until_us = clock_mono_us() + 10000000;

    for (size_t have = 0; have < OWNERS;) {
        for (uint32_t i = 0; i < OWNERS; i++)
            if (!f.owner[i].cookie_bytes)
                say_hello(i);
        pause_us(50000);
        receive_all();
        have = 0;
        for (size_t i = 0; i < OWNERS; i++)
            have += f.owner[i].cookie_bytes != 0;
        if (clock_mono_us() > until_us)
            die("the server gives no cookies");
    }
}

/* The newest cookies into the datagrams that carry them. */
static void renew(void)
{
    for (size_t i = 0; i < DATAGRAMS; i++) {
        struct shot *s = &f.shot[i];
        if (s->cookie_at)
            memcpy(s->data + s->cookie_at, f.owner[s->source].cookie,
                   f.owner[s->source].cookie_bytes);
    }
}

/* Gives how long it took, without the wait for the last answers. */
static uint64_t flood(void)
{
    uint64_t begin_us = clock_mono_us(), now_us = begin_us, asked_us = begin_us;
    uint32_t asking = OWNERS;

    while (now_us < begin_us + f.seconds * 1000000) {
        uint64_t due = f.rate ? num_mul_div(now_us - begin_us, f.rate, 1000000) : UINT64_MAX;
        for (int i = 0; i < 8 && f.sent < due; i++)
            shoot(due - f.sent);
        receive_all();
        if (now_us - asked_us > RENEW_US) {
            renew();
            asked_us = now_us;
            asking = 0;
        }
        if (asking < OWNERS)
            say_hello(asking++);
        if (f.sent >= due)
            pause_us(100);
        now_us = clock_mono_us();
    }
    for (uint64_t end_us = now_us + DRAIN_US; clock_mono_us() < end_us; pause_us(10000))
        receive_all();
    return now_us - begin_us;
}

static enum err report(uint64_t us)
{
    struct json *j = json_new();
    double worst = 0;
    uint64_t answered = 0;

    for (size_t i = 0; i < SOURCES; i++) {
        const struct source *s = &f.source[i];
        double ratio = s->out_bytes ? (double)s->in_bytes / (double)s->out_bytes : 0;
        answered += s->in_bytes > 0;
        worst = ratio > worst ? ratio : worst;
    }
    json_put_string(j, "event", "result");
    json_put_int(j, "for_us", (int64_t)us);
    json_put_int(j, "sent", (int64_t)f.sent);
    json_put_int(j, "per_s", (int64_t)num_mul_div(f.sent, 1000000, us));
    for (const char *k = f.kinds; *k; k++) {
        char name[] = {'k', 'i', 'n', 'd', '_', *k, 0};
        json_put_int(j, name, (int64_t)f.of_kind[(uint8_t)*k]);
    }
    json_put_int(j, "calls_refused", (int64_t)f.not_sent);
    json_put_int(j, "out_bytes", (int64_t)f.out_bytes);
    json_put_int(j, "in_bytes", (int64_t)f.in_bytes);
    json_put_int(j, "answers", (int64_t)f.answers);
    json_put_int(j, "addresses_answered", (int64_t)answered);
    json_put_int(j, "cookies", (int64_t)f.cookies);
    json_put_int(j, "responses", (int64_t)f.responses);
    json_put_real(j, "worst_ratio", worst);
    json_put_int(j, "cpu_us", (int64_t)clock_cpu_us());
    return json_print(j, stdout);
}

/* ---- beginning ---- */

static void options(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        uint64_t n = strtoull(value, NULL, 10);
        if (strcmp(name, "--to") == 0 && addr_parse(value, -1, &f.to) == OK)
            continue;
        if (strcmp(name, "--rate") == 0)
            f.rate = n;
        else if (strcmp(name, "--kinds") == 0 && *value && value[strspn(value, "hcfktdg")] == 0)
            f.kinds = value;
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
    struct addr any = {.family = ADDR_IP4};

    f.seconds = 30, f.kinds = "hcfk";
    options(argc, argv);
    if (crypt_init())
        die("no randomness");
    rng_seed(&f.rng, clock_mono_us());
    f.net = (uint8_t)(16 + rng_below(&f.rng, 200));
    f.name = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(f.to.port)};
    memcpy(&f.name.sin_addr, f.to.ip, 4);
    f.space = dgram_space_new();
    f.shot = heap_array(DATAGRAMS, sizeof *f.shot);
    if (!f.space || !f.shot)
        die("out of memory");
    for (int i = 0; i < PORTS; i++)
        if (dgram_open(&f.socket[i], &any))
            die("no socket");
    for (size_t i = 0; i < BATCH; i++)
        prepare(i);
    for (size_t i = 0; i < OWNERS; i++) {
        rng_fill(&f.rng, f.owner[i].nonce, sizeof f.owner[i].nonce);
        rng_fill(&f.rng, f.owner[i].cid, sizeof f.owner[i].cid);
    }
    get_cookies();
    make_shots();
    struct json *ready = json_new();
    json_put_string(ready, "event", "ready");
    if (json_print(ready, stdout))
        die("cannot write");
    fflush(stdout);
    (void)fgetc(stdin);
    renew();
    return report(flood()) != OK;
}
