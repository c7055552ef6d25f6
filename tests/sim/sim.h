/* sim: real endpoints under virtual time, joined by modelled links; same seed, same log. */
#ifndef FARSPAN_SIM_H
#define FARSPAN_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/addr.h"
#include "core/base/bytes.h"
#include "core/base/rng.h"
#include "core/wan/wan_link.h"

enum {
    SIM_NODES_MAX = 64,
    SIM_START_US = 1000000,  /* virtual time begins here, so that 0 is a time nobody sees */
    SIM_DATAGRAM_MAX = 2048, /* bytes a node may put into one datagram */
    SIM_BURST_MAX = 100000, /* datagrams or turns of one node within one instant: beyond it spins */
    SIM_IDLE_US = 10000,    /* a node spins too when within so long ... */
    SIM_IDLE_TURNS = 100,   /* ... more turns in a row than this come to nothing */
};

/* What a node does. Times are the node's own clock. After every input and at every deadline the
 * harness calls `work` and then `output` until there is nothing more, and both again until nothing
 * comes of it, all at that instant. */
struct sim_ops {
    /* One datagram has arrived; bytes are borrowed. */
    void (*input)(void *self, uint64_t now_us, const struct addr *from, const struct addr *to,
                  struct bytes data, uint8_t ecn);
    /* Writes the next datagram, where it goes and its ECN codepoint; gives its length, 0: none. */
    size_t (*output)(void *self, uint64_t now_us, uint8_t *space, size_t room, struct addr *to,
                     uint8_t *ecn);
    /* When it wants a turn; UINT64_MAX: only after input. */
    uint64_t (*deadline_us)(void *self, uint64_t now_us);
    /* The application's turn; NULL: there is none. */
    void (*work)(void *self, uint64_t now_us);
};

struct sim;

/* Sees every datagram as it enters the network, to record, replay or swallow it (then it gives
 * false). Borrows the bytes. */
struct sim_tap {
    bool (*see)(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                struct bytes data);
    void *self;
};

/* Gives an empty world. Everything in it is decided by `seed`. Like all of this harness it aborts
 * without memory. */
struct sim *sim_new(uint64_t seed);

/* Takes the world and its links; the nodes' selves stay with whoever made them. */
void sim_free(struct sim *s);

/* Mechanisms of the desk that are switched off in this world (enum without of core/screen). */
void sim_set_desk_without(struct sim *s, uint32_t without);
uint32_t sim_desk_without(const struct sim *s);

/* Chance for whoever builds the world; nodes should each take a seed from it. Borrowed. */
struct rng *sim_rng(struct sim *s);

/* The true time. */
uint64_t sim_now_us(const struct sim *s);

/* Adds a node with an address of its own; gives its number. `name` (static) is for the log; `ops`
 * and `self` are borrowed. */
size_t sim_node(struct sim *s, const char *name, const struct sim_ops *ops, void *self,
                const struct addr *address);

/* Joins two nodes, one link each way, which begin to count time now; NULL: a perfect one. Without
 * this, nothing passes between two nodes. */
void sim_join(struct sim *s, size_t a, size_t b, const struct wan_config *a_to_b,
              const struct wan_config *b_to_a);

/* Lets what two nodes send each other pass through the links that join `a` and `b`, beside what
 * those send: one bottleneck. `near` is on the side of `a`. */
void sim_share(struct sim *s, size_t near, size_t far, size_t a, size_t b);

/* The same for what goes from one node's TCP address to another's: a reliable, ordered stream when
 * the links lose and reorder nothing. */
void sim_join_tcp(struct sim *s, size_t a, size_t b, const struct wan_config *a_to_b,
                  const struct wan_config *b_to_a);

/* Gives the node another TCP address, or none (ADDR_NONE): a new connection, or its end. What is on
 * the way to the one before is lost. */
void sim_move_tcp(struct sim *s, size_t node, const struct addr *address);

/* The node's present TCP address, borrowed. */
const struct addr *sim_tcp_address(const struct sim *s, size_t node);

/* The node that has this address, of either kind, now; SIZE_MAX: none. */
size_t sim_node_at(const struct sim *s, const struct addr *address);

/* The TCP link from one node to another, borrowed. */
struct wan_link *sim_link_tcp(struct sim *s, size_t from, size_t to);

/* The link from one node to another, borrowed: its counters and figures. */
struct wan_link *sim_link(struct sim *s, size_t from, size_t to);

/* Changes a link's figure now, besides its own schedule. */
void sim_change(struct sim *s, size_t from, size_t to, enum wan_change_kind kind, uint64_t value);

/* Gives the node another address: what is on the way to the old one is lost, as when a NAT rebinds
 * or a host roams. WAN_CHANGE_REBIND on a link does this to its sender's port. */
void sim_move(struct sim *s, size_t node, const struct addr *address);

/* The node's present address, borrowed. */
const struct addr *sim_address(const struct sim *s, size_t node);

/* The node sees offset + time * (1,000,000 + ppm) / 1,000,000 from the next turn on. */
void sim_clock(struct sim *s, size_t node, uint64_t offset_us, int64_t ppm);

/* The node's own time now. */
uint64_t sim_node_now_us(const struct sim *s, size_t node);

/* Stops a node (it gets no input and no turns: dead, or asleep) or lets it go on. */
void sim_power(struct sim *s, size_t node, bool on);

/* The node does nothing until a true time: what comes meanwhile waits at its door, as in a socket
 * buffer, and is then taken all at once. */
void sim_busy(struct sim *s, size_t node, uint64_t until_us);

/* Gives the node its turn now, after its self was changed from outside. */
void sim_kick(struct sim *s, size_t node);

/* Calls `act` at a true time (not before now). */
void sim_at(struct sim *s, uint64_t at_us, void (*act)(struct sim *s, void *arg), void *arg);

/* Delivers a forged datagram at once to whoever has address `to`, past all links. */
void sim_inject(struct sim *s, const struct addr *from, const struct addr *to, struct bytes data);

/* Lets a tap see every datagram from now on. */
void sim_tap(struct sim *s, const struct sim_tap *tap);

/* Runs until `done` says so (then true; NULL: never), or true time `until_us` is reached, something
 * has failed, or nothing will ever happen again (then false, and unless it failed, the time is
 * `until_us`). */
bool sim_run(struct sim *s, uint64_t until_us, bool (*done)(void *arg), void *arg);

/* Records a failure, the first one only; everything stops at it. */
void sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What failed first, borrowed, or NULL. */
const char *sim_failure(const struct sim *s);

/* The running hash of everything that happened: times, places and every byte sent or delivered. */
uint64_t sim_hash(const struct sim *s);

/* Adds something of the scenario's own to the log and its hash. */
void sim_note(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes the log as text from now on; NULL: not. */
void sim_log_to(struct sim *s, FILE *to);

/* A world's usual address: 10.0.0.`host`, port `port`. */
struct addr sim_addr(uint8_t host, uint16_t port);

#endif
