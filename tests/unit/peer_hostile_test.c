/* An authentic peer that does what it should not: the other end keeps its bounds and its temper. */
#include <string.h>

#include "core/base/num.h"
#include "tests/unit/duo.h"
#include "tests/unit/test.h"

static struct duo d;
static const uint8_t zeros[LIMIT_DATAGRAM_BYTES];

static void begin(void)
{
    duo_begin(&d, NULL, NULL);
    duo_puppet(&d);
}

static struct peer *server(void)
{
    return d.peer[DUO_SERVER];
}

/* No ACK waits for the time since the one before to pass: time stands still where these are used.
 */
static void begin_with_quick_acks(void)
{
    begin();
    server()->recovery.smoothed_us = 0;
}

/* Whether the session has ended for broken protocol, the puppet was told, and ends the test. */
static bool was_thrown_out(void)
{
    bool out = peer_closed(server()) && d.frames[FRAME_CLOSE] == 1 &&
               d.last[FRAME_CLOSE].code == ERR_MALFORMED;

    duo_end(&d);
    return out;
}

static struct frame stream(uint64_t id, uint64_t offset, size_t n, bool fin)
{
    return (struct frame){
        .type = FRAME_STREAM, .id = id, .offset = offset, .fin = fin, .data = bytes_of(zeros, n)};
}

static void say_stream(uint64_t id, uint64_t offset, size_t n, bool fin)
{
    struct frame f = stream(id, offset, n, fin);

    duo_say_frame(&d, &f);
}

static void say_reset(uint64_t id, uint64_t size)
{
    duo_say_frame(&d, &(struct frame){.type = FRAME_RESET_STREAM, .id = id, .value = size});
}

static void broken_frames_end_the_session(void)
{
    static const char *const bad[] = {
        "0e",             /* no such type */
        "ff",             /* nor this */
        "02",             /* cut short */
        "0300",           /* likewise */
        "0302000000",     /* unknown flag */
        "0200000000",     /* an ACK without ranges */
        "020000000484",   /* whose range reaches below 0 */
        "08000000100400", /* a piece beyond its message */
        "0800000808",     /* an empty piece of a message that is not */
        "0900",           /* a drop without a count */
        "090000",         /* of none */
        "0a00",           /* a short challenge */
        "0c00ff",         /* a reason longer than the packet */
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint8_t raw[64];
        begin();
        size_t n = test_hex(bad[i], raw, sizeof raw);
        uint8_t frames[128];
        /* What is cut short must be at the end: nothing pads it. */
        memset(frames, 0, sizeof frames);
        memcpy(frames + 16, raw, n);
        duo_say(&d, NULL, bytes_of(frames, 16 + n));
        if (!was_thrown_out()) {
            test_fail(__FILE__, __LINE__, bad[i]);
            return;
        }
    }
}

static void acknowledging_the_future_ends_the_session(void)
{
    begin();
    struct frame f = {.type = FRAME_ACK, .ack = {.count = 1}};
    f.ack.range[0].last = f.ack.range[0].first = server()->recovery.next;
    duo_say_frame(&d, &f);
    EXPECT(was_thrown_out());
}

static void limits_of_flow_are_enforced(void)
{
    begin();
    say_stream(0, (1 << 20) - 100, 100, false);
    EXPECT(!peer_closed(server()));
    say_stream(0, (1 << 20) - 100, 101, false);
    EXPECT(was_thrown_out());
    begin();
    /* 16 streams of a MiB each are the session's window. */
    for (uint64_t i = 0; i < 16; i++)
        say_stream(2 * i, (1 << 20) - 1, 1, false);
    EXPECT(!peer_closed(server()));
    say_stream(32, 0, 1, false);
    EXPECT(was_thrown_out());
    begin();
    say_reset(0, (1 << 20) + 1);
    EXPECT(was_thrown_out());
}

static void final_sizes_are_final(void)
{
    begin();
    say_stream(0, 0, 100, true);
    say_stream(0, 50, 60, false);
    EXPECT(was_thrown_out());
    begin();
    say_stream(0, 0, 100, false);
    say_stream(0, 0, 50, true);
    EXPECT(was_thrown_out());
    begin();
    say_stream(0, 0, 100, false);
    say_reset(0, 99);
    EXPECT(was_thrown_out());
    begin();
    say_reset(0, 200);
    say_stream(0, 100, 100, true); /* late, and right */
    EXPECT(!peer_closed(server()));
    say_stream(0, 100, 101, false);
    EXPECT(was_thrown_out());
    begin();
    say_reset(0, 200);
    say_reset(0, 201);
    EXPECT(was_thrown_out());
}

static void streams_that_cannot_be_are_refused(void)
{
    begin();
    say_stream(1, 0, 1, false); /* the server has opened none */
    EXPECT(was_thrown_out());
    begin();
    say_stream(2000, 0, 1, false); /* far ahead */
    EXPECT(was_thrown_out());
    /* Half of all are the other end's; more are not acknowledged, and the own half stays. */
    begin();
    say_stream(2 * (LIMIT_STREAMS / 2 - 1), 0, 1, false);
    EXPECT_EQ(server()->stream_count, LIMIT_STREAMS / 2);
    say_stream(LIMIT_STREAMS, 0, 1, false);
    duo_wait(&d, 100000);
    EXPECT(!peer_closed(server()));
    EXPECT_EQ(d.last[FRAME_ACK].ack.range[0].last, d.number - 2);
    uint64_t id;
    for (int i = 0; i < LIMIT_STREAMS / 2; i++)
        EXPECT_EQ(peer_stream_open(server(), PEER_BULK, false, &id), OK);
    EXPECT_EQ(peer_stream_open(server(), PEER_BULK, false, &id), ERR_LIMIT);
    /* Once one is over there is room for the next. */
    struct bytes data;
    uint64_t code;
    say_reset(0, 0);
    EXPECT_EQ(peer_stream_peek(server(), 0, &data, &code), ERR_REFUSED);
    peer_stream_reset(server(), 0, 0);
    duo_wait(&d, 1000);
    struct frame ack = {.type = FRAME_ACK};
    duo_put_all(&d, &ack);
    duo_say_frame(&d, &ack);
    EXPECT_EQ(server()->stream_count, LIMIT_STREAMS - 1);
    say_stream(LIMIT_STREAMS, 0, 1, false);
    EXPECT_EQ(server()->stream_count, LIMIT_STREAMS);
    /* What comes late for the one that is over is nothing to anybody. */
    say_stream(0, 0, 1, false);
    EXPECT(!peer_closed(server()));
    EXPECT_EQ(server()->stream_count, LIMIT_STREAMS);
    duo_end(&d);
}

static void messages_that_nobody_reads_are_bounded(void)
{
    begin();
    d.hold = true;
    for (uint64_t id = 0; id < 20; id++) {
        for (uint64_t at = 0; at < LIMIT_MESSAGE_BYTES; at += 1024)
            duo_say_frame(&d, &(struct frame){.type = FRAME_MESSAGE,
                                              .id = id,
                                              .total = LIMIT_MESSAGE_BYTES,
                                              .offset = at,
                                              .data = bytes_of(zeros, 1024)});
    }
    EXPECT_EQ(server()->inbox.held_bytes, 20 * LIMIT_MESSAGE_BYTES);
    /* 64 of them fill the room; the next is not acknowledged. */
    for (uint64_t id = 20; id < 80; id++)
        duo_say_frame(&d, &(struct frame){.type = FRAME_MESSAGE,
                                          .id = id,
                                          .total = LIMIT_MESSAGE_BYTES,
                                          .data = bytes_of(zeros, 1024)});
    duo_wait(&d, 100000);
    EXPECT_EQ(server()->inbox.held_bytes, 64 * LIMIT_MESSAGE_BYTES);
    EXPECT(d.last[FRAME_ACK].ack.range[0].last < d.number - 10);
    d.hold = false;
    duo_wait(&d, 0);
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_MESSAGE], 20);
    duo_say_frame(&d, &(struct frame){.type = FRAME_MESSAGE,
                                      .id = 81,
                                      .total = LIMIT_MESSAGE_BYTES,
                                      .data = bytes_of(zeros, 1024)});
    EXPECT_EQ(server()->inbox.held_bytes, 45 * LIMIT_MESSAGE_BYTES);
    duo_end(&d);
}

static void a_flood_of_events_ends_the_session_only(void)
{
    begin();
    d.hold = true;
    for (uint64_t id = 0; id < 40000 && !peer_closed(server());) {
        uint8_t space[1200];
        struct wr w = wr_of(space, sizeof space);
        while (wr_left(&w) > 20)
            frame_put(&w, &(struct frame){.type = FRAME_MESSAGE, .id = id++});
        duo_say(&d, NULL, wr_done(&w));
    }
    EXPECT(peer_closed(server()));
    d.hold = false;
    duo_wait(&d, 0);
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_CLOSED], 1);
    EXPECT_EQ(d.seen[DUO_SERVER].last[PEER_EVENT_CLOSED].error, ERR_MEMORY);
    duo_end(&d);
}

/* ---- addresses ---- */

static void strangers_get_no_more_than_they_send(void)
{
    struct addr elsewhere = d.address[DUO_CLIENT];
    uint8_t space[64];
    uint64_t in = 0;

    begin();
    elsewhere.port = 999;
    for (int i = 0; i < 50; i++) {
        struct wr w = wr_of(space, sizeof space);
        /* By turns a small packet, a question, and two questions of which one is answered. */
        wr_u8(&w, FRAME_PING);
        for (int k = 0; k < i % 3; k++)
            frame_put(&w, &(struct frame){.type = FRAME_PATH_CHALLENGE,
                                          .data = bytes_of(zeros, FRAME_PATH_BYTES)});
        elsewhere.ip[3] = (uint8_t)(100 + i / 10);
        elsewhere.port = (uint16_t)(999 + i / 10);
        if (i % 10 == 0)
            in = d.aside_bytes = 0;
        in += duo_say(&d, &elsewhere, wr_done(&w));
        duo_wait(&d, i * 10000);
        EXPECT(d.aside_bytes <= in);
    }
    EXPECT(d.aside_bytes > 0);
    EXPECT(d.frames[FRAME_PATH_CHALLENGE] > 5 && d.frames[FRAME_PATH_RESPONSE] > 5);
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_PATH], 0);
    duo_end(&d);
}

/* Even the smallest packet is enough to be asked at once. */
static void one_packet_from_a_new_address_is_enough(void)
{
    static const uint8_t ping[] = {FRAME_PING};

    begin();
    struct addr moved = d.address[DUO_CLIENT];
    moved.port = 4444;
    size_t in = duo_say(&d, &moved, bytes_of(ping, 1));
    EXPECT_EQ(d.frames[FRAME_PATH_CHALLENGE], 1);
    EXPECT_EQ(d.aside_bytes, in); /* the receipt for the PING went to the old address */
    struct frame answer = {.type = FRAME_PATH_RESPONSE,
                           .data = bytes_of(d.text[FRAME_PATH_CHALLENGE], FRAME_PATH_BYTES)};
    uint8_t space[16];
    struct wr w = wr_of(space, sizeof space);
    frame_put(&w, &answer);
    /* A wrong answer changes nothing. */
    space[1] ^= 1;
    duo_say(&d, &moved, wr_done(&w));
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_PATH], 0);
    space[1] ^= 1;
    duo_say(&d, &moved, wr_done(&w));
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_PATH], 1);
    EXPECT(addr_equal(&d.seen[DUO_SERVER].last[PEER_EVENT_PATH].path, &moved));
    duo_end(&d);
}

/* ---- what is told of what has come ---- */

static void receipts_that_are_known_are_not_repeated(void)
{
    begin_with_quick_acks();
    for (int i = 0; i < 200; i++) {
        d.number++; /* every other number never comes */
        say_stream(0, (uint64_t)i, 1, false);
    }
    EXPECT_EQ(d.last[FRAME_ACK].ack.count, LIMIT_ACK_RANGES);
    /* Of packets without content one in 64 asks for an answer. */
    EXPECT(d.frames[FRAME_PING] >= 1 && d.frames[FRAME_PING] <= 4);
    struct frame ack = {.type = FRAME_ACK};
    duo_put_all(&d, &ack);
    duo_say_frame(&d, &ack);
    d.number++;
    say_stream(0, 300, 1, false);
    EXPECT(d.last[FRAME_ACK].ack.count > 2); /* not all of them were in one ACK */
    for (int i = 0; i < 40; i++)
        say_stream(0, 301, 1, false);
    duo_end(&d);
    /* With few gaps one answer is enough. */
    begin_with_quick_acks();
    uint64_t late = d.number;
    for (int i = 0; i < 70; i++) {
        d.number += i % 8 == 0;
        say_stream(0, (uint64_t)i, 1, false);
    }
    EXPECT(d.last[FRAME_ACK].ack.count >= 8);
    for (int i = 0; i < 70; i++)
        say_stream(0, (uint64_t)i, 1, false);
    EXPECT(d.frames[FRAME_PING] >= 1);
    duo_put_all(&d, &ack);
    duo_say_frame(&d, &ack);
    d.number++;
    say_stream(0, 300, 1, false);
    EXPECT_EQ(d.last[FRAME_ACK].ack.count, 2);
    /* What comes late, among what is known, is told of all the same. */
    uint64_t next = d.number;
    d.number = late;
    say_stream(0, 301, 1, false);
    d.number = next;
    const struct frame *f = &d.last[FRAME_ACK];
    EXPECT_EQ(f->ack.range[0].last, next - 1);
    EXPECT_EQ(f->ack.range[f->ack.count - 1].first, late);
    duo_end(&d);
}

/* Round trips take 20 ms here: a quarter of one must pass. */
static void receipts_do_not_follow_each_other_closely(void)
{
    static const uint8_t ping[] = {FRAME_PING};

    begin();
    duo_wait(&d, 10000);
    uint64_t before = d.frames[FRAME_ACK];
    for (int i = 0; i < 100; i++) {
        d.number += i % 10 == 0; /* gaps do not change it */
        duo_say(&d, NULL, bytes_of(ping, 1));
    }
    EXPECT_EQ(d.frames[FRAME_ACK] - before, 1);
    duo_wait(&d, 4000);
    EXPECT_EQ(d.frames[FRAME_ACK] - before, 1);
    duo_wait(&d, 1000);
    EXPECT_EQ(d.frames[FRAME_ACK] - before, 2);
    EXPECT_EQ(d.last[FRAME_ACK].ack.range[0].last, d.number - 1);
    duo_end(&d);
}

/* ---- keys ---- */

static void a_key_is_not_used_without_end(void)
{
    static const uint8_t ping[] = {FRAME_PING};

    begin_with_quick_acks();
    struct recovery *r = &server()->recovery;
    /* Nothing of the present key was ever acknowledged. */
    server()->send.first_number = 1000;
    r->next = r->oldest = r->open = 1000 + (1 << 23) - 2;
    for (int i = 0; i < 8 && !peer_closed(server()); i++)
        duo_say(&d, NULL, bytes_of(ping, 1));
    EXPECT(peer_closed(server()));
    EXPECT_EQ(d.seen[DUO_SERVER].last[PEER_EVENT_CLOSED].error, ERR_UNREACHABLE);
    duo_end(&d);
}

static void late_packets_open_under_the_key_before(void)
{
    static const uint8_t ping[] = {FRAME_PING};

    begin();
    struct peer *client = d.peer[DUO_CLIENT];
    struct seal_key old = client->send.current;
    uint64_t late = d.number;
    d.number += 3;
    seal_next(&client->send.current, &client->send.current);
    d.phase ^= 1;
    duo_say(&d, NULL, bytes_of(ping, 1));
    EXPECT_EQ(server()->receive.phase, 1);
    uint64_t rejected = server()->counters.rejected_datagrams, next = d.number;
    struct seal_key new = client->send.current;
    client->send.current = old;
    d.phase ^= 1;
    d.number = late;
    duo_say(&d, NULL, bytes_of(ping, 1));
    EXPECT_EQ(server()->counters.rejected_datagrams, rejected);
    /* An early one of the new key that comes late, too. */
    client->send.current = new;
    d.phase ^= 1;
    d.number = late + 1;
    duo_say(&d, NULL, bytes_of(ping, 1));
    EXPECT_EQ(server()->counters.rejected_datagrams, rejected);
    EXPECT_EQ(server()->receive.phase, 1);
    /* A number twice is refused under any key. */
    d.number = late;
    duo_say(&d, NULL, bytes_of(ping, 1));
    EXPECT_EQ(server()->counters.rejected_datagrams, rejected + 1);
    d.number = next;
    duo_say(&d, NULL, bytes_of(ping, 1));
    EXPECT(!peer_closed(server()));
    duo_end(&d);
}

static void a_late_packet_is_not_the_highest(void)
{
    static const uint8_t ping[] = {FRAME_PING};

    begin_with_quick_acks();
    uint64_t late = d.number++, highest = d.number;
    duo_say(&d, NULL, bytes_of(ping, 1));
    uint64_t came_us = d.now_us;
    duo_wait(&d, 3000);
    d.number = late;
    duo_say(&d, NULL, bytes_of(ping, 1)); /* now there is no gap any more */
    EXPECT_EQ(d.last[FRAME_ACK].ack.range[0].last, highest);
    EXPECT_EQ(d.last[FRAME_ACK].ack.delay_us, 3000);
    EXPECT_EQ(d.last[FRAME_ACK].ack.arrival_us, (uint32_t)came_us);
    duo_end(&d);
}

static void packets_under_old_keys_are_refused(void)
{
    static const uint8_t ping[] = {FRAME_PING};

    begin();
    struct seal_key *key = &d.peer[DUO_CLIENT]->send.current, old = *key;
    uint64_t late = d.number;
    d.number += 2;
    for (int i = 0; i < 2; i++) {
        seal_next(key, key);
        d.phase ^= 1;
        duo_say(&d, NULL, bytes_of(ping, 1));
    }
    EXPECT_EQ(server()->receive.phase, 2);
    /* Never seen, and its phase is that of now: only the key is another. */
    uint64_t rejected = server()->counters.rejected_datagrams, next = d.number;
    struct seal_key new = *key;
    *key = old;
    d.number = late;
    duo_say(&d, NULL, bytes_of(ping, 1));
    EXPECT_EQ(server()->counters.rejected_datagrams, rejected + 1);
    *key = new;
    d.number = next;
    duo_say(&d, NULL, bytes_of(ping, 1));
    EXPECT_EQ(server()->counters.rejected_datagrams, rejected + 1);
    duo_end(&d);
}

/* ---- time ---- */

static void sleep_is_no_round_trip(void)
{
    struct peer_message m = {.class = PEER_TEXT, .tag = 1};

    begin();
    EXPECT_EQ(peer_message_send(server(), &m, NULL), OK);
    duo_wait(&d, 0);
    uint64_t number = server()->recovery.next - 1;
    d.now_us += 60000000;
    struct frame ack = {.type = FRAME_ACK, .ack = {.count = 1}};
    ack.ack.range[0].first = ack.ack.range[0].last = number;
    duo_say_frame(&d, &ack);
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_ACKED], 1);
    struct peer_path path;
    peer_path(server(), d.now_us, &path);
    EXPECT(path.rtt_us < 50000);
    /* Asleep for hours: the session is over, in order. */
    d.now_us += 4ull * 3600 * 1000000;
    duo_wait(&d, 0);
    EXPECT_EQ(d.seen[DUO_SERVER].last[PEER_EVENT_CLOSED].error, ERR_UNREACHABLE);
    duo_end(&d);
}

/* The first probe must not wait for many seconds because one answer took so long. */
static void one_slow_answer_does_not_slow_the_probes(void)
{
    struct peer_message m = {.class = PEER_TEXT};

    begin();
    EXPECT_EQ(peer_message_send(server(), &m, NULL), OK);
    duo_wait(&d, 0);
    uint64_t number = server()->recovery.next - 1;
    d.now_us += 4500000;
    struct frame ack = {.type = FRAME_ACK, .ack = {.count = 1}};
    ack.ack.range[0].first = ack.ack.range[0].last = number;
    duo_say_frame(&d, &ack);
    EXPECT_EQ(peer_message_send(server(), &m, NULL), OK);
    duo_wait(&d, 0);
    uint64_t before = d.out_count;
    duo_wait(&d, 520000);
    EXPECT(d.out_count > before);
    duo_end(&d);
}

/* All is given up for lost before the first answer can come: each answer tells how long it took all
 * the same, or nothing would ever be waited for long enough again. */
static void a_way_that_became_far_longer_is_measured(void)
{
    struct peer_message m = {.class = PEER_TEXT};
    struct peer_path path;

    begin();
    EXPECT_EQ(peer_message_send(server(), &m, NULL), OK);
    duo_wait(&d, 0);
    uint64_t number = server()->recovery.next - 1;
    duo_wait(&d, 600000);
    EXPECT(server()->recovery.lost_packets > 0);
    struct frame ack = {.type = FRAME_ACK, .ack = {.count = 1}};
    ack.ack.range[0].first = ack.ack.range[0].last = number;
    duo_say_frame(&d, &ack);
    peer_path(server(), d.now_us, &path);
    EXPECT(path.rtt_us > 70000);
    duo_end(&d);
}

/* ---- numbers without end ---- */

/* One packet is in flight and never acknowledged, while 70,000 acknowledgements leave. */
static void acknowledgements_go_on_for_ever(void)
{
    struct peer_message m = {.class = PEER_TEXT, .tag = 1};
    static const uint8_t ping[] = {FRAME_PING};

    begin_with_quick_acks();
    EXPECT_EQ(peer_message_send(server(), &m, NULL), OK);
    duo_wait(&d, 0);
    uint64_t before = d.frames[FRAME_ACK];
    for (int i = 0; i < 140000; i++)
        duo_say(&d, NULL, bytes_of(ping, 1));
    EXPECT(d.frames[FRAME_ACK] - before >= 70000);
    EXPECT(server()->recovery.capacity <= RECOVERY_MAX_PACKETS);
    duo_end(&d);
}

/* Small packets by the thousand: the records are bounded, and nothing spins for want of one. */
static void a_crowd_of_small_packets_waits(void)
{
    struct peer_config c = {.without = PEER_WITHOUT_CONTROL};
    static const uint8_t byte[1];
    uint64_t id;
    size_t taken;

    duo_begin(&d, NULL, &c);
    duo_puppet(&d);
    EXPECT_EQ(peer_stream_open(server(), PEER_BULK, false, &id), OK);
    for (int i = 0; i < 40000; i++) {
        EXPECT_EQ(peer_stream_write(server(), id, bytes_of(byte, 1), &taken), OK);
        duo_wait(&d, 0);
        d.now_us++;
    }
    EXPECT(server()->recovery.eliciting_in_flight <= RECOVERY_MAX_PACKETS / 2 + 2);
    EXPECT(server()->recovery.eliciting_in_flight > RECOVERY_MAX_PACKETS / 4);
    EXPECT(!peer_closed(server()));
    duo_end(&d);
}

/* ---- sizes ---- */

static size_t padded_size, padded_count;
static bool sizes_differ, too_small;

static bool measure(struct duo *duo, enum duo_side from, const struct addr *to,
                    struct duo_datagram *g)
{
    const struct recovery *r = &duo->peer[DUO_CLIENT]->recovery;

    (void)to;
    too_small |= g->n < PACKET_DATA_HEAD_BYTES + 1 + FRAME_PATH_BYTES + PACKET_TAG_BYTES;
    if (from != DUO_CLIENT)
        return duo->sent[DUO_SERVER] % 3 != 0; /* gaps make long ACKs */
    const struct recovery_packet *p = &r->ring[(r->next - 1) & (r->capacity - 1)];
    for (unsigned i = 0; i < p->frames; i++)
        if (p->frame[i].type == FRAME_STREAM) {
            sizes_differ |= padded_size && g->n != padded_size;
            padded_size = g->n;
            padded_count++;
        }
    return true;
}

static void padded_packets_have_one_size(void)
{
    static const uint8_t text[400];
    struct peer_message m = {.class = PEER_INPUT}, big = {.class = PEER_TEXT};
    uint64_t id;
    size_t taken;

    padded_size = padded_count = 0;
    sizes_differ = too_small = false;
    duo_begin(&d, NULL, NULL);
    EXPECT_EQ(peer_stream_open(d.peer[DUO_CLIENT], PEER_INPUT, true, &id), OK);
    d.see = measure;
    for (size_t i = 0; i < 300; i++) {
        size_t typed = i % 40 + (i % 50 ? 0 : 260);
        EXPECT_EQ(peer_stream_write(d.peer[DUO_CLIENT], id, bytes_of(text, typed), &taken), OK);
        m.data = bytes_of(text, i % 30);
        big.data = bytes_of(text, i);
        EXPECT_EQ(peer_message_send(d.peer[DUO_CLIENT], &m, NULL), OK);
        EXPECT_EQ(peer_message_send(d.peer[DUO_SERVER], &big, NULL), OK);
        EXPECT_EQ(peer_message_send(d.peer[DUO_CLIENT], &big, NULL), OK);
        duo_run(&d, 7000);
    }
    EXPECT(padded_count > 250 && !sizes_differ && !too_small);
    duo_end(&d);
}

TEST_MAIN({"broken_frames_end_the_session", broken_frames_end_the_session},
          {"acknowledging_the_future_ends_the_session", acknowledging_the_future_ends_the_session},
          {"limits_of_flow_are_enforced", limits_of_flow_are_enforced},
          {"final_sizes_are_final", final_sizes_are_final},
          {"streams_that_cannot_be_are_refused", streams_that_cannot_be_are_refused},
          {"messages_that_nobody_reads_are_bounded", messages_that_nobody_reads_are_bounded},
          {"a_flood_of_events_ends_the_session_only", a_flood_of_events_ends_the_session_only},
          {"strangers_get_no_more_than_they_send", strangers_get_no_more_than_they_send},
          {"one_packet_from_a_new_address_is_enough", one_packet_from_a_new_address_is_enough},
          {"receipts_that_are_known_are_not_repeated", receipts_that_are_known_are_not_repeated},
          {"receipts_do_not_follow_each_other_closely", receipts_do_not_follow_each_other_closely},
          {"a_key_is_not_used_without_end", a_key_is_not_used_without_end},
          {"late_packets_open_under_the_key_before", late_packets_open_under_the_key_before},
          {"a_late_packet_is_not_the_highest", a_late_packet_is_not_the_highest},
          {"packets_under_old_keys_are_refused", packets_under_old_keys_are_refused},
          {"sleep_is_no_round_trip", sleep_is_no_round_trip},
          {"one_slow_answer_does_not_slow_the_probes", one_slow_answer_does_not_slow_the_probes},
          {"a_way_that_became_far_longer_is_measured", a_way_that_became_far_longer_is_measured},
          {"acknowledgements_go_on_for_ever", acknowledgements_go_on_for_ever},
          {"a_crowd_of_small_packets_waits", a_crowd_of_small_packets_waits},
          {"padded_packets_have_one_size", padded_packets_have_one_size})
