/* sim_pattern: endless reproducible bytes, to see whether what came out is what went in. */
#ifndef FARSPAN_SIM_PATTERN_H
#define FARSPAN_SIM_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"

/* Writes `n` bytes of the pattern of `key` from `offset` on. */
void sim_pattern_fill(uint64_t key, uint64_t offset, uint8_t *to, size_t n);

/* Whether `data` is what the pattern of `key` has at `offset`. */
bool sim_pattern_match(uint64_t key, uint64_t offset, struct bytes data);

#endif
