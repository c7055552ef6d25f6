/* A session whose packets somebody else opens before it takes them, some time before. */
#include <string.h>

#include "core/base/num.h"
#include "tests/unit/duo.h"
#include "tests/unit/test.h"

enum { HELD = 40, TOTAL = 600000 };

static struct duo d;

/* Opened, and not yet taken in by the server. */
static struct held {
    struct peer_sealing how;
    bool opened, good;
    size_t n;
    uint8_t data[LIMIT_DATAGRAM_BYTES];
} held[HELD];
static size_t count, hold;
static bool newest_first;
static unsigned forge_every, twice_every, passed;
static uint64_t opened, as_they_came, older;

static void give(struct held *h)
{
    struct bytes b = bytes_of(h->data, h->n);

    if (!h->opened) {
        as_they_came++;
        listener_input(d.listener, d.now_us, &d.address[DUO_CLIENT], b, 0);
        return;
    }
    opened++;
    older += h->how.generation != d.peer[DUO_SERVER]->receive.phase;
    listener_input_opened(d.listener, d.now_us, &d.address[DUO_CLIENT], b, 0, &h->how, h->good);
}

static void give_all(void)
{
    for (size_t i = 0; i < count; i++) {
        struct held *h = &held[newest_first ? count - 1 - i : i];
        passed++;
        give(h);
        if (twice_every && passed % twice_every == 0)
            give(h);
    }
    count = 0;
}

static bool seize(struct duo *duo, enum duo_side from, const struct addr *to,
                  struct duo_datagram *g)
{
    struct held *h = &held[count];

    (void)to;
    if (from != DUO_CLIENT)
        return true;
    *h = (struct held){.n = g->n};
    memcpy(h->data, g->data, g->n);
    if (forge_every && duo->sent[DUO_CLIENT] % forge_every == 0)
        h->data[h->n / 2] ^= 4;
    h->opened = listener_opening(duo->listener, bytes_of(h->data, h->n), &h->how);
    if (h->opened)
        h->good = peer_open(h->how.key, h->how.number, h->data, h->n);
    h->how.key = NULL;
    if (++count >= hold)
        give_all();
    return false;
}

/* The client sends TOTAL bytes; whether the server reads them all, and right. */
static bool transfer(void)
{
    static uint8_t data[TOTAL];
    uint64_t id, code;
    size_t taken, written = 0, got = 0;
    struct bytes b;

    for (size_t i = 0; i < TOTAL; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    if (peer_stream_open(d.peer[DUO_CLIENT], PEER_BULK, false, &id))
        return false;
    for (int i = 0; i < 4000 && got < TOTAL; i++) {
        if (peer_stream_write(d.peer[DUO_CLIENT], id, bytes_of(data + written, TOTAL - written),
                              &taken))
            return false;
        written += taken;
        duo_run(&d, 5000);
        give_all();
        while (peer_stream_peek(d.peer[DUO_SERVER], id, &b, &code) == OK) {
            if (b.n > TOTAL - got || memcmp(b.p, data + got, b.n) != 0)
                return false;
            got += b.n;
            peer_stream_consume(d.peer[DUO_SERVER], id, b.n);
        }
    }
    return got == TOTAL;
}

static void begin(uint64_t key_update_packets)
{
    struct peer_config c = {.key_update_packets = key_update_packets};

    count = opened = as_they_came = older = passed = 0;
    hold = 1;
    forge_every = twice_every = 0;
    newest_first = false;
    duo_begin(&d, &c, &c);
    d.see = seize;
}

static uint64_t rejected(void)
{
    struct peer_path path;

    peer_path(d.peer[DUO_SERVER], d.now_us, &path);
    return path.rejected_datagrams;
}

static void it_is_the_same_session(void)
{
    begin(0);
    EXPECT(transfer());
    EXPECT(opened > TOTAL / LIMIT_DATAGRAM_BYTES && as_they_came == 0 && rejected() == 0);
    duo_end(&d);
}

/* What was opened with a key that is the one before by now is as good; what a new key is needed for
 * comes as it was. */
static void keys_change_in_between(void)
{
    begin(20);
    hold = 12;
    newest_first = true;
    EXPECT(transfer());
    EXPECT(as_they_came > 0 && older > 0 && opened > as_they_came);
    EXPECT(d.peer[DUO_SERVER]->receive.phase >= 5);
    duo_end(&d);
}

static void what_is_not_authentic_is_refused(void)
{
    begin(0);
    forge_every = 11;
    EXPECT(transfer());
    EXPECT(rejected() >= 20);
    duo_end(&d);
}

static void nothing_is_taken_twice(void)
{
    begin(0);
    twice_every = 3;
    hold = 5;
    EXPECT(transfer());
    EXPECT(rejected() >= passed / 3);
    duo_end(&d);
}

/* A number or key that is not what the session thinks by now is no proof of anything. */
static void only_what_was_said_counts(void)
{
    uint64_t before, id;
    size_t taken;

    begin(0);
    hold = HELD;
    EXPECT_EQ(peer_stream_open(d.peer[DUO_CLIENT], PEER_BULK, false, &id), OK);
    EXPECT_EQ(peer_stream_write(d.peer[DUO_CLIENT], id, bytes_of("hello", 5), &taken), OK);
    for (int i = 0; i < 100 && !count; i++)
        duo_run(&d, 1000);
    EXPECT(count > 0 && held[0].opened && held[0].good);
    count = 1;
    before = rejected();
    held[0].how.number++;
    give(&held[0]);
    held[0].how.number--;
    held[0].how.generation++;
    give(&held[0]);
    held[0].how.generation -= 2;
    give(&held[0]);
    EXPECT_EQ(rejected(), before + 3);
    held[0].how.generation++;
    give(&held[0]);
    EXPECT_EQ(rejected(), before + 3);
    duo_end(&d);
}

TEST_MAIN({"it is the same session", it_is_the_same_session},
          {"keys change in between", keys_change_in_between},
          {"what is not authentic is refused", what_is_not_authentic_is_refused},
          {"nothing is taken twice", nothing_is_taken_twice},
          {"only what was said counts", only_what_was_said_counts})
