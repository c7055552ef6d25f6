/* handover_source: who runs the guest, as the host that it leaves decides, as a pure machine. */
#ifndef FARSPAN_HANDOVER_SOURCE_H
#define FARSPAN_HANDOVER_SOURCE_H

#include <stdbool.h>

#include "core/guest/handover.h"

/* Where it is. */
enum source_stage {
    SOURCE_MOVING,    /* the guest's state goes over; its QEMU lets it go on if that breaks off */
    SOURCE_STOPPING,  /* the move is being given up, before anything was decided */
    SOURCE_ORPHANED,  /* our QEMU has died: the destination may have all of the guest, or not */
    SOURCE_SETTLING,  /* our QEMU has been told that all is well, and has not answered */
    SOURCE_NOTING,    /* the hand-over is being noted */
    SOURCE_HANDED,    /* it has been noted, and said */
    SOURCE_RETURNING, /* our QEMU is being told to let the guest go on */
    SOURCE_ENDED,
    SOURCE_STAGES
};

/* What has happened. */
enum source_news {
    SOURCE_PREPARED,    /* the destination has noted that it holds the whole guest */
    SOURCE_ALL_WRITTEN, /* our QEMU has written all of the guest, and waits */
    SOURCE_STARTED,     /* the destination has let it go */
    SOURCE_ABANDONED,   /* the destination never will */
    SOURCE_UNKNOWN,     /* the destination knows nothing of this move, or not what became of it */
    SOURCE_CUT,         /* the session is over */
    SOURCE_BACK,        /* there is another one */
    SOURCE_QEMU_COMPLETED, /* our QEMU has migrated, and does nothing by itself any more */
    SOURCE_QEMU_FAILED,    /* our QEMU has given up migrating: the guest goes on here */
    SOURCE_QEMU_GONE,      /* our QEMU's process is no more */
    SOURCE_NOTED,          /* the note is durable */
    SOURCE_NOT_NOTED,      /* it is not, and has been taken back */
    SOURCE_RESUMED,        /* the guest goes on here */
    SOURCE_NOT_RESUMED,    /* it cannot */
    SOURCE_CANCEL,         /* the user wants it back, if that can still be */
    SOURCE_GIVE_UP,        /* nobody wants to wait any more for who does not answer */
    SOURCE_NEWS
};

/* What to do, in this order. */
enum source_act {
    SOURCE_DO_NOTHING,
    SOURCE_DO_SHUT,   /* give our QEMU the SHUT: source_news says what it makes of it */
    SOURCE_DO_STOP,   /* cancel the migration and close our QEMU's connection: so do these ... */
    SOURCE_DO_NOTE,   /* note durably that the guest is handed over ... */
    SOURCE_DO_RESUME, /* let the guest go on, if it ran: ... */
    SOURCE_SAY_HANDOVER,
    SOURCE_SAY_RUNS, /* that the source keeps the guest: the destination may forget it */
    SOURCE_SAY_ASK,  /* ask what became of it */
    SOURCE_SAY_DONE, /* that nothing more will be asked */
    SOURCE_DO_FORGET /* take the note away */
};

enum { SOURCE_ACTS = 8 };

/* In its owner's storage; zeroed it is at the beginning of a move. */
struct handover_source {
    enum source_stage stage;
    enum handover_outcome outcome;
    bool fast;     /* set before anything is heard: it is handed over once all has been written, and
                    * not only once the destination holds it */
    bool unwanted; /* nobody wants the hand-over any more */
    bool abandoned; /* the destination has said so */
    bool cut;       /* there is no session */
    bool qemu_gone;
    bool runs; /* the guest went on here before this process came */
    unsigned acts;
    enum source_act act[SOURCE_ACTS];
};

/* Sets it to where a note says that an earlier process was: the hand-over was noted, and there is
 * no session yet. `runs`: the guest goes on here all the same; `gone`: our QEMU's process is no
 * more. */
void handover_source_resume(struct handover_source *h, bool runs, bool gone);

/* Tells what has happened. What makes no sense now changes nothing. */
void handover_source_hear(struct handover_source *h, enum source_news news);

/* Takes the next thing to do; SOURCE_DO_NOTHING: none. */
enum source_act handover_source_next(struct handover_source *h);

/* The stage's name, static: `moving`, `settling` ... */
const char *handover_source_name(enum source_stage stage);

#endif
