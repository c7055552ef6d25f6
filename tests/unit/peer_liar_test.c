/* An authentic peer that lies about what came, when, and how marked: the sender keeps its bounds,
 * and believes the truth again when it is told. */
#include <string.h>

#include "core/base/num.h"
#include "tests/unit/duo.h"
#include "tests/unit/test.h"

enum {
    STEP_US = 10000,
    LOOK_US = 1000,
    GRANT_BYTES = 20000,
    WAY_US = 5000,
    STEPS = 200,
    FORGET_STEPS = 2200
};

static struct duo d;
static struct rng rng;
static uint64_t stream, granted, ect0, ce, arrived_us;

static struct peer *server(void)
{
    return d.peer[DUO_SERVER];
}

/* One ACK of all that was sent. */
static struct frame truth(void)
{
    struct frame f = {.type = FRAME_ACK,
                      .ack = {.arrival_us = (uint32_t)arrived_us,
                              .delay_us = d.now_us - arrived_us,
                              .ect0 = ect0,
                              .ce = ce}};

    duo_put_all(&d, &f);
    return f;
}

static void late_and_early(struct frame *f)
{
    f->ack.arrival_us = (uint32_t)rng_u64(&rng);
}

static void ever_later(struct frame *f)
{
    f->ack.arrival_us += (uint32_t)(d.now_us / 2);
}

static void ever_earlier(struct frame *f)
{
    f->ack.arrival_us -= (uint32_t)(d.now_us / 2);
}

static void held_back(struct frame *f)
{
    f->ack.delay_us = (1ull << 61) - 1;
}

static void all_marked(struct frame *f)
{
    f->ack.ce = ce += f->ack.range[0].last;
}

static void marks_without_end(struct frame *f)
{
    f->ack.ect0 = f->ack.ce = (1ull << 61) - 1;
}

static void marks_that_fall(struct frame *f)
{
    f->ack.ect0 = f->ack.ce = rng_below(&rng, 100);
}

/* The newest alone has come: all else seems lost. */
static void all_lost(struct frame *f)
{
    f->ack.range[0].first = f->ack.range[0].last;
    f->ack.count = 1;
}

/* A part of what was sent, another one each time. */
static void torn(struct frame *f)
{
    uint64_t at = f->ack.range[0].last, n = 0;
    struct frame one = {.ack = {.count = 1}};

    while (n < LIMIT_ACK_RANGES && at > 8) {
        uint64_t length = rng_below(&rng, 3);
        one.ack.range[0] = (struct frame_range){at - length, at};
        if (!skipped_told(&server()->recovery.skipped, &one))
            f->ack.range[n++] = one.ack.range[0];
        at -= length + 2 + rng_below(&rng, 3);
    }
    f->ack.count = (uint32_t)n;
}

/* A step, and when in it the newest datagram came. */
static void wait_and_see(void)
{
    for (int i = 0; i < STEP_US / LOOK_US; i++) {
        uint64_t before = d.out_count;
        duo_wait(&d, LOOK_US);
        if (d.out_count != before)
            arrived_us = d.now_us;
    }
}

/* Lets the server send for so many steps while it may have GRANT_BYTES more at each, and tells what
 * came as `lie` has it; gives the datagrams sent. */
static uint64_t pass(unsigned steps, void (*lie)(struct frame *f))
{
    static const uint8_t zeros[GRANT_BYTES];
    uint64_t before = d.out_count;

    for (unsigned i = 0; i < steps && !peer_closed(server()); i++) {
        size_t taken;
        granted += GRANT_BYTES;
        duo_say_frame(&d, &(struct frame){.type = FRAME_MAX_DATA, .value = granted});
        duo_say_frame(
            &d, &(struct frame){.type = FRAME_MAX_STREAM_DATA, .id = stream, .value = granted});
        if (peer_stream_write(server(), stream, bytes_of(zeros, sizeof zeros), &taken))
            test_fail(__FILE__, __LINE__, "peer_stream_write");
        wait_and_see();
        struct frame f = truth();
        if (lie)
            lie(&f);
        /* What was sent in this moment has not come and gone yet. */
        duo_wait(&d, WAY_US);
        f.ack.delay_us += WAY_US;
        duo_say_frame(&d, &f);
    }
    return d.out_count - before;
}

/* As if nothing was left out and all had come. */
static void all_come(struct frame *f)
{
    f->ack.range[0].first = 0;
    f->ack.count = 1;
}

static void begin_with(const struct peer_config *config)
{
    duo_begin(&d, NULL, config);
    duo_puppet(&d);
    rng_seed(&rng, 11);
    ect0 = ce = 0;
    if (peer_stream_open(server(), PEER_BULK, false, &stream))
        test_fail(__FILE__, __LINE__, "peer_stream_open");
    granted = 16 << 20;
}

static void begin(void)
{
    begin_with(NULL);
}

/* The sender goes on whatever it hears, never beyond what the receiver grants (and what it takes
 * for lost, once more), and as fast as before when it has heard
 * the truth for as long as it remembers the shortest way, two times ten seconds. */
static void lie_and_repent(const char *name, void (*lie)(struct frame *f))
{
    begin();
    uint64_t honest = pass(STEPS, NULL), lied = pass(STEPS, lie);
    if (peer_closed(server()) || lied < honest / 100 || lied > 3 * honest)
        test_fail(__FILE__, __LINE__, name);
    pass(FORGET_STEPS, NULL);
    uint64_t after = pass(STEPS, NULL);
    if (peer_closed(server()) || after < honest / 2)
        test_fail_values(__FILE__, __LINE__, name, (long long)after, (long long)honest);
    duo_end(&d);
}

static void times_of_arrival_may_be_anything(void)
{
    lie_and_repent("late_and_early", late_and_early);
    lie_and_repent("ever_later", ever_later);
    lie_and_repent("ever_earlier", ever_earlier);
    lie_and_repent("held_back", held_back);
}

static void marks_may_be_anything(void)
{
    lie_and_repent("all_marked", all_marked);
    lie_and_repent("marks_without_end", marks_without_end);
    lie_and_repent("marks_that_fall", marks_that_fall);
}

static void what_came_may_be_anything(void)
{
    lie_and_repent("all_lost", all_lost);
    lie_and_repent("torn", torn);
}

/* Who acknowledges what has not come yet must guess how far the sender is. */
static void one_guess_too_far_is_the_end(void)
{
    begin();
    pass(STEPS / 10, NULL);
    struct frame f = truth();
    f.ack.range[0].last++;
    duo_say_frame(&d, &f);
    EXPECT(peer_closed(server()));
    duo_end(&d);
}

/* ... and not stumble over a number that nobody has: 1,000 packets in the mean. */
static void what_was_left_out_cannot_come(void)
{
    const struct peer_config with_all = {.without_skips = true};

    begin();
    pass(STEPS, all_come);
    EXPECT(peer_closed(server()));
    EXPECT_EQ(server()->recovery.skipped.count, 1);
    const struct peer_event *e = &d.seen[DUO_SERVER].last[PEER_EVENT_CLOSED];
    EXPECT(e->error == ERR_MALFORMED);
    EXPECT(strstr(server()->close_reason, "never sent"));
    duo_end(&d);
    begin_with(&with_all);
    pass(STEPS, all_come);
    EXPECT(!peer_closed(server()));
    duo_end(&d);
}

TEST_MAIN({"times_of_arrival_may_be_anything", times_of_arrival_may_be_anything},
          {"marks_may_be_anything", marks_may_be_anything},
          {"what_came_may_be_anything", what_came_may_be_anything},
          {"one_guess_too_far_is_the_end", one_guess_too_far_is_the_end},
          {"what_was_left_out_cannot_come", what_was_left_out_cannot_come})
