/* race: which ways to a listener are tried, and when: addresses side by side, TCP when UDP does not
 * get through, and both again when what carries the session falls silent. */
#ifndef FARSPAN_RACE_H
#define FARSPAN_RACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/peer/peer.h"

enum {
    RACE_ADDRESSES = PEER_WAYS / 2,
    RACE_NEXT_US = 250000,   /* after one address the next is tried (RFC 8305, section 5) */
    RACE_TCP_US = 500000,    /* without an answer over UDP so long, TCP is tried as well */
    RACE_SILENT_US = 3000000 /* without a word so long, a session looks for another way */
};

/* Mechanisms that a simulation can switch off; never set otherwise. */
enum race_without {
    RACE_WITHOUT_TCP = 1 << 0,    /* no fallback at the start */
    RACE_WITHOUT_SEARCH = 1 << 1, /* no other way for a session that is up */
    RACE_WITHOUT_OTHERS = 1 << 2, /* the first address only */
    RACE_WITHOUT_GRACE = 1 << 3   /* UDP is left as soon as a connection is there */
};

/* What is to be done now. */
enum race_act {
    RACE_NONE,
    RACE_TRY,     /* peer_try */
    RACE_CONNECT, /* open a TCP connection; race_opened or race_gone tells what became of it */
    RACE_CLOSE    /* close the TCP connection, open or being opened; nothing is to be told */
};

/* One way: an address over one transport. */
struct race_way {
    struct addr to;
    uint64_t due_us;    /* something is to be done about it then; UINT64_MAX: nothing */
    uint64_t begun_us;  /* when its connection was asked for, or was there */
    unsigned failures;  /* of its connection, in a row */
    bool begun;         /* tried at least once */
    bool failed;        /* over UDP: the kernel knows no way to it */
    bool opening, open; /* its connection ... */
    bool said;          /* ... and whether RACE_TRY was said since it is open */
};

/* All ways, those over UDP first. */
struct race {
    struct race_way way[PEER_WAYS];
    size_t ways;
    uint32_t without;
    bool by_udp;            /* what carries the session, as far as there is one */
    bool silent;            /* a session that is up hears nothing */
    uint64_t keep_until_us; /* connections that carry nothing are kept until then */
};

/* What a race is told of the session at each step (of struct peer_path). */
struct race_session {
    bool answered, connected;
    uint64_t silent_us;
    struct addr remote;
};

/* Begins with `count` addresses (borrowed; the best first; port included; more than RACE_ADDRESSES
 * are left out): families alternate from then on, beginning with the first one's (RFC 8305, 4).
 * Over UDP first and TCP too, or with `tcp_only` over TCP alone. */
void race_init(struct race *r, const struct addr *list, size_t count, bool tcp_only,
               uint32_t without, uint64_t now_us);

/* The next thing to do, with the address in *to (a TCP one for RACE_CONNECT and RACE_CLOSE);
 * RACE_NONE: nothing until race_deadline_us or the next event. It counts as done. */
enum race_act race_next(struct race *r, uint64_t now_us, const struct race_session *s,
                        struct addr *to);

/* When race_next wants to be called again; UINT64_MAX: never. */
uint64_t race_deadline_us(const struct race *r, uint64_t now_us, const struct race_session *s);

/* A connection that was asked for is there. */
void race_opened(struct race *r, uint64_t now_us, const struct addr *to);

/* A connection could not be made or is broken; or the kernel knows no way for a datagram to `to`.
 */
void race_gone(struct race *r, uint64_t now_us, const struct addr *to);

#endif
