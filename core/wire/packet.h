/* packet: the outside of every datagram: handshake packets in the clear, data packets' heads. */
#ifndef FARSPAN_PACKET_H
#define FARSPAN_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/wr.h"

enum packet_type {
    PACKET_HELLO = 1,    /* initiator: may I have a cookie? */
    PACKET_COOKIE = 2,   /* responder: here it is, with my key and my ciphers */
    PACKET_INIT = 3,     /* initiator: Noise message 1 */
    PACKET_RESPONSE = 4, /* responder: Noise message 2 */
    PACKET_DATA = 0x40   /* either: sealed frames; the low bit is the key phase */
};

enum {
    PACKET_VERSION = 1,        /* major version of the session protocol */
    PACKET_CID_BYTES = 8,      /* connection id */
    PACKET_NONCE_BYTES = 16,   /* an attempt's nonce, echoed by its cookie */
    PACKET_PROOF_BYTES = 96,   /* longest cookie or address token */
    PACKET_NOISE_BYTES = 1024, /* longest Noise message */
    PACKET_DATA_HEAD_BYTES = 1 + PACKET_CID_BYTES + 4,
    PACKET_TAG_BYTES = 16,
    PACKET_LONG_FLOOR_BYTES = 1200 /* HELLO and INIT are padded to it: replies are never larger */
};

enum packet_proof { PACKET_PROOF_COOKIE = 0, PACKET_PROOF_TOKEN = 1 };

/* A handshake packet taken apart; fields that its type does not carry are zero. Bytes are borrowed.
 */
struct packet_long {
    enum packet_type type;
    uint8_t version;
    uint8_t cid[PACKET_CID_BYTES];        /* chosen by the initiator; RESPONSE and COOKIE echo it */
    uint8_t nonce[PACKET_NONCE_BYTES];    /* HELLO, COOKIE (echo), INIT */
    uint8_t server_key[32];               /* COOKIE */
    uint8_t ciphers;                      /* COOKIE: the responder's set; INIT: the initiator's */
    uint8_t cipher;                       /* INIT: the one chosen */
    uint8_t proof_kind;                   /* INIT: enum packet_proof */
    struct bytes proof;                   /* COOKIE: a cookie; INIT: a cookie or token */
    uint8_t server_cid[PACKET_CID_BYTES]; /* RESPONSE */
    struct bytes noise;                   /* INIT, RESPONSE */
};

/* The head of a data packet. */
struct packet_data {
    uint8_t cid[PACKET_CID_BYTES]; /* the receiver's */
    uint8_t phase;                 /* 0 or 1 */
    uint32_t number;               /* low 32 bits of the packet number */
    struct bytes sealed;           /* ciphertext and tag, borrowed */
};

/* Whether a datagram claims to be a data packet (else it is a handshake packet or garbage). */
bool packet_is_data(struct bytes datagram);

/* Takes a handshake packet apart. ERR_MALFORMED; ERR_VERSION with out->version and, for HELLO and
 * INIT, out->cid set when it is of another major version. */
enum err packet_decode_long(struct bytes datagram, struct packet_long *out) MUST_USE;

/* Writes a handshake packet; HELLO and INIT are padded to PACKET_LONG_FLOOR_BYTES. */
void packet_encode_long(const struct packet_long *p, struct wr *w);

/* Takes a data packet's head apart. ERR_MALFORMED when too short for head and tag. */
enum err packet_decode_data(struct bytes datagram, struct packet_data *out) MUST_USE;

/* Writes a data packet's head (p->sealed is ignored). */
void packet_encode_data(const struct packet_data *p, struct wr *w);

/* The full packet number nearest to `expected` whose low 32 bits are `low` (RFC 9000, A.3). */
uint64_t packet_full_number(uint32_t low, uint64_t expected);

#endif
