/* Batches on their way out, with a worker that seals the large ones: nothing is lost, changed or
 * overtaken, whichever way a batch goes. Runs under TSan. */
#include <string.h>

#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/crypt/seal.h"
#include "core/run/lanes.h"
#include "core/run/pool.h"
#include "core/wire/packet.h"
#include "tests/unit/test.h"

enum { SIZE = 1000, PLAIN = SIZE - PACKET_DATA_HEAD_BYTES - PACKET_TAG_BYTES, SESSIONS = 4 };

static struct {
    struct loop *loop;
    struct lanes *lanes;
    struct dgram from, to;
    struct dgram_space *space;
    struct seal_key key[SESSIONS]; /* what is sent with now; by session */
    struct seal_key known[SESSIONS];
    uint64_t sent, got, wrong, readies;
} t;

static void on_ready(void *ctx)
{
    (void)ctx;
    t.readies++;
}

static void begin(void)
{
    struct addr home;
    uint8_t key[SEAL_KEY_BYTES] = {0};

    memset(&t, 0, sizeof t);
    t.from.fd = t.to.fd = -1;
    EXPECT_EQ(crypt_init(), OK);
    EXPECT_EQ(addr_parse("127.0.0.1:0", -1, &home), OK);
    EXPECT_EQ(loop_new(&t.loop), OK);
    EXPECT_EQ(lanes_new(t.loop, on_ready, NULL, &t.lanes), OK);
    EXPECT(!dgram_open(&t.from, &home) && !dgram_open(&t.to, &home));
    t.space = dgram_space_new();
    EXPECT(t.space != NULL);
    for (uint8_t i = 0; i < SESSIONS; i++) {
        key[0] = i;
        seal_init(&t.key[i], CIPHER_CHACHAPOLY, key);
        t.known[i] = t.key[i];
    }
}

static void end(void)
{
    lanes_free(t.lanes);
    dgram_close(&t.from);
    dgram_close(&t.to);
    dgram_space_free(t.space);
    loop_free(t.loop);
}

/* Packet `n` belongs to session n / stay % sessions; its text says which it is. */
static void add(uint64_t sessions, uint64_t stay)
{
    size_t room;
    uint8_t *p = lanes_space(t.lanes, LIMIT_DATAGRAM_BYTES, &room);
    uint64_t session = t.sent / stay % sessions;
    struct udp_out o = {.peer = t.to.local, .n = SIZE};

    EXPECT(p != NULL && room >= LIMIT_DATAGRAM_BYTES);
    memset(p, (int)t.sent, SIZE);
    num_put_le(p, 8, session);
    num_put_le(p + PACKET_DATA_HEAD_BYTES, 8, t.sent);
    o.left = (struct peer_sealing){.key = &t.key[session], .session = session, .number = t.sent++};
    lanes_add(t.lanes, &o);
}

static void check(struct bytes b)
{
    uint8_t plain[SIZE];
    uint64_t session = num_get_le(b.p, 8);

    t.wrong += b.n != SIZE || session >= SESSIONS ||
               seal_open(&t.known[session], t.got, bytes_of(b.p, PACKET_DATA_HEAD_BYTES),
                         bytes_of(b.p + PACKET_DATA_HEAD_BYTES, PLAIN + PACKET_TAG_BYTES), plain) ||
               num_get_le(plain, 8) != t.got || plain[PLAIN - 1] != (uint8_t)t.got;
    t.got++;
}

/* Takes what has come; a loop's turn lets the workers report. */
static void pump(void)
{
    struct dgram_burst b[DGRAM_BATCH];
    size_t n;

    loop_turn(t.loop, false);
    EXPECT_EQ(lanes_send(t.lanes, &t.from), OK);
    while (dgram_receive(&t.to, t.space, b, &n) == OK)
        for (size_t i = 0; i < n; i++)
            for (size_t at = 0; at < b[i].n; at += b[i].each)
                check(bytes_of(b[i].p + at, num_min(b[i].each, b[i].n - at)));
}

/* Sends so many in batches of `batch`. */
static void send_all(uint64_t packets, uint64_t batch, uint64_t sessions, uint64_t stay)
{
    uint64_t until = t.sent + packets;

    while (t.got < until && !t.wrong && !test_failed()) {
        for (uint64_t i = 0; i < batch && t.sent < until && lanes_open(t.lanes); i++)
            add(sessions, stay);
        lanes_close(t.lanes);
        pump();
    }
}

static void large_ones_go_to_a_worker(void)
{
    begin();
    send_all(6000, 150, 1, 1);
    EXPECT(t.got == 6000 && t.wrong == 0);
    EXPECT(t.readies > 0 || pool_processors() < 2);
    end();
}

static void small_ones_do_not(void)
{
    begin();
    send_all(600, 20, 1, 1);
    EXPECT(t.got == 600 && t.wrong == 0 && t.readies == 0);
    end();
}

static void small_ones_overtake_nothing(void)
{
    begin();
    for (int i = 0; i < 40 && !test_failed() && !t.wrong; i++) {
        uint64_t until = t.sent + 153;
        while (t.sent < until) {
            for (uint64_t n = t.sent + (t.sent % 153 ? 3 : 150); t.sent < n && lanes_open(t.lanes);)
                add(1, 1);
            lanes_close(t.lanes);
            pump();
        }
    }
    while (t.got < t.sent && !t.wrong && !test_failed())
        pump();
    EXPECT(t.got == t.sent && t.wrong == 0);
    end();
}

/* More keys than a batch has place for, and keys that change while a worker has their copies. */
static void each_packet_has_its_key(void)
{
    begin();
    send_all(3000, 150, SESSIONS, 40);
    EXPECT(t.got == 3000 && t.wrong == 0);
    for (uint64_t i = 0; i < 150; i++)
        add(1, 1);
    lanes_close(t.lanes);
    seal_wipe(&t.key[0]);
    lanes_settle(t.lanes);
    pump();
    while (t.got < t.sent && !t.wrong && !test_failed())
        pump();
    EXPECT(t.got == t.sent && t.wrong == 0);
    end();
}

static void freed_while_a_worker_is_at_it(void)
{
    begin();
    send_all(300, 150, 1, 1);
    for (uint64_t i = 0; i < 150; i++)
        add(1, 1);
    lanes_close(t.lanes);
    end();
    EXPECT_EQ(t.wrong, 0);
}

TEST_MAIN({"large ones go to a worker", large_ones_go_to_a_worker},
          {"small ones do not", small_ones_do_not},
          {"small ones overtake nothing", small_ones_overtake_nothing},
          {"each packet has its key", each_packet_has_its_key},
          {"freed while a worker is at it", freed_while_a_worker_is_at_it})
