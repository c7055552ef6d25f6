/* wan_config: what one direction of a modelled link does to datagrams. */
#ifndef FARSPAN_WAN_CONFIG_H
#define FARSPAN_WAN_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum {
    WAN_OUTAGES_MAX = 64,
    WAN_CHANGES_MAX = 64,
    WAN_DATAGRAM_MAX = 65535,  /* bytes; larger ones are dropped */
    WAN_OVERHEAD_UDP4 = 28,    /* IPv4 and UDP headers */
    WAN_QUEUE_US = 100000,     /* queue by default: 100 ms of rate */
    WAN_QUEUE_FLOOR = 3056,    /* a queue given in time holds at least two full datagrams */
    WAN_DUPLICATE_US = 1000,   /* by default a copy comes within so much */
    WAN_REORDER_US = 10000,    /* by default a reordered datagram is late by up to so much */
    WAN_PROBABILITY = 1000000, /* certain: probabilities are millionths */
    WAN_BUCKET_MAX = 1 << 30,  /* bytes of a policer's bucket, the most */
    WAN_FADE_LEAST_US = 1000,  /* a rate fades at most so often */
};

/* An outage: every datagram that enters the link or leaves its queue in [at_us, at_us + for_us)
 * is dropped. Times count from the link's start. */
struct wan_outage {
    uint64_t at_us, for_us;
};

enum wan_change_kind {
    WAN_CHANGE_RATE,      /* value: bits a second, 0 unlimited */
    WAN_CHANGE_DELAY,     /* value: us */
    WAN_CHANGE_JITTER,    /* value: us */
    WAN_CHANGE_LOSS,      /* value: millionths */
    WAN_CHANGE_BURST,     /* value: mean losses in a row, 0 independent */
    WAN_CHANGE_REORDER,   /* value: millionths */
    WAN_CHANGE_DUPLICATE, /* value: millionths */
    WAN_CHANGE_CORRUPT,   /* value: millionths */
    WAN_CHANGE_MTU,       /* value: bytes, 0 none */
    WAN_CHANGE_POLICER,   /* value: bits a second, 0 none; the bucket stays as it is */
    WAN_CHANGE_ECN,       /* value: enum wan_ecn_way */
    WAN_CHANGE_FADE,      /* value: us between two changes of the rate, 0 none */
    WAN_CHANGE_SLOTS,     /* value: us, 0 none */
    WAN_CHANGE_REBIND,    /* no value: the owner changes the client's address as seen behind it */
};

/* What the link does with datagrams that say they know of ECN, besides marking. */
enum wan_ecn_way {
    WAN_ECN_PASS,
    WAN_ECN_BLEACH, /* the codepoint is cleared */
    WAN_ECN_BLOCK,  /* they are dropped */
};

/* One change of the link at a time counted from its start. */
struct wan_change {
    uint64_t at_us;
    enum wan_change_kind kind;
    uint64_t value;
};

/* One direction of a link. All zero after wan_config_init means: passes everything at once. */
struct wan_config {
    uint64_t rate_bps;       /* 0: unlimited; counts payload and overhead */
    uint32_t overhead_bytes; /* added to each datagram for rate and queue */
    uint64_t police_bps;     /* what enters beyond this is dropped (token bucket); 0: nothing is */
    uint64_t police_bytes;   /* ... beyond so much at once: the bucket */
    uint64_t fade_us;        /* each so often the rate changes by chance; 0: never ... */
    uint32_t fade_least;   /* ... to this (millionths) .. all of it; a queue in time keeps bytes */
    uint64_t queue_us;     /* drop-tail limit in time at the rate of the moment ... */
    uint64_t queue_bytes;  /* ... or, when not 0, in bytes, whatever the rate */
    uint64_t ecn_mark_us;  /* ECT datagrams that wait longer are marked CE; 0: no marking */
    uint64_t delay_us;     /* one way, added to queueing */
    uint64_t jitter_us;    /* each datagram is late by a uniform 0..jitter_us more */
    int jitter_reorders;   /* not 0: jitter may change the order; else it never does */
    uint64_t slot_us;      /* arrivals come in lumps, each at the end of such a slot; 0: as due */
    uint32_t loss;         /* millionths, after the queue: what is lost has used up rate */
    uint32_t burst;        /* mean losses in a row (Gilbert-Elliott, same average); 0: single */
    uint32_t reorder;      /* millionths: delayed extra, so that later ones overtake */
    uint64_t reorder_us;   /* by a uniform half .. whole of this; 0: WAN_REORDER_US + delay/4 */
    uint32_t duplicate;    /* millionths: delivered twice; the copy uses no rate */
    uint64_t duplicate_us; /* the copy comes up to so much later; 0: WAN_DUPLICATE_US */
    uint32_t corrupt;      /* millionths: one random bit is flipped */
    uint32_t ecn_way;      /* enum wan_ecn_way */
    uint32_t mtu_bytes;    /* payload + overhead beyond this is dropped; 0: none */
    struct wan_outage outage[WAN_OUTAGES_MAX];
    size_t outages;
    struct wan_change change[WAN_CHANGES_MAX]; /* any order; equal times apply in this order */
    size_t changes;
};

/* Sets the defaults: no limit, no delay, no fault, overhead of UDP over IPv4, queue of 100 ms. */
void wan_config_init(struct wan_config *c);

/* OK when the figures make sense, at the start and after each change; ERR_USAGE for a probability
 * above 1, a policer without a bucket, or a loss that bursts of that mean length cannot reach (loss
 * <= N / (N + 1), or 1); ERR_LIMIT for times beyond a year, rates above 1 Tbit/s, a bucket above
 * WAN_BUCKET_MAX, fading more often than WAN_FADE_LEAST_US or too many entries. */
enum err wan_config_check(const struct wan_config *c) MUST_USE;

/* Applies one change to the figures; a rebind changes nothing here. */
void wan_config_apply(struct wan_config *c, const struct wan_change *change);

/* Sorts the changes by time, keeping the order of equal times. */
void wan_config_sort(struct wan_config *c);

/* How late a reordered datagram is at most, with the default filled in. */
uint64_t wan_config_reorder_us(const struct wan_config *c);

/* How late a copy is at most, with the default filled in. */
uint64_t wan_config_duplicate_us(const struct wan_config *c);

/* The queue's limit in bytes, overhead included, at the present rate. */
uint64_t wan_config_queue_limit(const struct wan_config *c);

/* Bytes of ring that hold what this link can have in flight at full rate: for wan_link_new. */
size_t wan_config_ring_bytes(const struct wan_config *c);

#endif
