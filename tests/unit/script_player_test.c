#include "core/run/script_player.h"

#include <string.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/os/file.h"
#include "tests/unit/test.h"

static struct loop *loop;
static struct run run;
static struct script_player *player;
static int acts, overs, failures, stop_after;
static bool settled;

static void on_act(void *ctx, const struct input_event *e)
{
    (void)ctx, (void)e;
    if (++acts == stop_after)
        script_player_stop(player);
}

static bool on_settled(void *ctx)
{
    (void)ctx;
    return settled;
}

static void on_over(void *ctx)
{
    (void)ctx;
    overs++;
}

static void on_failed(void *ctx, enum err e)
{
    (void)ctx;
    failures += e == ERR_USAGE;
    script_player_stop(player);
}

static const struct script_player_owner owner = {
    .act = on_act, .settled = on_settled, .over = on_over, .failed = on_failed};

/* A player of a file with that text. */
static enum err from_file(const char *text)
{
    static const char path[] = "script_player_test.txt";

    player = NULL;
    acts = overs = failures = stop_after = 0;
    settled = false;
    run = (struct run){0};
    if (file_replace(path, bytes_of_string(text), 0600))
        return ERR_SYSTEM;
    enum err e = script_player_new(loop, path, &owner, &run, &player);
    unlink(path);
    return e;
}

static void acts_wait_for_the_picture(void)
{
    EXPECT_EQ(loop_new(&loop), OK);
    EXPECT_EQ(from_file("move 1 2\nsync\nmove 3 4\n"), OK);
    EXPECT(!script_player_done(player));
    script_player_go(player);
    EXPECT_EQ(acts, 0); /* the session is not up yet */
    script_player_begin(player);
    EXPECT_EQ(acts, 1);
    script_player_go(player);
    EXPECT_EQ(acts, 1);
    settled = true;
    script_player_go(player);
    EXPECT(acts == 2 && overs == 1 && script_player_done(player));
    script_player_go(player);
    EXPECT(acts == 2 && overs == 1);
    script_player_free(player);
    EXPECT_EQ(from_file("wait 1ms\nmove 1 2\n"), OK);
    script_player_begin(player);
    EXPECT_EQ(acts, 0);
    while (!overs)
        loop_turn(loop, true);
    EXPECT_EQ(acts, 1);
    script_player_free(player);
    loop_free(loop);
}

static void it_stops_within_an_act(void)
{
    EXPECT_EQ(loop_new(&loop), OK);
    EXPECT_EQ(from_file("move 1 2\nmove 3 4\nmove 5 6\n"), OK);
    stop_after = 2;
    script_player_begin(player);
    EXPECT(acts == 2 && overs == 0 && !script_player_done(player));
    script_player_go(player);
    EXPECT_EQ(acts, 2);
    script_player_free(player);
    loop_free(loop);
}

static void what_is_wrong_is_placed(void)
{
    EXPECT_EQ(loop_new(&loop), OK);
    EXPECT_EQ(from_file("move 1 2\nmove 1\n"), ERR_USAGE);
    EXPECT(!player && strstr(run.reason.text, "line 2"));
    EXPECT_EQ(script_player_new(loop, "no/such/file", &owner, &run, &player), ERR_USAGE);
    EXPECT(!player);
    EXPECT_EQ(script_player_new(loop, NULL, &owner, &run, &player), OK);
    EXPECT(!player && script_player_done(player));
    script_player_begin(NULL);
    script_player_go(NULL);
    script_player_stop(NULL);
    script_player_free(NULL);
    loop_free(loop);
}

/* Lines of standard input are carried out as they come; a wrong one comes after the good ones. */
static void standard_input_comes_bit_by_bit(void)
{
    int ends[2], before = dup(STDIN_FILENO);

    EXPECT_EQ(loop_new(&loop), OK);
    for (int bad = 0; bad < 2; bad++) {
        acts = overs = failures = stop_after = 0;
        run = (struct run){0};
        EXPECT(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
        EXPECT_EQ(script_player_new(loop, "-", &owner, &run, &player), OK);
        EXPECT_EQ(write(ends[1], "move 1 2\nmove 3", 15), 15);
        script_player_begin(player);
        while (acts < 1)
            loop_turn(loop, true);
        EXPECT(acts == 1 && !script_player_done(player));
        EXPECT_EQ(write(ends[1], bad ? " x\n" : " 4\n", 3), 3);
        close(ends[1]);
        while (!overs && !failures)
            loop_turn(loop, true);
        EXPECT_EQ(acts, bad ? 1 : 2);
        EXPECT(bad ? failures == 1 && strstr(run.reason.text, "line 2") : overs == 1);
        script_player_free(player);
        close(ends[0]);
        EXPECT_EQ(dup2(before, STDIN_FILENO), STDIN_FILENO);
    }
    close(before);
    loop_free(loop);
}

static void memory_may_run_out(void)
{
    int failed = 0;

    EXPECT_EQ(loop_new(&loop), OK);
    for (uint64_t n = 1; n < 10; n++) {
        heap_fail_at(n);
        enum err e = from_file("move 1 2\n");
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT_EQ(e != OK, fired);
        script_player_free(player);
        failed += fired;
        if (!fired)
            break;
    }
    EXPECT(failed > 0);
    loop_free(loop);
}

TEST_MAIN({"acts_wait_for_the_picture", acts_wait_for_the_picture},
          {"it_stops_within_an_act", it_stops_within_an_act},
          {"what_is_wrong_is_placed", what_is_wrong_is_placed},
          {"standard_input_comes_bit_by_bit", standard_input_comes_bit_by_bit},
          {"memory_may_run_out", memory_may_run_out})
