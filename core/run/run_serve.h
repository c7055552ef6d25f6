/* run_serve: streams a source to viewers and carries their input to it. */
#ifndef FARSPAN_RUN_SERVE_H
#define FARSPAN_RUN_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/parse.h"
#include "core/run/run.h"

struct run_serve_config {
    const char
        *source; /* x11[:DISPLAY], test[...], FILE; NULL: x11 when $DISPLAY is set, else test */
    struct parse_address listen, advertise;
    const char *authorized, *invite;
    uint64_t invite_for_us;
    uint64_t patience_us; /* how long a session outlives silence; 0: two minutes */
    uint64_t rate_bps;    /* the most for each viewer; 0: what the path takes */
    uint64_t fps; /* the most captures a second, and the rate of a stream that says none; 0: 60
                   * captures, FILE_SOURCE_FPS */
    const char *record; /* .fsr file for what viewers are shown; NULL: none */
    const char *hook;   /* program started for each event of a viewer; NULL: none */
    bool view_only;     /* nobody's input is taken */
    bool once;          /* ends with the first viewer's session */
    bool stats;         /* an event a second */
};

/* Serves until it is told to stop. ERR_USAGE, ERR_UNREACHABLE (the source), ERR_SYSTEM, ERR_MEMORY,
 * with reasons. */
enum err run_serve(const struct run_serve_config *config, struct run *run) MUST_USE;

#endif
