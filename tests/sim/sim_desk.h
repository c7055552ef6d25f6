/* sim_desk: a desktop served and viewed over a simulated session, by the real parts of both. */
#ifndef FARSPAN_SIM_DESK_H
#define FARSPAN_SIM_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/stat.h"
#include "core/screen/seat.h"
#include "core/screen/mirror.h"
#include "tests/sim/sim_world.h"

enum { SIM_DESK_HASHES = 1024 };

/* A server's source, capture and seat, and a viewer's mirror. */
struct sim_desk {
    struct sim_world *world; /* borrowed */
    uint32_t without;        /* bits of enum without */
    bool never_refresh;      /* the viewer does not ask for a new picture */

    /* the server's side */
    struct source *source; /* owned */
    struct source_frame frame;
    struct capture capture;
    struct seat *seat; /* owned; NULL before the session is up */
    bool still;        /* nothing moves any more, as when all clients are stopped */
    uint64_t next_capture_us;
    uint64_t captured_us[SIM_DESK_HASHES]; /* true time of each version */
    uint8_t hash[SIM_DESK_HASHES][DESK_HASH_BYTES];

    /* the viewer's side */
    struct mirror *mirror; /* owned */
    bool has_stream;
    uint64_t stream, typed;
    struct buf heard;
    bool exact; /* what is shown is proven equal to the server's picture */
    uint32_t exact_version, refresh_epoch;
    uint64_t exact_sequence, exacts, refreshes;
    bool refreshed;
    struct stat_hist age_us; /* of what is shown, each time a newer one comes */
    uint64_t shown_version;
};

/* Puts a desktop `source` ("test:320x256,busy") on the world's session, which is connected. Aborts
 * without memory. */
void sim_desk_begin(struct sim_desk *d, struct sim_world *w, const char *source);

/* Frees all of it; before the world ends. */
void sim_desk_end(struct sim_desk *d);

/* The viewer types a character. */
void sim_desk_type(struct sim_desk *d, char c);

/* Nothing moves on the desktop from now on. */
void sim_desk_still(struct sim_desk *d);

/* For sim_run on a struct sim_desk: the viewer has proven the newest picture of a desktop at rest,
 * with the effect of all that was typed. */
bool sim_desk_is_exact(void *desk);

/* Whether both pictures are the same, pixel by pixel. */
bool sim_desk_is_same(struct sim_desk *d);

/* Writes its figures to the log. */
void sim_desk_note(struct sim_desk *d);

#endif
