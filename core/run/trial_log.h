/* trial_log: what the caller of a trial has seen of it, and the figures that follow. */
#ifndef FARSPAN_TRIAL_LOG_H
#define FARSPAN_TRIAL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/stat.h"
#include "core/wire/trial.h"

enum {
    TRIAL_LOG_WINDOW_US = 50000, /* from one count of what was delivered to the next */
    TRIAL_LOG_HOLD_US = 500000,  /* a rate is held when it is the mean of so long */
    TRIAL_LOG_STEADY_US = 2000000
};

/* What had been delivered at a moment. */
struct trial_log_count {
    uint64_t at_us; /* the caller's clock */
    uint64_t bytes;
};

/* All times are of the caller's clock, unless they say otherwise. */
struct trial_log {
    bool one_clock;      /* both ends read the same: no correction */
    int64_t ahead_us;    /* the other's clock before ours, as the fastest answer showed it */
    uint64_t fastest_us; /* that answer's round trip; 0: none yet */
    uint64_t pongs;
    bool loaded; /* the trial runs: round trips count from now on */
    uint64_t last_rtt_us;
    struct stat_hist rtt_us, delay_us;
    uint64_t begun_us;              /* when the first payload left; 0: not yet */
    struct trial_log_count *counts; /* owned */
    size_t n, room;
};

/* Prepares the caller's storage for a trial of at most `for_us`. ERR_MEMORY. */
enum err trial_log_init(struct trial_log *l, uint64_t for_us) MUST_USE;

/* Frees what it holds. */
void trial_log_release(struct trial_log *l);

/* Takes the answer to a ping that came at `now_us`. */
void trial_log_pong(struct trial_log *l, uint64_t now_us, const struct trial_ping *p);

/* A time of the other's clock on ours. */
uint64_t trial_log_here_us(const struct trial_log *l, uint64_t far_us);

/* Adds what was delivered until `at_us`, which is not before the last one's (else it is left out).
 */
void trial_log_delivered(struct trial_log *l, uint64_t at_us, uint64_t bytes);

/* Adds the delay of a probe, `late_us` by uncorrected clocks; `far_receives`: which way it went. */
void trial_log_arrived(struct trial_log *l, int64_t late_us, bool far_receives);

/* The bytes delivered until `at_us`, straight between two counts. */
uint64_t trial_log_bytes_at(const struct trial_log *l, uint64_t at_us);

/* The mean rate in bits a second of what was delivered between two times; 0 when they are not in
 * order. */
uint64_t trial_log_rate_bps(const struct trial_log *l, uint64_t from_us, uint64_t to_us);

/* How long after `from_us` the rate delivered first held `wanted_bps`: until the first count from
 * there on from which the mean of TRIAL_LOG_HOLD_US reaches it. False when that never was so before
 * `until_us`. */
bool trial_log_held_us(const struct trial_log *l, uint64_t from_us, uint64_t wanted_bps,
                       uint64_t until_us, uint64_t *out);

#endif
