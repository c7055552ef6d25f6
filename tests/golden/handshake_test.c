/* The handshake that an independent implementation made from the docs (tests/ref/handshake_ref.py):
 * written the same, byte for byte, and read by the program's own code. */
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/num.h"
#include "core/crypt/cookie.h"
#include "core/crypt/crypt.h"
#include "core/crypt/noise.h"
#include "core/crypt/ticket.h"
#include "core/crypt/token.h"
#include "core/os/file.h"
#include "core/peer/listener.h"
#include "core/peer/session.h"
#include "core/wire/hello.h"
#include "core/wire/packet.h"
#include "tests/unit/test.h"

enum { HANDSHAKES = 4, ROOM = 2048 };

static struct json_value *file;
static const struct json_value *in, *out;

static bool load(void)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    bool good = crypt_init() == OK &&
                file_read("tests/golden/handshake.json", false, &text) == OK &&
                json_parse(buf_bytes(&text), &file) == OK;
    buf_release(&text);
    return good;
}

/* Makes handshake `i` of the file the current one. */
static void choose(size_t i)
{
    const struct json_value *one = json_item(json_member(file, "handshakes"), i);

    in = json_member(one, "in");
    out = json_member(one, "out");
}

static struct bytes get(const struct json_value *from, const char *name)
{
    static uint8_t space[16][ROOM];
    static size_t turn;
    const char *text = json_text(json_member(from, name));
    uint8_t *to = space[turn++ % 16];

    return bytes_of(to, text ? test_hex(text, to, ROOM) : 0);
}

static uint64_t number(const char *name)
{
    return (uint64_t)json_int(json_member(in, name), -1);
}

static bool is(struct bytes got, const char *name)
{
    struct bytes want = get(out, name);

    if (want.n && bytes_equal(got, want))
        return true;
    printf("%s differs (%zu bytes, %zu expected)\n", name, got.n, want.n);
    return false;
}

static uint8_t fixed[32];

static void fixed_fill(struct rng *r, void *to, size_t n)
{
    (void)r;
    memcpy(to, fixed, n);
}

/* A generator that gives the ephemeral secret of one side. */
static struct rng ephemeral(const char *name)
{
    memcpy(fixed, get(in, name).p, sizeof fixed);
    return (struct rng){.fill = fixed_fill};
}

static struct hello_params params(void)
{
    const struct json_value *p = json_member(in, "params");

    return (struct hello_params){
        .compatible = (uint32_t)json_int(json_member(p, "compatible"), 0),
        .incompatible = (uint32_t)json_int(json_member(p, "incompatible"), 0),
        .max_data = (uint64_t)json_int(json_member(p, "max_data"), 0),
        .max_stream_data = (uint64_t)json_int(json_member(p, "max_stream_data"), 0),
        .max_ack_delay_us = (uint64_t)json_int(json_member(p, "max_ack_delay_us"), 0),
    };
}

static bool same_params(const struct hello_params *a)
{
    struct hello_params b = params();

    return a->compatible == b.compatible && a->incompatible == b.incompatible &&
           a->max_data == b.max_data && a->max_stream_data == b.max_stream_data &&
           a->max_ack_delay_us == b.max_ack_delay_us;
}

static bool written_as(const struct packet_long *p, const char *name)
{
    uint8_t space[ROOM];
    struct wr w = wr_of(space, sizeof space);

    packet_encode_long(p, &w);
    return !w.full && is(wr_done(&w), name);
}

static struct packet_long packet(enum packet_type type)
{
    struct packet_long p = {.type = type, .version = PACKET_VERSION};

    memcpy(p.cid, get(in, "client_cid").p, sizeof p.cid);
    if (type != PACKET_RESPONSE)
        memcpy(p.nonce, get(in, "nonce").p, sizeof p.nonce);
    return p;
}

static void proofs_are_the_same(void)
{
    uint8_t cookie[COOKIE_BYTES], token[TOKEN_BYTES], seed[KEY_BYTES];
    struct key_pair server;
    struct cookie_key c;
    struct token_key t;

    EXPECT(load());
    choose(0);
    cookie_init(&c, get(in, "cookie_seed").p);
    cookie_make(&c, number("cookie_time_us"), get(in, "client_address"), get(in, "nonce"), cookie);
    EXPECT(is(bytes_of(cookie, sizeof cookie), "cookie"));
    key_from_secret(&server, get(in, "server_secret").p);
    EXPECT(is(bytes_of(server.public, KEY_BYTES), "server_key"));
    key_derive(&server, "farspan address token", seed);
    token_init(&t, seed);
    token_make(&t, number("wall_time_us"), get(in, "client_ip"), token);
    EXPECT(is(bytes_of(token, sizeof token), "address_token"));
    json_discard(file);
}

static void the_ticket_is_the_same(void)
{
    struct target_error why;
    struct ticket t;
    char text[TICKET_TEXT_CHARS];

    EXPECT(load());
    choose(0);
    const char *want = json_text(json_member(out, "ticket"));
    EXPECT_EQ(ticket_parse(bytes_of_string(want), &t, &why), OK);
    EXPECT(is(bytes_of(t.key, sizeof t.key), "server_key") && t.invited);
    EXPECT(bytes_equal(bytes_of(t.id, sizeof t.id), get(in, "invitation_id")));
    EXPECT(bytes_equal(bytes_of(t.secret, sizeof t.secret), get(in, "invitation_secret")));
    ticket_print(&t, text);
    EXPECT(strcmp(text, want) == 0);
    json_discard(file);
}

static bool start(struct noise *n, bool client)
{
    struct bytes key = get(out, "server_key");
    struct key_pair own;
    uint8_t prologue[64];

    key_from_secret(&own, get(in, client ? "client_secret" : "server_secret").p);
    size_t length = dial_prologue(prologue, key.p, (uint8_t)number("server_ciphers"),
                                  (uint8_t)number("client_ciphers"), (uint8_t)number("cipher"),
                                  get(in, "client_cid").p);
    enum cipher c = (enum cipher)number("cipher");
    return is(bytes_of(prologue, length), "prologue") &&
           noise_init(n, c, client, &own, client ? key.p : NULL, bytes_of(prologue, length)) == OK;
}

/* The psk that this handshake ends under. */
static const uint8_t *psk(void)
{
    return number("verdict") == HELLO_WELCOME ? get(in, "invitation_secret").p : NULL;
}

static bool write_init(struct noise *client)
{
    struct packet_long p = packet(PACKET_INIT);
    struct hello_client hello = {.params = params(), .has_token = true};
    struct rng rng = ephemeral("client_ephemeral");
    uint8_t inside[256], message[512];
    struct wr payload = wr_of(inside, sizeof inside), w = wr_of(message, sizeof message);

    memcpy(hello.token_id, get(in, "invitation_id").p, sizeof hello.token_id);
    hello_put_client(&payload, &hello);
    if (noise_write(client, &rng, wr_done(&payload), &w) != OK)
        return false;
    p.ciphers = (uint8_t)number("client_ciphers");
    p.cipher = (uint8_t)number("cipher");
    p.proof_kind = PACKET_PROOF_COOKIE;
    p.proof = get(out, "cookie");
    p.noise = wr_done(&w);
    return written_as(&p, "INIT");
}

static bool read_init(struct noise *server)
{
    struct packet_long p;
    struct hello_client hello;
    uint8_t inside[512];
    struct wr payload = wr_of(inside, sizeof inside);
    struct key_pair client;

    key_from_secret(&client, get(in, "client_secret").p);
    return packet_decode_long(get(out, "INIT"), &p) == OK && p.type == PACKET_INIT &&
           p.cipher == number("cipher") && noise_read(server, p.noise, &payload) == OK &&
           memcmp(noise_remote_static(server), client.public, KEY_BYTES) == 0 &&
           hello_get_client(wr_done(&payload), &hello) == OK && same_params(&hello.params) &&
           hello.has_token && bytes_equal(bytes_of(hello.token_id, 8), get(in, "invitation_id"));
}

static bool write_response(struct noise *server)
{
    struct packet_long p = packet(PACKET_RESPONSE);
    struct hello_server hello = {.params = params(),
                                 .verdict = (enum hello_verdict)number("verdict"),
                                 .roles = (uint32_t)number("roles")};
    struct rng rng = ephemeral("server_ephemeral");
    uint8_t inside[512], message[512];
    struct wr payload = wr_of(inside, sizeof inside), w = wr_of(message, sizeof message);

    snprintf(hello.reason, sizeof hello.reason, "%s", json_text(json_member(in, "reason")));
    hello_put_server(&payload, &hello);
    noise_set_psk(server, psk());
    noise_bind(server, get(in, "server_cid"));
    if (noise_write(server, &rng, wr_done(&payload), &w) != OK)
        return false;
    memcpy(p.server_cid, get(in, "server_cid").p, sizeof p.server_cid);
    p.noise = wr_done(&w);
    return written_as(&p, "RESPONSE");
}

static enum err bound_read(struct noise *client, const struct packet_long *p, struct wr *payload)
{
    noise_bind(client, bytes_of(p->server_cid, sizeof p->server_cid));
    return noise_read(client, p->noise, payload);
}

static bool read_response(struct noise *client)
{
    struct packet_long p;
    struct hello_server hello;
    uint8_t inside[512];
    struct wr payload = wr_of(inside, sizeof inside);

    noise_set_psk(client, psk());
    return packet_decode_long(get(out, "RESPONSE"), &p) == OK && p.type == PACKET_RESPONSE &&
           bound_read(client, &p, &payload) == OK &&
           hello_get_server(wr_done(&payload), &hello) == OK && same_params(&hello.params) &&
           hello.verdict == number("verdict") && hello.roles == number("roles") &&
           strcmp(hello.reason, json_text(json_member(in, "reason"))) == 0;
}

/* Seals the data packet `name` as the client does and opens it as the server does. */
static bool data_is(const struct seal_key *send, const struct seal_key *receive, uint32_t packet,
                    uint8_t phase, const char *name)
{
    struct packet_data d = {.phase = phase, .number = packet};
    struct bytes plain = get(in, "plain"), whole = get(out, name);
    uint8_t space[ROOM], opened[ROOM];
    struct wr w = wr_of(space, sizeof space);

    memcpy(d.cid, get(in, "server_cid").p, sizeof d.cid);
    packet_encode_data(&d, &w);
    seal_close(send, packet, wr_done(&w), plain, space + w.n);
    if (!is(bytes_of(space, w.n + plain.n + SEAL_TAG_BYTES), name) ||
        packet_decode_data(whole, &d) != OK || d.number != packet || d.phase != phase)
        return false;
    return seal_open(receive, packet, bytes_of(whole.p, PACKET_DATA_HEAD_BYTES), d.sealed,
                     opened) == OK &&
           bytes_equal(bytes_of(opened, plain.n), plain);
}

static void every_packet_is_the_same(void)
{
    struct seal_key cs, cr, ss, sr;
    struct noise client, server;

    EXPECT(load());
    for (size_t i = 0; i < HANDSHAKES; i++) {
        choose(i);
        struct packet_long hello = packet(PACKET_HELLO), cookie = packet(PACKET_COOKIE);
        EXPECT(written_as(&hello, "HELLO"));
        memcpy(cookie.server_key, get(out, "server_key").p, sizeof cookie.server_key);
        cookie.ciphers = (uint8_t)number("server_ciphers");
        cookie.proof = get(out, "cookie");
        EXPECT(written_as(&cookie, "COOKIE"));
        EXPECT(start(&client, true) && start(&server, false));
        EXPECT(write_init(&client) && read_init(&server));
        EXPECT(write_response(&server) && read_response(&client));
        EXPECT(is(bytes_of(noise_hash(&client), NOISE_HASH_BYTES), "handshake_hash"));
        EXPECT(is(bytes_of(noise_hash(&server), NOISE_HASH_BYTES), "handshake_hash"));
        noise_split(&client, &cs, &cr);
        noise_split(&server, &ss, &sr);
        EXPECT(is(bytes_of(cs.key, sizeof cs.key), "client_key"));
        EXPECT(is(bytes_of(ss.key, sizeof ss.key), "server_sends_key"));
        EXPECT(data_is(&cs, &sr, 0, 0, "DATA"));
        seal_next(&cs, &cs);
        seal_next(&sr, &sr);
        EXPECT(data_is(&cs, &sr, 70000, 1, "DATA_after_update"));
    }
    json_discard(file);
}

static unsigned judged;

static void judge(void *context, uint64_t now_us, const uint8_t *key, const uint8_t *token_id,
                  struct listener_verdict *verdict)
{
    struct key_pair client;

    (void)context;
    (void)now_us;
    key_from_secret(&client, get(in, "client_secret").p);
    if (memcmp(key, client.public, KEY_BYTES) == 0 && token_id &&
        memcmp(token_id, get(in, "invitation_id").p, 8) == 0)
        judged++;
    *verdict = (struct listener_verdict){.reason = "no"};
}

static const char *enrol(void *context, uint64_t now_us, const uint8_t *key,
                         const uint8_t *token_id)
{
    (void)context, (void)now_us, (void)key, (void)token_id;
    return "never";
}

/* The listener itself takes the reference's INIT, and no other with one byte of it changed. */
static void a_listener_takes_the_packets(void)
{
    struct addr from = {.family = ADDR_IP4, .port = 40000, .ip = {192, 0, 2, 7}};
    struct listener_config config = {.auth = {NULL, judge, enrol}, .without_cookies = true};
    struct listener *l;
    struct key_pair server;
    struct rng rng;

    EXPECT(load());
    for (size_t i = 0; i < HANDSHAKES; i++) {
        choose(i);
        key_from_secret(&server, get(in, "server_secret").p);
        config.identity = &server;
        rng_seed(&rng, i);
        EXPECT_EQ(listener_new(&config, &rng, 0, &l), OK);
        struct bytes init = get(out, "INIT");
        uint8_t changed[ROOM];
        memcpy(changed, init.p, init.n);
        changed[28] ^= 0x80; /* the client's set of ciphers, which the prologue covers */
        judged = 0;
        listener_input(l, 0, &from, bytes_of(changed, init.n), false);
        EXPECT_EQ(judged, 0);
        listener_input(l, 1000000, &from, init, false);
        EXPECT_EQ(judged, 1);
        listener_free(l);
    }
    json_discard(file);
}

TEST_MAIN({"proofs are the same", proofs_are_the_same},
          {"the ticket is the same", the_ticket_is_the_same},
          {"every packet is the same", every_packet_is_the_same},
          {"a listener takes the packets", a_listener_takes_the_packets})
