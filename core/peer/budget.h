/* budget: how much is done for strangers: so much a second, of each address and in all. */
#ifndef FARSPAN_BUDGET_H
#define FARSPAN_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/peer/sieve.h"

enum {
    BUDGET_ADDRESSES = 4096,     /* remembered; more of them share places by chance */
    BUDGET_ADDRESS_PER_S = 64,   /* key agreements of one address ... */
    BUDGET_ADDRESS_BURST = 64,   /* ... and so many at once */
    BUDGET_PRESSED_US = 2000000, /* from one to the next of an address while all want too much */
    BUDGET_BURSTS_PER_S = 10     /* of a second's HELLOs or INITs so many parts may come at once */
};

/* So many acts a second, and a few at once: a token bucket. */
struct budget_bucket {
    uint64_t key, filled_us, spent_us;
    uint32_t tokens;
};

/* The state; budget_init begins it. */
struct budget {
    uint32_t agreements_per_s, looks_per_s;
    uint64_t salt;
    struct budget_bucket all, address[BUDGET_ADDRESSES]; /* key agreements */
    struct budget_bucket look[2];                        /* by sieve_kind */
};

/* Begins, everything full: `agreements_per_s` key agreements in all (a second's worth at once), and
 * a look at `looks_per_s` HELLOs and as many INITs. `salt` is random: nobody shall know which
 * addresses share a place. */
void budget_init(struct budget *b, uint32_t agreements_per_s, uint32_t looks_per_s, uint64_t salt,
                 uint64_t now_us);

/* Spends a look at one HELLO or INIT, whoever sends it; false when there is none left. */
bool budget_look(struct budget *b, uint64_t now_us, enum sieve_kind kind);

/* Spends one key agreement on a stranger at this address, of an IPv6 host its /64; false when there
 * is none left for it. While less than half is left in all, who has had one waits, so that a few
 * hundred addresses that always want more leave the rest to those that come anew. */
bool budget_agree(struct budget *b, uint64_t now_us, const struct addr *from);

#endif
