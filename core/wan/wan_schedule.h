/* wan_schedule: what people write about a link: outages, changes, fading, policer, queue. */
#ifndef FARSPAN_WAN_SCHEDULE_H
#define FARSPAN_WAN_SCHEDULE_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/wan/wan_config.h"

/* Each reads the whole of the borrowed text and changes `c` on success only. ERR_MALFORMED when it
 * is not of that shape, ERR_LIMIT for a value that is too large or one entry too many. */

/* Adds an outage, "AT:FOR", two times: "5s:30s". */
enum err wan_schedule_outage(struct bytes text, struct wan_config *c) MUST_USE;

/* Adds changes, "AT:CHANGE[,CHANGE]...", each of them rate=RATE (0: unlimited), delay=TIME,
 * jitter=TIME, loss=P, burst=NUMBER, reorder=P, duplicate=P, corrupt=P,
 * mtu=BYTES (0: none), policer=RATE (0: none), fade=TIME (0: none), slots=TIME (0: none) or rebind:
 * "10s:rate=2M,loss=1%". */
enum err wan_schedule_change(struct bytes text, struct wan_config *c) MUST_USE;

/* Sets the queue's limit, a time at the rate of the moment ("50ms") or a size ("64KiB"). */
enum err wan_schedule_queue(struct bytes text, struct wan_config *c) MUST_USE;

/* Sets the policer, "RATE:SIZE" of its bucket: "5M:64KiB". */
enum err wan_schedule_policer(struct bytes text, struct wan_config *c) MUST_USE;

/* Sets the fading, "EVERY:LEAST", a time and a part of the rate: "200ms:20%". */
enum err wan_schedule_fade(struct bytes text, struct wan_config *c) MUST_USE;

#endif
