/* link_row: the links that bench link tries by itself, and what is hoped for on each. */
#ifndef FARSPAN_LINK_ROW_H
#define FARSPAN_LINK_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is measured. The end of its name is its unit. */
enum link_figure {
    LINK_NONE,
    LINK_STEADY_BPS,
    LINK_RAMP_US,
    LINK_QUEUE_P95_US,
    LINK_DELAY_P95_US,
    LINK_DELAY_P99_US,
    LINK_DELAY_MAX_US,
    LINK_QUEUE_BACK_US,   /* from a fall of the rate until the queue is under 50 ms */
    LINK_REUSE_US,        /* from its rise until 80 % of it are used */
    LINK_RECOVER_US,      /* from the end of an outage, or a new address, until 90 % are back */
    LINK_SHARE_LEAST_PPM, /* of what several together get */
    LINK_SHARE_MOST_PPM,
    LINK_SHARE_OURS_PPM, /* beside a stream over TCP ... */
    LINK_SHARE_ITS_PPM,  /* ... and that one's */
    LINK_FIGURES
};

/* What happens on the way. */
enum link_happening {
    LINK_CALM,
    LINK_FALL,   /* a tenth of the rate in the middle third of the time */
    LINK_OUTAGE, /* six ninths of the time, after the first */
    LINK_REBIND  /* a new address in the middle */
};

enum { LINK_GOALS = 4, LINK_CALLERS = 3 };

struct link_goal {
    enum link_figure figure;
    bool least; /* the bound is the least that is hoped for, else the most */
    uint64_t bound;
};

struct link_row {
    const char *name, *says;
    bool direct; /* without a relay */
    uint64_t rate_bps, delay_us;
    uint32_t loss_ppm;
    const char *queue; /* NULL: the relay's default */
    enum link_happening happening;
    uint64_t for_us;
    uint32_t message_bytes; /* every 20 ms */
    bool bulk;              /* beside them */
    unsigned callers;
    const char *beside; /* a stream of kernel TCP with this congestion control; only compared */
    struct link_goal goal[LINK_GOALS];
};

/* All rows, ended by one without a name. */
extern const struct link_row link_row_table[];

/* The figure's name, as JSON and people read it; static. */
const char *link_row_figure(enum link_figure f);

/* The row of that name, or NULL. */
const struct link_row *link_row_find(const char *name);

#endif
