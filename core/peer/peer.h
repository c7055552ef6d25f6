/* peer: one end of a secure session with one host: bytes and time in, bytes and events out. */
#ifndef FARSPAN_PEER_H
#define FARSPAN_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/rng.h"
#include "core/crypt/key.h"
#include "core/crypt/seal.h"

/* What goes first. Each class is served only when the ones before it have nothing to send. */
enum peer_class {
    PEER_INPUT,  /* keys, pointer, control of the session: little, and waits for no window */
    PEER_CURSOR, /* the remote pointer */
    PEER_AUDIO,
    PEER_TEXT, /* newest state of the picture */
    PEER_MOTION,
    PEER_REFINE,
    PEER_BULK,
    PEER_CLASSES
};

/* Mechanisms that a simulation can switch off to show what each is for; never set otherwise. */
enum peer_without {
    PEER_WITHOUT_RESEND = 1 << 0,      /* what was lost stays lost */
    PEER_WITHOUT_PROBES = 1 << 1,      /* no probe time-outs, no probes of a silent peer */
    PEER_WITHOUT_REPLAY = 1 << 2,      /* packets are accepted twice */
    PEER_WITHOUT_REKEY = 1 << 3,       /* keys are never updated */
    PEER_WITHOUT_CONTROL = 1 << 4,     /* a fixed, large window and no pacing */
    PEER_WITHOUT_FLOW = 1 << 5,        /* limits of the peer are not kept */
    PEER_WITHOUT_SUPERSEDE = 1 << 6,   /* stale messages are sent and resent all the same */
    PEER_WITHOUT_PATH = 1 << 7,        /* a new address of the peer is not followed */
    PEER_WITHOUT_CLASSES = 1 << 8,     /* all classes are one */
    PEER_WITHOUT_REORDER = 1 << 9,     /* the first gap counts as loss */
    PEER_WITHOUT_VALIDATION = 1 << 10, /* a new address is followed without a challenge */
    PEER_WITHOUT_ACK_GAP = 1 << 11,    /* ACKs follow each other however closely */
    PEER_WITHOUT_REPEAT = 1 << 12,     /* what is small and urgent is sent once, whatever is lost */
    PEER_WITHOUT_MTU = 1 << 14,        /* datagrams stay as small as the smallest path wants */
    PEER_WITHOUT_BLACK_HOLE = 1 << 15, /* a size that was proven once is kept whatever happens */
    PEER_WITHOUT_ECN = 1 << 16,        /* nothing says that it knows of ECN */
    PEER_WITHOUT_ECN_CHECK = 1 << 17,  /* everything does, whatever becomes of it */
    PEER_WITHOUT_WATCH = 1 << 18,      /* nobody is told of a path's changes */
    PEER_WITHOUT_PATIENCE = 1 << 19,   /* silence is outlived for the default time only */
    PEER_WITHOUT_LEFT = 1 << 13        /* an address that was left for another is gone back to */
};

/* Addresses at which a listener is looked for at the same time. */
enum { PEER_WAYS = 32 };

/* How a session behaves. Zero means the default given. */
struct peer_config {
    uint32_t max_datagram_bytes;   /* LIMIT_DATAGRAM_BYTES, at least _FLOOR: more is not tried */
    uint64_t key_update_packets;   /* 1 << 20: a new sending key after so many packets */
    uint64_t idle_timeout_us;      /* LIMIT_SESSION_IDLE_S: silence after which the session ends */
    uint64_t keepalive_us;         /* 450 ms (client), 1 s (server): silence that is probed */
    uint64_t stream_window_bytes;  /* 1 MiB: what the other may send on one stream unread */
    uint64_t session_window_bytes; /* 16 MiB: the same for all streams together */
    uint64_t stream_buffer_bytes;  /* 1 MiB: what one stream holds unacknowledged */
    uint32_t without;              /* bits of enum peer_without */
    bool without_skips;            /* a test's switch: no packet number is left out */
};

/* How to reach a listener. Everything is copied. */
struct peer_dial {
    struct addr to;
    const struct key_pair *identity; /* borrowed during the call */
    const uint8_t *expected_key;     /* KEY_BYTES, or NULL: PEER_EVENT_HOST_KEY will ask */
    const uint8_t *token_id;         /* HELLO_TOKEN_ID_BYTES, or NULL: no invitation */
    const uint8_t *token_secret;     /* 32 bytes, with token_id */
    struct bytes address_token;      /* from PEER_EVENT_TOKEN of an earlier session, or empty */
    uint8_t known_ciphers;           /* with address_token: the set that server offered then */
    uint8_t ciphers;                 /* own set, bit (1 << enum cipher); 0: all that run here */
};

enum peer_event_kind {
    PEER_EVENT_HOST_KEY,  /* key: the listener's; answer with peer_accept_key or peer_close */
    PEER_EVENT_CONNECTED, /* key: the other's; roles: granted to the client; path: where it is */
    PEER_EVENT_CLOSED,    /* error, reason; the last event */
    PEER_EVENT_STREAM,    /* id: bytes, an end or a reset wait on it (said once until it is read) */
    PEER_EVENT_WRITABLE,  /* id: a write that was cut short can go on */
    PEER_EVENT_MESSAGE,   /* channel, data: a message has arrived whole; id: rises as sent */
    PEER_EVENT_ACKED,     /* tag: the peer has that message */
    PEER_EVENT_GONE,      /* tag: that message is given up: superseded, expired or lost */
    PEER_EVENT_PATH,      /* path: the other's new address, validated */
    PEER_EVENT_PATH_CHANGED, /* what: of peer_path is new in a way to act upon; a few a second */
    PEER_EVENT_TOKEN         /* data: an address token for the next session; ciphers: the set */
};

/* What of a path has changed, a set. */
enum peer_path_what {
    PEER_PATH_SILENT = 1 << 0,  /* nothing has been heard for 1.5 s: it may be an outage */
    PEER_PATH_BACK = 1 << 1,    /* something has */
    PEER_PATH_RATE = 1 << 2,    /* a quarter more or less than told before, for some round trips */
    PEER_PATH_ADDRESS = 1 << 3, /* remote */
    PEER_PATH_MTU = 1 << 4,     /* mtu_bytes */
    PEER_PATH_ECN = 1 << 5      /* ecn */
};

/* One event; bytes are borrowed until the next call of peer_next_event. */
struct peer_event {
    enum peer_event_kind kind;
    uint64_t id, tag;
    uint8_t channel;
    uint8_t ciphers;
    uint32_t roles;
    uint32_t what;
    enum err error;
    char reason[LIMIT_REASON_CHARS + 1];
    uint8_t key[KEY_BYTES];
    struct addr path;
    struct bytes data;
};

/* The one answer to "what does this path take now, and with what delay". */
struct peer_path {
    struct addr remote;
    bool answered; /* the listener has answered from there, or the session is up */
    bool connected;
    uint64_t rate_bps; /* believed capacity, payload bits a second; 0: not known yet */
    uint64_t rtt_us, min_rtt_us, rtt_variance_us;
    uint64_t loss_millionths; /* over the last few hundred packets */
    const char *ecn;          /* "testing", "on" or "off": marks get through; static */
    uint64_t ce_marks;        /* packets of ours that met a queue, as far as told */
    uint32_t mtu_bytes;       /* datagrams are at most so large now, UDP payload */
    uint64_t in_flight_bytes, window_bytes;
    uint64_t queued_bytes; /* of messages given to the session, not yet sent once ... */
    uint64_t unsent_bytes; /* ... and of what was written to streams */
    uint64_t silent_us;    /* since something arrived ... */
    bool silent;           /* ... and that is so long that there may be an outage */
    const char *state;     /* the controller's word, static */
    uint64_t sent_datagrams, received_datagrams, lost_datagrams, sent_bytes, received_bytes;
    uint64_t delivered_bytes;    /* of datagrams with content, acknowledged */
    uint64_t spurious_datagrams; /* counted as lost, but only late */
    uint64_t rejected_datagrams; /* not authentic, replayed or malformed */
    uint64_t key_updates;
};

struct peer;

/* Begins a session with a listener. `config` (NULL: defaults) and `dial` are copied, `rng` is
 * copied. ERR_MEMORY, ERR_UNSUPPORTED when no cipher runs here. */
enum err peer_new(const struct peer_config *config, const struct peer_dial *dial,
                  const struct rng *rng, uint64_t now_us, struct peer **out) MUST_USE;

/* Takes the session and frees it, secrets wiped; NULL is fine. Nothing is sent: peer_close first.
 */
void peer_free(struct peer *p);

/* Answers PEER_EVENT_HOST_KEY: go on. */
void peer_accept_key(struct peer *p, uint64_t now_us);

/* The listener may be at `to` as well: until it has answered from somewhere, all that is said in
 * the handshake goes there too (at once, also when it was known already; what is beyond PEER_WAYS
 * addresses is not tried). A session that is up sends one packet there: where it gets through, the
 * other side asks for proof, and both go on there. */
void peer_try(struct peer *p, uint64_t now_us, const struct addr *to);

/* What goes to `to` gets nowhere for now: peer_output gives no more for it and peer_room is 0 while
 * the other is there, until it is said again with `full` false. For transports that push back. */
void peer_block(struct peer *p, const struct addr *to, bool full);

/* Takes one datagram that came from `from`, with its two ECN bits (RFC 3168; 0 where unknown).
 * Anything may come: what is not authentic is counted and dropped. Borrows the bytes. */
void peer_input(struct peer *p, uint64_t now_us, const struct addr *from, struct bytes datagram,
                uint8_t ecn);

/* Writes the next datagram to `space` (room >= LIMIT_DATAGRAM_BYTES), its length to *n and where it
 * goes to *to. ERR_AGAIN when there is none now. */
enum err peer_output(struct peer *p, uint64_t now_us, uint8_t *space, size_t room, size_t *n,
                     struct addr *to) MUST_USE;

/* How a packet is sealed or opened, for who does that in the session's stead. */
struct peer_sealing {
    const struct seal_key *key;   /* borrowed until the next call for this session; NULL: nothing */
    uint64_t session, generation; /* the same two: the same key */
    uint64_t number;
};

/* As peer_output, but the sealing of a data packet is left to the caller: peer_seal with *left
 * before it goes out, with the key or a copy of it, in any thread. */
enum err peer_output_unsealed(struct peer *p, uint64_t now_us, uint8_t *space, size_t room,
                              size_t *n, struct addr *to, struct peer_sealing *left) MUST_USE;

/* Seals in place the packet of `n` bytes that peer_output_unsealed wrote with this number. */
void peer_seal(const struct seal_key *key, uint64_t number, uint8_t *packet, size_t n);

/* How to open a datagram that has come; false: only peer_input can take it. */
bool peer_opening(const struct peer *p, struct bytes datagram, struct peer_sealing *out);

/* Opens in place, in any thread, a packet of `n` bytes that peer_opening has said `number` of; the
 * key may be a copy. False: it is not authentic, and what stands there is of no use any more. */
bool peer_open(const struct seal_key *key, uint64_t number, uint8_t *packet, size_t n) MUST_USE;

/* As peer_input for a datagram that peer_open has opened with what peer_opening said (`how`; its
 * key is not used), or has not (`good`). The session may have gone on to other keys in between. */
void peer_input_opened(struct peer *p, uint64_t now_us, const struct addr *from,
                       struct bytes datagram, uint8_t ecn, const struct peer_sealing *how,
                       bool good);

/* The two ECN bits that the datagram of the last peer_output is to leave with. */
uint8_t peer_output_ecn(const struct peer *p);

/* When peer_output wants to be called again even if nothing arrives; UINT64_MAX: never. */
uint64_t peer_deadline_us(const struct peer *p, uint64_t now_us);

/* Takes the next event; false when there is none. */
bool peer_next_event(struct peer *p, struct peer_event *out);

/* Whether peer_next_event would give one. */
bool peer_has_event(const struct peer *p);

/* Ends the session with a reason (borrowed, cut to LIMIT_REASON_CHARS) that the other is told. It
 * may be freed at any time; who waits for peer_over (3 s at the most) knows that the other was told
 * if it is there at all. PEER_EVENT_CLOSED comes at both ends with `error` as given here. */
void peer_close(struct peer *p, uint64_t now_us, enum err error, const char *reason);

/* Whether the session has ended (closed by either side, or given up). */
bool peer_closed(const struct peer *p);

/* Whether it has ended and nothing more needs to be said: both sides know it, or time is up. */
bool peer_over(const struct peer *p);

/* What the path takes now. */
void peer_path(const struct peer *p, uint64_t now_us, struct peer_path *out);

/* How many more bytes of messages of `class` it makes sense to make now: what window and pacing let
 * out within `horizon_us`, less what is queued already. What is less urgent counts for nothing: it
 * gives way, so that what it fills of the window is the next to be free, and its queue waits. */
uint64_t peer_room(const struct peer *p, uint64_t now_us, uint64_t horizon_us,
                   enum peer_class class);

/* The handshake hash, 64 bytes, the same at both ends (a channel binding); once connected. */
const uint8_t *peer_binding(const struct peer *p);

/* Opens a stream, ordered bytes both ways, and gives its id. `padded`: every packet with its bytes
 * is padded to one size, so that keys cannot be told apart. ERR_LIMIT when LIMIT_STREAMS / 2 of
 * ours are open, ERR_MEMORY. */
enum err peer_stream_open(struct peer *p, enum peer_class class, bool padded,
                          uint64_t *id) MUST_USE;

/* Sets class and padding of a stream that the other end has opened. */
void peer_stream_prefer(struct peer *p, uint64_t id, enum peer_class class, bool padded);

/* Writes as much of `data` (copied) as the stream's buffer takes; *taken says how much. When that
 * is less than data.n, PEER_EVENT_WRITABLE comes later. ERR_NOT_FOUND: no such stream, ERR_END: it
 * was finished or reset. */
enum err peer_stream_write(struct peer *p, uint64_t id, struct bytes data, size_t *taken) MUST_USE;

/* Ends the sending direction after what was written. ERR_NOT_FOUND. */
enum err peer_stream_finish(struct peer *p, uint64_t id) MUST_USE;

/* Abandons both directions, telling the other `code`. */
void peer_stream_reset(struct peer *p, uint64_t id, uint64_t code);

/* The next bytes in order, borrowed until peer_stream_consume. OK with data->n > 0; ERR_AGAIN:
 * nothing yet; ERR_END: everything was read and the other has finished; ERR_REFUSED: the other has
 * reset it (*code); ERR_NOT_FOUND. */
enum err peer_stream_peek(struct peer *p, uint64_t id, struct bytes *data, uint64_t *code) MUST_USE;

/* Drops `n` bytes that peek has shown. */
void peer_stream_consume(struct peer *p, uint64_t id, size_t n);

/* Bytes written to the stream and not yet acknowledged. */
uint64_t peer_stream_pending(const struct peer *p, uint64_t id);

/* Bytes written to the stream and not yet sent for the first time. Who keeps a stream fed looks at
 * these: one lost byte holds back all behind it in peer_stream_pending. */
uint64_t peer_stream_unsent(const struct peer *p, uint64_t id);

/* A message to be sent. */
struct peer_message {
    enum peer_class class;
    uint8_t channel;      /* for the receiver: what it is about */
    bool once;            /* lost: given up, not resent */
    uint64_t supersedes;  /* key (0: none): older ones with it are given up, their place taken */
    uint64_t deadline_us; /* given up when not sent by then; 0: none */
    uint64_t tag;         /* comes back in ACKED and GONE; 0: no such events */
    struct bytes data;    /* copied; up to LIMIT_MESSAGE_BYTES */
};

/* Queues a message; it arrives whole or not at all, in any order. Its id (for peer_message_cancel)
 * goes to *id (may be NULL). ERR_AGAIN when LIMIT_MESSAGES wait, ERR_LIMIT when too long,
 * ERR_MEMORY, ERR_END when closed. */
enum err peer_message_send(struct peer *p, const struct peer_message *m, uint64_t *id) MUST_USE;

/* Gives a message up: nothing of it is sent any more. PEER_EVENT_ACKED follows if it arrives all
 * the same, else PEER_EVENT_GONE. */
void peer_message_cancel(struct peer *p, uint64_t id);

/* What is lost of a message from now on is not sent again: its first loss ends it with
 * PEER_EVENT_GONE. For content that is outdated, but worth having if it gets there. */
void peer_message_forsake(struct peer *p, uint64_t id);

#endif
