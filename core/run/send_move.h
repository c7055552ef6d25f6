/* send_move: a guest that leaves this host: its QEMU, the session, and who decides. */
#ifndef FARSPAN_SEND_MOVE_H
#define FARSPAN_SEND_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/guest/handover_source.h"
#include "core/guest/move_control.h"
#include "core/guest/move_notes.h"
#include "core/guest/switch_over.h"
#include "core/run/call.h"
#include "core/run/given.h"
#include "core/run/send_disks.h"
#include "core/run/send_hook.h"
#include "core/run/send_known.h"
#include "core/run/send_memory.h"
#include "core/run/send_qemu.h"
#include "core/run/send_report.h"
#include "core/run/stop.h"

/* How far it is, beside the hand-over's stages. */
enum send_phase {
    SEND_LOOK,    /* QEMU is asked for its guest */
    SEND_CALL,    /* the destination is called */
    SEND_OFFER,   /* it has been offered the guest */
    SEND_MOVE,    /* it has accepted: the hand-over's stages */
    SEND_CLEAN_UP /* it is over; QEMU is told to end, or what was set is set back */
};

/* What the user wants. */
struct send_config {
    const char *target; /* as call_config says */
    const char *qmp;    /* the monitor of the guest's QEMU */
    const char *disks;  /* told to the destination */
    uint64_t max_downtime_us, rate_bps;
    uint64_t patience_us; /* how long the destination may be away */
    bool fast;            /* hand the guest over before the destination says that it has all */
    bool keep;            /* QEMU stays after the move */
    bool accept_new, tcp; /* as call_config says */
    const char *hook;     /* a program; NULL: none */
};

/* In its owner's storage, begun with send_steps_begin. */
struct send_move {
    struct send_config config;
    struct run *run;    /* borrowed */
    struct run calling; /* the calls' own reasons */
    struct loop *loop;  /* owned */
    struct stop *stop;  /* owned */
    enum send_phase phase;
    char target[GIVEN_CHARS];
    struct send_qemu qemu;
    bool opened; /* QEMU's monitor */
    struct switch_over when;
    bool switching; /* QEMU was told to stop the guest */
    struct move_notes notes;
    struct move_note note;
    struct handover_source handover;
    enum source_stage told; /* the last stage that was told of */

    struct call *call; /* owned */
    struct peer *peer; /* borrowed; NULL: there is no session */
    struct move_control control;
    struct send_known known;
    struct send_disks disks;
    struct send_memory memory;
    bool started;   /* disks and memory go; before, what need not is heard */
    bool failed;    /* QEMU does not migrate yet, or not any more */
    bool cancelled; /* by a signal */
    struct loop_timer tick, steer, again, words;
    uint64_t words_until_us;
    uint64_t looked_us, busy_us, sent_bytes; /* when it was looked whether this host keeps up ... */
    bool strained;                           /* ... and it did not */
    uint64_t cut_us;                         /* when the session ended */
    enum err failure;                        /* why the guest stays here ... */
    struct reason why;                       /* ... for a person */
    struct send_report report;
    struct send_hook hook;
};

/* What send_steps needs of it. */

/* Notes why the guest stays here, for a person: the first to see the trouble knows best. */
void send_move_blame(struct send_move *s, enum err e, const char *text);

/* Tells the hand-over what has happened, and does what follows. Nothing before a move has begun. */
void send_move_hear(struct send_move *s, enum source_news news);

/* Does what the hand-over wants done. */
void send_move_act(struct send_move *s);

/* Prepares its timers. */
void send_move_prepare(struct send_move *s);

/* How it hears of its QEMU ... */
struct guest_qemu_owner send_move_qemu_owner(struct send_move *s);

/* ... and of its session. */
struct call_owner send_move_call_owner(struct send_move *s);

/* Something is to be sent. */
void send_move_kick(struct send_move *s);

/* Closes memory's channel, and counts what has gone. */
void send_move_close(struct send_move *s);

#endif
