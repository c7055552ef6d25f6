/* sim_mix: a running hash, quick over many bytes, of what happens in a simulation. */
#ifndef FARSPAN_SIM_MIX_H
#define FARSPAN_SIM_MIX_H

#include <stdint.h>

#include "core/base/bytes.h"

/* The hash with a word more. */
uint64_t sim_mix_word(uint64_t hash, uint64_t v);

/* The hash with bytes more, their length with them. */
uint64_t sim_mix_bytes(uint64_t hash, struct bytes b);

#endif
