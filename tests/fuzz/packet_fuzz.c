/* Datagrams as they come from anybody: decoders, a listener, and a caller in each of its states. */

#include "core/base/check.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/peer/listener.h"
#include "core/peer/peer.h"
#include "core/wire/packet.h"
#include "tests/fuzz/fuzz.h"

enum { CID_AT = 4, NONCE_AT = 12, NOW_US = 1000000, CALLER_STATES = 3 };

static struct key_pair host, caller;
static const struct addr here = {.family = ADDR_IP4, .port = 1, .ip = {10, 0, 0, 1}};

static void begin(void)
{
    static bool begun;
    struct rng rng;

    if (begun)
        return;
    begun = true;
    CHECK(crypt_init() == OK);
    rng_seed(&rng, 1);
    key_generate(&host, &rng);
    key_generate(&caller, &rng);
}

static void try_decoders(struct bytes b)
{
    static uint8_t space[4096];
    struct packet_long p, again;
    struct packet_data d;
    struct wr w = wr_of(space, sizeof space);

    if (packet_is_data(b) && packet_decode_data(b, &d) == OK) {
        packet_encode_data(&d, &w);
        CHECK(w.n == PACKET_DATA_HEAD_BYTES && memcmp(space, b.p, w.n) == 0);
        CHECK((uint32_t)packet_full_number(d.number, num_get_le(d.cid, 8) >> 2) == d.number);
        return;
    }
    if (packet_decode_long(b, &p) != OK)
        return;
    packet_encode_long(&p, &w);
    CHECK(!w.full && packet_decode_long(wr_done(&w), &again) == OK);
    CHECK(again.type == p.type && bytes_equal(again.proof, p.proof));
    CHECK(bytes_equal(again.noise, p.noise));
}

static void judge(void *context, uint64_t now_us, const uint8_t *key, const uint8_t *token_id,
                  struct listener_verdict *out)
{
    (void)context, (void)now_us, (void)token_id;
    *out = (struct listener_verdict){.welcome = key[0] & 1, .reason = "no"};
}

static const char *enrol(void *context, uint64_t now_us, const uint8_t *key,
                         const uint8_t *token_id)
{
    (void)context, (void)now_us, (void)key, (void)token_id;
    return NULL;
}

/* Two of the same: the second is a copy. No answer may be longer than what asks for it. */
static void try_listener(struct bytes b, bool with_cookies)
{
    struct listener_config c = {.identity = &host,
                                .auth = {.judge = judge, .enrol = enrol},
                                .without_cookies = !with_cookies};
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct listener *l;
    struct addr to;
    struct rng rng;
    size_t n;

    rng_seed(&rng, 2);
    CHECK(listener_new(&c, &rng, NOW_US, &l) == OK);
    for (int turn = 0; turn < 2; turn++) {
        listener_input(l, NOW_US, &here, b, false);
        while (listener_output(l, NOW_US, space, sizeof space, &n, &to) == OK)
            CHECK(n <= b.n && addr_equal(&to, &here));
        CHECK(listener_deadline_us(l, NOW_US) > NOW_US);
        CHECK(listener_next_peer(l) == NULL);
    }
    listener_free(l);
}

/* Gives a caller its own names in the packet: those nobody off the path could guess. */
static void address_to(struct bytes b, const struct packet_long *said)
{
    uint8_t *p = (uint8_t *)(uintptr_t)b.p;

    if (b.n >= NONCE_AT)
        memcpy(p + CID_AT, said->cid, sizeof said->cid);
    if (b.n >= NONCE_AT + sizeof said->nonce && p[0] == PACKET_COOKIE)
        memcpy(p + NONCE_AT, said->nonce, sizeof said->nonce);
}

static void hear(struct peer *p, struct packet_long *said)
{
    static uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct addr to;
    size_t n;

    while (peer_output(p, NOW_US, space, sizeof space, &n, &to) == OK)
        if (!packet_is_data(bytes_of(space, n)))
            CHECK(packet_decode_long(bytes_of(space, n), said) == OK);
}

/* State 0: wants a cookie; 1: knows no key and is asked; 2: has sent message 1. */
static void try_caller(struct bytes b, int state)
{
    uint8_t proof[16] = {1};
    struct peer_dial d = {.to = here, .identity = &caller};
    struct packet_long said = {0};
    struct peer_event e;
    struct peer *p;
    struct rng rng;

    rng_seed(&rng, 3);
    if (state != 1)
        d.expected_key = host.public;
    if (state == 2) {
        d.address_token = bytes_of(proof, sizeof proof);
        d.known_ciphers = 6;
    }
    CHECK(peer_new(NULL, &d, &rng, NOW_US, &p) == OK);
    hear(p, &said);
    for (int turn = 0; turn < 2; turn++) {
        address_to(b, &said);
        peer_input(p, NOW_US, &here, b, false);
        while (peer_next_event(p, &e))
            if (e.kind == PEER_EVENT_HOST_KEY)
                peer_accept_key(p, NOW_US);
        hear(p, &said);
        CHECK(peer_deadline_us(p, NOW_US) > NOW_US);
    }
    peer_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    begin();
    uint8_t *copy = fuzz_copy(data, n);
    struct bytes b = bytes_of(copy, n);
    try_decoders(b);
    try_listener(b, true);
    try_listener(b, false);
    for (int state = 0; state < CALLER_STATES; state++)
        try_caller(b, state);
    free(copy);
    return 0;
}
