/* Both ends of a handshake, told one thing after another by whoever knows the names and keys of the
 * attempt (fuzz builds seal with nothing, so messages 1 and 2 are what an input says). The first
 * byte chooses the end and how it begins; then come acts: a kind, a length of 2 bytes and so many
 * bytes. */

#include "core/base/check.h"
#include "core/base/num.h"
#include "core/base/rd.h"
#include "core/crypt/crypt.h"
#include "core/peer/listener.h"
#include "core/peer/peer.h"
#include "core/wire/hello.h"
#include "core/wire/packet.h"
#include "tests/fuzz/fuzz.h"

enum { ACTS = 60, LISTENER = 1, KNOWN_HOST = 2, KNOWN_TOKEN = 4, INVITED = 8, NO_COOKIES = 16 };
enum act {
    ACT_RAW,
    ACT_HELLO,
    ACT_COOKIE,
    ACT_INIT,
    ACT_RESPONSE,
    ACT_VERSION,
    ACT_DATA,
    ACT_TIME
};

static struct key_pair host, caller;
static const struct addr here = {.family = ADDR_IP4, .port = 1, .ip = {10, 0, 0, 1}};
static uint64_t now_us;

/* What was last said by the end under test, or is known of it. */
struct heard {
    struct packet_long packet;
    uint8_t proof[PACKET_PROOF_BYTES];
    size_t proof_bytes;
    uint32_t numbers; /* of data packets sent so far */
};

static void prepare(void)
{
    static bool prepared;
    struct rng rng;

    if (prepared)
        return;
    prepared = true;
    CHECK(crypt_init() == OK);
    rng_seed(&rng, 1);
    key_generate(&host, &rng);
    key_generate(&caller, &rng);
}

static void judge(void *context, uint64_t now, const uint8_t *key, const uint8_t *token_id,
                  struct listener_verdict *out)
{
    uint8_t other = key[0] ^ host.public[0];

    (void)context, (void)now;
    *out = (struct listener_verdict){.welcome = !(other & 1), .busy = other & 2};
    if (token_id)
        out->psk = host.public;
    else
        out->reason = "not known here";
}

static const char *enrol(void *context, uint64_t now, const uint8_t *key, const uint8_t *token_id)
{
    (void)context, (void)now, (void)key;
    return token_id && token_id[0] & 1 ? "used up" : NULL;
}

static void note(struct heard *h, struct bytes b)
{
    struct packet_long p;

    if (packet_is_data(b))
        return;
    CHECK(packet_decode_long(b, &p) == OK);
    if (p.type == PACKET_COOKIE) {
        memcpy(h->proof, p.proof.p, p.proof.n);
        h->proof_bytes = p.proof.n;
    }
    p.proof = p.noise = bytes_of(NULL, 0);
    h->packet = p;
}

/* A Noise message as it looks when its seals are nothing: `head` bytes, the payload, and a tag. */
static struct bytes noise_message(size_t head, struct bytes payload, uint8_t *to, size_t room)
{
    struct wr w = wr_of(to, room);

    wr_bytes(&w, bytes_of(caller.public, KEY_BYTES)); /* e: a point that is one */
    wr_bytes(&w, bytes_of(host.public, KEY_BYTES));   /* s */
    wr_zeros(&w, PACKET_TAG_BYTES);
    w.n = head;
    wr_bytes(&w, payload);
    wr_zeros(&w, PACKET_TAG_BYTES);
    return wr_done(&w);
}

/* Makes the datagram of an act. */
static size_t make(struct heard *h, enum act kind, struct bytes data, uint8_t *to, size_t room)
{
    static uint8_t space[PACKET_NOISE_BYTES];
    struct rd r = rd_of(data);
    struct packet_long p = {.version = PACKET_VERSION};
    struct packet_data head = {.number = h->numbers++};
    struct wr w = wr_of(to, room);
    uint8_t change[2];

    memcpy(p.cid, h->packet.cid, sizeof p.cid);
    memcpy(p.nonce, h->packet.nonce, sizeof p.nonce);
    switch (kind) {
    case ACT_HELLO:
        p.type = PACKET_HELLO;
        rd_copy(&r, p.nonce, sizeof p.nonce);
        break;
    case ACT_COOKIE:
        p.type = PACKET_COOKIE;
        p.ciphers = rd_u8(&r);
        memcpy(p.server_key, rd_u8(&r) ? caller.public : host.public, KEY_BYTES);
        p.proof = rd_bytes(&r, num_min(r.left, PACKET_PROOF_BYTES));
        break;
    case ACT_INIT:
        p.type = PACKET_INIT;
        p.ciphers = rd_u8(&r);
        p.cipher = rd_u8(&r);
        p.proof_kind = rd_u8(&r);
        rd_copy(&r, change, sizeof change);
        p.proof = bytes_of(h->proof, h->proof_bytes);
        p.noise = noise_message(2 * KEY_BYTES + PACKET_TAG_BYTES,
                                rd_bytes(&r, num_min(r.left, 300)), space, sizeof space);
        space[0] ^= change[0];
        space[KEY_BYTES] ^= change[1];
        break;
    case ACT_RESPONSE:
        p.type = PACKET_RESPONSE;
        rd_copy(&r, p.server_cid, sizeof p.server_cid);
        p.noise = noise_message(KEY_BYTES, rd_bytes(&r, num_min(r.left, 300)), space, sizeof space);
        break;
    case ACT_VERSION:
        p.type = PACKET_HELLO;
        p.version = rd_u8(&r);
        break;
    case ACT_DATA:
        memcpy(head.cid, h->packet.server_cid, sizeof head.cid);
        packet_encode_data(&head, &w);
        wr_bytes(&w, data);
        wr_zeros(&w, PACKET_TAG_BYTES);
        return w.full ? 0 : w.n;
    default:
        wr_bytes(&w, data);
        return w.n;
    }
    packet_encode_long(&p, &w);
    return w.full ? 0 : w.n;
}

/* The next act as a datagram of exactly its size, the caller's to free; time passes instead for
 * ACT_TIME. */
static struct bytes next(struct rd *script, struct heard *h)
{
    static uint8_t space[2048];
    enum act kind = (enum act)(rd_u8(script) % (ACT_TIME + 1));
    struct bytes data = rd_bytes(script, num_min(rd_u16(script), script->left));

    if (kind == ACT_TIME) {
        now_us += (uint64_t)1 << num_min(data.n, 24);
        return bytes_of(NULL, 0);
    }
    size_t n = make(h, kind, data, space, sizeof space);
    return bytes_of(fuzz_copy(space, n), n);
}

static void run_caller(uint8_t how, struct rd *script)
{
    static const uint8_t proof[16] = {1}, secret[32] = {2}, id[HELLO_TOKEN_ID_BYTES] = {3};
    struct peer_dial d = {.to = here, .identity = &caller};
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct heard h = {0};
    struct peer_event e;
    struct addr to;
    struct peer *p;
    struct rng rng;
    size_t n;

    rng_seed(&rng, 3);
    if (how & KNOWN_HOST)
        d.expected_key = host.public;
    if (how & KNOWN_TOKEN) {
        d.address_token = bytes_of(proof, sizeof proof);
        d.known_ciphers = 6;
    }
    if (how & INVITED) {
        d.token_id = id;
        d.token_secret = secret;
    }
    CHECK(peer_new(NULL, &d, &rng, now_us, &p) == OK);
    for (int i = 0; i < ACTS; i++) {
        while (peer_output(p, now_us, space, sizeof space, &n, &to) == OK)
            note(&h, bytes_of(space, n));
        while (peer_next_event(p, &e)) {
            CHECK(e.kind != PEER_EVENT_CONNECTED || memcmp(e.key, host.public, KEY_BYTES) == 0 ||
                  !(how & KNOWN_HOST));
            if (e.kind == PEER_EVENT_HOST_KEY)
                peer_accept_key(p, now_us);
        }
        if (!script->left)
            break;
        struct bytes b = next(script, &h);
        if (b.p)
            peer_input(p, now_us, &here, b, false);
        free((void *)(uintptr_t)b.p);
    }
    peer_free(p);
}

static void run_listener(uint8_t how, struct rd *script)
{
    struct listener_config c = {.identity = &host,
                                .auth = {.judge = judge, .enrol = enrol},
                                .max_peers = 2,
                                .without_cookies = how & NO_COOKIES};
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct listener_counters seen;
    struct heard h = {0};
    struct listener *l;
    struct addr to;
    struct peer *p;
    struct rng rng;
    size_t n, in = 0, out = 0;

    rng_seed(&rng, 2);
    CHECK(listener_new(&c, &rng, now_us, &l) == OK);
    for (int i = 0; i < ACTS && script->left; i++) {
        struct bytes b = next(script, &h);
        if (b.p)
            listener_input(l, now_us, &here, b, false);
        in += b.n;
        free((void *)(uintptr_t)b.p);
        while (listener_output(l, now_us, space, sizeof space, &n, &to) == OK) {
            note(&h, bytes_of(space, n));
            out += n;
        }
        listener_count(l, &seen);
        CHECK(seen.peers || out <= in); /* nobody has proven an address */
        CHECK(seen.half_open <= LIMIT_HALF_OPEN);
        CHECK(listener_deadline_us(l, now_us) > now_us);
        p = listener_next_peer(l);
        if (p && h.numbers % 3 == 0)
            listener_drop(l, now_us, p);
    }
    listener_free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = fuzz_copy(data, n);
    struct rd script = rd_of(bytes_of(copy, n));
    uint8_t how = rd_u8(&script);

    prepare();
    now_us = 1000000;
    if (how & LISTENER)
        run_listener(how, &script);
    else
        run_caller(how, &script);
    free(copy);
    return 0;
}
