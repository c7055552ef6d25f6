/* call: a session with a server, from the words on the command line to its events. */
#ifndef FARSPAN_CALL_H
#define FARSPAN_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/peer/peer.h"
#include "core/run/loop.h"
#include "core/run/run.h"

struct call;

/* What the calling command does; all in the loop's thread. */
struct call_owner {
    /* An event of the session: from PEER_EVENT_CONNECTED to PEER_EVENT_CLOSED. A call that never
     * came about gives only the latter, with the run's reason set. */
    void (*event)(void *ctx, struct peer *p, const struct peer_event *e);
    /* After a batch of events was given. NULL: none. */
    void (*batch)(void *ctx, uint64_t now_us);
    /* Last chance to queue data before the socket is left alone. NULL: none. */
    void (*fill)(void *ctx, uint64_t now_us);
    void *ctx; /* borrowed */
};

/* What a calling command was told. */
struct call_config {
    const char *target; /* HOST[:PORT], ticket, "-", "@FILE"; NULL: $FARSPAN_TICKET */
    bool tcp;           /* over TCP alone */
    bool accept_new;    /* take an unknown host's key without asking */
    struct peer_config peer;
};

/* Begins a call: the host is looked up, all its addresses are tried side by side (core/peer/race.h,
 * and TCP where UDP does not get through), it is asked for its key, and greeted. With reasons:
 * ERR_USAGE, ERR_NOT_FOUND, ERR_SYSTEM, ERR_MEMORY; ERR_AGAIN when a signal stopped the loop before
 * the call began. */
enum err call_new(struct loop *l, const struct call_config *config, const struct call_owner *owner,
                  struct run *run, struct call **out) MUST_USE;

/* Ends the session with a reason for the other side, and runs the loop until that knows it: a round
 * trip as a rule, 3 s when nothing comes back, less when loop_stop is called. The owner hears
 * nothing any more, and has nothing else on the loop that it does not want called. */
void call_part(struct call *c, enum err e, const char *reason);

/* Takes it; the session ends without a word (call_part first). NULL is fine. */
void call_free(struct call *c);

/* The session; borrowed. */
struct peer *call_peer(const struct call *c);

/* Something was queued: send it at the end of this turn. */
void call_kick(struct call *c);

#endif
