/* session: the inside of a session that the files of core/peer share; nobody else includes it. */
#ifndef FARSPAN_SESSION_H
#define FARSPAN_SESSION_H

#include "core/crypt/noise.h"
#include "core/crypt/seal.h"
#include "core/peer/control.h"
#include "core/peer/mail.h"
#include "core/peer/mtu.h"
#include "core/peer/path_watch.h"
#include "core/peer/peer.h"
#include "core/peer/ranges.h"
#include "core/peer/recovery.h"
#include "core/peer/repeat.h"
#include "core/peer/stream.h"
#include "core/wire/hello.h"
#include "core/wire/packet.h"

enum {
    SESSION_ACK_DELAY_US = 5000,   /* an acknowledgement waits so long at the most */
    SESSION_CLOSE_GAP_US = 100000, /* from one CLOSE to the next, at the least */
};

enum session_state {
    SESSION_HELLO,   /* client: wants a cookie */
    SESSION_ASKING,  /* client: has one; the application decides about the key */
    SESSION_INIT,    /* client: message 1 is out */
    SESSION_READY,   /* keys are there, both directions work */
    SESSION_CLOSING, /* CLOSE is to be sent, once more for each packet that still comes */
    SESSION_CLOSED
};

/* An address at which the listener may be, and what was said there. */
struct session_way {
    struct addr to;
    uint64_t next_us; /* when it is said again */
    uint64_t sent_us; /* when it was said last */
    unsigned tries;
};

/* The client's side of a handshake. */
struct session_dial {
    struct key_pair identity;
    struct noise noise;
    bool has_expected, has_token, has_address_token, message_ready, has_doubted;
    uint8_t expected[KEY_BYTES], server_key[KEY_BYTES];
    uint8_t doubted[KEY_BYTES]; /* another than the expected key that was said once */
    uint8_t doubted_version;    /* another than ours that was said once ... */
    uint64_t doubted_us;        /* ... then; 0: none was */
    uint8_t token_id[HELLO_TOKEN_ID_BYTES], token_secret[32];
    uint8_t ciphers, server_ciphers;
    uint8_t nonce[PACKET_NONCE_BYTES];
    uint8_t proof[PACKET_PROOF_BYTES];
    size_t proof_bytes;
    uint8_t proof_kind;
    uint8_t message[PACKET_NOISE_BYTES];
    size_t message_bytes;
    struct session_way way[PEER_WAYS];
    unsigned ways;
    struct session_way *answered; /* where the listener is; NULL: not known, all are tried */
};

/* Keys of one direction. */
struct session_keys {
    struct seal_key current;
    uint64_t phase;        /* generations so far */
    uint64_t first_number; /* the first packet number of this generation */
};

struct session_event {
    struct peer_event event;
    struct mail_parcel *parcel; /* owned: what event.data borrows from */
};

struct peer {
    struct peer_config config;
    struct rng rng;
    uint64_t now_us; /* of the call that is being worked on */
    enum session_state state;
    bool client, confirmed;
    struct session_dial *dial; /* owned; NULL for servers and once connected */
    uint8_t own_cid[PACKET_CID_BYTES], other_cid[PACKET_CID_BYTES];
    uint8_t other_key[KEY_BYTES];
    uint8_t server_ciphers; /* client: what the listener offered */
    uint8_t binding[NOISE_HASH_BYTES];
    uint32_t roles;
    struct hello_params other_params;

    struct session_keys send, receive;
    struct seal_key previous, following; /* receiving: the generation before and after */
    bool has_previous;

    /* receiving */
    struct ranges received;  /* packet numbers: replay window and ACK in one */
    uint64_t received_floor; /* everything below counts as received */
    uint64_t told_floor;     /* the other knows what we had received below it ... */
    uint16_t told_epoch;     /* ... when this was the same */
    uint64_t newest_number, newest_us;
    uint64_t ack_due_us; /* UINT64_MAX: none due */
    unsigned unacked;    /* ack-eliciting packets since the last ACK ... */
    uint64_t acked_us;   /* ... which left then */
    uint64_t ect0_seen, ce_seen;
    uint64_t last_received_us, last_keepalive_us;

    /* sending */
    struct control_model model;
    struct recovery recovery;
    struct peer_sealing *unsealed; /* borrowed: packets are left open, and this says how to seal */
    struct repeat repeat;
    struct mtu mtu;
    struct path_watch watch;
    uint32_t path_news;     /* of the PEER_EVENT_PATH_CHANGED that waits to be taken */
    uint8_t out_ecn;        /* of the newest datagram */
    uint64_t ask_us;        /* a PING is to tell by then what became of a trial packet */
    uint64_t next_send_us;  /* pacing */
    uint64_t urgent_us;     /* when something more urgent than bulk last left */
    uint64_t ready_us;      /* when the keys were there */
    uint64_t idle_since_us; /* there was room, and nothing to send; UINT64_MAX: not so */
    unsigned probes_due;
    unsigned unanswered; /* packets sent that nobody acknowledges, since the last that is */
    bool ping_wanted, limit_wanted, token_wanted;
    uint8_t token[FRAME_TOKEN_BYTES];
    size_t token_bytes;

    /* streams */
    struct stream *stream[LIMIT_STREAMS];
    uint32_t stream_count, turn[PEER_CLASSES]; /* whose turn it is in each class */
    bool mail_turn[PEER_CLASSES];
    uint32_t classed;               /* packets with something that waited for the window */
    uint64_t next_stream;           /* the next id of ours: even for clients */
    uint64_t remote_next;           /* ids of the other's parity below it have been opened */
    uint64_t data_sent, data_limit; /* session flow control, sending */
    uint64_t data_received, data_consumed, data_told;

    struct mail_out mail;
    struct mail_in inbox;
    uint64_t next_expiry_us;

    /* where the other is */
    struct addr remote, candidate, reply_to;
    struct addr full, aside; /* takes nothing now; is to be tried (ADDR_NONE: none) */
    struct addr wish, left;  /* was tried last; was left for that, and is not gone back to */
    bool has_candidate, challenge_due, reply_due;
    uint8_t challenge[FRAME_PATH_BYTES], reply[FRAME_PATH_BYTES];
    uint64_t candidate_budget, candidate_until_us, challenge_again_us;

    /* the end */
    enum err close_error;
    char close_reason[LIMIT_REASON_CHARS + 1];
    bool close_due, closed_by_other; /* the latter: we only answer */
    uint64_t close_until_us, close_next_us, close_again_us, close_gap_us;

    /* events: a growing ring */
    struct session_event *event; /* owned */
    uint32_t event_first, event_count, event_capacity;
    struct mail_parcel *shown; /* of the event given last */

    struct peer_path counters;
    uint8_t scratch[LIMIT_DATAGRAM_BYTES + 64];
};

/* Allocates a session with defaults filled in. NULL without memory. */
struct peer *session_new(const struct peer_config *config, const struct rng *rng, bool client,
                         uint64_t now_us);

/* The session becomes ready with keys from a finished handshake (taken from `n`, which is wiped).
 */
void session_ready(struct peer *p, struct noise *n, const struct hello_params *other,
                   uint64_t now_us);

/* A handshake's packet was answered `rtt_us` after it was sent, once: what there is of the path
 * before anything is measured. */
void session_hint(struct peer *p, uint64_t rtt_us);

/* The path has changed, or may have: its size and its way with ECN marks are found out anew. */
void session_doubt_path(struct peer *p, uint64_t now_us);

/* The path as it is now. */
struct path_view session_path(const struct peer *p);

/* Tells the application when the path has changed. */
void session_watch_path(struct peer *p, uint64_t now_us);

/* Whether a mechanism is switched on. */
static inline bool session_with(const struct peer *p, enum peer_without mechanism)
{
    return !(p->config.without & mechanism);
}

/* Appends an event; when there is no memory for it the session ends. `parcel` (may be NULL) is
 * taken. */
void session_event(struct peer *p, const struct peer_event *e, struct mail_parcel *parcel);

/* Ends the session from inside: the application is told, the other too when `tell`. */
void session_fail(struct peer *p, uint64_t now_us, enum err e, const char *reason, bool tell);

/* Whether the way to the other takes nothing for now (peer_block). */
static inline bool session_blocked(const struct peer *p)
{
    return p->full.family != ADDR_NONE && addr_equal(&p->full, &p->remote);
}

/* Finds a stream, NULL when there is none. */
struct stream *session_stream(const struct peer *p, uint64_t id);

/* Makes a stream with id `id`. ERR_LIMIT when that end has half of LIMIT_STREAMS open already,
 * ERR_MEMORY. */
enum err session_add_stream(struct peer *p, uint64_t id, struct stream **out) MUST_USE;

/* Frees streams that are over. */
void session_sweep_streams(struct peer *p);

/* `n` bytes from the other were read or dropped: session flow control lets as many more come. */
void session_credit(struct peer *p, uint64_t n);

/* Tells the application of a stream with something to read, once. */
void session_note_stream(struct peer *p, struct stream *s);

/* What somebody else has made of a packet, as peer_input_opened. */
struct receive_opened {
    const struct peer_sealing *how;
    bool good;
};

/* Takes a data packet in (core/peer/receive.c), sealed, or with `opened` not any more. */
void receive_packet(struct peer *p, uint64_t now_us, const struct addr *from, struct bytes datagram,
                    uint8_t ecn, const struct receive_opened *opened);

/* How a datagram would be opened now (core/peer/receive.c): false when it is not one for this
 * session, or not for the present key. */
bool receive_opening(const struct peer *p, struct bytes datagram, struct peer_sealing *out);

/* Writes the next data packet (core/peer/transmit.c), as peer_output. */
enum err transmit_next(struct peer *p, uint64_t now_us, uint8_t *space, size_t room, size_t *n,
                       struct addr *to);

/* When transmit has something to do without input. */
uint64_t transmit_deadline_us(const struct peer *p);

/* Begins the client's handshake (core/peer/dial.c). ERR_MEMORY, ERR_UNSUPPORTED. */
enum err dial_start(struct peer *p, const struct peer_dial *dial, uint64_t now_us) MUST_USE;

/* The application accepts the host key that it was asked about. */
void dial_accept(struct peer *p, uint64_t now_us);

/* Another address for the handshake, as peer_try. */
void dial_try(struct peer *p, uint64_t now_us, const struct addr *to);

/* When dial_output wants to be called; UINT64_MAX: never. */
uint64_t dial_deadline_us(const struct peer *p);

/* Takes a handshake packet in. */
void dial_input(struct peer *p, uint64_t now_us, const struct addr *from, struct bytes datagram);

/* Writes the next handshake packet, as peer_output. */
enum err dial_output(struct peer *p, uint64_t now_us, uint8_t *space, size_t room, size_t *n,
                     struct addr *to);

/* The Noise prologue that both sides compute from what was said in the clear; gives its length (at
 * most 64). */
size_t dial_prologue(uint8_t to[64], const uint8_t server_key[KEY_BYTES], uint8_t server_ciphers,
                     uint8_t client_ciphers, uint8_t cipher,
                     const uint8_t client_cid[PACKET_CID_BYTES]);

#endif
