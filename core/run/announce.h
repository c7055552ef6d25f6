/* announce: what happens to a server's viewers, as events on stdout, in the log and to a hook. */
#ifndef FARSPAN_ANNOUNCE_H
#define FARSPAN_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/peer/peer.h"
#include "core/run/hook.h"
#include "core/run/run.h"

/* The caller's storage; zeroed but for `run` (and `hook`) it is ready. */
struct announce {
    struct run *run;   /* borrowed */
    struct hook *hook; /* owned; NULL: none */
    uint32_t holder;   /* the viewer who controls; 0: nobody has so far, or it has left */
    uint64_t acted_us; /* when it did last */
};

/* Tells of viewer `number` with `roles`: PEER_EVENT_CONNECTED, _PATH or _CLOSED. Errors of
 * run_event. */
enum err announce_viewer(struct announce *a, uint32_t number, uint32_t roles,
                         const struct peer_event *e) MUST_USE;

/* An act of that viewer has been carried out. The control changes to it when nobody had it, or when
 * the one who had it has not acted for a second; a change is told. Errors of run_event. */
enum err announce_acted(struct announce *a, uint32_t number, uint64_t now_us) MUST_USE;

/* That viewer has left: nobody controls when it did, and that is told. Errors of run_event. */
enum err announce_left(struct announce *a, uint32_t number) MUST_USE;

#endif
