/* receive_move: a guest that comes to this host: its QEMU, its memory, and who decides. */
#ifndef FARSPAN_RECEIVE_MOVE_H
#define FARSPAN_RECEIVE_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/guest/handover_target.h"
#include "core/guest/known_teller.h"
#include "core/guest/move_control.h"
#include "core/guest/move_notes.h"
#include "core/run/guest_start.h"
#include "core/run/receive_disks.h"
#include "core/run/receive_memory.h"
#include "core/run/receive_qemu.h"

struct receive_move;

/* Who it is for; all in the loop's thread. */
struct receive_owner {
    /* Says a record to the source; takes `body`. Nothing when it is not there. */
    void (*say)(void *ctx, struct receive_move *m, enum move_kind kind, struct json *body);
    /* A stage has begun; the move may be over (receive_move_over) and freed later. */
    void (*stage)(void *ctx, struct receive_move *m, const char *name);
    /* It is here whole, and its source is to be told: false when that must wait until somebody has
     * agreed (receive_move_agree). NULL: nobody is asked. */
    bool (*prepared)(void *ctx, struct receive_move *m);
    /* Its QEMU's disks are known, and what they hold may be used: false when that is being read,
     * until receive_move_go_on. NULL: it is not used. */
    bool (*looked)(void *ctx, struct receive_move *m);
    /* Something is to be sent on the session. */
    void (*kick)(void *ctx);
    void *ctx; /* borrowed */
};

/* A move, made by receive_move_new or _again; what is here is to be read. */
struct receive_move {
    struct loop *loop; /* borrowed, as are notes */
    struct receive_owner owner;
    const struct move_notes *notes;
    struct run run; /* for reasons: this move's own */
    struct move_note note;
    struct guest_facts offered;
    struct handover_target handover;
    enum target_stage told;
    struct peer *peer; /* borrowed: the source's session; NULL: it is not there */

    struct guest_start *start; /* owned; NULL: the QEMU is a person's */
    struct receive_qemu qemu;
    bool open;     /* its monitor was opened */
    bool accepted; /* the source was told so: the hand-over's stages count */
    bool ended;    /* QEMU was told to end */
    bool refused;
    bool agreed;           /* that the source may be told that it is prepared */
    bool loaded;           /* QEMU says so */
    bool closing;          /* the disks are being given to QEMU alone */
    bool copy;             /* they come as well */
    bool waits_read;       /* until what is on them has been read */
    bool looks;            /* it is only asked whether it could come */
    struct json *problems; /* owned: a list, while it looks */
    struct receive_disks disks;
    struct known_teller teller;                       /* its store: of what need not come */
    struct content_store *store;                      /* borrowed; NULL: none */
    struct channel_end *asked[2 + LIMIT_GUEST_DISKS]; /* owned: that have not said what for */
    size_t asked_n;
    struct receive_memory memory;
    int64_t went_us; /* when the guest went, by QEMU's clock */
    struct loop_timer patience;
};

/* Begins to see whether the QEMU behind note->qmp can take in a guest: ACCEPT or REFUSE is said
 * some time later. `note` (copied) says all but who our QEMU is; `offered` is copied, `notes`
 * and `store` (what need not come; NULL: nothing) borrowed; `copy`: its disks come as well; `start`
 * (taken; NULL: it is there) starts that QEMU first. ERR_MEMORY. */
enum err receive_move_new(struct loop *l, const struct move_notes *notes,
                          const struct receive_owner *owner, const struct move_note *note,
                          const struct guest_facts *offered, bool copy, struct content_store *store,
                          struct guest_start *start, struct peer *p,
                          struct receive_move **out) MUST_USE;

/* Looks what stands in the way of such a guest: FOUND is said some time later, and it is over.
 * ERR_MEMORY. */
enum err receive_move_look(struct loop *l, const struct receive_owner *owner, const char *qmp,
                           const struct guest_facts *offered, struct receive_move **out) MUST_USE;

/* Goes on with a move of which an earlier process has left a note. ERR_MEMORY. */
enum err receive_move_again(struct loop *l, const struct move_notes *notes,
                            const struct receive_owner *owner, const struct move_note *note,
                            struct receive_move **out) MUST_USE;

/* Takes it; its QEMU stays as it is. NULL is fine. */
void receive_move_free(struct receive_move *m);

/* What the source has said; the body is borrowed, NULL when it is a person who says it. */
void receive_move_record(struct receive_move *m, enum move_kind kind,
                         const struct json_value *body);

/* Says a record to the source, when it is there; takes `body`. */
void receive_move_say(struct receive_move *m, enum move_kind kind, struct json *body);

/* Something has happened that the hand-over waits for; nothing before it was accepted. */
void receive_move_hear(struct receive_move *m, enum target_news news);

/* The source's session is over. */
void receive_move_cut(struct receive_move *m);

/* The source has come back, in another session (borrowed). */
void receive_move_back(struct receive_move *m, struct peer *p);

/* Something has come on a stream, maybe the first, or it takes more. */
void receive_move_stream(struct receive_move *m, uint64_t stream);

/* Sends what QEMU has said. */
void receive_move_fill(struct receive_move *m, uint64_t now_us);

/* This host does not want it any more: it is ended, unless it is too late for that. */
void receive_move_refuse(struct receive_move *m, const char *why);

/* What its disks hold has been read, after receive_owner.looked. */
void receive_move_go_on(struct receive_move *m);

/* The guest may come, after receive_owner.prepared; or it is given up, when `why_not` (borrowed) is
 * given. */
void receive_move_agree(struct receive_move *m, const char *why_not);

/* A person knows that the guest is the source's: what stands here is ended, unless it runs. */
void receive_move_drop(struct receive_move *m);

/* Whether nothing more is to be done, so that it can be freed. */
bool receive_move_over(const struct receive_move *m);

/* Whether it would be ended by receive_move_refuse, or is being ended. */
bool receive_move_waits(const struct receive_move *m);

#endif
