/* sieve: when strangers send too much, what share of it shall come in at all. */
#ifndef FARSPAN_SIEVE_H
#define FARSPAN_SIEVE_H

#include <stdbool.h>
#include <stdint.h>

/* What strangers send. */
enum sieve_kind {
    SIEVE_HELLO, /* two kinds that are wanted, but not at any number: each has a budget ... */
    SIEVE_INIT,
    SIEVE_OTHER, /* ... and what nobody has a use for */
    SIEVE_KINDS
};

enum {
    SIEVE_WINDOW_US = 100000, /* from one judgement to the next, or ... */
    SIEVE_HASTE = 2,          /* ... when so many times its budget has come of a kind */
    SIEVE_CALM_US = 2000000,  /* without need before everything may come again */
    SIEVE_LEAST = 1 << 20,    /* of 2^32, the least share that is let through */
};

/* The state; sieve_init begins it. */
struct sieve {
    uint32_t per_s;               /* the budget of each kind */
    uint64_t began_us, needed_us; /* of this window; when it was needed last */
    uint32_t seen[SIEVE_KINDS];   /* in this window */
    bool on;                      /* something filters by `keep`, and drops SIEVE_OTHER */
    uint32_t keep[2];             /* of HELLO and INIT: keep + 1 of 2^32 */
    bool changed;                 /* since sieve_changed */
};

/* Begins: everything may come, `per_s` of each kind are fine. */
void sieve_init(struct sieve *s, uint32_t per_s, uint64_t now_us);

/* A stranger's datagram has come. */
void sieve_count(struct sieve *s, uint64_t now_us, enum sieve_kind kind);

/* Judges what has come, when it is time. The share that is let through follows what came of the
 * share before: a flood of N a second is cut to its budget within SIEVE_HASTE budgets of a window,
 * and may double with each window of less. */
void sieve_turn(struct sieve *s, uint64_t now_us);

/* Whether on or keep have changed since the last call. */
bool sieve_changed(struct sieve *s);

/* When sieve_turn wants to be called, also without datagrams; UINT64_MAX: never. */
uint64_t sieve_deadline_us(const struct sieve *s);

#endif
