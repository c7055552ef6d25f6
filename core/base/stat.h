/* stat: distributions in fixed space: percentiles within 2 % and the exact maximum. */
#ifndef FARSPAN_STAT_H
#define FARSPAN_STAT_H

#include <stdint.h>

enum { STAT_SUB_BITS = 6, STAT_BUCKETS = (64 - STAT_SUB_BITS + 1) << STAT_SUB_BITS };

struct stat_hist {
    uint64_t count, max, sum;
    uint32_t bucket[STAT_BUCKETS]; /* log-linear: 64 buckets a power of two */
};

/* Adds one value (any unit, >= 0). A zeroed struct is an empty histogram. */
void stat_add(struct stat_hist *h, uint64_t value);

/* The value below which `per_mille` of 1000 values lie (500: median), 0 when empty. */
uint64_t stat_quantile(const struct stat_hist *h, unsigned per_mille);

/* The arithmetic mean, 0 when empty. */
uint64_t stat_mean(const struct stat_hist *h);

#endif
