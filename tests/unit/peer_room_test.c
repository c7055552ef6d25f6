/* How much more an owner should make: what is less urgent gives way and takes no room. */
#include "core/base/num.h"
#include "tests/unit/duo.h"
#include "tests/unit/test.h"

enum { HORIZON_US = 10000, MUCH = 200000 };

static struct duo d;

static bool lost(struct duo *duo, enum duo_side from, const struct addr *to, struct duo_datagram *g)
{
    (void)duo, (void)from, (void)to, (void)g;
    return false;
}

static uint64_t room(enum peer_class class)
{
    return peer_room(d.peer[DUO_CLIENT], d.now_us, HORIZON_US, class);
}

static void post(enum peer_class class, size_t n)
{
    static const uint8_t data[LIMIT_MESSAGE_BYTES];
    struct peer_message m = {.class = class};

    for (size_t some; n; n -= some) {
        m.data = bytes_of(data, some = num_min(n, 8000));
        EXPECT_EQ(peer_message_send(d.peer[DUO_CLIENT], &m, NULL), OK);
    }
}

static void write_bulk(void)
{
    static const uint8_t data[MUCH];
    uint64_t id;
    size_t taken;

    EXPECT_EQ(peer_stream_open(d.peer[DUO_CLIENT], PEER_BULK, false, &id), OK);
    EXPECT_EQ(peer_stream_write(d.peer[DUO_CLIENT], id, bytes_of(data, MUCH), &taken), OK);
    EXPECT_EQ(taken, MUCH);
}

static void what_is_queued_counts_for_its_class_and_those_behind(void)
{
    duo_begin(&d, NULL, NULL);
    uint64_t free = room(PEER_TEXT);
    EXPECT(free > 0 && room(PEER_BULK) == free);
    post(PEER_REFINE, MUCH);
    EXPECT_EQ(room(PEER_TEXT), free);
    EXPECT_EQ(room(PEER_REFINE), 0);
    EXPECT_EQ(room(PEER_BULK), 0);
    post(PEER_TEXT, 100);
    EXPECT_EQ(room(PEER_TEXT), free - 100);
    EXPECT_EQ(room(PEER_CURSOR), free);
    duo_end(&d);
}

/* Nothing is acknowledged any more, so that the window stays full. */
static void a_window_full_of_what_is_less_urgent_is_not_waited_for(void)
{
    struct peer_path path;

    duo_begin(&d, NULL, NULL);
    d.see = lost;
    write_bulk();
    duo_run(&d, 20000);
    peer_path(d.peer[DUO_CLIENT], d.now_us, &path);
    EXPECT(path.in_flight_bytes + 1200 > path.window_bytes);
    EXPECT_EQ(room(PEER_BULK), num_sub0(path.window_bytes, path.in_flight_bytes));
    EXPECT(room(PEER_TEXT) > 4800);
    duo_end(&d);
}

static void a_window_full_of_its_own_is_waited_for(void)
{
    struct peer_path path;

    duo_begin(&d, NULL, NULL);
    d.see = lost;
    post(PEER_TEXT, MUCH);
    duo_run(&d, 20000);
    peer_path(d.peer[DUO_CLIENT], d.now_us, &path);
    EXPECT(path.in_flight_bytes + 1200 > path.window_bytes);
    EXPECT_EQ(room(PEER_TEXT), 0);
    EXPECT(room(PEER_CURSOR) > 4800);
    duo_end(&d);
}

/* What was in flight leaves its class when it has arrived. */
static void what_has_arrived_takes_no_room(void)
{
    duo_begin(&d, NULL, NULL);
    write_bulk();
    post(PEER_TEXT, 30000);
    duo_run(&d, 1000000);
    struct recovery *r = &d.peer[DUO_CLIENT]->recovery;
    EXPECT_EQ(recovery_urgent_bytes(r, PEER_BULK), 0);
    EXPECT_EQ(r->in_flight_bytes, 0);
    duo_end(&d);
}

/* At 4,000 bytes/s the second packet would have to wait 300 ms; the acknowledgement of the first
 * says that the path takes more. */
static void what_was_paced_slowly_is_not_waited_for_once_the_path_is_known(void)
{
    duo_begin(&d, NULL, NULL);
    d.peer[DUO_CLIENT]->model.head.pacing_bytes_s = 4000;
    post(PEER_TEXT, 1000);
    duo_run(&d, 1000);
    post(PEER_TEXT, 1000);
    duo_run(&d, 60000);
    EXPECT_EQ(d.seen[DUO_SERVER].message_bytes, 2000);
    duo_end(&d);
}

TEST_MAIN({"what_is_queued_counts_for_its_class_and_those_behind",
           what_is_queued_counts_for_its_class_and_those_behind},
          {"a_window_full_of_what_is_less_urgent_is_not_waited_for",
           a_window_full_of_what_is_less_urgent_is_not_waited_for},
          {"a_window_full_of_its_own_is_waited_for", a_window_full_of_its_own_is_waited_for},
          {"what_has_arrived_takes_no_room", what_has_arrived_takes_no_room},
          {"what_was_paced_slowly_is_not_waited_for_once_the_path_is_known",
           what_was_paced_slowly_is_not_waited_for_once_the_path_is_known})
