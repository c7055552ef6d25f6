/* sim_app: traffic on one end of a session, and the checks of what comes out at the other. */
#ifndef FARSPAN_SIM_APP_H
#define FARSPAN_SIM_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/stat.h"
#include "core/peer/peer.h"
#include "tests/sim/sim.h"

enum {
    SIM_APP_FLOWS = 8,
    SIM_APP_SERIES = 4,
    SIM_APP_INCOMING = 64,
    SIM_APP_STAMPS = 4096,    /* times remembered for each flow or series */
    SIM_APP_MESSAGES = 65536, /* of one series, the most */
    SIM_APP_CHANNEL = 100,    /* of the first series */
};

#define SIM_APP_ENDLESS UINT64_MAX

/* A stream being written: all at once, or so much every so often. */
struct sim_app_flow {
    enum peer_class class;
    bool padded;
    uint64_t total;                /* bytes, then it is finished; SIM_APP_ENDLESS: never */
    uint64_t each_bytes, every_us; /* 0: as much as the stream takes */
    uint64_t next_us;              /* by the node's clock */
    uint64_t id, written;
    bool open, finished;
    bool blocked; /* took less than was offered: PEER_EVENT_WRITABLE will come */
    struct {
        uint64_t end, at_us;
    } stamp[SIM_APP_STAMPS]; /* when the bytes up to `end` were written, true time */
    uint64_t stamp_first, stamp_next;
    struct stat_hist delay_us; /* from write to read */
};

/* Messages of one kind being sent. */
struct sim_app_series {
    enum peer_class class;
    uint32_t bytes; /* of each; at least 8 */
    uint64_t every_us, next_us;
    uint64_t total;
    uint64_t key; /* each supersedes the one before it; 0: none does */
    bool once;
    uint64_t deadline_us; /* each is given up when not sent within so long; 0: never */
    uint64_t sent, acked, gone;
    uint64_t sent_us[SIM_APP_STAMPS]; /* true time, by number % SIM_APP_STAMPS */
};

/* A stream being read. */
struct sim_app_incoming {
    uint64_t id, read, code;
    bool ended, reset;
};

/* Messages of one kind that have come. */
struct sim_app_received {
    uint64_t count, newest;
    struct stat_hist delay_us; /* of each, from send to delivery */
    struct stat_hist age_us;   /* of the newest one, looked at whenever the next newer one comes */
    uint8_t seen[SIM_APP_MESSAGES / 8];
};

/* Another application on the same session; each call may be NULL. */
struct sim_app_extra {
    /* Sees an event first; true: it was for it. */
    bool (*event)(void *context, uint64_t now_us, const struct peer_event *ev);
    /* Its turn, after all events. */
    void (*work)(void *context, uint64_t now_us);
    /* When it wants a turn, by the node's clock. */
    uint64_t (*deadline_us)(void *context, uint64_t now_us);
    void *context;
};

/* One end of a session with all its traffic. */
struct sim_app {
    struct sim *sim; /* borrowed */
    const char *name;
    struct peer *peer; /* borrowed; NULL: no session */
    bool client;
    struct sim_app *other; /* borrowed: the app at the other end, NULL while there is none */
    struct sim_app_extra extra;
    bool hold;       /* reads nothing from streams */
    bool accept_key; /* what it answers PEER_EVENT_HOST_KEY: else it closes */
    struct sim_app_flow *flow[SIM_APP_FLOWS];          /* owned */
    struct sim_app_series *series[SIM_APP_SERIES];     /* owned */
    struct sim_app_received *received[SIM_APP_SERIES]; /* owned */
    struct sim_app_incoming incoming[SIM_APP_INCOMING];
    size_t flows, serieses, incomings;
    uint64_t read_bytes;
    unsigned asked, connected, closed, moved;
    unsigned path_news;    /* PEER_EVENT_PATH_CHANGED ... */
    uint32_t path_what;    /* ... and all that they were about; the owner clears it */
    uint64_t connected_us; /* true time */
    enum err error;
    char reason[LIMIT_REASON_CHARS + 1];
    uint32_t roles;
    uint8_t other_key[KEY_BYTES];
    struct addr other_addr;
    uint8_t token[64];
    size_t token_bytes;
    uint8_t token_ciphers;
};

/* Prepares the caller's storage for one end of `peer` (borrowed, may be set later). */
void sim_app_init(struct sim_app *a, struct sim *s, const char *name, struct peer *peer,
                  bool client);

/* Frees what it holds; the peer is not its. */
void sim_app_release(struct sim_app *a);

/* Adds a stream of `total` bytes, opened once connected; borrowed, to be adjusted before. */
struct sim_app_flow *sim_app_write(struct sim_app *a, enum peer_class class, uint64_t total);

/* Adds `total` messages of `bytes` each, one every `every_us`; borrowed, to be adjusted. */
struct sim_app_series *sim_app_send(struct sim_app *a, enum peer_class class, uint32_t bytes,
                                    uint64_t every_us, uint64_t total);

/* Forgets all that was written and read, for a new session: the same traffic begins again. */
void sim_app_again(struct sim_app *a);

/* Takes the first event alone, which says who is there: before the other app is known. */
void sim_app_greet(struct sim_app *a, uint64_t now_us);

/* The application's turn: takes events, reads, writes. Fails the simulation on any byte or message
 * that is not what was sent. */
void sim_app_work(struct sim_app *a, uint64_t now_us);

/* When it wants a turn, by the node's clock. */
uint64_t sim_app_deadline_us(const struct sim_app *a, uint64_t now_us);

/* Whether all of its streams were read to their end by the other, and each of its messages has
 * come, or was superseded, expired or given up. */
bool sim_app_is_done(const struct sim_app *a);

/* Writes a line of the log for each flow and series that is not through, and one of the path. */
void sim_app_note(const struct sim_app *a, uint64_t now_us);

/* Bytes of class `class` that it has written or sent and the other end has not read or taken. */
uint64_t sim_app_waiting(const struct sim_app *a, enum peer_class class);

/* Bytes of its flow `i` that the other end has read. */
uint64_t sim_app_read_of(const struct sim_app *a, size_t i);

#endif
