/* link_mark: whether both ends of a session read the same clock, without telling which. */
#ifndef FARSPAN_LINK_MARK_H
#define FARSPAN_LINK_MARK_H

#include <stdint.h>

#include "core/peer/peer.h"
#include "core/wire/trial.h"

/* Writes what is equal at both ends of the connected session when they read one clock, and random
 * to everybody else. */
void link_mark(const struct peer *p, uint8_t mark[TRIAL_MARK_BYTES]);

#endif
