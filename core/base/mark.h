/* mark: 32 bits that follow from 32 others under a key, cheap enough for the kernel's filter. */
#ifndef FARSPAN_MARK_H
#define FARSPAN_MARK_H

#include <stdint.h>

/* What marks are made with: random, never told. */
struct mark_key {
    uint32_t word[2];
};

/* The mark of `n`. It keeps out who has seen no marked number (one guess in 2^32 passes); it is no
 * MAC: some numbers with their marks give the key away. Multiplications and shifts as in the
 * finisher of MurmurHash3, which core/os/dgram_sieve.c computes a second time, in classic BPF. */
uint32_t mark_of(const struct mark_key *k, uint32_t n);

enum { MARK_FACTOR_1 = 0x5e3779b1, MARK_FACTOR_2 = 0x45ebca6b, MARK_FACTOR_3 = 0x42b2ae35 };
enum { MARK_SHIFT_1 = 15, MARK_SHIFT_2 = 13, MARK_SHIFT_3 = 16 };

#endif
