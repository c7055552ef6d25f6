#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/crypt/exercise.h"
#include "core/crypt/noise.h"
#include "core/os/file.h"
#include "tests/unit/test.h"

enum { MESSAGES = 6, ROOM = 256 };

struct vector {
    enum cipher cipher;
    uint8_t prologue[64], psk[32], ephemeral[2][32], hash[64], remote[32];
    size_t prologue_bytes;
    struct key_pair own[2]; /* initiator, responder */
    struct {
        uint8_t payload[ROOM], sealed[ROOM];
        size_t payload_bytes, sealed_bytes;
    } message[MESSAGES];
};

static struct vector vectors[2];

struct side {
    struct noise n;
    struct seal_key send, receive;
    uint64_t sent, received;
};

/* A generator that gives one value, for the vectors' ephemeral secrets. */
static const uint8_t *fixed_value;
static void fixed_fill(struct rng *r, void *to, size_t n)
{
    (void)r;
    memcpy(to, fixed_value, n);
}

static struct rng fixed(const uint8_t *value)
{
    fixed_value = value;
    return (struct rng){.fill = fixed_fill};
}

static size_t hex_member(const struct json_value *v, const char *key, uint8_t *out, size_t room)
{
    const char *text = json_text(json_member(v, key));

    return text ? test_hex(text, out, room) : 0;
}

static void read_vector(const struct json_value *j, struct vector *v)
{
    uint8_t secret[32];

    v->cipher = strstr(json_text(json_member(j, "protocol_name")), "AESGCM") ? CIPHER_AESGCM
                                                                             : CIPHER_CHACHAPOLY;
    v->prologue_bytes = hex_member(j, "init_prologue", v->prologue, sizeof v->prologue);
    test_hex(json_text(json_item(json_member(j, "init_psks"), 0)), v->psk, sizeof v->psk);
    hex_member(j, "init_ephemeral", v->ephemeral[0], 32);
    hex_member(j, "resp_ephemeral", v->ephemeral[1], 32);
    hex_member(j, "init_static", secret, 32);
    key_from_secret(&v->own[0], secret);
    hex_member(j, "resp_static", secret, 32);
    key_from_secret(&v->own[1], secret);
    hex_member(j, "init_remote_static", v->remote, 32);
    hex_member(j, "handshake_hash", v->hash, sizeof v->hash);
    for (size_t i = 0; i < MESSAGES; i++) {
        const struct json_value *m = json_item(json_member(j, "messages"), i);
        v->message[i].payload_bytes = hex_member(m, "payload", v->message[i].payload, ROOM);
        v->message[i].sealed_bytes = hex_member(m, "ciphertext", v->message[i].sealed, ROOM);
    }
}

static bool load_vectors(void)
{
    struct json_value *j;
    struct buf text;

    buf_init(&text, 65536);
    if (crypt_init() || file_read("tests/golden/noise_ikpsk2.json", false, &text) ||
        json_parse(buf_bytes(&text), &j))
        return false;
    for (size_t i = 0; i < 2; i++)
        read_vector(json_item(json_member(j, "vectors"), i), &vectors[i]);
    json_discard(j);
    buf_release(&text);
    return vectors[0].cipher == CIPHER_AESGCM && vectors[1].cipher == CIPHER_CHACHAPOLY &&
           vectors[0].message[5].payload_bytes > 0 && vectors[1].message[5].payload_bytes > 0;
}

static enum err start(struct side *s, const struct vector *v, bool initiator)
{
    enum err e = noise_init(&s->n, v->cipher, initiator, &v->own[!initiator],
                            initiator ? v->remote : NULL, bytes_of(v->prologue, v->prologue_bytes));
    s->sent = s->received = 0;
    if (e == OK && initiator)
        noise_set_psk(&s->n, v->psk);
    return e;
}

/* Lets `s` read message `i` from `sealed`; its payload goes to `out`. */
static enum err take(struct side *s, const struct vector *v, size_t i, struct bytes sealed,
                     uint8_t *out, size_t *out_bytes)
{
    struct wr w = wr_of(out, ROOM);

    if (i >= 2) {
        *out_bytes = sealed.n - num_min(sealed.n, SEAL_TAG_BYTES);
        return seal_open(&s->receive, s->received++, bytes_of(NULL, 0), sealed, out);
    }
    enum err e = noise_read(&s->n, sealed, &w);
    *out_bytes = w.n;
    if (e != OK)
        return e;
    if (i == 0)
        noise_set_psk(&s->n, v->psk);
    else
        noise_split(&s->n, &s->send, &s->receive);
    return OK;
}

/* Lets `s` write message `i`. */
static enum err give(struct side *s, const struct vector *v, size_t i, uint8_t *out,
                     size_t *out_bytes)
{
    struct bytes payload = bytes_of(v->message[i].payload, v->message[i].payload_bytes);
    struct rng rng = fixed(v->ephemeral[i & 1]);
    struct wr w = wr_of(out, ROOM);

    if (i >= 2) {
        seal_close(&s->send, s->sent++, bytes_of(NULL, 0), payload, out);
        *out_bytes = payload.n + SEAL_TAG_BYTES;
        return OK;
    }
    enum err e = noise_write(&s->n, &rng, payload, &w);
    *out_bytes = w.n;
    if (e == OK && i == 1)
        noise_split(&s->n, &s->send, &s->receive);
    return e;
}

/* Both roles run against the vector's messages, not against each other. */
static void vectors_pass_in_both_roles(void)
{
    uint8_t out[ROOM];
    size_t n;

    EXPECT(load_vectors());
    for (size_t k = 0; k < 2; k++) {
        const struct vector *v = &vectors[k];
        EXPECT(memcmp(v->own[1].public, v->remote, 32) == 0);
        for (int initiator = 0; initiator < 2; initiator++) {
            struct side s;
            EXPECT_EQ(start(&s, v, initiator), OK);
            for (size_t i = 0; i < MESSAGES; i++) {
                struct bytes sealed = bytes_of(v->message[i].sealed, v->message[i].sealed_bytes);
                struct bytes plain = bytes_of(v->message[i].payload, v->message[i].payload_bytes);
                bool mine = (i % 2 == 0) == initiator;
                EXPECT_EQ(mine ? give(&s, v, i, out, &n) : take(&s, v, i, sealed, out, &n), OK);
                EXPECT(bytes_equal(bytes_of(out, n), mine ? sealed : plain));
            }
            EXPECT(memcmp(noise_hash(&s.n), v->hash, sizeof v->hash) == 0);
            EXPECT(memcmp(noise_remote_static(&s.n), v->own[initiator].public, 32) == 0);
        }
    }
}

/* Reads messages up to `i` as the role that reads message `i`, with one bit of it flipped.
 * Gives false when the message was accepted and everything after it too. */
static bool flip_is_refused(const struct vector *v, size_t i, size_t bit)
{
    uint8_t out[ROOM], flipped[ROOM];
    bool initiator = i % 2 == 1, refused = false;
    struct side s;
    size_t n;

    if (start(&s, v, initiator) != OK)
        return false;
    for (size_t j = 0; j < MESSAGES; j++) {
        struct bytes sealed = bytes_of(v->message[j].sealed, v->message[j].sealed_bytes);
        if ((j % 2 == 0) == initiator) {
            if (give(&s, v, j, out, &n) != OK)
                return false;
            continue;
        }
        memcpy(flipped, sealed.p, sealed.n);
        if (j == i)
            flipped[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum err e = take(&s, v, j, bytes_of(flipped, sealed.n), out, &n);
        if (j != i && e != OK)
            return false;
        if (j == i) {
            refused = e == ERR_VERIFY || e == ERR_MALFORMED;
            break;
        }
    }
    return refused;
}

static void every_flipped_bit_is_refused(void)
{
    EXPECT(load_vectors());
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < MESSAGES; i++)
            for (size_t bit = 0; bit < 8 * vectors[k].message[i].sealed_bytes; bit++)
                if (!flip_is_refused(&vectors[k], i, bit)) {
                    printf("cipher %d message %zu bit %zu\n", vectors[k].cipher, i + 1, bit);
                    EXPECT(!"accepted");
                }
}

static void every_cut_and_longer_message_is_refused(void)
{
    uint8_t longer[ROOM], out[ROOM];

    EXPECT(load_vectors());
    for (size_t k = 0; k < 2; k++) {
        const struct vector *v = &vectors[k];
        for (size_t i = 0; i < 2; i++) {
            struct side s;
            size_t n;
            EXPECT_EQ(start(&s, v, i == 1), OK);
            if (i == 1)
                EXPECT_EQ(give(&s, v, 0, out, &n), OK);
            size_t whole = v->message[i].sealed_bytes;
            memcpy(longer, v->message[i].sealed, whole);
            longer[whole] = 0;
            for (size_t cut = 0; cut <= whole + 1; cut++) {
                if (cut == whole)
                    continue;
                uint8_t *exact = malloc(cut ? cut : 1); /* so that sanitizers see a byte too far */
                memcpy(exact, longer, cut);
                enum err e = take(&s, v, i, bytes_of(exact, cut), out, &n);
                free(exact);
                EXPECT(e == ERR_MALFORMED || e == ERR_VERIFY);
                EXPECT_EQ(n, 0);
            }
            /* After all that the true message still gets through. */
            EXPECT_EQ(take(&s, v, i, bytes_of(v->message[i].sealed, whole), out, &n), OK);
            EXPECT_EQ(n, v->message[i].payload_bytes);
        }
    }
}

struct pair {
    struct noise a, b; /* initiator, responder */
    struct rng rng;
    uint8_t message[512], payload[512];
};

static bool begin(struct pair *p, enum cipher c, struct bytes prologue_a, struct bytes prologue_b)
{
    struct key_pair a, b;

    rng_seed(&p->rng, 11);
    key_generate(&a, &p->rng);
    key_generate(&b, &p->rng);
    return noise_init(&p->a, c, true, &a, b.public, prologue_a) == OK &&
           noise_init(&p->b, c, false, &b, NULL, prologue_b) == OK;
}

/* Writes by `from`, reads by `to`; the first error of both. */
static enum err pass(struct pair *p, struct noise *from, struct noise *to, const char *text)
{
    struct wr out = wr_of(p->message, sizeof p->message), in = wr_of(p->payload, sizeof p->payload);
    enum err e = noise_write(from, &p->rng, bytes_of_string(text), &out);

    if (e == OK)
        e = noise_read(to, wr_done(&out), &in);
    if (e == OK && !bytes_equal(wr_done(&in), bytes_of_string(text)))
        e = ERR_UNDECIDED;
    return e;
}

static void prologue_cipher_and_keys_must_agree(void)
{
    struct bytes one = bytes_of_string("version 1"), two = bytes_of_string("version 2");
    struct key_pair other;
    struct pair p;

    EXPECT(begin(&p, CIPHER_CHACHAPOLY, one, one));
    EXPECT_EQ(pass(&p, &p.a, &p.b, ""), OK);
    EXPECT(begin(&p, CIPHER_CHACHAPOLY, one, two));
    EXPECT_EQ(pass(&p, &p.a, &p.b, "x"), ERR_VERIFY);
    EXPECT(begin(&p, CIPHER_CHACHAPOLY, one, one));
    EXPECT_EQ(noise_init(&p.b, CIPHER_AESGCM, false, &p.b.own, NULL, one), OK);
    EXPECT_EQ(pass(&p, &p.a, &p.b, "x"), ERR_VERIFY);
    EXPECT(begin(&p, CIPHER_AESGCM, one, one));
    key_generate(&other, &p.rng);
    EXPECT_EQ(noise_init(&p.b, CIPHER_AESGCM, false, &other, NULL, one), OK);
    EXPECT_EQ(pass(&p, &p.a, &p.b, "x"), ERR_VERIFY);
    EXPECT_EQ(noise_init(&p.b, (enum cipher)7, false, &other, NULL, one), ERR_UNSUPPORTED);
}

/* DESIGN: who has a token that is not known is answered under the zero psk. */
static void the_psk_can_be_tried_again(void)
{
    static const uint8_t token[NOISE_PSK_BYTES] = {1, 2, 3};
    struct bytes none = bytes_of(NULL, 0);
    struct seal_key sa, ra, sb, rb;
    struct pair p;

    EXPECT(begin(&p, CIPHER_CHACHAPOLY, none, none));
    noise_set_psk(&p.a, token);
    EXPECT_EQ(pass(&p, &p.a, &p.b, "id"), OK);
    EXPECT_EQ(pass(&p, &p.b, &p.a, "unknown token"), ERR_VERIFY);
    struct wr in = wr_of(p.payload, sizeof p.payload);
    struct bytes second = bytes_of(p.message, strlen("unknown token") + NOISE_SECOND_OVERHEAD);
    EXPECT_EQ(noise_read(&p.a, second, &in), ERR_VERIFY);
    noise_set_psk(&p.a, NULL);
    EXPECT_EQ(noise_read(&p.a, second, &in), OK);
    EXPECT(bytes_equal(wr_done(&in), bytes_of_string("unknown token")));
    EXPECT(memcmp(noise_hash(&p.a), noise_hash(&p.b), NOISE_HASH_BYTES) == 0);
    noise_split(&p.a, &sa, &ra);
    noise_split(&p.b, &sb, &rb);
    EXPECT(memcmp(sa.key, rb.key, 32) == 0 && memcmp(ra.key, sb.key, 32) == 0);
    EXPECT(memcmp(sa.key, ra.key, 32) != 0);
    EXPECT(memcmp(p.a.own.secret, p.a.psk, 32) == 0); /* both wiped */
    EXPECT_EQ(noise_read(&p.a, second, &in), ERR_VERIFY);
}

static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void low_order_points_are_refused(void)
{
    struct bytes none = bytes_of(NULL, 0);
    uint8_t point[KEY_BYTES], shared[KEY_BYTES];
    struct pair p;

    for (size_t i = 0; i < 2 * COUNT_OF(low_order); i++) {
        test_hex(low_order[i / 2], point, sizeof point);
        point[31] |= i % 2 ? 0x80 : 0; /* the bit that X25519 ignores */
        EXPECT(begin(&p, CIPHER_CHACHAPOLY, none, none));
        EXPECT_EQ(key_agree(p.a.own.secret, point, shared), ERR_MALFORMED);
        /* As the responder's static key: nothing is written and nothing works after. */
        EXPECT_EQ(noise_init(&p.a, CIPHER_CHACHAPOLY, true, &p.b.own, point, none), OK);
        struct wr out = wr_of(p.message, sizeof p.message);
        EXPECT_EQ(noise_write(&p.a, &p.rng, none, &out), ERR_MALFORMED);
        EXPECT_EQ(out.n, 0);
        EXPECT_EQ(noise_write(&p.a, &p.rng, none, &out), ERR_VERIFY);
        /* As the ephemeral key of message 1 and 2. */
        EXPECT(begin(&p, CIPHER_CHACHAPOLY, none, none));
        memcpy(p.message, point, sizeof point);
        struct wr in = wr_of(p.payload, sizeof p.payload);
        EXPECT_EQ(noise_read(&p.b, bytes_of(p.message, NOISE_FIRST_OVERHEAD), &in), ERR_MALFORMED);
        EXPECT_EQ(pass(&p, &p.a, &p.b, "go on"), OK);
        memcpy(p.message, point, sizeof point);
        EXPECT_EQ(noise_read(&p.a, bytes_of(p.message, NOISE_SECOND_OVERHEAD), &in), ERR_MALFORMED);
        EXPECT_EQ(pass(&p, &p.b, &p.a, "and on"), OK);
    }
}

/* A client that claims a low-order static key, so that "ss" and "se" would be known to all. */
static void a_low_order_client_is_refused(void)
{
    struct bytes none = bytes_of(NULL, 0);
    struct pair p;

    for (size_t i = 0; i < COUNT_OF(low_order); i++) {
        EXPECT(begin(&p, CIPHER_CHACHAPOLY, none, none));
        test_hex(low_order[i], p.a.own.public, KEY_BYTES);
        EXPECT_EQ(pass(&p, &p.a, &p.b, ""), ERR_MALFORMED);
    }
}

static void space_and_turns_are_kept(void)
{
    struct bytes none = bytes_of(NULL, 0), text = bytes_of_string("0123456789");
    uint8_t small[NOISE_FIRST_OVERHEAD + 9];
    struct pair p;

    EXPECT(begin(&p, CIPHER_CHACHAPOLY, none, none));
    struct wr out = wr_of(small, sizeof small);
    EXPECT_EQ(noise_write(&p.a, &p.rng, text, &out), ERR_LIMIT);
    EXPECT_EQ(out.n, 0);
    EXPECT_EQ(noise_write(&p.a, &p.rng, bytes_of(small, NOISE_MESSAGE_MAX), &out), ERR_LIMIT);
    struct wr first = wr_of(p.message, sizeof p.message);
    wr_u8(&first, 0xee); /* appended after what stands there */
    EXPECT_EQ(noise_write(&p.a, &p.rng, text, &first), OK);
    EXPECT_EQ(first.n, 1 + NOISE_FIRST_OVERHEAD + text.n);
    struct bytes message = bytes_of(p.message + 1, first.n - 1);
    struct wr in = wr_of(p.payload, text.n - 1);
    EXPECT_EQ(noise_read(&p.b, message, &in), ERR_LIMIT);
    in = wr_of(p.payload, sizeof p.payload);
    EXPECT_EQ(noise_read(&p.a, message, &in), ERR_VERIFY);
    in = wr_of(p.payload, text.n);
    EXPECT_EQ(noise_read(&p.b, message, &in), OK);
    EXPECT(bytes_equal(wr_done(&in), text));
    EXPECT(memcmp(noise_remote_static(&p.b), p.a.own.public, KEY_BYTES) == 0);
    in = wr_of(p.payload, sizeof p.payload);
    EXPECT_EQ(noise_read(&p.b, message, &in), ERR_VERIFY);
    EXPECT_EQ(in.n, 0);
}

static void exercises_do_their_work(void)
{
    EXPECT_EQ(crypt_init(), OK);
    for (enum cipher c = CIPHER_AESGCM; c <= CIPHER_CHACHAPOLY; c++) {
        exercise_close(c, 0, 2);
        exercise_close(c, LIMIT_DATAGRAM_BYTES, 2);
        EXPECT_EQ(exercise_open(c, LIMIT_DATAGRAM_BYTES, 2), OK);
        EXPECT_EQ(exercise_open(c, 0, 2), OK);
        EXPECT_EQ(exercise_handshakes(c, 2), OK);
    }
    EXPECT_EQ(exercise_handshakes((enum cipher)9, 1), ERR_UNSUPPORTED);
    EXPECT_EQ(exercise_handshakes((enum cipher)9, 0), OK);
}

TEST_MAIN({"vectors pass in both roles", vectors_pass_in_both_roles},
          {"every flipped bit is refused", every_flipped_bit_is_refused},
          {"every cut and longer message is refused", every_cut_and_longer_message_is_refused},
          {"prologue, cipher and keys must agree", prologue_cipher_and_keys_must_agree},
          {"the psk can be tried again", the_psk_can_be_tried_again},
          {"low-order points are refused", low_order_points_are_refused},
          {"a low-order client is refused", a_low_order_client_is_refused},
          {"space and turns are kept", space_and_turns_are_kept},
          {"exercises do their work", exercises_do_their_work})
