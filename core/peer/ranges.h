/* ranges: a sorted set of numbers as disjoint half-open intervals. */
#ifndef FARSPAN_RANGES_H
#define FARSPAN_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/* Numbers begin <= n < end. */
struct range {
    uint64_t begin, end;
};

/* Disjoint, ascending, never touching. The caller's storage; `item` is owned. */
struct ranges {
    struct range *item;
    size_t count, capacity, max;
};

/* An empty set that may hold `max` intervals; allocates nothing. */
void ranges_init(struct ranges *r, size_t max);

/* Frees what it holds; the set is empty again. */
void ranges_release(struct ranges *r);

/* Adds begin..end-1 (empty is fine). ERR_LIMIT when that would need more than `max` intervals,
 * ERR_MEMORY; then nothing has changed. */
enum err ranges_add(struct ranges *r, uint64_t begin, uint64_t end) MUST_USE;

/* Removes begin..end-1. ERR_LIMIT, ERR_MEMORY as ranges_add (a hole may split an interval). */
enum err ranges_remove(struct ranges *r, uint64_t begin, uint64_t end) MUST_USE;

/* Whether all of begin..end-1 is in the set. */
bool ranges_contain(const struct ranges *r, uint64_t begin, uint64_t end);

/* How many numbers are in the set. */
uint64_t ranges_size(const struct ranges *r);

/* Fills the lowest gap between two intervals, so that there is one interval fewer (count > 1). */
void ranges_fill_lowest_gap(struct ranges *r);

#endif
