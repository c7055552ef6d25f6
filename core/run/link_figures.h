/* link_figures: what a trial of a row has shown, figure by figure, and the middle of several. */
#ifndef FARSPAN_LINK_FIGURES_H
#define FARSPAN_LINK_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/run/link_lab.h"
#include "core/run/link_plain.h"
#include "core/run/link_row.h"

enum { LINK_FIGURES_RUNS = 99 };

/* The figures of one trial; what could not be measured is not there. */
struct link_figures {
    bool has[LINK_FIGURES];
    uint64_t value[LINK_FIGURES];
    uint64_t goodput_bps;                        /* of all callers together; 0: no stream */
    double loss, cpu_s_per_gb, far_cpu_s_per_gb; /* of the first caller; 0 where not known */
};

/* Reads them out of what callers have seen. */
void link_figures_read(const struct link_lab *lab, const struct link_lab_setup *s,
                       struct link_figures *out);

/* Reads the two that follow from how much was delivered when, of a trial that begins at 0 and ends
 * at `for_us`: the mean from second 2 on, and how soon it was reached. */
void link_figures_of_log(const struct trial_log *l, uint64_t for_us, struct link_figures *out);

/* Reads them out of a trial over kernel TCP, whose cpu_s_per_gb is that of both ends. */
void link_figures_read_plain(const struct link_plain *p, const struct link_lab_setup *s,
                             struct link_figures *out);

/* Adds the shares of the lab's caller and of a kernel TCP stream that went beside it, of what they
 * got together: of the one with less and of the one with more. */
void link_figures_share(const struct link_lab *lab, const struct link_plain *p,
                        const struct link_lab_setup *s, struct link_figures *out);

/* How long after `from_us` the queue was back under `bound_us`: 0 when it was never above it within
 * a second. False when it did not come back before `until_us`. The queue is the round trip less the
 * least one. */
bool link_figures_queue_back_us(const struct link_lab_rtt *rtt, size_t n, uint64_t from_us,
                                uint64_t until_us, uint64_t bound_us, uint64_t *out);

/* The median of a figure over `n` <= LINK_FIGURES_RUNS trials, or the greatest, where the row asks
 * for a maximum. False when it is not there in each. */
bool link_figures_middle(const struct link_figures *f, unsigned n, enum link_figure which,
                         uint64_t *out);

#endif
