/* duo: a client's and a listener's end of one session side by side, and the client as a puppet. */
#ifndef FARSPAN_DUO_H
#define FARSPAN_DUO_H

#include "core/peer/listener.h"
#include "core/peer/session.h"

enum { DUO_QUEUE = 4096, DUO_DELAY_US = 10000, DUO_EVENTS = PEER_EVENT_TOKEN + 1 };

enum duo_side { DUO_CLIENT, DUO_SERVER };

/* A datagram on its way. */
struct duo_datagram {
    uint64_t due_us;
    enum duo_side to;
    struct addr from;
    size_t n;
    uint8_t data[LIMIT_DATAGRAM_BYTES];
};

/* What one side has told its application. */
struct duo_seen {
    uint64_t count[DUO_EVENTS];
    struct peer_event last[DUO_EVENTS]; /* without their data */
    uint64_t message_bytes;
};

/* Two ends, connected. */
struct duo {
    struct rng rng;
    uint64_t now_us;
    struct key_pair server_key, client_key;
    struct listener *listener;
    struct peer *peer[2]; /* by enum duo_side */
    struct addr address[2];
    struct duo_seen seen[2];
    struct duo_datagram *queue;
    size_t first, count;
    /* Sees each datagram as it leaves, and loses it by giving false; may change it. NULL: none. */
    bool (*see)(struct duo *d, enum duo_side from, const struct addr *to, struct duo_datagram *g);
    uint64_t sent[2]; /* datagrams that left each side */
    bool hold;        /* the server's application takes no events */
    /* The puppet: what its session's keys have opened of what the server sent. */
    uint64_t number;              /* the next packet number that it seals with */
    uint64_t frames[FRAME_TYPES]; /* by type */
    struct frame last[FRAME_TYPES];
    uint8_t text[FRAME_TYPES][LIMIT_DATAGRAM_BYTES]; /* their data */
    uint8_t phase;                                   /* of its packets */
    uint64_t out_count, aside_bytes; /* datagrams; bytes to others than the client */
    struct addr out_to;
};

/* Makes a session and runs until both ends are connected; a failure fails the running test. NULL:
 * defaults. */
void duo_begin(struct duo *d, const struct peer_config *client, const struct peer_config *server);

/* Frees all of it. */
void duo_end(struct duo *d);

/* Lets so much time pass. Fails the running test when a side asks for a turn at once and then has
 * nothing to send. */
void duo_run(struct duo *d, uint64_t us);

/* From now on the client's end is idle, and the caller speaks with its keys. */
void duo_puppet(struct duo *d);

/* Gives the server one packet with these frames in it (padded to the floor), from `from` (NULL: the
 * client's address), takes all that it answers, and returns the packet's length. */
size_t duo_say(struct duo *d, const struct addr *from, struct bytes frames);

/* The same for one frame. */
size_t duo_say_frame(struct duo *d, const struct frame *f);

/* Fills the ranges of `ack`: all that the server has sent, the newest where they are too many. */
void duo_put_all(const struct duo *d, struct frame *ack);

/* Lets time pass for the server alone, and takes what it sends. */
void duo_wait(struct duo *d, uint64_t us);

#endif
