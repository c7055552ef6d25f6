#include "core/guest/handover_source.h"

#include <string.h>

#include "core/base/check.h"

static void act(struct handover_source *h, enum source_act a)
{
    CHECK(h->acts < SOURCE_ACTS);
    h->act[h->acts++] = a;
}

/* A word for the destination, if there is a way to it. */
static void say(struct handover_source *h, enum source_act word)
{
    if (!h->cut)
        act(h, word);
}

static void end(struct handover_source *h, enum handover_outcome outcome)
{
    h->stage = SOURCE_ENDED;
    h->outcome = outcome;
    if (outcome == HANDOVER_SOURCE_RUNS)
        say(h, SOURCE_SAY_RUNS);
    if (outcome == HANDOVER_MOVED)
        say(h, SOURCE_SAY_DONE);
    /* A note that a person may need stays. */
    if (outcome != HANDOVER_UNDECIDED && outcome != HANDOVER_STOPPED)
        act(h, SOURCE_DO_FORGET);
}

/* The guest goes on here: nobody else will run it. */
static void resume(struct handover_source *h)
{
    if (h->qemu_gone) {
        end(h, HANDOVER_SOURCE_GONE);
        return;
    }
    h->stage = SOURCE_RETURNING;
    act(h, SOURCE_DO_RESUME);
}

static void stop(struct handover_source *h)
{
    h->stage = SOURCE_STOPPING;
    act(h, SOURCE_DO_STOP);
}

static void note(struct handover_source *h)
{
    h->stage = SOURCE_NOTING;
    act(h, SOURCE_DO_NOTE);
}

static void moving(struct handover_source *h, enum source_news news)
{
    switch (news) {
    case SOURCE_ALL_WRITTEN:
        if (!h->fast)
            break;
        h->stage = SOURCE_SETTLING;
        act(h, SOURCE_DO_SHUT);
        break;
    case SOURCE_PREPARED:
        h->stage = SOURCE_SETTLING;
        act(h, SOURCE_DO_SHUT);
        break;
    case SOURCE_QEMU_FAILED:
        end(h, HANDOVER_SOURCE_RUNS);
        break;
    case SOURCE_QEMU_COMPLETED: /* it must not without SHUT; but then it would not go on either */
        resume(h);
        break;
    case SOURCE_QEMU_GONE:
        h->stage = SOURCE_ORPHANED;
        if (h->cut || h->abandoned)
            end(h, HANDOVER_SOURCE_GONE);
        break;
    case SOURCE_ABANDONED:
    case SOURCE_UNKNOWN:
    case SOURCE_CUT:
    case SOURCE_CANCEL:
        stop(h);
        break;
    default:
        break;
    }
}

static void stopping(struct handover_source *h, enum source_news news)
{
    if (news == SOURCE_QEMU_FAILED)
        end(h, HANDOVER_SOURCE_RUNS);
    else if (news == SOURCE_QEMU_COMPLETED)
        resume(h);
    else if (news == SOURCE_QEMU_GONE)
        end(h, HANDOVER_SOURCE_GONE);
}

static void orphaned(struct handover_source *h, enum source_news news)
{
    if (news == SOURCE_PREPARED)
        note(h);
    else if (news == SOURCE_ABANDONED || news == SOURCE_UNKNOWN || news == SOURCE_CUT ||
             news == SOURCE_CANCEL || news == SOURCE_GIVE_UP)
        end(h, HANDOVER_SOURCE_GONE);
}

static void settling(struct handover_source *h, enum source_news news)
{
    h->unwanted |= news == SOURCE_CANCEL || news == SOURCE_CUT;
    if (news == SOURCE_QEMU_FAILED) {
        end(h, HANDOVER_SOURCE_RUNS);
    } else if (news == SOURCE_GIVE_UP) {
        end(h, HANDOVER_STOPPED); /* it goes on, or stands: who looks can tell */
    } else if (news == SOURCE_QEMU_COMPLETED || news == SOURCE_QEMU_GONE) {
        /* Where it is dead it can never go on, so it may be handed over even without being asked
         * twice: what the destination holds is all that there is of it. */
        if (h->abandoned || (h->unwanted && !h->qemu_gone))
            resume(h);
        else
            note(h);
    }
}

static void noting(struct handover_source *h, enum source_news news)
{
    /* Without a way to say it, nobody has heard of the hand-over. */
    if (news == SOURCE_NOTED && (h->abandoned || (h->cut && !h->qemu_gone))) {
        resume(h);
    } else if (news == SOURCE_NOTED) {
        h->stage = SOURCE_HANDED;
        say(h, SOURCE_SAY_HANDOVER);
    } else if (news == SOURCE_NOT_NOTED) {
        resume(h);
    }
}

/* It went on here when the destination had abandoned it, or somebody let it: what the destination
 * says tells which. */
static void runs_already(struct handover_source *h, enum source_news news)
{
    if (news == SOURCE_BACK)
        say(h, SOURCE_SAY_ASK);
    else if (news == SOURCE_PREPARED || news == SOURCE_ABANDONED)
        end(h, HANDOVER_SOURCE_RUNS);
    else if (news == SOURCE_STARTED || news == SOURCE_UNKNOWN || news == SOURCE_GIVE_UP)
        end(h, HANDOVER_UNDECIDED);
}

static void handed(struct handover_source *h, enum source_news news)
{
    if (h->runs) {
        runs_already(h, news);
        return;
    }
    switch (news) {
    case SOURCE_STARTED:
        end(h, HANDOVER_MOVED);
        break;
    case SOURCE_ABANDONED:
        resume(h);
        break;
    case SOURCE_PREPARED: /* after a cut: it has not heard of the hand-over */
        say(h, SOURCE_SAY_HANDOVER);
        break;
    case SOURCE_BACK:
        say(h, SOURCE_SAY_ASK);
        break;
    case SOURCE_UNKNOWN:
    case SOURCE_GIVE_UP:
        end(h, HANDOVER_UNDECIDED);
        break;
    default:
        break;
    }
}

static void returning(struct handover_source *h, enum source_news news)
{
    if (news == SOURCE_RESUMED)
        end(h, HANDOVER_SOURCE_RUNS);
    else if (news == SOURCE_NOT_RESUMED)
        end(h, HANDOVER_STOPPED);
    else if (news == SOURCE_QEMU_GONE)
        end(h, HANDOVER_SOURCE_GONE);
}

void handover_source_resume(struct handover_source *h, bool runs, bool gone)
{
    *h = (struct handover_source){
        .stage = SOURCE_HANDED, .cut = true, .runs = runs, .qemu_gone = gone};
}

void handover_source_hear(struct handover_source *h, enum source_news news)
{
    static void (*const by_stage[SOURCE_STAGES])(struct handover_source *, enum source_news) = {
        [SOURCE_MOVING] = moving,       [SOURCE_STOPPING] = stopping, [SOURCE_ORPHANED] = orphaned,
        [SOURCE_SETTLING] = settling,   [SOURCE_NOTING] = noting,     [SOURCE_HANDED] = handed,
        [SOURCE_RETURNING] = returning,
    };

    CHECK((unsigned)news < SOURCE_NEWS);
    h->cut = news == SOURCE_CUT ? true : news == SOURCE_BACK ? false : h->cut;
    h->qemu_gone |= news == SOURCE_QEMU_GONE;
    h->abandoned |= news == SOURCE_ABANDONED;
    if (by_stage[h->stage])
        by_stage[h->stage](h, news);
}

enum source_act handover_source_next(struct handover_source *h)
{
    if (h->acts == 0)
        return SOURCE_DO_NOTHING;
    enum source_act a = h->act[0];
    memmove(h->act, h->act + 1, --h->acts * sizeof h->act[0]);
    return a;
}

const char *handover_source_name(enum source_stage stage)
{
    static const char *const name[SOURCE_STAGES] = {"moving", "stopping", "orphaned",  "settling",
                                                    "noting", "handed",   "returning", "ended"};

    CHECK((unsigned)stage < SOURCE_STAGES);
    return name[stage];
}
