/* Messages in pieces: what is over stays over, ids wrap their slots, nothing grows for ever. */
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/peer/mail.h"
#include "tests/unit/test.h"

static struct mail_out *out;
static struct mail_in *in;
static uint64_t acked, gone;

static void ended(void *context, uint64_t tag, bool was_acked)
{
    (void)context, (void)tag;
    acked += was_acked;
    gone += !was_acked;
}

static void setup(void)
{
    out = heap_alloc(sizeof *out);
    in = heap_alloc(sizeof *in);
    mail_out_init(out, ended, NULL);
    acked = gone = 0;
}

static void teardown(void)
{
    mail_out_release(out);
    mail_in_release(in);
    heap_free(out);
    heap_free(in);
}

static enum err send(enum peer_class class, uint64_t key, size_t n, uint64_t *id)
{
    static const uint8_t data[LIMIT_MESSAGE_BYTES + 1];
    struct peer_message m = {
        .class = class, .supersedes = key, .tag = 1, .data = bytes_of(data, n)};

    return mail_send(out, &m, false, id);
}

static struct frame piece(uint64_t id, uint64_t total, uint64_t offset, size_t n)
{
    static const uint8_t data[LIMIT_DATAGRAM_BYTES];

    return (struct frame){.type = FRAME_MESSAGE,
                          .id = id,
                          .total = total,
                          .offset = offset,
                          .data = bytes_of(data, n)};
}

/* Takes a piece in; 1: the message is whole, 0: not, -1: refused. */
static int take(uint64_t id, uint64_t total, uint64_t offset, size_t n)
{
    struct frame f = piece(id, total, offset, n);
    struct mail_parcel *whole;
    enum err e = mail_receive(in, &f, &whole);
    int got = e ? -1 : whole != NULL;

    mail_in_free(in, e ? NULL : whole);
    return got;
}

static void a_message_comes_once(void)
{
    setup();
    EXPECT_EQ(take(5, 600, 300, 300), 0);
    EXPECT_EQ(take(5, 600, 300, 300), 0);
    EXPECT_EQ(take(5, 600, 0, 300), 1);
    EXPECT_EQ(take(5, 600, 0, 300), 0);
    EXPECT_EQ(take(5, 600, 300, 300), 0);
    EXPECT_EQ(take(7, 0, 0, 0), 1);
    EXPECT_EQ(take(7, 0, 0, 0), 0);
    EXPECT_EQ(take(6, 0, 0, 0), 1);
    EXPECT_EQ(in->held_bytes, 0);
    teardown();
}

static void contradictions_are_malformed(void)
{
    setup();
    EXPECT_EQ(take(1, 600, 0, 300), 0);
    struct frame longer = piece(1, 700, 300, 300), other = piece(1, 600, 300, 300);
    struct mail_parcel *whole;
    EXPECT_EQ(mail_receive(in, &longer, &whole), ERR_MALFORMED);
    other.channel = 9;
    EXPECT_EQ(mail_receive(in, &other, &whole), ERR_MALFORMED);
    teardown();
}

static void ids_that_lost_their_slot_are_over(void)
{
    setup();
    EXPECT_EQ(take(3, 600, 0, 300), 0);
    EXPECT_EQ(take(LIMIT_MESSAGES + 2, 1, 0, 1), 1);
    EXPECT_EQ(take(3, 600, 300, 300), 1); /* its slot is still its own */
    EXPECT_EQ(take(4, 600, 0, 300), 0);
    EXPECT_EQ(take(LIMIT_MESSAGES + 4, 600, 0, 300), 0);
    EXPECT_EQ(in->held_bytes, 600);
    EXPECT_EQ(take(4, 600, 300, 300), 0); /* too late */
    EXPECT_EQ(in->held_bytes, 600);
    /* A jump over all slots ends all of them. */
    EXPECT_EQ(take(10ull * LIMIT_MESSAGES, 600, 0, 300), 0);
    EXPECT_EQ(in->held_bytes, 600);
    EXPECT_EQ(take(9ull * LIMIT_MESSAGES, 1, 0, 1), 0);
    EXPECT_EQ(take(9ull * LIMIT_MESSAGES + 1, 1, 0, 1), 1);
    teardown();
}

static void dropped_messages_are_forgotten(void)
{
    setup();
    for (uint64_t id = 0; id < 10; id++)
        EXPECT_EQ(take(id, 600, 0, 300), 0);
    mail_receive_drop(in, &(struct mail_drop){2, 5});
    EXPECT_EQ(in->held_bytes, 5 * 600);
    EXPECT_EQ(take(4, 600, 300, 300), 0);
    EXPECT_EQ(take(4, 600, 0, 300), 0);
    EXPECT_EQ(in->held_bytes, 5 * 600);
    EXPECT_EQ(take(1, 600, 300, 300), 1);
    EXPECT_EQ(take(7, 600, 300, 300), 1);
    /* More than there can be, and before anything of them has come. */
    mail_receive_drop(in, &(struct mail_drop){0, 1ull << 62});
    EXPECT_EQ(in->held_bytes, 0);
    EXPECT_EQ(take((1ull << 62) - 1, 1, 0, 1), 0);
    teardown();
}

static void what_is_kept_for_the_other_is_bounded(void)
{
    setup();
    uint64_t id = 0;
    while (id < 2 * LIMIT_MESSAGES && take(id, LIMIT_MESSAGE_BYTES, 0, 1000) == 0)
        id++;
    EXPECT(id >= 32 && id <= 64);
    /* Refused, not forgotten: it comes when there is room. */
    EXPECT_EQ(take(id, LIMIT_MESSAGE_BYTES, 0, 1000), -1);
    mail_receive_drop(in, &(struct mail_drop){0, 1});
    EXPECT_EQ(take(id, LIMIT_MESSAGE_BYTES, 0, 1000), 0);
    mail_receive_drop(in, &(struct mail_drop){0, id + 1});
    /* Crumbs need more room than their bytes: few are taken. */
    uint64_t crumbs = 0;
    while (crumbs < 10000 && take(id + 1, 10000, 2 * crumbs, 1) == 0)
        crumbs++;
    EXPECT(crumbs < 60);
    teardown();
}

static void drops_are_told_of_what_was_begun_only(void)
{
    struct mail_drop drop;
    struct frame f;
    uint64_t id;

    setup();
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(send(PEER_TEXT, 0, 600, NULL), OK);
    for (int i = 0; i < 3; i++)
        EXPECT(mail_take(out, PEER_TEXT, 400, &f));
    EXPECT_EQ(f.id, 1);
    for (id = 0; id < 5; id++)
        mail_cancel(out, id);
    /* Of 0 all has left, so it may yet arrive; of 1 a part; of the others nothing. */
    EXPECT(mail_take_drop(out, &drop));
    EXPECT(drop.first == 1 && drop.count == 1);
    EXPECT(!mail_take_drop(out, &drop));
    EXPECT_EQ(mail_lost(out, 0, 0, 100, true), OK);
    EXPECT(mail_take_drop(out, &drop) && drop.first == 0);
    EXPECT(!mail_take(out, PEER_TEXT, 400, &f));
    EXPECT_EQ(mail_queued_bytes(out, PEER_BULK), 0);
    EXPECT_EQ(out->held_bytes, 0);
    teardown();
}

static void neighbours_are_dropped_together(void)
{
    struct mail_drop drop;

    setup();
    for (uint64_t id = 10; id < 20; id++)
        mail_again_drop(out, &(struct mail_drop){id, 1});
    mail_again_drop(out, &(struct mail_drop){30, 3});
    mail_again_drop(out, &(struct mail_drop){33, 2});
    EXPECT(mail_take_drop(out, &drop) && drop.first == 10 && drop.count == 10);
    EXPECT(mail_take_drop(out, &drop) && drop.first == 30 && drop.count == 5);
    EXPECT(!mail_take_drop(out, &drop));
    /* The ring overflows: the oldest are forgotten, the newest are told. */
    for (uint64_t id = 0; id < 3 * LIMIT_MESSAGES; id++)
        mail_again_drop(out, &(struct mail_drop){2 * id, 1});
    uint64_t told = 0, last = 0;
    for (; mail_take_drop(out, &drop); told++)
        last = drop.first;
    EXPECT_EQ(told, LIMIT_MESSAGES);
    EXPECT_EQ(last, 2 * (3 * LIMIT_MESSAGES - 1));
    teardown();
}

static void the_queue_is_bounded(void)
{
    setup();
    uint64_t n = 0;
    while (send(PEER_BULK, 0, LIMIT_MESSAGE_BYTES, NULL) == OK)
        n++;
    EXPECT_EQ(n, 256); /* 64 MiB */
    EXPECT_EQ(send(PEER_BULK, 0, LIMIT_MESSAGE_BYTES + 1, NULL), ERR_LIMIT);
    EXPECT_EQ(send(PEER_BULK, 0, 0, NULL), OK);
    teardown();
    setup();
    for (n = 0; send(PEER_BULK, 0, 1, NULL) == OK;)
        n++;
    EXPECT_EQ(n, LIMIT_MESSAGES);
    teardown();
}

static void every_deadline_is_kept(void)
{
    setup();
    for (uint64_t i = 0; i < 4; i++) {
        struct peer_message m = {
            .class = PEER_TEXT, .tag = 1, .deadline_us = i ? 1000 * (5 - i) : 0};
        EXPECT_EQ(mail_send(out, &m, false, NULL), OK);
    }
    EXPECT_EQ(mail_expire(out, 1999), 2000);
    EXPECT_EQ(gone, 0);
    EXPECT_EQ(mail_expire(out, 2000), 3000);
    EXPECT_EQ(gone, 1);
    EXPECT_EQ(mail_expire(out, 3500), 4000);
    EXPECT_EQ(mail_expire(out, 4000), UINT64_MAX);
    EXPECT_EQ(gone, 3);
    teardown();
}

static void superseded_ones_give_way(void)
{
    struct frame f;

    setup();
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(send(PEER_TEXT, 4, 600, NULL), OK);
    EXPECT_EQ(gone, 2);
    EXPECT(mail_take(out, PEER_TEXT, 1000, &f));
    EXPECT_EQ(f.id, 2);
    EXPECT_EQ(f.total, f.data.n);
    /* All of it is in flight: a newer one waits for its fate. */
    EXPECT_EQ(send(PEER_TEXT, 4, 600, NULL), OK);
    EXPECT_EQ(gone, 2);
    EXPECT_EQ(mail_acked(out, 2, 0, 600), OK);
    EXPECT_EQ(acked, 1);
    teardown();
}

TEST_MAIN({"a_message_comes_once", a_message_comes_once},
          {"contradictions_are_malformed", contradictions_are_malformed},
          {"ids_that_lost_their_slot_are_over", ids_that_lost_their_slot_are_over},
          {"dropped_messages_are_forgotten", dropped_messages_are_forgotten},
          {"what_is_kept_for_the_other_is_bounded", what_is_kept_for_the_other_is_bounded},
          {"drops_are_told_of_what_was_begun_only", drops_are_told_of_what_was_begun_only},
          {"neighbours_are_dropped_together", neighbours_are_dropped_together},
          {"the_queue_is_bounded", the_queue_is_bounded},
          {"every_deadline_is_kept", every_deadline_is_kept},
          {"superseded_ones_give_way", superseded_ones_give_way})
