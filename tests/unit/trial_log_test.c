/* Figures of a trial from counts and answers that are known. */
#include "core/base/num.h"
#include "core/run/link_figures.h"
#include "core/run/link_plot.h"
#include "core/run/trial_log.h"
#include "tests/unit/test.h"

enum { MS = 1000, S = 1000000 };

static struct trial_log l;

/* Counts every 50 ms: nothing for `idle_us`, then `bps`. */
static void fill(uint64_t begun_us, uint64_t idle_us, uint64_t bps, uint64_t for_us)
{
    if (trial_log_init(&l, for_us)) {
        test_fail(__FILE__, __LINE__, "no memory");
        return;
    }
    l.begun_us = begun_us;
    for (uint64_t t = 50 * MS; t <= for_us; t += 50 * MS)
        trial_log_delivered(&l, begun_us + t, num_sub0(t, idle_us) * (bps / 8) / S);
}

static void rates_are_straight_between_counts(void)
{
    fill(7 * S, 0, 8000000, 5 * S);
    EXPECT_EQ(trial_log_bytes_at(&l, 7 * S), 0);
    EXPECT_EQ(trial_log_bytes_at(&l, 7 * S + 25 * MS), 25000);
    EXPECT_EQ(trial_log_bytes_at(&l, 7 * S + 1234 * MS), 1234000);
    EXPECT_EQ(trial_log_bytes_at(&l, 99 * S), 5000000);
    EXPECT_EQ(trial_log_rate_bps(&l, 7 * S, 12 * S), 8000000);
    EXPECT_EQ(trial_log_rate_bps(&l, 9 * S, 12 * S), 8000000);
    EXPECT_EQ(trial_log_rate_bps(&l, 12 * S, 12 * S), 0);
    EXPECT_EQ(trial_log_rate_bps(&l, 12 * S, 9 * S), 0);
    /* Before the first payload there was nothing. */
    EXPECT_EQ(trial_log_bytes_at(&l, 6 * S), 0);
    trial_log_release(&l);
}

static void counts_that_go_back_are_left_out(void)
{
    EXPECT_EQ(trial_log_init(&l, S), OK);
    trial_log_delivered(&l, 100, 10);
    trial_log_delivered(&l, 100, 20);
    trial_log_delivered(&l, 200, 5);
    trial_log_delivered(&l, 300, 30);
    EXPECT_EQ(l.n, 2);
    EXPECT_EQ(trial_log_bytes_at(&l, 200), 20);
    for (uint64_t t = 400; t < 400 + 2 * l.room; t++)
        trial_log_delivered(&l, t, t);
    EXPECT_EQ(l.n, l.room);
    trial_log_release(&l);
}

static void a_rate_is_held_from_where_its_mean_is_reached(void)
{
    uint64_t us = 99;

    /* Full from 1 s on: the mean of the 500 ms from 950 ms is 9/10. */
    fill(3 * S, 1 * S, 8000000, 5 * S);
    EXPECT(trial_log_held_us(&l, 3 * S, 7200000, 8 * S, &us));
    EXPECT_EQ(us, 950 * MS);
    EXPECT(trial_log_held_us(&l, 3 * S, 8000000, 8 * S, &us));
    EXPECT_EQ(us, 1000 * MS);
    EXPECT(!trial_log_held_us(&l, 3 * S, 8000001, 8 * S, &us));
    /* Not asked for before 6 s, not long enough after 7.8 s, not until 4.4 s. */
    EXPECT(trial_log_held_us(&l, 6 * S, 7200000, 8 * S, &us));
    EXPECT_EQ(us, 0);
    EXPECT(!trial_log_held_us(&l, 7800 * MS, 7200000, 8 * S, &us));
    EXPECT(!trial_log_held_us(&l, 3 * S, 7200000, 4400 * MS, &us));
    trial_log_release(&l);
    EXPECT_EQ(trial_log_init(&l, S), OK);
    EXPECT(!trial_log_held_us(&l, 0, 1, S, &us));
    trial_log_release(&l);
}

/* The other clock is 500 s ahead (or behind); the way there takes 30 ms, back as long or longer. */
static void clocks_are_aligned_by_the_fastest_answer(void)
{
    for (int64_t ahead_us = -500 * (int64_t)S; ahead_us <= 500 * (int64_t)S;
         ahead_us += 1000 * (int64_t)S) {
        EXPECT_EQ(trial_log_init(&l, S), OK);
        for (uint64_t i = 0; i < 5; i++) {
            uint64_t sent = 1000 * S + i * 20 * MS, back = 30 * MS + (i == 3 ? 0 : 10 * MS + i);
            struct trial_ping p = {sent, sent + 30 * MS + (uint64_t)ahead_us};
            trial_log_pong(&l, sent + 30 * MS + back, &p);
        }
        EXPECT_EQ(l.fastest_us, 60 * MS);
        EXPECT_EQ(l.ahead_us, ahead_us);
        EXPECT_EQ(trial_log_here_us(&l, 5 * S + (uint64_t)ahead_us), 5 * S);
        trial_log_arrived(&l, 42 * MS + ahead_us, true);
        trial_log_arrived(&l, 42 * MS - ahead_us, false);
        EXPECT_EQ(l.delay_us.count, 2);
        EXPECT_EQ(l.delay_us.sum, 84 * MS);
        /* What would have come before it left came at once. */
        trial_log_arrived(&l, ahead_us - 5, true);
        EXPECT_EQ(l.delay_us.sum, 84 * MS);
        trial_log_release(&l);
    }
}

static void one_clock_needs_no_alignment(void)
{
    EXPECT_EQ(trial_log_init(&l, S), OK);
    l.one_clock = true;
    trial_log_pong(&l, 160 * MS, &(struct trial_ping){100 * MS, 150 * MS});
    EXPECT_EQ(l.ahead_us, 20 * MS);
    EXPECT_EQ(trial_log_here_us(&l, 777), 777);
    trial_log_arrived(&l, 42 * MS, true);
    EXPECT_EQ(l.delay_us.sum, 42 * MS);
    trial_log_release(&l);
}

static void round_trips_count_while_the_trial_runs(void)
{
    EXPECT_EQ(trial_log_init(&l, S), OK);
    trial_log_pong(&l, 70 * MS, &(struct trial_ping){10 * MS, 0});
    EXPECT_EQ(l.rtt_us.count, 0);
    EXPECT_EQ(l.last_rtt_us, 60 * MS);
    l.loaded = true;
    trial_log_pong(&l, 190 * MS, &(struct trial_ping){100 * MS, 0});
    EXPECT_EQ(l.rtt_us.count, 1);
    EXPECT_EQ(l.rtt_us.max, 90 * MS);
    /* An answer to what will be asked only later is none. */
    trial_log_pong(&l, 200 * MS, &(struct trial_ping){300 * MS, 0});
    EXPECT_EQ(l.pongs, 2);
    trial_log_release(&l);
}

/* ---- figures of rows ---- */

static void steady_and_ramp_follow_from_the_log(void)
{
    struct link_figures f = {0};

    fill(0, 1 * S, 80000000, 10 * S);
    link_figures_of_log(&l, 10 * S, &f);
    EXPECT_EQ(f.goodput_bps, 72000000);
    EXPECT(f.has[LINK_STEADY_BPS] && f.has[LINK_RAMP_US]);
    EXPECT_EQ(f.value[LINK_STEADY_BPS], 80000000);
    EXPECT_EQ(f.value[LINK_RAMP_US], 950 * MS);
    f = (struct link_figures){0};
    link_figures_of_log(&l, 2900 * MS, &f);
    EXPECT(!f.has[LINK_STEADY_BPS] && !f.has[LINK_RAMP_US]);
    trial_log_release(&l);
}

static void a_queue_is_back_when_it_has_gone(void)
{
    struct link_lab_rtt rtt[60];
    uint64_t us = 99;

    /* 100 ms, but 400 ms from 2.2 s to 3.4 s. */
    for (uint64_t i = 0; i < COUNT_OF(rtt); i++)
        rtt[i] = (struct link_lab_rtt){i * 100 * MS, i >= 22 && i < 34 ? 400 * MS : 100 * MS};
    EXPECT(link_figures_queue_back_us(rtt, COUNT_OF(rtt), 2 * S, 5 * S, 50 * MS, &us));
    EXPECT_EQ(us, 1400 * MS);
    EXPECT(!link_figures_queue_back_us(rtt, COUNT_OF(rtt), 2 * S, 3 * S, 50 * MS, &us));
    /* It never was above, so it is back at once. */
    EXPECT(link_figures_queue_back_us(rtt, COUNT_OF(rtt), 4 * S, 5900 * MS, 50 * MS, &us));
    EXPECT_EQ(us, 0);
    EXPECT(link_figures_queue_back_us(rtt, COUNT_OF(rtt), 2 * S, 5 * S, 301 * MS, &us));
    EXPECT_EQ(us, 0);
    EXPECT(!link_figures_queue_back_us(rtt, 0, 2 * S, 5 * S, 50 * MS, &us));
}

static void the_middle_of_runs(void)
{
    struct link_figures f[5] = {{.has = {0}}};
    const uint64_t values[] = {30, 10, 50, 20, 40};
    uint64_t v;

    for (unsigned i = 0; i < 5; i++) {
        f[i].has[LINK_STEADY_BPS] = f[i].has[LINK_DELAY_MAX_US] = true;
        f[i].value[LINK_STEADY_BPS] = f[i].value[LINK_DELAY_MAX_US] = values[i];
    }
    EXPECT(link_figures_middle(f, 5, LINK_STEADY_BPS, &v));
    EXPECT_EQ(v, 30);
    EXPECT(link_figures_middle(f, 5, LINK_DELAY_MAX_US, &v));
    EXPECT_EQ(v, 50);
    EXPECT(link_figures_middle(f, 1, LINK_STEADY_BPS, &v));
    EXPECT_EQ(v, 30);
    EXPECT(!link_figures_middle(f, 5, LINK_RAMP_US, &v));
    f[3].has[LINK_STEADY_BPS] = false;
    EXPECT(!link_figures_middle(f, 5, LINK_STEADY_BPS, &v));
}

static void rows_can_be_found_and_name_their_figures(void)
{
    for (const struct link_row *r = link_row_table; r->name; r++) {
        EXPECT(link_row_find(r->name) == r);
        EXPECT(r->says && r->for_us && r->callers >= 1 && r->callers <= LINK_CALLERS);
        EXPECT(r->direct || r->rate_bps);
        for (unsigned i = 0; i < LINK_GOALS && r->goal[i].figure; i++)
            EXPECT(link_row_figure(r->goal[i].figure)[0]);
    }
    EXPECT(!link_row_find("none"));
}

/* ---- the plot ---- */

static void a_plot_keeps_the_newest_and_scales_to_the_greatest(void)
{
    struct link_plot p = {.n = 0};
    char text[LINK_PLOT_CHARS];

    link_plot_print(&p, text);
    EXPECT_EQ(text[0], 0);
    link_plot_add(&p, 0);
    link_plot_add(&p, 1);
    link_plot_add(&p, 500);
    link_plot_add(&p, 1000);
    link_plot_print(&p, text);
    EXPECT(bytes_equal(bytes_of_string(text), bytes_of_string(" \u2581\u2584\u2588")));
    for (int i = 0; i < 2 * LINK_PLOT_WIDTH; i++)
        link_plot_add(&p, UINT64_MAX);
    link_plot_print(&p, text);
    EXPECT_EQ(bytes_of_string(text).n, LINK_PLOT_CHARS - 1);
    for (size_t i = 0; i < LINK_PLOT_CHARS - 1; i += 3)
        EXPECT(memcmp(text + i, "\u2588", 3) == 0);
}

TEST_MAIN({"rates_are_straight_between_counts", rates_are_straight_between_counts},
          {"counts_that_go_back_are_left_out", counts_that_go_back_are_left_out},
          {"a_rate_is_held_from_where_its_mean_is_reached",
           a_rate_is_held_from_where_its_mean_is_reached},
          {"clocks_are_aligned_by_the_fastest_answer", clocks_are_aligned_by_the_fastest_answer},
          {"one_clock_needs_no_alignment", one_clock_needs_no_alignment},
          {"round_trips_count_while_the_trial_runs", round_trips_count_while_the_trial_runs},
          {"steady_and_ramp_follow_from_the_log", steady_and_ramp_follow_from_the_log},
          {"a_queue_is_back_when_it_has_gone", a_queue_is_back_when_it_has_gone},
          {"the_middle_of_runs", the_middle_of_runs},
          {"rows_can_be_found_and_name_their_figures", rows_can_be_found_and_name_their_figures},
          {"a_plot_keeps_the_newest_and_scales_to_the_greatest",
           a_plot_keeps_the_newest_and_scales_to_the_greatest})
