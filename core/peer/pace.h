/* pace: when a session's next packet may leave: the window, the rate, and what leaves together. */
#ifndef FARSPAN_PACE_H
#define FARSPAN_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;

/* Whether a packet of full size may leave now. What waits for nothing does not ask. */
bool pace_allows(const struct peer *p, uint64_t now_us);

/* A packet of `bytes` has left: the next one that asks waits for it, by the controller's rate. */
void pace_sent(struct peer *p, uint64_t now_us, size_t bytes);

/* The controller has learned something; it paced at `before_bytes_s`. Faster now, it does not sit
 * out what was to be waited for then. */
void pace_changed(struct peer *p, uint64_t now_us, uint64_t before_bytes_s);

/* When it is worth waking up for packets that wait: a little after the first of them may leave, so
 * that others leave with it. UINT64_MAX: not before something arrives. */
uint64_t pace_deadline_us(const struct peer *p);

#endif
