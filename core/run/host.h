/* host: a listener on UDP, on TCP of the same port, and the loop: the ground of every server. */
#ifndef FARSPAN_HOST_H
#define FARSPAN_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/base/parse.h"
#include "core/crypt/key.h"
#include "core/crypt/ticket.h"
#include "core/peer/listener.h"
#include "core/run/gate.h"
#include "core/run/loop.h"
#include "core/run/run.h"

struct host;

/* What the serving command does; all in the loop's thread. A session is the host's. */
struct host_owner {
    /* An event of a session, PEER_EVENT_CONNECTED first; after PEER_EVENT_CLOSED it is gone. */
    void (*event)(void *ctx, struct peer *p, const struct peer_event *e);
    /* Last chance to queue data before the socket is left alone: messages are best made here, when
     * there is room for them. NULL: none. */
    void (*fill)(void *ctx, uint64_t now_us);
    void *ctx; /* borrowed */
};

/* What a serving command was told. */
struct host_config {
    struct parse_address listen;    /* empty host: every address */
    struct parse_address advertise; /* what the ticket names; empty: the listening address */
    struct gate_config gate;
    struct peer_config peer;
    uint32_t strangers_per_s; /* as of struct listener_config */
};

/* Opens sockets, gate and listener; where TCP is not to be had, with UDP alone. With reasons:
 * ERR_USAGE, ERR_BUSY (address taken), ERR_SYSTEM, ERR_MEMORY. */
enum err host_new(struct loop *l, const struct host_config *config, const struct host_owner *owner,
                  struct run *run, struct host **out) MUST_USE;

/* Takes it; sessions end without a word (host_part first). NULL is fine. */
void host_free(struct host *h);

/* Something was queued on a session: send it at the end of this turn. */
void host_kick(struct host *h);

/* Closes every session with a reason for the other side. */
void host_close_all(struct host *h, enum err e, const char *reason);

/* Runs the loop until the other sides of all sessions, which host_close_all has closed, know it: a
 * round trip as a rule, 3 s when nothing comes back, less when loop_stop is called. Who comes
 * meanwhile hears the same (borrowed) words. The owner hears nothing any more, and has nothing else
 * on the loop that it does not want called. */
void host_part(struct host *h, enum err e, const char *reason);

/* Reads the keys anew and closes the sessions whose key is not in them any more. */
void host_reload(struct host *h);

/* How many sessions there are. */
size_t host_count(const struct host *h);

/* The `i`th session (i < host_count), borrowed. */
struct peer *host_peer(const struct host *h, size_t i);

/* Prints the listening event: address, key and ticket. */
enum err host_say_listening(struct host *h) MUST_USE;

/* Where it listens, with the real port; borrowed. */
const struct addr *host_local(const struct host *h);

/* What the listener has seen. */
void host_counters(const struct host *h, struct listener_counters *out);

#endif
