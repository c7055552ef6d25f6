/* Streams that end early, and what that does to flow control, at both ends of a real session. */
#include <string.h>

#include "core/base/num.h"
#include "core/peer/stream.h"
#include "tests/unit/duo.h"
#include "tests/unit/test.h"

static struct duo d;
static unsigned lose_from_client;
static bool lose_all;

static bool losing(struct duo *duo, enum duo_side from, const struct addr *to,
                   struct duo_datagram *g)
{
    (void)duo, (void)to, (void)g;
    if (lose_all)
        return false;
    if (from == DUO_CLIENT && lose_from_client)
        return --lose_from_client, false;
    return true;
}

static void begin(uint64_t session_window, uint64_t stream_window)
{
    struct peer_config c = {.session_window_bytes = session_window,
                            .stream_window_bytes = stream_window};

    lose_from_client = 0;
    lose_all = false;
    duo_begin(&d, &c, &c);
    d.see = losing;
}

/* Opens a stream at the client and writes so much; gives the id. */
static uint64_t write_some(uint64_t n)
{
    static const uint8_t data[1 << 16];
    uint64_t id = 99;
    size_t taken;

    if (peer_stream_open(d.peer[DUO_CLIENT], PEER_BULK, false, &id))
        test_fail(__FILE__, __LINE__, "open");
    for (; n; n -= taken)
        if (peer_stream_write(d.peer[DUO_CLIENT], id, bytes_of(data, num_min(n, sizeof data)),
                              &taken) ||
            !taken)
            break;
    return id;
}

static uint64_t read_all(enum duo_side side, uint64_t id, enum err *last)
{
    struct bytes data;
    uint64_t code, n = 0;

    while ((*last = peer_stream_peek(d.peer[side], id, &data, &code)) == OK) {
        n += data.n;
        peer_stream_consume(d.peer[side], id, data.n);
    }
    return n;
}

/* The session window is 64 KiB: did reset streams keep their share of it, the last would stall. */
static void reset_streams_give_their_window_back(void)
{
    enum err e;

    begin(65536, 65536);
    for (int i = 0; i < 20; i++) {
        uint64_t id = write_some(30000);
        duo_run(&d, 40000);
        /* By turns by the sender, by a reader who has read nothing, or a part. */
        if (i % 3 == 2) {
            struct bytes data;
            uint64_t code;
            EXPECT_EQ(peer_stream_peek(d.peer[DUO_SERVER], id, &data, &code), OK);
            peer_stream_consume(d.peer[DUO_SERVER], id, data.n / 2);
        }
        peer_stream_reset(d.peer[i % 3 ? DUO_SERVER : DUO_CLIENT], id, 5);
        duo_run(&d, 100000);
        (void)read_all(DUO_SERVER, id, &e);
        (void)read_all(DUO_CLIENT, id, &e);
        duo_run(&d, 50000);
        EXPECT_EQ(d.peer[DUO_CLIENT]->stream_count, 0);
        EXPECT_EQ(d.peer[DUO_SERVER]->stream_count, 0);
    }
    uint64_t id = write_some(60000);
    duo_run(&d, 300000);
    EXPECT_EQ(read_all(DUO_SERVER, id, &e), 60000);
    EXPECT_EQ(d.peer[DUO_SERVER]->data_received, d.peer[DUO_CLIENT]->data_sent);
    EXPECT_EQ(d.peer[DUO_SERVER]->data_received, d.peer[DUO_SERVER]->data_consumed);
    duo_end(&d);
}

/* What was on its way when the reader gave up counts too, also when the writer never resets. */
static void bytes_after_a_reset_are_counted(void)
{
    enum err e;

    begin(65536, 65536);
    uint64_t id = write_some(10000);
    duo_run(&d, 25000);
    peer_stream_reset(d.peer[DUO_SERVER], id, 5);
    static const uint8_t more[5000];
    size_t taken;
    EXPECT_EQ(peer_stream_write(d.peer[DUO_CLIENT], id, bytes_of(more, sizeof more), &taken), OK);
    duo_run(&d, 200000);
    EXPECT_EQ(peer_stream_write(d.peer[DUO_CLIENT], id, bytes_of(more, 1), &taken), ERR_END);
    (void)read_all(DUO_CLIENT, id, &e);
    EXPECT_EQ(e, ERR_REFUSED);
    duo_run(&d, 200000);
    EXPECT_EQ(d.peer[DUO_SERVER]->data_received, d.peer[DUO_CLIENT]->data_sent);
    EXPECT_EQ(d.peer[DUO_SERVER]->data_consumed, d.peer[DUO_CLIENT]->data_sent);
    EXPECT_EQ(d.peer[DUO_CLIENT]->stream_count + d.peer[DUO_SERVER]->stream_count, 0);
    duo_end(&d);
}

static void a_lost_reset_is_said_again(void)
{
    enum err e;

    begin(0, 0);
    uint64_t id = write_some(10000);
    duo_run(&d, 100000);
    peer_stream_reset(d.peer[DUO_CLIENT], id, 77);
    lose_from_client = 1;
    duo_run(&d, 1000000);
    uint64_t code = 0;
    struct bytes data;
    EXPECT_EQ(peer_stream_peek(d.peer[DUO_SERVER], id, &data, &code), ERR_REFUSED);
    EXPECT_EQ(code, 77);
    duo_run(&d, 1000000);
    (void)read_all(DUO_CLIENT, id, &e);
    duo_run(&d, 200000);
    EXPECT_EQ(d.peer[DUO_CLIENT]->stream_count + d.peer[DUO_SERVER]->stream_count, 0);
    duo_end(&d);
}

/* An end without bytes is a frame of its own, and it may be lost. */
static void a_lost_end_is_said_again(void)
{
    enum err e;

    begin(0, 0);
    uint64_t id = write_some(1000);
    duo_run(&d, 100000);
    EXPECT_EQ(read_all(DUO_SERVER, id, &e), 1000);
    EXPECT_EQ(e, ERR_AGAIN);
    EXPECT_EQ(peer_stream_finish(d.peer[DUO_CLIENT], id), OK);
    lose_from_client = 1;
    duo_run(&d, 1000000);
    EXPECT_EQ(d.seen[DUO_SERVER].count[PEER_EVENT_STREAM], 2);
    EXPECT_EQ(read_all(DUO_SERVER, id, &e), 0);
    EXPECT_EQ(e, ERR_END);
    EXPECT_EQ(peer_stream_finish(d.peer[DUO_SERVER], id), OK);
    duo_run(&d, 1000000);
    (void)read_all(DUO_CLIENT, id, &e);
    EXPECT_EQ(e, ERR_END);
    duo_run(&d, 1000000);
    EXPECT_EQ(d.peer[DUO_CLIENT]->stream_count + d.peer[DUO_SERVER]->stream_count, 0);
    duo_end(&d);
}

/* A reader may be between peek and consume when the other's reset comes. */
static void consuming_after_a_reset_is_harmless(void)
{
    struct bytes data;
    uint64_t code;

    begin(0, 0);
    uint64_t id = write_some(1000);
    duo_run(&d, 100000);
    EXPECT_EQ(peer_stream_peek(d.peer[DUO_SERVER], id, &data, &code), OK);
    peer_stream_reset(d.peer[DUO_CLIENT], id, 1);
    duo_run(&d, 100000);
    peer_stream_consume(d.peer[DUO_SERVER], id, data.n);
    EXPECT_EQ(d.peer[DUO_SERVER]->data_consumed, 1000);
    EXPECT_EQ(peer_stream_peek(d.peer[DUO_SERVER], id, &data, &code), ERR_REFUSED);
    duo_end(&d);
}

/* A frame without bytes may name an offset far beyond what the ring has room for. */
static void a_far_offset_without_bytes_is_no_byte(void)
{
    static uint8_t bytes[9000];
    struct frame empty = {.type = FRAME_STREAM, .offset = 5000};
    struct frame first = {.type = FRAME_STREAM, .data = bytes_of(bytes, 3)};
    struct frame rest = {
        .type = FRAME_STREAM, .offset = 3, .data = bytes_of(bytes + 3, sizeof bytes - 3)};
    struct stream s;
    struct bytes data;
    uint64_t fresh, code, n = 0;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31 >> 3);
    stream_init(&s, 0, 1 << 16, 1 << 16, 1 << 16);
    EXPECT_EQ(stream_receive(&s, &empty, &fresh), OK);
    EXPECT_EQ(fresh, 5000);
    EXPECT_EQ(stream_peek(&s, &data, &code), ERR_AGAIN);
    EXPECT_EQ(stream_receive(&s, &first, &fresh), OK);
    EXPECT_EQ(fresh, 0);
    empty.offset = 20000;
    EXPECT_EQ(stream_receive(&s, &empty, &fresh), OK);
    EXPECT_EQ(stream_receive(&s, &rest, &fresh), OK);
    while (stream_peek(&s, &data, &code) == OK) {
        EXPECT(memcmp(data.p, bytes + n, data.n) == 0);
        n += data.n;
        stream_consume(&s, data.n);
    }
    EXPECT_EQ(n, sizeof bytes);
    stream_release(&s);
}

static void unsent_is_what_has_not_left(void)
{
    uint64_t id;

    begin(0, 0);
    EXPECT_EQ(peer_stream_unsent(d.peer[DUO_CLIENT], 0), 0);
    id = write_some(700000);
    EXPECT_EQ(peer_stream_unsent(d.peer[DUO_CLIENT], id), 700000);
    lose_from_client = 1;
    duo_run(&d, 25000);
    uint64_t unsent = peer_stream_unsent(d.peer[DUO_CLIENT], id);
    EXPECT(unsent > 0 && unsent < 700000);
    EXPECT(unsent < peer_stream_pending(d.peer[DUO_CLIENT], id));
    duo_run(&d, 3000000);
    EXPECT_EQ(peer_stream_unsent(d.peer[DUO_CLIENT], id), 0);
    duo_end(&d);
}

TEST_MAIN({"a_far_offset_without_bytes_is_no_byte", a_far_offset_without_bytes_is_no_byte},
          {"reset_streams_give_their_window_back", reset_streams_give_their_window_back},
          {"bytes_after_a_reset_are_counted", bytes_after_a_reset_are_counted},
          {"a_lost_reset_is_said_again", a_lost_reset_is_said_again},
          {"a_lost_end_is_said_again", a_lost_end_is_said_again},
          {"consuming_after_a_reset_is_harmless", consuming_after_a_reset_is_harmless},
          {"unsent is what has not left", unsent_is_what_has_not_left})
