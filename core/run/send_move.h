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
#include "core/run/channel_socket.h"
#include "core/run/given.h"
#include "core/run/page_filter.h"
#include "core/run/send_disks.h"
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
};

/* In its owner's storage, begun with send_move_begin. Each of the steps below runs the loop until
 * it is done. */
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
    struct send_disks disks;
    struct channel_socket memory;   /* its end NULL: closed */
    struct page_coder *coder;       /* owned: what memory goes through */
    char folder[FOLDER_PATH_CHARS]; /* its */
    bool failed;                    /* QEMU does not migrate yet, or not any more */
    bool cancelled;                 /* by a signal */
    struct loop_timer tick, steer, again, words;
    uint64_t words_until_us;
    uint64_t cut_us;   /* when the session ended */
    enum err failure;  /* why the guest stays here ... */
    struct reason why; /* ... for a person */
    struct send_report report;
};

/* Prepares it; end it with send_move_end, also after a failure. With reasons: ERR_USAGE,
 * ERR_NOT_FOUND, ERR_SYSTEM, ERR_MEMORY. */
enum err send_move_begin(struct send_move *s, const struct send_config *config,
                         struct run *run) MUST_USE;

/* Asks QEMU for its guest: s->qemu.q.facts. Errors of guest_qemu, with a reason. */
enum err send_move_look(struct send_move *s) MUST_USE;

/* Has QEMU end a migration that an earlier process has begun, and asks anew: the guest goes on
 * then, or stands when it had been told that all is well. Errors as send_move_look;
 * ERR_UNREACHABLE: it does not end. */
enum err send_move_settle(struct send_move *s) MUST_USE;

/* Calls the destination, offers the guest, and moves it when that is accepted; returns when it has
 * been decided whose the guest is, or nobody can know: s->handover.outcome. Before it is accepted:
 * with a reason, errors of call_new, ERR_REFUSED, ERR_UNREACHABLE. */
enum err send_move_go(struct send_move *s) MUST_USE;

/* Goes on with a move that an earlier process has handed over (s->note): asks the destination what
 * became of it, for as long as patience lasts. */
void send_move_ask(struct send_move *s);

/* Leaves QEMU as the outcome wants it left. */
void send_move_clean_up(struct send_move *s);

/* Tells the result, and gives what the command gives, with a reason. */
enum err send_move_conclude(struct send_move *s) MUST_USE;

/* Parts with the destination and frees all. */
void send_move_end(struct send_move *s);

#endif
