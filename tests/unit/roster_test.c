/* A listener's table of sessions: what is found, and what gives way when it is full. */
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/peer/roster.h"
#include "tests/unit/test.h"

static struct {
    struct roster r;
    struct rng rng;
} w;

static void begin(void)
{
    memset(&w, 0, sizeof w);
    rng_seed(&w.rng, 7);
}

/* Adds a session with these numbers: its connection id, the beginning of its message 1. */
static struct roster_entry *add(uint64_t cid, uint64_t message, uint64_t now_us)
{
    struct roster_entry *e = heap_alloc(sizeof *e);

    e->peer = session_new(NULL, &w.rng, false, now_us);
    num_put_le(e->peer->own_cid, PACKET_CID_BYTES, cid);
    num_put_le(e->ephemeral, 8, message);
    e->created_us = now_us;
    roster_add(&w.r, e);
    return e;
}

static struct roster_entry *find(uint64_t cid)
{
    uint8_t bytes[PACKET_CID_BYTES];

    num_put_le(bytes, sizeof bytes, cid);
    return roster_find(&w.r, bytes);
}

static void confirm(struct roster_entry *e)
{
    e->peer->confirmed = true;
    roster_confirm(&w.r, e);
}

/* Makes a session one that roster_sweep frees. */
static void give_back(struct roster_entry *e)
{
    e->dropped = true;
    e->peer->state = SESSION_CLOSED;
}

/* Connection ids that all want the same few places, at the end of the table and around it; whoever
 * goes, the others are found. */
static void neighbours_are_found_when_one_goes(void)
{
    enum { COUNT = 24, FIRST = ROSTER_CID_SLOTS - 8 };
    struct roster_entry *e[COUNT];

    for (size_t gone = 0; gone < COUNT; gone++) {
        begin();
        for (size_t i = 0; i < COUNT; i++) {
            e[i] = add(FIRST + i % 5 * 3 + (i + 1) * ROSTER_CID_SLOTS, i, 0);
            confirm(e[i]);
        }
        uint64_t cid = num_get_le(e[gone]->peer->own_cid, PACKET_CID_BYTES);
        give_back(e[gone]);
        roster_sweep(&w.r, 0);
        EXPECT_EQ(w.r.count, COUNT - 1);
        EXPECT(find(cid) == NULL);
        for (size_t i = 0; i < COUNT; i++)
            if (i != gone)
                EXPECT(find(num_get_le(e[i]->peer->own_cid, PACKET_CID_BYTES)) == e[i]);
        roster_release(&w.r);
    }
}

static void a_message_is_found_by_all_of_its_key(void)
{
    uint8_t key[KEY_BYTES] = {0};

    begin();
    struct roster_entry *e[] = {add(1, 5, 0), add(2, 5, 0), add(3, 6, 0)};
    e[1]->ephemeral[KEY_BYTES - 1] = 1;
    num_put_le(key, 8, 5);
    EXPECT(roster_find_message(&w.r, key) == e[0]);
    key[KEY_BYTES - 1] = 1;
    EXPECT(roster_find_message(&w.r, key) == e[1]);
    key[KEY_BYTES - 1] = 2;
    EXPECT(roster_find_message(&w.r, key) == NULL);
    /* Also when another has taken the place of one that went. */
    confirm(e[0]);
    give_back(e[0]);
    roster_sweep(&w.r, 0);
    memset(key, 0, sizeof key);
    num_put_le(key, 8, 6);
    EXPECT(roster_find_message(&w.r, key) == e[2]);
    roster_release(&w.r);
}

static void the_oldest_half_open_one_gives_way(void)
{
    begin();
    struct roster_entry *proven = add(1, 1, 0);
    confirm(proven);
    for (uint64_t i = 0; i < LIMIT_HALF_OPEN; i++) {
        roster_make_room(&w.r);
        EXPECT_EQ(w.r.half_open, i);
        add(100 + i, i, i == 7 ? 500 : 1000 + i);
    }
    roster_make_room(&w.r);
    EXPECT_EQ(w.r.half_open, LIMIT_HALF_OPEN - 1);
    EXPECT(find(107) == NULL && find(106) && find(1) == proven);
    roster_release(&w.r);
}

static void who_does_not_prove_himself_is_forgotten(void)
{
    begin();
    struct roster_entry *e[] = {add(1, 1, 0), add(2, 2, 1)};
    confirm(e[1]);
    roster_sweep(&w.r, ROSTER_HALF_OPEN_US - 1);
    EXPECT(find(1) == e[0] && w.r.half_open == 1);
    roster_sweep(&w.r, ROSTER_HALF_OPEN_US);
    EXPECT(find(1) == NULL && w.r.half_open == 0);
    roster_sweep(&w.r, 10ull * ROSTER_HALF_OPEN_US);
    EXPECT(find(2) == e[1]);
    /* What the owner has given back goes when nothing is left to be said. */
    e[1]->dropped = true;
    roster_sweep(&w.r, 10ull * ROSTER_HALF_OPEN_US);
    EXPECT(find(2) == e[1]);
    give_back(e[1]);
    roster_sweep(&w.r, 10ull * ROSTER_HALF_OPEN_US);
    EXPECT_EQ(w.r.count, 0);
    roster_release(&w.r);
}

TEST_MAIN({"neighbours_are_found_when_one_goes", neighbours_are_found_when_one_goes},
          {"a_message_is_found_by_all_of_its_key", a_message_is_found_by_all_of_its_key},
          {"the_oldest_half_open_one_gives_way", the_oldest_half_open_one_gives_way},
          {"who_does_not_prove_himself_is_forgotten", who_does_not_prove_himself_is_forgotten})
