/* run_link: measures a link with a session of our own across it: both ends of it. */
#ifndef FARSPAN_RUN_LINK_H
#define FARSPAN_RUN_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/parse.h"
#include "core/run/run.h"

struct run_link_config {
    struct parse_address listen;    /* be the far end, here */
    struct parse_address advertise; /* what its ticket names */
    const char *authorized;         /* a file of keys; NULL: the default one, if it is there */
    const char *target;             /* else: host, ticket, "-" or "@FILE" of the far end */
    bool accept_new;                /* take an unknown host's key */
    uint64_t for_us;                /* how long payload goes; 0: 10 s, or the row's own time */
    uint64_t interval_us;           /* from one event with figures to the next */
    bool reverse;                   /* the far end sends */
    uint64_t message_bytes;         /* 0: a stream; else messages of this size ... */
    uint64_t every_us;              /* ... one in this time ... */
    bool bulk;                      /* ... and a stream beside them */
    bool rows;                      /* only list the rows */
    struct parse_list row;          /* without a target: the rows to try; none: all */
    bool compare;                   /* over kernel TCP as well */
    uint64_t runs;                  /* of each, 1 .. LINK_FIGURES_RUNS */
};

/* Listens until a signal ends it, or tries a link once, or links of its own row by row. Events: of
 * the listener `listening` and `trial`, of the caller `connected`, `interval` and `result`, else
 * `row`. With reasons: ERR_USAGE,
 * ERR_UNREACHABLE, ERR_REFUSED, ERR_VERIFY (payload came that was not sent), ERR_SYSTEM,
 * ERR_MEMORY. */
enum err run_link(const struct run_link_config *config, struct run *run) MUST_USE;

#endif
