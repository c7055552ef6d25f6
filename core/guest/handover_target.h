/* handover_target: who runs the guest, as the host that it goes to decides, as a pure machine. */
#ifndef FARSPAN_HANDOVER_TARGET_H
#define FARSPAN_HANDOVER_TARGET_H

#include <stdbool.h>

#include "core/guest/handover.h"

/* Where it is. Those from TARGET_LOADING to TARGET_ABANDONED, but for the passing ones, are what a
 * note says. */
enum target_stage {
    TARGET_LOADING,    /* our QEMU takes the guest's state in; noted before it began */
    TARGET_PREPARING,  /* that it holds all is being noted */
    TARGET_PREPARED,   /* it holds all, paused, and waits for the hand-over */
    TARGET_OWNING,     /* that it was handed over is being noted */
    TARGET_STARTING,   /* our QEMU is being told to let the guest go */
    TARGET_RUNNING,    /* it has */
    TARGET_LOST,       /* our QEMU died while it was told: nobody knows whether the guest went */
    TARGET_ABANDONING, /* that the guest will never go here is being noted */
    TARGET_CLEARING,   /* our QEMU is being ended */
    TARGET_ABANDONED,
    TARGET_ENDED,
    TARGET_STAGES
};

/* What has happened. */
enum target_news {
    TARGET_LOADED,      /* our QEMU has taken all in, its disks are safe, it was compared */
    TARGET_QEMU_FAILED, /* our QEMU could not */
    TARGET_QEMU_GONE,   /* our QEMU's process is no more */
    TARGET_NOTED,       /* the note is durable */
    TARGET_NOT_NOTED,   /* it is not */
    TARGET_WENT,        /* the guest goes here */
    TARGET_NOT_WENT,    /* our QEMU has refused, and it does not */
    TARGET_HANDOVER,    /* the source has handed it over */
    TARGET_SOURCE_RUNS, /* the source keeps it, and never asks again */
    TARGET_ASKED,       /* the source wants to know what became of it */
    TARGET_DONE,        /* the source knows what became of it, and never asks again */
    TARGET_CUT,         /* the session is over */
    TARGET_BACK,        /* there is another one */
    TARGET_REFUSE,      /* this host does not want it any more */
    TARGET_NEWS
};

/* What to do, in this order. */
enum target_act {
    TARGET_DO_NOTHING,
    TARGET_DO_CLOSE,      /* close our QEMU's connection: it will fail */
    TARGET_DO_CLEAR,      /* end our QEMU, whatever it does: TARGET_QEMU_GONE */
    TARGET_DO_START,      /* let the guest go, if it ran: TARGET_WENT, TARGET_NOT_WENT */
    TARGET_NOTE_PREPARED, /* note durably ... */
    TARGET_NOTE_STARTING,
    TARGET_NOTE_RUNNING, /* as it can: nothing hangs on it */
    TARGET_NOTE_ABANDONED,
    TARGET_SAY_PREPARED,
    TARGET_SAY_STARTED,
    TARGET_SAY_ABANDONED,
    TARGET_SAY_LOST,
    TARGET_DO_FORGET /* take the note away */
};

enum { TARGET_ACTS = 8 };

/* In its owner's storage; zeroed it is at the beginning of a move that was noted. */
struct handover_target {
    enum target_stage stage;
    enum handover_outcome outcome;
    bool handed;   /* the source has handed it over */
    bool unwanted; /* this host does not want it, or the source does not want it to go */
    bool cut, qemu_gone;
    unsigned acts;
    enum target_act act[TARGET_ACTS];
};

/* Sets it to where a note says that an earlier process was, without a session. `stage` is
 * TARGET_LOADING, _PREPARED, _STARTING, _RUNNING or _ABANDONED; `runs`: its QEMU is there and its
 * guest goes; `gone`: its QEMU's process is no more. */
void handover_target_resume(struct handover_target *h, enum target_stage stage, bool runs,
                            bool gone);

/* Tells what has happened. What makes no sense now changes nothing. */
void handover_target_hear(struct handover_target *h, enum target_news news);

/* Takes the next thing to do; TARGET_DO_NOTHING: none. */
enum target_act handover_target_next(struct handover_target *h);

/* The stage's name, static: `loading`, `prepared` ... */
const char *handover_target_name(enum target_stage stage);

#endif
