/* way: the way there apart from the way back, of round trips over two clocks. */
#ifndef FARSPAN_WAY_H
#define FARSPAN_WAY_H

#include <stdbool.h>
#include <stdint.h>

enum { WAY_WINDOW_US = 10000000 };

struct way {
    bool known;
    int64_t least_us[2]; /* of the present and the last WAY_WINDOW_US */
    uint64_t stamp_us;   /* when the present ones began */
    uint64_t back_us[2]; /* the least queue on the way back, of this round and the last */
    uint64_t back_most_us[2];
};

/* Prepares the caller's storage. */
void way_init(struct way *w);

/* The path has another length: what was the least of the way there says nothing any more. */
void way_changed(struct way *w);

/* The round trip `rtt_us` as if there were no queue on the way back: what the other end or its
 * neighbours send there is no reason to send less. `there_us` is how long the packet was on its way
 * there, plus a constant that nobody knows; `least_rtt_us` the shortest round trip, 0 when none is
 * known. What it was later than the earliest of the last 10 to 20 s is queue on the way there, but
 * no more than its whole round trip was longer, so that clocks that drift apart make us see less
 * and never what is not there. */
uint64_t way_round_trip(struct way *w, uint64_t now_us, int64_t there_us, uint64_t rtt_us,
                        uint64_t least_rtt_us);

/* A round trip has ended, another begins. */
void way_begin_round(struct way *w);

/* The least queue on the way back in this round; UINT64_MAX: not known. */
uint64_t way_back_us(const struct way *w);

/* The same of this round and the last together; 0 when not known. */
uint64_t way_back_of_two_us(const struct way *w);

/* By how much the longest queue on the way back in both was longer than that. */
uint64_t way_back_varies_us(const struct way *w);

#endif
