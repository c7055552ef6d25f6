/* link_report: what a caller tells of a trial of a link: figures as it goes, and its result. */
#ifndef FARSPAN_LINK_REPORT_H
#define FARSPAN_LINK_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/run/run.h"
#include "core/run/run_link.h"
#include "core/run/trial_end.h"

/* In the caller's storage, zeroed but for what is borrowed. */
struct link_report {
    struct run *run;                      /* borrowed */
    const struct run_link_config *config; /* borrowed */
    const struct trial_end *end;          /* borrowed */
    struct trial_log *log;                /* borrowed */
    struct trial_log_count told;          /* delivered when the last interval was told */
};

/* The event of an interval that ends now, and for people a line. Errors of run_event, here and
 * below. */
enum err link_report_interval(struct link_report *r, uint64_t now_us) MUST_USE;

/* The result, of payload that went from the log's beginning until `ended_us`; `cpu_us`: what this
 * process had used then. */
enum err link_report_result(struct link_report *r, uint64_t ended_us, uint64_t cpu_us) MUST_USE;

#endif
