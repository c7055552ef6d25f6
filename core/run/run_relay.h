/* run_relay: a WAN in a process: UDP relay, or two network namespaces joined by a modelled link. */
#ifndef FARSPAN_RUN_RELAY_H
#define FARSPAN_RUN_RELAY_H

#include "core/base/parse.h"
#include "core/run/run.h"

/* All figures are per direction. */
struct run_relay_config {
    struct parse_address udp;        /* listen here for clients ... */
    const char *to;                  /* ... and pass them on to this address or ticket */
    struct parse_address advertise;  /* host that a ticket names when `udp` is a wildcard */
    const char *tun;                 /* instead of UDP: "NS1,NS2", names or paths of namespaces */
    struct parse_list tun_addresses; /* "A1,A2": theirs; none: 10.77.0.1,10.77.0.2 */
    uint64_t mtu_bytes; /* of the tun devices; with UDP of the path, headers included; 0: usual */
    uint64_t rate_bps, delay_us, jitter_us;
    uint64_t loss, reorder, duplicate, corrupt; /* millionths */
    uint64_t burst;                             /* mean losses in a row; 0: independent */
    const char *queue;                          /* SIZE or time at the rate; NULL: 100 ms */
    const char *policer;                        /* "RATE:SIZE"; NULL: none */
    const char *fade;                           /* "EVERY:LEAST"; NULL: none */
    uint64_t slot_us;                           /* arrivals in lumps; 0: as due */
    uint64_t ecn_us;           /* ECT datagrams that wait longer are marked, UDP only; 0: none is */
    struct parse_list outages; /* "AT:FOR" */
    struct parse_list changes; /* "AT:CHANGE[,CHANGE]..." */
    uint64_t seed;
};

/* Runs until SIGTERM or SIGINT and prints what has passed. Events: `listening` (address, with a
 * ticket also key and ticket), `result`. ERR_USAGE, ERR_BUSY or ERR_SYSTEM for an address that
 * cannot be listened on, ERR_NOT_FOUND for a namespace, ERR_UNSUPPORTED without the privilege for
 * --tun, ERR_UNREACHABLE for a host without an address, ERR_MEMORY. */
enum err run_relay(const struct run_relay_config *config, struct run *run) MUST_USE;

#endif
