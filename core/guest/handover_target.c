#include "core/guest/handover_target.h"

#include <string.h>

#include "core/base/check.h"

static void act(struct handover_target *h, enum target_act a)
{
    CHECK(h->acts < TARGET_ACTS);
    h->act[h->acts++] = a;
}

static void say(struct handover_target *h, enum target_act word)
{
    if (!h->cut)
        act(h, word);
}

static void go(struct handover_target *h, enum target_stage stage, enum target_act first)
{
    h->stage = stage;
    act(h, first);
}

static void end(struct handover_target *h, enum handover_outcome outcome)
{
    h->stage = TARGET_ENDED;
    h->outcome = outcome;
    act(h, TARGET_DO_FORGET);
}

/* It will never run here: first that is noted, then it cannot, then it is said. */
static void abandon(struct handover_target *h)
{
    go(h, TARGET_ABANDONING, TARGET_NOTE_ABANDONED);
}

static void cleared(struct handover_target *h)
{
    h->stage = TARGET_ABANDONED;
    h->outcome = HANDOVER_SOURCE_RUNS;
    if (h->unwanted)
        end(h, HANDOVER_SOURCE_RUNS);
    else
        say(h, TARGET_SAY_ABANDONED);
}

static void loading(struct handover_target *h, enum target_news news)
{
    switch (news) {
    case TARGET_LOADED:
        if (h->handed)
            go(h, TARGET_OWNING, TARGET_NOTE_STARTING);
        else
            go(h, TARGET_PREPARING, TARGET_NOTE_PREPARED);
        break;
    case TARGET_CUT:
        /* What has come may be all, and then our QEMU says so; else it fails. */
        act(h, TARGET_DO_CLOSE);
        break;
    case TARGET_QEMU_FAILED:
    case TARGET_QEMU_GONE:
    case TARGET_SOURCE_RUNS:
    case TARGET_REFUSE:
        abandon(h);
        break;
    default:
        break;
    }
}

static void preparing(struct handover_target *h, enum target_news news)
{
    if (news == TARGET_NOT_NOTED || (news == TARGET_NOTED && (h->unwanted || h->qemu_gone))) {
        abandon(h);
    } else if (news == TARGET_NOTED && h->handed) {
        go(h, TARGET_OWNING, TARGET_NOTE_STARTING);
    } else if (news == TARGET_NOTED) {
        h->stage = TARGET_PREPARED;
        say(h, TARGET_SAY_PREPARED);
    }
}

static void prepared(struct handover_target *h, enum target_news news)
{
    switch (news) {
    case TARGET_HANDOVER:
        go(h, TARGET_OWNING, TARGET_NOTE_STARTING);
        break;
    case TARGET_SOURCE_RUNS:
    case TARGET_QEMU_GONE:
    case TARGET_REFUSE:
        abandon(h);
        break;
    case TARGET_ASKED:
        say(h, TARGET_SAY_PREPARED);
        break;
    default:
        break;
    }
}

static void owning(struct handover_target *h, enum target_news news)
{
    if (news == TARGET_NOTED && !h->qemu_gone)
        go(h, TARGET_STARTING, TARGET_DO_START);
    else if (news == TARGET_NOTED || news == TARGET_NOT_NOTED)
        abandon(h); /* it has not run, and does not before that is said */
}

static void starting(struct handover_target *h, enum target_news news)
{
    switch (news) {
    case TARGET_WENT:
        h->stage = TARGET_RUNNING;
        h->outcome = HANDOVER_MOVED;
        say(h, TARGET_SAY_STARTED);
        act(h, TARGET_NOTE_RUNNING);
        break;
    case TARGET_NOT_WENT:
        abandon(h);
        break;
    case TARGET_QEMU_GONE:
        h->stage = TARGET_LOST;
        h->outcome = HANDOVER_UNDECIDED;
        say(h, TARGET_SAY_LOST);
        break;
    default:
        break;
    }
}

static void running(struct handover_target *h, enum target_news news)
{
    if (news == TARGET_ASKED || news == TARGET_HANDOVER)
        say(h, TARGET_SAY_STARTED);
    else if (news == TARGET_DONE)
        end(h, HANDOVER_MOVED);
}

static void lost(struct handover_target *h, enum target_news news)
{
    if (news == TARGET_ASKED || news == TARGET_HANDOVER)
        say(h, TARGET_SAY_LOST);
    else if (news == TARGET_REFUSE) /* a person knows that it does not run here */
        abandon(h);
    else if (news == TARGET_SOURCE_RUNS)
        end(h, HANDOVER_SOURCE_RUNS);
    else if (news == TARGET_DONE)
        end(h, HANDOVER_UNDECIDED);
}

static void abandoning(struct handover_target *h, enum target_news news)
{
    if (news != TARGET_NOTED && news != TARGET_NOT_NOTED)
        return;
    /* Without a note it is as true once our QEMU is no more, which the next process sees as well.
     */
    if (h->qemu_gone)
        cleared(h);
    else
        go(h, TARGET_CLEARING, TARGET_DO_CLEAR);
}

static void clearing(struct handover_target *h, enum target_news news)
{
    if (news == TARGET_QEMU_GONE)
        cleared(h);
}

static void abandoned(struct handover_target *h, enum target_news news)
{
    if (news == TARGET_ASKED || news == TARGET_HANDOVER)
        say(h, TARGET_SAY_ABANDONED);
    else if (news == TARGET_SOURCE_RUNS || news == TARGET_DONE)
        end(h, HANDOVER_SOURCE_RUNS);
}

void handover_target_resume(struct handover_target *h, enum target_stage stage, bool runs,
                            bool gone)
{
    *h = (struct handover_target){.stage = stage, .cut = true, .qemu_gone = gone};
    switch (stage) {
    case TARGET_STARTING:
        h->handed = true;
        if (gone) {
            h->stage = TARGET_LOST;
            h->outcome = HANDOVER_UNDECIDED;
        } else if (runs) {
            h->stage = TARGET_RUNNING;
            h->outcome = HANDOVER_MOVED;
            act(h, TARGET_NOTE_RUNNING);
        } else {
            act(h, TARGET_DO_START);
        }
        break;
    case TARGET_RUNNING:
        h->handed = true;
        h->outcome = HANDOVER_MOVED;
        break;
    case TARGET_ABANDONED:
        h->outcome = HANDOVER_SOURCE_RUNS;
        if (!gone)
            go(h, TARGET_CLEARING, TARGET_DO_CLEAR);
        break;
    case TARGET_PREPARED:
        if (gone)
            abandon(h);
        break;
    default: /* it cannot have all, and its connection is gone */
        abandon(h);
        break;
    }
}

void handover_target_hear(struct handover_target *h, enum target_news news)
{
    static void (*const by_stage[TARGET_STAGES])(struct handover_target *, enum target_news) = {
        [TARGET_LOADING] = loading,
        [TARGET_PREPARING] = preparing,
        [TARGET_PREPARED] = prepared,
        [TARGET_OWNING] = owning,
        [TARGET_STARTING] = starting,
        [TARGET_RUNNING] = running,
        [TARGET_LOST] = lost,
        [TARGET_CLEARING] = clearing,
        [TARGET_ABANDONING] = abandoning,
        [TARGET_ABANDONED] = abandoned,
    };

    CHECK((unsigned)news < TARGET_NEWS);
    h->cut = news == TARGET_CUT ? true : news == TARGET_BACK ? false : h->cut;
    h->qemu_gone |= news == TARGET_QEMU_GONE;
    h->handed |= news == TARGET_HANDOVER;
    h->unwanted |= news == TARGET_SOURCE_RUNS;
    if (by_stage[h->stage])
        by_stage[h->stage](h, news);
}

enum target_act handover_target_next(struct handover_target *h)
{
    if (h->acts == 0)
        return TARGET_DO_NOTHING;
    enum target_act a = h->act[0];
    memmove(h->act, h->act + 1, --h->acts * sizeof h->act[0]);
    return a;
}

const char *handover_target_name(enum target_stage stage)
{
    static const char *const name[TARGET_STAGES] = {
        "loading", "preparing",  "prepared", "owning",    "starting", "running",
        "lost",    "abandoning", "clearing", "abandoned", "ended"};

    CHECK((unsigned)stage < TARGET_STAGES);
    return name[stage];
}
