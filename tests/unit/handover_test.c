/* handover: two hosts, their QEMUs and their disks, with everything that can go wrong in any order:
 * the guest never runs twice, and is not lost where nobody killed it. */
#include <stdio.h>
#include <string.h>

#include "core/base/rng.h"
#include "core/guest/handover_source.h"
#include "core/guest/handover_target.h"
#include "tests/unit/test.h"

enum { QUEUE = 64, SEEDS = 20000, STEPS = 300, CALM_STEPS = 2000 };

/* What a QEMU's guest does. */
enum at_source { MIGRATES, WAITS_FOR_SHUT, COMPLETED, RUNS_HERE, SOURCE_DEAD };
enum at_target { LOADS, HOLDS, RUNS_THERE, TARGET_DEAD };

enum note {
    NO_NOTE,
    N_MOVING,
    N_HANDED,
    N_LOADING,
    N_PREPARED,
    N_STARTING,
    N_RUNNING,
    N_ABANDONED
};

/* What goes over the session. */
enum word {
    W_PREPARED,
    W_STARTED,
    W_ABANDONED,
    W_LOST,
    W_UNKNOWN,
    W_HANDOVER,
    W_RUNS,
    W_ASK,
    W_DONE
};

struct queue {
    enum word word[QUEUE];
    unsigned n;
};

struct world {
    struct rng rng;
    bool faults;      /* they still happen */
    bool kept_anyway; /* of a seed: the note of a failed write is there all the same */

    enum at_source source_qemu;
    enum at_target target_qemu;
    bool source_connected, target_connected; /* a QEMU with its farspan */
    bool wrote_all;                          /* the source's QEMU: of the guest */
    bool arrived;                            /* that is with the target's QEMU */
    bool shut;                               /* SHUT is in the source's QEMU's socket */

    bool source_up, target_up; /* the processes */
    struct handover_source source;
    struct handover_target target;
    bool resuming, starting, clearing; /* commands on their way to a QEMU */
    bool failed_told, completed_told, source_dead_told, target_dead_told, loaded_told;
    enum note source_note, target_note;

    bool session;
    struct queue up, down; /* to the target, to the source */

    bool killed_source, killed_target, killed_running, gave_up, not_resumed;
    bool stopping; /* migrate_cancel is on its way */
    const char *wrong;
};

static bool chance(struct world *w, unsigned percent)
{
    return rng_chance(&w->rng, percent * 10000);
}

static void send(struct world *w, struct queue *q, enum word word)
{
    if (w->session && q->n < QUEUE)
        q->word[q->n++] = word;
}

static void check(struct world *w)
{
    if (w->source_qemu == RUNS_HERE && w->target_qemu == RUNS_THERE && !w->wrong)
        w->wrong = "the guest runs at both";
}

/* ---- what machines want done ---- */

static void source_acts(struct world *w);
static void target_acts(struct world *w);

static void source_hears(struct world *w, enum source_news news)
{
    if (!w->source_up)
        return;
    handover_source_hear(&w->source, news);
    source_acts(w);
}

static void target_hears(struct world *w, enum target_news news)
{
    if (!w->target_up)
        return;
    handover_target_hear(&w->target, news);
    target_acts(w);
}

/* A write to disk: what fails may have happened all the same. */
static bool write_note(struct world *w, enum note *to, enum note n)
{
    if (w->faults && chance(w, 5)) {
        if (w->kept_anyway)
            *to = n;
        return false;
    }
    *to = n;
    return true;
}

static void source_act(struct world *w, enum source_act a)
{
    switch (a) {
    case SOURCE_DO_SHUT:
        if (w->source_connected)
            w->shut = true;
        break;
    case SOURCE_DO_STOP:
        w->source_connected = false;
        w->stopping = true;
        break;
    case SOURCE_DO_NOTE:
        if (write_note(w, &w->source_note, N_HANDED)) {
            handover_source_hear(&w->source, SOURCE_NOTED);
        } else {
            w->source_note = N_MOVING;
            handover_source_hear(&w->source, SOURCE_NOT_NOTED);
        }
        break;
    case SOURCE_DO_RESUME:
        w->resuming = true;
        break;
    case SOURCE_SAY_HANDOVER:
        send(w, &w->up, W_HANDOVER);
        break;
    case SOURCE_SAY_RUNS:
        send(w, &w->up, W_RUNS);
        break;
    case SOURCE_SAY_ASK:
        send(w, &w->up, W_ASK);
        break;
    case SOURCE_SAY_DONE:
        send(w, &w->up, W_DONE);
        break;
    case SOURCE_DO_FORGET:
        w->source_note = NO_NOTE;
        break;
    case SOURCE_DO_NOTHING:
        break;
    }
}

static void source_acts(struct world *w)
{
    enum source_act a;

    while (w->source_up && (a = handover_source_next(&w->source)) != SOURCE_DO_NOTHING)
        source_act(w, a);
}

static void target_writes(struct world *w, enum note n)
{
    bool good = write_note(w, &w->target_note, n);

    handover_target_hear(&w->target, good ? TARGET_NOTED : TARGET_NOT_NOTED);
}

static void target_act(struct world *w, enum target_act a)
{
    switch (a) {
    case TARGET_DO_CLOSE:
        w->target_connected = false;
        break;
    case TARGET_DO_CLEAR:
        w->clearing = true;
        break;
    case TARGET_DO_START:
        w->starting = true;
        break;
    case TARGET_NOTE_PREPARED:
        target_writes(w, N_PREPARED);
        break;
    case TARGET_NOTE_STARTING:
        target_writes(w, N_STARTING);
        break;
    case TARGET_NOTE_RUNNING:
        (void)write_note(w, &w->target_note, N_RUNNING);
        break;
    case TARGET_NOTE_ABANDONED:
        target_writes(w, N_ABANDONED);
        break;
    case TARGET_SAY_PREPARED:
        send(w, &w->down, W_PREPARED);
        break;
    case TARGET_SAY_STARTED:
        send(w, &w->down, W_STARTED);
        break;
    case TARGET_SAY_ABANDONED:
        send(w, &w->down, W_ABANDONED);
        break;
    case TARGET_SAY_LOST:
        send(w, &w->down, W_LOST);
        break;
    case TARGET_DO_FORGET:
        w->target_note = NO_NOTE;
        break;
    case TARGET_DO_NOTHING:
        break;
    }
}

static void target_acts(struct world *w)
{
    enum target_act a;

    while (w->target_up && (a = handover_target_next(&w->target)) != TARGET_DO_NOTHING)
        target_act(w, a);
}

/* ---- QEMUs ---- */

/* As measured of QEMU 7.2: a connection that ends before SHUT lets the guest go on. */
static void source_qemu_goes_on(struct world *w)
{
    switch (w->source_qemu) {
    case MIGRATES:
    case WAITS_FOR_SHUT:
        if (w->shut && w->source_qemu == WAITS_FOR_SHUT)
            w->source_qemu = COMPLETED;
        else if (!w->source_connected)
            w->source_qemu = RUNS_HERE;
        else if (w->source_qemu == MIGRATES)
            w->source_qemu = WAITS_FOR_SHUT;
        break;
    default:
        break;
    }
    /* What it tells of itself. */
    if (w->source_qemu == WAITS_FOR_SHUT)
        source_hears(w, SOURCE_ALL_WRITTEN);
    if (w->source_qemu == COMPLETED && !w->completed_told) {
        w->completed_told = true;
        source_hears(w, SOURCE_QEMU_COMPLETED);
    } else if (w->source_qemu == RUNS_HERE && !w->failed_told && !w->completed_told) {
        w->failed_told = true;
        source_hears(w, SOURCE_QEMU_FAILED);
    } else if (w->source_qemu == SOURCE_DEAD && !w->source_dead_told) {
        w->source_dead_told = true;
        w->resuming = false;
        source_hears(w, SOURCE_QEMU_GONE);
    }
    w->wrote_all |= w->source_qemu == WAITS_FOR_SHUT;
    /* A dead one's last bytes are on their way all the same. */
    if (w->wrote_all && w->session && w->target_connected)
        w->arrived = true;
}

static void target_qemu_goes_on(struct world *w)
{
    if (w->target_qemu == LOADS && w->arrived && (w->target_connected || chance(w, 50)))
        w->target_qemu = HOLDS;
    else if (w->target_qemu == LOADS &&
             (!w->target_connected || (w->source_qemu == SOURCE_DEAD && !w->wrote_all)))
        w->target_qemu = TARGET_DEAD;
    if (w->target_qemu == HOLDS && !w->loaded_told) {
        w->loaded_told = true;
        target_hears(w, TARGET_LOADED);
    } else if (w->target_qemu == TARGET_DEAD && !w->target_dead_told) {
        w->target_dead_told = true;
        w->starting = w->clearing = false;
        target_hears(w, TARGET_QEMU_GONE);
    }
}

static void commands(struct world *w)
{
    if (w->resuming && w->source_up && w->source_qemu != SOURCE_DEAD) {
        w->resuming = false;
        bool refused = w->faults && chance(w, 3);
        w->not_resumed |= refused;
        if (!refused)
            w->source_qemu = RUNS_HERE;
        check(w);
        source_hears(w, refused ? SOURCE_NOT_RESUMED : SOURCE_RESUMED);
    }
    if (w->starting && w->target_up && w->target_qemu == HOLDS) {
        w->starting = false;
        bool refused = w->faults && chance(w, 5);
        if (!refused)
            w->target_qemu = RUNS_THERE;
        check(w);
        target_hears(w, refused ? TARGET_NOT_WENT : TARGET_WENT);
    }
    if (w->clearing && w->target_up && w->target_qemu != TARGET_DEAD) {
        w->clearing = false;
        if (w->target_qemu == RUNS_THERE)
            w->wrong = "a guest that runs was ended";
        w->target_qemu = TARGET_DEAD;
    }
}

/* ---- the session and the processes ---- */

static void cut(struct world *w)
{
    if (!w->session)
        return;
    w->session = false;
    w->up.n = w->down.n = 0;
    source_hears(w, SOURCE_CUT);
    target_hears(w, TARGET_CUT);
    if (!w->arrived)
        w->target_connected = false;
}

static void deliver(struct world *w, bool down)
{
    struct queue *q = down ? &w->down : &w->up;
    static const enum source_news to_source[] = {[W_PREPARED] = SOURCE_PREPARED,
                                                 [W_STARTED] = SOURCE_STARTED,
                                                 [W_ABANDONED] = SOURCE_ABANDONED,
                                                 [W_LOST] = SOURCE_UNKNOWN,
                                                 [W_UNKNOWN] = SOURCE_UNKNOWN};
    static const enum target_news to_target[] = {[W_HANDOVER] = TARGET_HANDOVER,
                                                 [W_RUNS] = TARGET_SOURCE_RUNS,
                                                 [W_ASK] = TARGET_ASKED,
                                                 [W_DONE] = TARGET_DONE};

    if (!w->session || q->n == 0)
        return;
    enum word word = q->word[0];
    memmove(q->word, q->word + 1, --q->n * sizeof q->word[0]);
    if (down)
        source_hears(w, to_source[word]);
    else if (w->target.stage == TARGET_ENDED && word == W_ASK)
        send(w, &w->down, W_UNKNOWN);
    else
        target_hears(w, to_target[word]);
}

static void kill_source(struct world *w)
{
    w->source_up = false;
    w->resuming = w->stopping = false;
    w->source_connected = false;
    cut(w);
}

static void kill_target(struct world *w)
{
    w->target_up = false;
    w->starting = w->clearing = false;
    w->target_connected = false;
    cut(w);
}

/* What the next process on that host does. */
static void source_again(struct world *w)
{
    if (w->source_up || w->source_qemu == MIGRATES || w->source_qemu == WAITS_FOR_SHUT)
        return; /* QEMU first sees that its connection is gone */
    w->source_up = true;
    w->completed_told = w->failed_told = true;
    w->source_dead_told = w->source_qemu == SOURCE_DEAD;
    if (w->source_note == N_HANDED) {
        handover_source_resume(&w->source, w->source_qemu == RUNS_HERE,
                               w->source_qemu == SOURCE_DEAD);
        source_acts(w);
        return;
    }
    if (w->source_note == NO_NOTE)
        return; /* it was over */
    /* Nothing was ever said of a hand-over. */
    w->source = (struct handover_source){
        .stage = SOURCE_ENDED,
        .outcome = w->source_qemu == SOURCE_DEAD ? HANDOVER_SOURCE_GONE : HANDOVER_SOURCE_RUNS};
    if (w->source_qemu == COMPLETED)
        w->source_qemu = RUNS_HERE;
    w->source_note = NO_NOTE;
    check(w);
}

static void target_again(struct world *w)
{
    static const enum target_stage stage[] = {[N_LOADING] = TARGET_LOADING,
                                              [N_PREPARED] = TARGET_PREPARED,
                                              [N_STARTING] = TARGET_STARTING,
                                              [N_RUNNING] = TARGET_RUNNING,
                                              [N_ABANDONED] = TARGET_ABANDONED};

    if (w->target_up || (w->target_qemu == LOADS && w->arrived))
        return;
    if (w->target_qemu == LOADS)
        w->target_qemu = TARGET_DEAD;
    w->target_up = true;
    w->loaded_told = true;
    w->target_dead_told = w->target_qemu == TARGET_DEAD;
    if (w->target_note == NO_NOTE) {
        w->target = (struct handover_target){.stage = TARGET_ENDED};
        return;
    }
    handover_target_resume(&w->target, stage[w->target_note], w->target_qemu == RUNS_THERE,
                           w->target_qemu == TARGET_DEAD);
    target_acts(w);
}

static void call_again(struct world *w)
{
    if (w->session || !w->source_up || !w->target_up || w->source.stage != SOURCE_HANDED)
        return;
    w->session = true;
    target_hears(w, TARGET_BACK);
    source_hears(w, SOURCE_BACK);
}

static void fault(struct world *w)
{
    switch (rng_below(&w->rng, 9)) {
    case 0:
        kill_source(w);
        break;
    case 1:
        kill_target(w);
        break;
    case 2:
        if (w->source_qemu != RUNS_HERE && w->source_qemu != SOURCE_DEAD) {
            w->source_qemu = SOURCE_DEAD;
            w->killed_source = true;
        }
        break;
    case 3:
        if (w->target_qemu != TARGET_DEAD) {
            w->killed_running |= w->target_qemu == RUNS_THERE;
            w->target_qemu = TARGET_DEAD;
            w->killed_target = true;
        }
        break;
    case 4:
        source_hears(w, SOURCE_CANCEL);
        break;
    case 5:
        if (w->source_up && w->source.stage == SOURCE_HANDED && chance(w, 20)) {
            w->gave_up = true;
            source_hears(w, SOURCE_GIVE_UP);
        }
        break;
    default:
        cut(w);
        break;
    }
}

static void step(struct world *w)
{
    switch (rng_below(&w->rng, 8)) {
    case 0:
        source_qemu_goes_on(w);
        break;
    case 1:
        target_qemu_goes_on(w);
        break;
    case 2:
        commands(w);
        break;
    case 3:
    case 4:
        deliver(w, true);
        break;
    case 5:
        deliver(w, false);
        break;
    case 6:
        if (chance(w, 30))
            call_again(w);
        break;
    default:
        if (chance(w, 30))
            source_again(w);
        if (chance(w, 30))
            target_again(w);
        break;
    }
    check(w);
}

static const char *ending(const struct world *w)
{
    unsigned run = (w->source_qemu == RUNS_HERE) + (w->target_qemu == RUNS_THERE);
    enum handover_outcome o = w->source.outcome;

    if (w->wrong)
        return w->wrong;
    if (w->source.stage != SOURCE_ENDED)
        return "the source never knows what became of it";
    if (o == HANDOVER_MOVED && w->target_qemu != RUNS_THERE && !w->killed_running)
        return "it was said to be moved, and is not";
    if (o == HANDOVER_SOURCE_RUNS && w->source_qemu != RUNS_HERE && !w->killed_source)
        return "it was said to run at the source, and does not";
    if (run == 1 || w->killed_running)
        return NULL;
    if (o == HANDOVER_UNDECIDED)
        return w->gave_up || w->killed_target ? NULL : "undecided, for no reason";
    if (o == HANDOVER_STOPPED)
        return w->not_resumed ? NULL : "stopped, for no reason";
    if (o == HANDOVER_SOURCE_GONE)
        return w->killed_source ? NULL : "lost, for no reason";
    return "nobody runs it";
}

static bool play(uint64_t seed, unsigned faults, struct world *w)
{
    memset(w, 0, sizeof *w);
    rng_seed(&w->rng, seed);
    w->faults = faults > 0;
    w->kept_anyway = chance(w, 50);
    w->source.fast = seed & 1;
    w->source_up = w->target_up = w->session = true;
    w->source_connected = w->target_connected = true;
    w->source_note = N_MOVING;
    w->target_note = N_LOADING;
    for (int i = 0; i < STEPS && !w->wrong; i++) {
        if (faults && chance(w, 3)) {
            fault(w);
            faults--;
        }
        step(w);
    }
    w->faults = false;
    for (int i = 0; i < CALM_STEPS && !w->wrong; i++)
        step(w);
    const char *wrong = ending(w);
    if (!wrong)
        return true;
    fprintf(stderr,
            "seed %llu: %s; source %s (QEMU %d, note %d, outcome %d), target %s (QEMU %d, "
            "note %d)\n",
            (unsigned long long)seed, wrong, handover_source_name(w->source.stage), w->source_qemu,
            w->source_note, w->source.outcome, handover_target_name(w->target.stage),
            w->target_qemu, w->target_note);
    return false;
}

static void test_calm(void)
{
    struct world w;

    for (uint64_t seed = 1; seed <= 200; seed++) {
        EXPECT(play(seed, 0, &w));
        EXPECT(w.source.outcome == HANDOVER_MOVED && w.target_qemu == RUNS_THERE);
        EXPECT(w.source_note == NO_NOTE && w.target_note == NO_NOTE);
    }
}

static void test_faults(void)
{
    unsigned ended[HANDOVER_UNDECIDED + 1] = {0};
    struct world w;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        EXPECT(play(seed, 1 + (unsigned)(seed % 6), &w));
        ended[w.source.outcome]++;
    }
    /* The weather reaches all ends. */
    for (int o = HANDOVER_MOVED; o <= HANDOVER_UNDECIDED; o++)
        EXPECT(ended[o] > 10);
}

static void test_names(void)
{
    EXPECT(strcmp(handover_source_name(SOURCE_MOVING), "moving") == 0);
    EXPECT(strcmp(handover_source_name(SOURCE_ENDED), "ended") == 0);
    EXPECT(strcmp(handover_target_name(TARGET_LOADING), "loading") == 0);
    EXPECT(strcmp(handover_target_name(TARGET_ENDED), "ended") == 0);
}

TEST_MAIN({"calm", test_calm}, {"faults", test_faults}, {"names", test_names})
