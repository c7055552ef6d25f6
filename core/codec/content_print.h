/* content_print: the keyed hashes that blocks of 4 KiB are known by between two hosts. */
#ifndef FARSPAN_CONTENT_PRINT_H
#define FARSPAN_CONTENT_PRINT_H

#include <stdint.h>

#include "core/base/bytes.h"

enum { CONTENT_BLOCK_BYTES = 4096, CONTENT_SEED_BYTES = 32, CONTENT_SECRET_BYTES = 192 };

/* A key that both hosts have and no guest: who does not know it cannot make blocks that are taken
 * for each other. (XXH3 with a secret of its own is no MAC; nobody outside sees what it gives.) */
struct content_key {
    uint8_t seed[CONTENT_SEED_BYTES]; /* what the other host is told */
    uint8_t secret[CONTENT_SECRET_BYTES];
};

/* Two independent halves of XXH3's 128 bits. */
struct content_print {
    uint64_t name;  /* blocks are looked for by this */
    uint64_t check; /* and found right by that */
};

/* Makes the key of a seed (drawn by chance). */
void content_print_key(struct content_key *k, const uint8_t seed[CONTENT_SEED_BYTES]);

/* The print of one block. */
struct content_print content_print_of(const struct content_key *k,
                                      const uint8_t block[CONTENT_BLOCK_BYTES]);

/* The check of several blocks in a row, from those of each: `sum` begins as 0. */
uint64_t content_print_join(uint64_t sum, uint64_t check);

#endif
