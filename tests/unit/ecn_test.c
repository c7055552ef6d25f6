#include "core/peer/ecn.h"
#include "tests/unit/test.h"

/* An end, and what the other has seen of its marks. */
static struct ecn e;
static uint64_t now_us, ect0, ce, number;

static void begin(void)
{
    now_us = 5000;
    ect0 = ce = 0;
    number = 20;
    ecn_init(&e, now_us);
}

static uint64_t report(void)
{
    return ecn_report(&e, ect0, ce);
}

/* A trial goes through; `seen`: as what. */
static void pass_trial(uint64_t *seen)
{
    EXPECT(ecn_wanted(&e, now_us));
    ecn_tried(&e, number);
    EXPECT(!ecn_wanted(&e, now_us));
    if (seen)
        ++*seen;
    ecn_trial_fate(&e, now_us, number++, true);
    EXPECT_EQ(e.state, ECN_TESTING);
    EXPECT(!ecn_wanted(&e, now_us + 1000000));
    report();
}

/* Another marked packet goes through. */
static void pass_packet(uint64_t *seen)
{
    ecn_sent(&e);
    if (seen)
        ++*seen;
    ecn_fate(&e, now_us, number++, true);
}

static void a_good_path_is_used(void)
{
    begin();
    pass_trial(&ect0);
    EXPECT_EQ(e.state, ECN_ON);
    EXPECT(ecn_deadline_us(&e) == UINT64_MAX);
    for (int i = 0; i < 100; i++)
        pass_packet(i % 10 ? &ect0 : &ce);
    EXPECT_EQ(report(), 10);
    EXPECT_EQ(report(), 0);
    EXPECT_EQ(e.state, ECN_ON);
}

static void a_first_mark_counts(void)
{
    begin();
    ecn_tried(&e, number);
    ce++;
    ecn_trial_fate(&e, now_us, number++, true);
    EXPECT_EQ(report(), 1);
    EXPECT_EQ(e.state, ECN_ON);
}

static void cleared_marks_end_it(void)
{
    begin();
    pass_trial(NULL);
    EXPECT_EQ(e.state, ECN_OFF);
    EXPECT(ecn_deadline_us(&e) == UINT64_MAX);
    begin();
    pass_trial(&ect0);
    pass_packet(&ect0);
    pass_packet(NULL);
    EXPECT_EQ(report(), 0);
    EXPECT_EQ(e.state, ECN_OFF);
}

static void counts_that_cannot_be_end_it(void)
{
    begin();
    pass_trial(&ect0);
    ect0 += 5; /* more than were ever marked */
    EXPECT_EQ(report(), 0);
    EXPECT_EQ(e.state, ECN_OFF);
    begin();
    pass_trial(&ect0);
    pass_packet(&ce);
    EXPECT_EQ(report(), 1);
    ce--; /* less than before */
    ect0++;
    EXPECT_EQ(report(), 0);
    EXPECT_EQ(e.state, ECN_OFF);
    EXPECT_EQ(ecn_report(&e, ect0, ce + 100), 0);
}

static void what_is_on_its_way_is_no_proof(void)
{
    begin();
    pass_trial(&ect0);
    /* The other has more than its ACKs have told of. */
    for (int i = 0; i < 10; i++)
        ecn_sent(&e);
    ect0 += 10;
    EXPECT_EQ(report(), 0);
    EXPECT_EQ(e.state, ECN_ON);
}

static void swallowed_trials_end_it(void)
{
    begin();
    for (int i = 0; i < ECN_TRIES; i++) {
        EXPECT_EQ(e.state, ECN_TESTING);
        EXPECT(ecn_wanted(&e, now_us));
        ecn_tried(&e, number);
        ecn_trial_fate(&e, now_us, number++, false);
        report();
        EXPECT(!ecn_wanted(&e, now_us));
        now_us += ECN_RETRY_US;
    }
    EXPECT_EQ(e.state, ECN_OFF);
    EXPECT(!ecn_wanted(&e, now_us));
}

static void packets_that_vanish_are_a_reason_to_try(void)
{
    begin();
    pass_trial(&ect0);
    for (int i = 0; i < ECN_MISSED; i++) {
        EXPECT_EQ(e.state, ECN_ON);
        ecn_sent(&e);
        ecn_fate(&e, now_us, number++, false);
    }
    EXPECT_EQ(e.state, ECN_TESTING);
    EXPECT(ecn_wanted(&e, now_us));
    /* More news of the same. */
    ecn_tried(&e, number++);
    for (int i = 0; i < 10; i++)
        ecn_fate(&e, now_us, number - 2, false);
    EXPECT(!ecn_wanted(&e, now_us) && e.in_flight);
    ect0++;
    ecn_trial_fate(&e, now_us, number - 1, true);
    report();
    EXPECT_EQ(e.state, ECN_ON);
}

static void usual_loss_is_none(void)
{
    begin();
    pass_trial(&ect0);
    pass_packet(&ect0);
    /* They were lost before something that has come. */
    for (uint64_t n = 0; n < 10; n++)
        ecn_fate(&e, now_us, n, false);
    for (int i = 0; i < 20; i++) {
        ecn_fate(&e, now_us, number++, false);
        pass_packet(&ect0);
    }
    report();
    EXPECT_EQ(e.state, ECN_ON);
}

static void another_path_begins_anew(void)
{
    begin();
    pass_trial(&ect0);
    uint64_t old = number;
    for (int i = 0; i < 10; i++)
        ecn_sent(&e);
    number += 10;
    ecn_restart(&e, now_us, number);
    EXPECT_EQ(e.state, ECN_TESTING);
    /* What left on the old path, and was cleared there, is no witness against this one. */
    for (uint64_t n = old; n < old + 10; n++)
        ecn_fate(&e, now_us, n, true);
    pass_trial(&ect0);
    EXPECT_EQ(e.state, ECN_ON);
    pass_packet(NULL);
    report();
    EXPECT_EQ(e.state, ECN_OFF);
    ecn_restart(&e, now_us, number);
    pass_trial(&ect0);
    EXPECT_EQ(e.state, ECN_ON);
}

TEST_MAIN({"a_good_path_is_used", a_good_path_is_used},
          {"a_first_mark_counts", a_first_mark_counts},
          {"cleared_marks_end_it", cleared_marks_end_it},
          {"counts_that_cannot_be_end_it", counts_that_cannot_be_end_it},
          {"what_is_on_its_way_is_no_proof", what_is_on_its_way_is_no_proof},
          {"swallowed_trials_end_it", swallowed_trials_end_it},
          {"packets_that_vanish_are_a_reason_to_try", packets_that_vanish_are_a_reason_to_try},
          {"usual_loss_is_none", usual_loss_is_none},
          {"another_path_begins_anew", another_path_begins_anew})
