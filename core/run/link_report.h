/* link_report: what a caller tells of a trial of a link: figures as it goes, and its result. */
#ifndef FARSPAN_LINK_REPORT_H
#define FARSPAN_LINK_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/run/link_plot.h"
#include "core/run/run.h"
#include "core/run/run_link.h"
#include "core/run/trial_end.h"

/* In the caller's storage, zeroed but for what is borrowed. */
struct link_report {
    struct run *run;                      /* borrowed */
    const struct run_link_config *config; /* borrowed */
    const struct trial_end *end;          /* borrowed */
    struct trial_log *log;                /* borrowed */
    uint64_t started_us;                  /* when the call began */
    bool live;                            /* a line on the terminal shows how it goes */
    struct trial_log_count told;          /* delivered when the last interval was told */
    uint64_t delays_told, delay_told_us;  /* how many delays of probes, and their sum, then */
    struct link_plot plot;
    uint64_t said_us; /* when the last line for people was written where nothing is live */
    struct trial_log_count said;
};

/* The event of an interval that ends now, and for people a line. Errors of run_event, here and
 * below. */
enum err link_report_interval(struct link_report *r, uint64_t now_us) MUST_USE;

/* The result, of payload that went from the log's beginning until `ended_us`; `own`: what this end
 * saw then. */
enum err link_report_result(struct link_report *r, uint64_t ended_us,
                            const struct trial_report *own) MUST_USE;

#endif
