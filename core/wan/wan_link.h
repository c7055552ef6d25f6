/* wan_link: one direction of a link as a chain of nodes: outage, policer, queue, loss, corruption,
 * copies, delay, slots. */
#ifndef FARSPAN_WAN_LINK_H
#define FARSPAN_WAN_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/stat.h"
#include "core/wan/wan_config.h"

struct wan_link;

/* The codepoints of RFC 3168, section 5. */
enum { WAN_ECN_NONE = 0, WAN_ECN_ECT1 = 1, WAN_ECN_ECT0 = 2, WAN_ECN_CE = 3 };

enum wan_drop {
    WAN_DROP_QUEUE,   /* the queue was full */
    WAN_DROP_LOSS,    /* lost on the line */
    WAN_DROP_OUTAGE,  /* the link was down */
    WAN_DROP_MTU,     /* larger than the link's MTU */
    WAN_DROP_ECN,     /* it said that it knows of ECN */
    WAN_DROP_POLICER, /* beyond the policer's rate and bucket */
    WAN_DROP_MEMORY,  /* the model's own ring was full: the ring is too small for the link */
    WAN_DROP_COUNT
};

/* What has happened so far. At rest in_count + duplicated = out_count + the sum of `dropped`. */
struct wan_counters {
    uint64_t in_count, in_bytes;   /* datagrams and payload bytes given to wan_link_send */
    uint64_t out_count, out_bytes; /* ... and given out by wan_link_next, copies included */
    uint64_t dropped[WAN_DROP_COUNT];
    uint64_t duplicated, reordered, corrupted, marked;
    struct stat_hist queue_us; /* from entering to leaving the queue, each datagram that did */
};

/* One datagram that has come through. */
struct wan_datagram {
    struct bytes bytes; /* borrowed until the next wan_link_send or wan_link_next */
    uint64_t user;      /* as given to wan_link_send */
    uint64_t sent_us;   /* when it was sent */
    uint64_t due_us;    /* when it arrives: <= now */
    uint8_t ecn;        /* as sent, or WAN_ECN_CE */
};

/* Gives a link that follows `config` (copied; must pass wan_config_check), or an error: ERR_MEMORY
 * or what the check says. All its chance comes from `seed`, each node from a stream of its own, so
 * that switching one fault on does not change when the others strike. `ring_bytes` (see
 * wan_config_ring_bytes) bounds what is in flight: it is allocated here, nothing is later. */
enum err wan_link_new(const struct wan_config *config, uint64_t seed, size_t ring_bytes,
                      struct wan_link **out) MUST_USE;

/* Takes a link and frees it; NULL is fine. */
void wan_link_free(struct wan_link *l);

/* Starts the time that outages and changes are counted from. Only the first call counts; the first
 * wan_link_send does it by itself. */
void wan_link_start(struct wan_link *l, uint64_t now_us);

/* Sends a copy of `data` (borrowed) at `now_us`; the link decides what becomes of it. Times never
 * run backwards: an earlier one counts as the latest seen. */
void wan_link_send(struct wan_link *l, uint64_t now_us, struct bytes data, uint64_t user,
                   uint8_t ecn);

/* The next datagram that has arrived by `now_us`, in order of arrival. False when there is none. */
bool wan_link_next(struct wan_link *l, uint64_t now_us, struct wan_datagram *out);

/* The next change of the schedule that has taken place by `now_us`, once each: the owner acts on
 * WAN_CHANGE_REBIND (at_us counts from the start). False when there is none. */
bool wan_link_next_event(struct wan_link *l, uint64_t now_us, struct wan_change *out);

/* Changes one figure at `now_us`, besides the schedule; no event follows. ERR_USAGE and ERR_LIMIT
 * as wan_config_check; then nothing has changed. */
enum err wan_link_change(struct wan_link *l, uint64_t now_us, enum wan_change_kind kind,
                         uint64_t value) MUST_USE;

/* When wan_link_next or wan_link_next_event may have something next; never later than they do;
 * UINT64_MAX: not before the next send. */
uint64_t wan_link_deadline_us(const struct wan_link *l);

/* The counters, borrowed as long as the link lives. */
const struct wan_counters *wan_link_counters(const struct wan_link *l);

/* The rate in force at the latest time seen, with what fading has made of it. */
uint64_t wan_link_rate_bps(const struct wan_link *l);

/* The figures in force at the latest time seen, borrowed as long as the link lives. */
const struct wan_config *wan_link_config(const struct wan_link *l);

/* Bytes in the queue, overhead included, at the latest time seen. */
uint64_t wan_link_queue_bytes(const struct wan_link *l);

#endif
