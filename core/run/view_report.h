/* view_report: what a viewer tells: proofs of exactness, figures, its result, the state of the
 * link. */
#ifndef FARSPAN_VIEW_REPORT_H
#define FARSPAN_VIEW_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/stat.h"
#include "core/peer/peer.h"
#include "core/run/link_text.h"
#include "core/run/run.h"
#include "core/screen/viewer.h"

/* What is counted; in the caller's storage, zeroed but for what is borrowed. */
struct view_report {
    struct run *run;             /* borrowed */
    const struct viewer *viewer; /* borrowed */
    const struct peer *peer;     /* borrowed; the session */
    uint64_t begun_us;
    uint64_t frames;           /* pictures shown */
    struct stat_hist delay_us; /* from capture to being shown, on one clock */
    bool view_only;            /* this key's input is left out */
    uint64_t lined_us,
        lined_bytes; /* when the last line for people was made, received until then */
};

/* The event of a proof. Errors of run_event, here and below. */
enum err view_report_exact(struct view_report *r, uint64_t now_us,
                           const struct viewer_exact *x) MUST_USE;

/* The event with figures, and a line of them for people. */
enum err view_report_stats(struct view_report *r, uint64_t now_us) MUST_USE;

/* The last event; for people as well when the session had come about. */
enum err view_report_result(struct view_report *r, uint64_t now_us, bool connected) MUST_USE;

/* Writes the link's state now as link_text has it, with the rate since the last call. */
void view_report_line(struct view_report *r, uint64_t now_us, char to[LINK_TEXT_CHARS]);

#endif
