/* A caller and what anybody could put into its way before there are keys. */
#include <string.h>

#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/crypt/noise.h"
#include "core/peer/peer.h"
#include "core/peer/session.h"
#include "core/wire/hello.h"
#include "core/wire/packet.h"
#include "tests/unit/test.h"

static struct {
    uint64_t now_us;
    struct key_pair own, other, wrong;
    struct peer *peer;
    struct packet_long said; /* by the caller, last */
    struct addr to;          /* where that went */
    struct addr at;          /* where the listener answers from */
    uint8_t datagram[LIMIT_DATAGRAM_BYTES];
} w;

static bool invited; /* the next caller is */
static uint8_t cookie_byte;

static void begin(bool knows_key)
{
    static const uint8_t id[HELLO_TOKEN_ID_BYTES] = {1}, secret[32] = {2};
    struct peer_dial d = {.to = {.family = ADDR_IP4, .port = 1}, .identity = &w.own};
    struct rng rng;

    memset(&w, 0, sizeof w);
    w.at = d.to;
    rng_seed(&rng, 5);
    w.now_us = 1000000;
    if (crypt_init())
        test_fail(__FILE__, __LINE__, "crypt_init");
    key_generate(&w.own, &rng);
    key_generate(&w.other, &rng);
    key_generate(&w.wrong, &rng);
    if (invited) {
        d.token_id = id;
        d.token_secret = secret;
    }
    d.expected_key = knows_key ? w.other.public : NULL;
    if (peer_new(NULL, &d, &rng, w.now_us, &w.peer))
        test_fail(__FILE__, __LINE__, "peer_new");
}

/* Takes what the caller says now; false: nothing. */
static bool listen(void)
{
    size_t n;

    return peer_output(w.peer, w.now_us, w.datagram, sizeof w.datagram, &n, &w.to) == OK &&
           packet_decode_long(bytes_of(w.datagram, n), &w.said) == OK;
}

/* Answers with a COOKIE that shows `key`, as made for `nonce`. */
static void answer(const uint8_t *nonce, const uint8_t *key, uint8_t version)
{
    uint8_t space[256], proof[16] = {9, cookie_byte};
    struct wr out = wr_of(space, sizeof space);
    struct packet_long p = {.type = PACKET_COOKIE,
                            .version = version,
                            .ciphers = 6,
                            .proof = bytes_of(proof, sizeof proof)};

    memcpy(p.cid, w.said.cid, sizeof p.cid);
    memcpy(p.nonce, nonce, sizeof p.nonce);
    memcpy(p.server_key, key, sizeof p.server_key);
    packet_encode_long(&p, &out);
    peer_input(w.peer, w.now_us, &w.at, wr_done(&out), false);
}

static enum err ended(char reason[LIMIT_REASON_CHARS + 1])
{
    struct peer_event e;

    while (peer_next_event(w.peer, &e))
        if (e.kind == PEER_EVENT_CLOSED) {
            memcpy(reason, e.reason, sizeof e.reason);
            return e.error;
        }
    return OK;
}

static void another_version_must_be_said_twice(void)
{
    char reason[LIMIT_REASON_CHARS + 1];

    begin(true);
    EXPECT(listen());
    answer(w.said.nonce, w.other.public, 7);
    answer(w.said.nonce, w.other.public, 7); /* a copy */
    EXPECT(!peer_closed(w.peer));
    w.now_us += 200000;
    EXPECT(listen() && w.said.type == PACKET_HELLO);
    answer(w.said.nonce, w.other.public, 9); /* damaged otherwise */
    EXPECT(!peer_closed(w.peer));
    w.now_us += 400000;
    answer(w.said.nonce, w.other.public, 9);
    EXPECT_EQ(ended(reason), ERR_VERSION);
    EXPECT(strstr(reason, "version 9") && strstr(reason, "version 1"));
    peer_free(w.peer);
    begin(true);
    EXPECT(listen());
    answer(w.said.nonce, w.other.public, 7);
    w.now_us += 200000;
    answer(w.said.nonce, w.other.public, 1); /* the true one */
    EXPECT(listen() && w.said.type == PACKET_INIT);
    peer_free(w.peer);
}

static void another_key_must_be_said_twice(void)
{
    char reason[LIMIT_REASON_CHARS + 1];

    begin(true);
    EXPECT(listen());
    uint8_t nonce[PACKET_NONCE_BYTES];
    memcpy(nonce, w.said.nonce, sizeof nonce);
    answer(nonce, w.wrong.public, 1);
    answer(nonce, w.wrong.public, 1); /* a copy */
    EXPECT(!peer_closed(w.peer));
    /* It is asked again at once, and nothing of the identity was shown. */
    EXPECT(listen() && w.said.type == PACKET_HELLO);
    EXPECT(memcmp(w.said.nonce, nonce, sizeof nonce) != 0);
    answer(w.said.nonce, w.wrong.public, 1);
    EXPECT_EQ(ended(reason), ERR_REFUSED);
    EXPECT(strstr(reason, "not the known one"));
    EXPECT(!listen());
    peer_free(w.peer);
}

static void an_unknown_key_is_asked_about(void)
{
    struct peer_event e;

    begin(false);
    EXPECT(listen());
    answer(w.said.nonce, w.other.public, 1);
    EXPECT(peer_next_event(w.peer, &e) && e.kind == PEER_EVENT_HOST_KEY);
    EXPECT(memcmp(e.key, w.other.public, KEY_BYTES) == 0);
    EXPECT(!listen());
    /* A second answer meanwhile changes nothing. */
    answer(w.said.nonce, w.wrong.public, 1);
    EXPECT(!peer_next_event(w.peer, &e));
    EXPECT_EQ(peer_deadline_us(w.peer, w.now_us), UINT64_MAX);
    w.now_us += 5000000;
    peer_accept_key(w.peer, w.now_us);
    EXPECT(listen() && w.said.type == PACKET_INIT);
    peer_free(w.peer);
}

static void silence_is_asked_at_a_bounded_rate(void)
{
    unsigned said = 0;

    begin(true);
    uint64_t end = w.now_us + 10000000;
    while (w.now_us < end) {
        said += listen();
        EXPECT(!listen());
        uint64_t next = peer_deadline_us(w.peer, w.now_us);
        EXPECT(next > w.now_us && next <= w.now_us + 500000);
        w.now_us = next;
    }
    EXPECT(said >= 20 && said <= 23);
    peer_free(w.peer);
}

static void foreign_answers_are_ignored(void)
{
    uint8_t nonce[PACKET_NONCE_BYTES];

    begin(true);
    EXPECT(listen());
    memcpy(nonce, w.said.nonce, sizeof nonce);
    nonce[0] ^= 1;
    answer(nonce, w.other.public, 1);
    w.said.cid[0] ^= 1;
    nonce[0] ^= 1;
    answer(nonce, w.other.public, 1);
    answer(nonce, w.other.public, 3);
    w.now_us += 200000;
    answer(nonce, w.other.public, 3);
    EXPECT(!peer_closed(w.peer));
    EXPECT(listen() && w.said.type == PACKET_HELLO);
    peer_free(w.peer);
}

/* Gives the caller a RESPONSE to the INIT it has said, with this inside, under no secret. */
static void respond(struct bytes inside)
{
    uint8_t prologue[64], space[512], message[PACKET_NOISE_BYTES], payload[PACKET_NOISE_BYTES];
    struct wr out = wr_of(space, sizeof space), m = wr_of(message, sizeof message),
              p = wr_of(payload, sizeof payload);
    struct addr from = {.family = ADDR_IP4, .port = 1};
    struct packet_long packet = {.type = PACKET_RESPONSE, .version = PACKET_VERSION};
    struct noise n;
    struct rng rng;

    rng_seed(&rng, 77);
    size_t bytes =
        dial_prologue(prologue, w.other.public, 6, w.said.ciphers, w.said.cipher, w.said.cid);
    if (noise_init(&n, (enum cipher)w.said.cipher, false, &w.other, NULL,
                   bytes_of(prologue, bytes)) ||
        noise_read(&n, w.said.noise, &p))
        test_fail(__FILE__, __LINE__, "message 1");
    noise_bind(&n, bytes_of(packet.server_cid, sizeof packet.server_cid));
    if (noise_write(&n, &rng, inside, &m))
        test_fail(__FILE__, __LINE__, "message 2");
    memcpy(packet.cid, w.said.cid, sizeof packet.cid);
    packet.noise = wr_done(&m);
    packet_encode_long(&packet, &out);
    peer_input(w.peer, w.now_us, &from, wr_done(&out), false);
    noise_wipe(&n);
}

/* A server may say anything in message 2: what makes no sense is as if it had not come. */
static void senseless_answers_change_nothing(void)
{
    struct hello_server hello = {.verdict = HELLO_WELCOME};
    uint8_t space[256];
    struct wr good = wr_of(space, sizeof space);
    struct peer_event e;

    begin(true);
    EXPECT(listen());
    answer(w.said.nonce, w.other.public, 1);
    EXPECT(listen() && w.said.type == PACKET_INIT);
    respond(bytes_of("", 0));
    respond(bytes_of("nonsense", 8));
    respond(bytes_of("", 0));
    EXPECT(!peer_closed(w.peer) && !peer_next_event(w.peer, &e));
    hello_put_server(&good, &hello);
    respond(wr_done(&good));
    EXPECT(peer_next_event(w.peer, &e) && e.kind == PEER_EVENT_CONNECTED);
    peer_free(w.peer);
}

/* With an invitation, a welcome that does not know its secret is none, however often it comes. */
static void a_welcome_without_the_secret_is_none(void)
{
    struct hello_server hello = {.verdict = HELLO_WELCOME};
    uint8_t space[256];
    struct wr inside = wr_of(space, sizeof space);
    char reason[LIMIT_REASON_CHARS + 1];

    invited = true;
    begin(true);
    invited = false;
    EXPECT(listen());
    answer(w.said.nonce, w.other.public, 1);
    EXPECT(listen() && w.said.type == PACKET_INIT);
    hello_put_server(&inside, &hello);
    for (int i = 0; i < 3; i++)
        respond(wr_done(&inside));
    EXPECT(!peer_closed(w.peer));
    inside = wr_of(space, sizeof space);
    hello = (struct hello_server){.verdict = HELLO_REFUSED, .reason = "used up"};
    hello_put_server(&inside, &hello);
    respond(wr_done(&inside));
    EXPECT_EQ(ended(reason), ERR_REFUSED);
    EXPECT(strcmp(reason, "used up") == 0);
    peer_free(w.peer);
}

static struct addr way(uint16_t port)
{
    return (struct addr){.family = ADDR_IP4, .port = port, .via = port == 3 ? ADDR_TCP : ADDR_UDP};
}

/* How many packets of that type go out now, a bit for each port that they go to. */
static unsigned ports_of(enum packet_type type)
{
    unsigned ports = 0;

    while (listen())
        ports |= w.said.type == type ? 1u << w.to.port : 0;
    return ports;
}

static void try_way(uint16_t port)
{
    struct addr to = way(port);

    peer_try(w.peer, w.now_us, &to);
}

static void all_ways_are_asked_and_the_first_answer_counts(void)
{
    struct peer_path path;

    begin(true);
    try_way(2);
    EXPECT_EQ(ports_of(PACKET_HELLO), 6);
    try_way(3);
    EXPECT_EQ(ports_of(PACKET_HELLO), 8);
    EXPECT(!listen() && peer_deadline_us(w.peer, w.now_us) > w.now_us);
    w.now_us += 1000000;
    EXPECT_EQ(ports_of(PACKET_HELLO), 14);
    peer_path(w.peer, w.now_us, &path);
    EXPECT(!path.answered);
    w.at = way(3);
    answer(w.said.nonce, w.other.public, 1);
    peer_path(w.peer, w.now_us, &path);
    EXPECT(path.answered && addr_equal(&path.remote, &w.at));
    EXPECT_EQ(ports_of(PACKET_INIT), 8);
    w.at = way(2);
    answer(w.said.nonce, w.other.public, 1); /* a copy over another way, with the same cookie */
    EXPECT(!listen());
    w.now_us += 300000;
    EXPECT_EQ(ports_of(PACKET_INIT), 8);
    peer_free(w.peer);
}

static void a_way_that_falls_silent_is_left(void)
{
    begin(true);
    try_way(2);
    EXPECT_EQ(ports_of(PACKET_HELLO), 6);
    cookie_byte = 1;
    answer(w.said.nonce, w.other.public, 1);
    EXPECT_EQ(ports_of(PACKET_INIT), 2);
    w.at = way(2);
    cookie_byte = 2;
    answer(w.said.nonce, w.other.public, 1);
    EXPECT(!listen()); /* too late: the first is being asked */
    w.now_us += 1000000;
    EXPECT_EQ(ports_of(PACKET_INIT), 2);
    answer(w.said.nonce, w.other.public, 1);
    EXPECT_EQ(ports_of(PACKET_INIT), 4); /* nothing came of it twice */
    for (int i = 0; i < 3; i++) {
        w.now_us += 1000000;
        EXPECT_EQ(ports_of(PACKET_INIT), 4);
    }
    w.now_us += 1000000;
    EXPECT_EQ(ports_of(PACKET_HELLO), 6); /* everybody is asked anew */
    peer_free(w.peer);
}

static void ways_are_bounded(void)
{
    unsigned count = 0;

    begin(true);
    for (uint16_t port = 10; port < 10 + 2 * PEER_WAYS; port++)
        try_way(port);
    while (listen())
        count++;
    EXPECT_EQ(count, PEER_WAYS);
    peer_free(w.peer);
}

TEST_MAIN({"another_version_must_be_said_twice", another_version_must_be_said_twice},
          {"another_key_must_be_said_twice", another_key_must_be_said_twice},
          {"an_unknown_key_is_asked_about", an_unknown_key_is_asked_about},
          {"silence_is_asked_at_a_bounded_rate", silence_is_asked_at_a_bounded_rate},
          {"foreign_answers_are_ignored", foreign_answers_are_ignored},
          {"senseless_answers_change_nothing", senseless_answers_change_nothing},
          {"a_welcome_without_the_secret_is_none", a_welcome_without_the_secret_is_none},
          {"all_ways_are_asked_and_the_first_answer_counts",
           all_ways_are_asked_and_the_first_answer_counts},
          {"a_way_that_falls_silent_is_left", a_way_that_falls_silent_is_left},
          {"ways_are_bounded", ways_are_bounded})
