/* sim_desk: a desktop served and viewed over simulated sessions, by the real parts of both ends. */
#ifndef FARSPAN_SIM_DESK_H
#define FARSPAN_SIM_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/stat.h"
#include "core/crypt/role.h"
#include "core/screen/stage.h"
#include "core/screen/viewer.h"
#include "tests/sim/sim_picture.h"
#include "tests/sim/sim_world.h"

enum { SIM_DESK_VIEWERS = 4, SIM_DESK_TRUTHS = 1024 };

struct sim_desk;

/* A viewer on one client of the world, in at most one session. */
struct sim_desk_viewer {
    struct sim_desk *desk;
    struct sim_client *client;
    struct viewer *viewer;     /* owned; NULL: none */
    unsigned mangle;           /* so many updates are to be damaged before they are decoded */
    uint64_t exacts, exact_us; /* proofs so far, and when the last one was; true time */
    struct viewer_exact exact; /* the last one */
    uint64_t shown_us;         /* when something was shown last */
    uint32_t shown_version;
    struct stat_hist delay_us;        /* of each capture that was shown, until then */
    struct stat_hist age_us;          /* of what is shown, each time a newer one comes */
    uint64_t pointers, pointers_back; /* seen, and how often it went back */
    struct source_pointer pointer;
};

/* A session of the server with the desk in it. */
struct sim_desk_seat {
    struct sim_desk *desk;
    struct sim_session *session;
};

/* A world with a served picture in it, and viewers. */
struct sim_desk {
    struct sim *sim;
    struct sim_world w; /* its client is the first viewer's */
    uint32_t without;   /* bits of enum without */
    struct sim_desk_viewer viewer[SIM_DESK_VIEWERS];
    size_t viewers;

    struct source source;        /* what the stage sees: the one below, which can be stopped */
    struct source *inner;        /* owned */
    struct sim_picture *picture; /* `inner` when it is one */
    bool still;                  /* nothing moves any more, as when all clients are stopped */
    struct stage_config config;
    struct stage stage;
    struct sim_desk_seat seat[SIM_SERVER_SESSIONS];
    size_t seats;
    unsigned joined, left;
    uint64_t captures; /* so many were looked at */
    struct {
        uint32_t version;
        uint64_t at_us; /* true time */
        uint8_t hash[DESK_HASH_BYTES];
    } truth[SIM_DESK_TRUTHS]; /* what was captured, by version */
};

/* How to make one; zero means the usual. */
struct sim_desk_plan {
    const struct wan_config *up, *down; /* NULL: no limit, no delay; down NULL: as up */
    const char *source;                 /* "test:640x400,busy"; NULL: a sim_picture of ... */
    uint32_t width, height;             /* ... 320 x 200 */
    uint64_t rate_bps;                  /* as serve --rate */
    bool view_only;
    uint32_t roles;              /* of the first viewer: view and control */
    uint64_t key_update_packets; /* of all sessions */
};

/* Makes a world with one viewer, which has not dialled. `without` as for sim_world_make; mechanisms
 * of the desk are those of the simulation. Like all of this harness it aborts without memory. */
void sim_desk_make(struct sim_desk *d, struct sim *s, uint32_t without,
                   const struct sim_desk_plan *plan);

/* Frees what sim_desk_make made. */
void sim_desk_end(struct sim_desk *d);

/* Adds a viewer at a client of its own; borrowed. */
struct sim_desk_viewer *sim_desk_guest(struct sim_desk *d, const char *name, uint32_t roles,
                                       const struct wan_config *up, const struct wan_config *down);

/* Begins a session, in place of any there was, which ends without a word. */
void sim_desk_dial(struct sim_desk_viewer *v);

/* The viewer's process is killed: its session ends without a word. */
void sim_desk_kill(struct sim_desk_viewer *v);

/* The server's process is killed and another one started, with the same picture. */
void sim_desk_restart(struct sim_desk *d);

/* Sends one act of that viewer's user. */
void sim_desk_act(struct sim_desk_viewer *v, const struct input_event *e);

/* A key goes down, or up. */
void sim_desk_key(struct sim_desk_viewer *v, uint32_t keysym, bool down);

/* Lets a sim_picture change: `acts` on average every `every_us`; 0: rest. */
void sim_desk_play(struct sim_desk *d, uint32_t acts, uint64_t every_us);

/* Does one act to a sim_picture now. */
void sim_desk_do(struct sim_desk *d, enum sim_picture_act act);

/* Nothing moves from now on, whatever the source. */
void sim_desk_still(struct sim_desk *d);

/* Runs for so long; false when it failed. */
bool sim_desk_pass(struct sim_desk *d, uint64_t us);

/* Whether the viewer's picture is what the server's is now. */
bool sim_desk_same(const struct sim_desk_viewer *v);

/* For sim_run on a viewer: it has proven the newest picture, with the effect of all its acts. */
bool sim_desk_is_exact(void *viewer);

/* Fails unless the viewer's picture becomes the server's within so long; gives how long it took. */
uint64_t sim_desk_expect_same(struct sim_desk_viewer *v, uint64_t within_us);

/* Fails unless the viewer knows within so long that its picture is exact, with the effect of all
 * input, and it is. */
uint64_t sim_desk_expect_exact(struct sim_desk_viewer *v, uint64_t within_us);

/* Dials, if it has not, and expects an exact picture. */
uint64_t sim_desk_begin(struct sim_desk_viewer *v, uint64_t within_us);

/* Payload bytes that have entered the link to that viewer, and from it. */
uint64_t sim_desk_down_bytes(const struct sim_desk_viewer *v);
uint64_t sim_desk_up_bytes(const struct sim_desk_viewer *v);

/* What the viewer's mirror has done; and the viewer. */
struct mirror_counters sim_desk_mirror(const struct sim_desk_viewer *v);
struct viewer_counters sim_desk_counters(const struct sim_desk_viewer *v);

/* The server's seat of that viewer; NULL: none. */
struct seat *sim_desk_seat(const struct sim_desk_viewer *v);

/* What that seat's feed has done. */
struct feed_counters sim_desk_feed(const struct sim_desk_viewer *v);

/* Fails when any viewer could not decode something, or asked for a new picture: the protocol has no
 * failure of its own. */
void sim_desk_expect_nothing_broken(struct sim_desk *d);

/* Writes a viewer's figures to the log. */
void sim_desk_note(const struct sim_desk_viewer *v);

#endif
