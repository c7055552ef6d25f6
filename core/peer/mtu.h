/* mtu: how large datagrams may be on this path: a search by probes, and doubt when they vanish. */
#ifndef FARSPAN_MTU_H
#define FARSPAN_MTU_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MTU_SIZES = 13, /* sizes that are tried, the base among them */
    MTU_TRIES = 3,  /* so many probes of a size are lost before it counts as too large */
    MTU_MISSED = 6, /* so many large packets in a row are missed before their size is in doubt */
    MTU_RETRY_US = 200000,
    MTU_RAISE_US = 600000000 /* when the search is made again (RFC 8899, 5.1.1) */
};

/* Datagram packetization layer path MTU discovery (RFC 8899) of one path, in bytes of UDP payload.
 * Between the base, which every path takes, and the cap it tries the cap first, since nearly all
 * paths take it, then halves a table of the sizes that usual links and tunnels leave. In use is
 * what a probe has proven, and from a doubt on the base again: that costs a few bytes in a hundred
 * for a round trip, while large packets that vanish would cost a probe time-out. So an address
 * that changed is a doubt as well. */
struct mtu {
    uint32_t cap_bytes;
    uint32_t now_bytes; /* in use */
    unsigned top;       /* index of the cap */
    unsigned low, high; /* indices: proven to pass; believed to be too large, top + 1: none */
    unsigned first;     /* to be tried before all others, 0: none */
    bool in_flight;     /* a probe ... */
    uint64_t number;    /* ... in the packet of this number ... */
    unsigned at;        /* ... of this size */
    unsigned tries;     /* probes of this size that were lost */
    uint64_t next_us;   /* when the next probe may leave */
    bool used;          /* something about as large as is allowed was sent since the search */
    uint64_t heard[MTU_SIZES]; /* one past the newest acknowledged packet of each size */
    unsigned missed;           /* large packets lost since one as large was acknowledged ... */
    unsigned missed_least;     /* ... and the least of their sizes */
};

/* Prepares the caller's storage for a path that nothing is known of. `cap_bytes` is the most that
 * is ever tried, from LIMIT_DATAGRAM_FLOOR, which is the base, to LIMIT_DATAGRAM_BYTES. */
void mtu_init(struct mtu *m, uint32_t cap_bytes, uint64_t now_us);

/* The size of the probe that should leave now, 0 when none should. */
uint32_t mtu_wanted(const struct mtu *m, uint64_t now_us);

/* The probe that was wanted has left in packet `number`. */
void mtu_probed(struct mtu *m, uint64_t number);

/* Any other packet has left. */
void mtu_sent(struct mtu *m, uint32_t bytes);

/* What became of a probe. */
void mtu_probe_fate(struct mtu *m, uint64_t now_us, uint64_t number, uint32_t bytes, bool acked);

/* What became of any other packet. A loss must be told after the acknowledgements that showed it:
 * large packets that are lost before one as large arrives are what a black hole looks like. */
void mtu_fate(struct mtu *m, uint64_t now_us, uint64_t number, uint32_t bytes, bool acked);

/* The path may be another one: back to the base until a probe has proven the size again. */
void mtu_doubt(struct mtu *m, uint64_t now_us);

/* When mtu_wanted becomes true without anything else happening; UINT64_MAX: never. */
uint64_t mtu_deadline_us(const struct mtu *m);

#endif
