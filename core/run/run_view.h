/* run_view: shows a served desktop, carries input to it, and proves what it shows. */
#ifndef FARSPAN_RUN_VIEW_H
#define FARSPAN_RUN_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/run/run.h"

struct run_view_config {
    const char *target;   /* host, ticket, "-", "@FILE"; NULL: $FARSPAN_TICKET */
    const char *to;       /* x11[:DISPLAY], null, FILE; NULL: x11 when $DISPLAY is set */
    const char *until;    /* "exact", or NULL */
    const char *input;    /* a script: FILE or "-"; NULL: none */
    uint64_t frames;      /* ends after so many pictures; 0: not */
    uint64_t for_us;      /* ends after so long; 0: not */
    uint64_t patience_us; /* how long the session outlives silence; 0: two minutes */
    bool accept_new, stats;
};

/* Views until something ends it. ERR_USAGE, ERR_UNREACHABLE, ERR_REFUSED, ERR_SYSTEM (the sink),
 * ERR_VERIFY, ERR_MEMORY, with reasons; a signal ends it in order, with run->signal set. */
enum err run_view(const struct run_view_config *config, struct run *run) MUST_USE;

#endif
