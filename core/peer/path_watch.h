/* path_watch: which changes of a path its owner would act upon, told now and then. */
#ifndef FARSPAN_PATH_WATCH_H
#define FARSPAN_PATH_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/peer/ecn.h"

enum {
    PATH_WATCH_SILENT_US = 1500000, /* an end that is there is heard three times in it */
    PATH_WATCH_GAP_US = 250000,     /* news come at most so often */
    PATH_WATCH_TRIPS = 4,           /* the rate must be another for so many round trips ... */
    PATH_WATCH_LEAST_US = 100000    /* ... and for so long */
};

/* A path as it is. */
struct path_view {
    uint64_t heard_us; /* when something came last */
    uint64_t rate_bytes_s, rtt_us;
    uint32_t mtu_bytes;
    enum ecn_state ecn;
};

/* What was told of it last. */
struct path_watch {
    struct path_view told;
    bool silent, moved;
    uint64_t rate_since_us; /* the rate has been another since then; UINT64_MAX: it is not */
    uint64_t next_us;       /* no news before */
    bool held;              /* there are news, too soon */
};

/* Prepares the caller's storage: of a path as it is nothing needs to be told. */
void path_watch_init(struct path_watch *w, const struct path_view *v);

/* The other's address has changed. */
void path_watch_moved(struct path_watch *w);

/* Looks at the path; gives what is new, a set of enum peer_path_what, 0 mostly. What has changed
 * back meanwhile is not news. */
uint32_t path_watch_look(struct path_watch *w, uint64_t now_us, const struct path_view *v);

/* When to look even if nothing happens. */
uint64_t path_watch_deadline_us(const struct path_watch *w, const struct path_view *v);

#endif
