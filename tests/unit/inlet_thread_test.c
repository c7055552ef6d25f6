/* Datagrams on their way in, with a worker that opens the large batches: nothing is lost, changed
 * or overtaken, whichever way a batch goes. Runs under TSan. */
#include <string.h>

#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/crypt/seal.h"
#include "core/run/inlet.h"
#include "core/run/pool.h"
#include "core/wire/packet.h"
#include "tests/unit/test.h"

enum {
    SIZE = 1000,
    PLAIN = SIZE - PACKET_DATA_HEAD_BYTES - PACKET_TAG_BYTES,
    SESSIONS = 4,
    BURST = 50,
    STRANGE = 7 /* a session that nobody knows */
};

static struct {
    struct loop *loop;
    struct inlet *inlet;
    struct dgram from, to;
    struct seal_key key[SESSIONS];
    uint64_t sent, got, wrong, opened, bad, readies;
    uint64_t forged; /* this one of each hundred; 0: none */
} t;

static bool on_opening(void *ctx, struct bytes b, struct peer_sealing *out)
{
    uint64_t session = num_get_le(b.p, 8);

    (void)ctx;
    if (session >= SESSIONS)
        return false;
    *out = (struct peer_sealing){
        .key = &t.key[session], .session = session, .number = num_get_le(b.p + 8, 4)};
    return true;
}

static void on_in(void *ctx, const struct udp_in *in, size_t count)
{
    (void)ctx;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = in[i].data.p;
        uint8_t plain[SIZE];
        uint64_t session = num_get_le(p, 8), number = num_get_le(p + 8, 4);
        bool forged = t.forged && number % 100 == t.forged, good = in[i].good;

        t.wrong += number != t.got++ || in[i].data.n != SIZE;
        if (in[i].opened) {
            t.opened++;
            memcpy(plain, p + PACKET_DATA_HEAD_BYTES, PLAIN);
            t.wrong += in[i].opened->number != number || in[i].opened->session != session;
        } else if (session < SESSIONS) {
            good = seal_open(&t.key[session], number, bytes_of(p, PACKET_DATA_HEAD_BYTES),
                             bytes_of(p + PACKET_DATA_HEAD_BYTES, PLAIN + PACKET_TAG_BYTES),
                             plain) == OK;
        } else {
            continue;
        }
        t.bad += !good;
        t.wrong +=
            good == forged ||
            (good && (num_get_le(plain, 8) != number || plain[PLAIN - 1] != (uint8_t)number));
    }
}

static void on_ready(void *ctx)
{
    (void)ctx;
    t.readies++;
    inlet_give(t.inlet);
}

static void begin(void)
{
    struct inlet_owner owner = {.in = on_in, .ready = on_ready, .opening = on_opening};
    struct addr home;
    uint8_t key[SEAL_KEY_BYTES] = {0};

    memset(&t, 0, sizeof t);
    t.from.fd = t.to.fd = -1;
    EXPECT_EQ(crypt_init(), OK);
    EXPECT_EQ(addr_parse("127.0.0.1:0", -1, &home), OK);
    EXPECT_EQ(loop_new(&t.loop), OK);
    EXPECT_EQ(inlet_new(t.loop, &owner, &t.inlet), OK);
    EXPECT(!dgram_open(&t.from, &home) && !dgram_open(&t.to, &home));
    for (uint8_t i = 0; i < SESSIONS; i++) {
        key[0] = i;
        seal_init(&t.key[i], CIPHER_CHACHAPOLY, key);
    }
}

static void end(void)
{
    inlet_free(t.inlet);
    dgram_close(&t.from);
    dgram_close(&t.to);
    loop_free(t.loop);
}

static void seal(uint8_t *p, uint64_t session)
{
    memset(p, (int)t.sent, SIZE);
    num_put_le(p, 8, session);
    num_put_le(p + 8, 4, t.sent);
    p[12] = 0;
    num_put_le(p + PACKET_DATA_HEAD_BYTES, 8, t.sent);
    if (session < SESSIONS)
        peer_seal(&t.key[session], t.sent, p, SIZE);
    if (t.forged && t.sent % 100 == t.forged)
        p[500] ^= 1;
    t.sent++;
}

/* Sends bursts of `each` and takes what comes. */
static void pass(uint64_t packets, size_t each, uint64_t sessions, bool strange)
{
    static uint8_t space[BURST * SIZE];
    uint64_t until = t.sent + packets;
    size_t n, done;

    while (t.got < until && !t.wrong && !test_failed()) {
        /* No more on the way than the smallest of socket buffers holds. */
        while (t.sent < until && t.sent - t.got < 150) {
            for (size_t i = 0; i < each; i++)
                seal(space + i * SIZE, strange && t.sent % 5 == 0 ? STRANGE : t.sent % sessions);
            struct dgram_burst b = {.peer = t.to.local, .p = space, .n = each * SIZE, .each = SIZE};
            EXPECT_EQ(dgram_send(&t.from, &b, 1, &done), OK);
        }
        while (inlet_open(t.inlet) && inlet_receive(t.inlet, &t.to, &n) == OK)
            inlet_give(t.inlet);
        loop_turn(t.loop, false);
    }
}

static void large_ones_go_to_a_worker(void)
{
    begin();
    pass(6000, BURST, 1, false);
    EXPECT(t.got == 6000 && t.wrong == 0);
    EXPECT((t.opened > 0 && t.readies > 0) || pool_processors() < 2);
    end();
}

/* More keys than a batch has place for, and packets that are nobody's. */
static void some_stay_as_they_came(void)
{
    begin();
    pass(6000, BURST, SESSIONS, true);
    EXPECT(t.got == 6000 && t.wrong == 0 && t.opened < t.got);
    end();
}

static void forgeries_are_told(void)
{
    begin();
    t.forged = 17;
    pass(6000, BURST, 1, false);
    EXPECT(t.got == 6000 && t.wrong == 0 && t.bad == 60);
    end();
}

static void freed_while_a_worker_is_at_it(void)
{
    static uint8_t space[BURST * SIZE];
    size_t n, done;

    begin();
    pass(600, BURST, 1, false);
    for (int i = 0; i < 3; i++) {
        for (size_t k = 0; k < BURST; k++)
            seal(space + k * SIZE, 0);
        struct dgram_burst b = {.peer = t.to.local, .p = space, .n = sizeof space, .each = SIZE};
        EXPECT_EQ(dgram_send(&t.from, &b, 1, &done), OK);
    }
    EXPECT_EQ(inlet_receive(t.inlet, &t.to, &n), OK);
    uint64_t before = t.got;
    end();
    EXPECT(t.wrong == 0 && t.got == before);
}

TEST_MAIN({"large ones go to a worker", large_ones_go_to_a_worker},
          {"some stay as they came", some_stay_as_they_came},
          {"forgeries are told", forgeries_are_told},
          {"freed while a worker is at it", freed_while_a_worker_is_at_it})
