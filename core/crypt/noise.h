/* noise: the Noise_IKpsk2_25519_{AESGCM,ChaChaPoly}_BLAKE2b handshake as a pure object. */
#ifndef FARSPAN_NOISE_H
#define FARSPAN_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/rng.h"
#include "core/base/wr.h"
#include "core/crypt/cipher.h"
#include "core/crypt/key.h"
#include "core/crypt/seal.h"

enum {
    NOISE_HASH_BYTES = 64,
    NOISE_PSK_BYTES = 32,
    NOISE_FIRST_OVERHEAD = 96,  /* message 1 is this much longer than its payload */
    NOISE_SECOND_OVERHEAD = 48, /* message 2 likewise */
    NOISE_MESSAGE_MAX = 65535,
};

/* One side of one handshake (Noise revision 34):
 *     <- s
 *     -> e, es, s, ss      message 1, initiator to responder
 *     <- e, ee, se, psk    message 2
 * Secret: end it with noise_wipe. It may be copied by assignment; both copies then go on alone. */
struct noise {
    enum cipher cipher;
    bool initiator;
    bool poisoned; /* a write failed: nothing works any more */
    uint8_t step;  /* messages done: 0, 1, 2 */
    bool split;    /* the keys have been given out */
    bool keyed;    /* `key` is set: payloads are encrypted */
    uint64_t nonce;
    uint8_t key[SEAL_KEY_BYTES];
    uint8_t chaining_key[NOISE_HASH_BYTES];
    uint8_t hash[NOISE_HASH_BYTES];
    uint8_t psk[NOISE_PSK_BYTES];
    struct key_pair own, ephemeral;
    uint8_t remote_static[KEY_BYTES], remote_ephemeral[KEY_BYTES];
};

/* Prepares the caller's storage. Copies the own pair and, for the initiator, the responder's
 * public key `remote_static` (NULL for the responder). Both ends must give the same `prologue`
 * bytes, or message 1 is refused. The psk is 32 zero bytes until noise_set_psk. ERR_UNSUPPORTED
 * when the cipher is unknown or does not run here. */
enum err noise_init(struct noise *n, enum cipher cipher, bool initiator, const struct key_pair *own,
                    const uint8_t *remote_static, struct bytes prologue) MUST_USE;

/* Sets the pre-shared key (copied; NULL: 32 zero bytes). It is used in message 2 alone: the
 * responder may choose it after reading message 1, the initiator any time before reading
 * message 2. */
void noise_set_psk(struct noise *n, const uint8_t *psk);

/* Binds the next message to `data` (borrowed), something said in the clear since the last one: both
 * ends must give the same before it, or it does not open. No part of Noise's own pattern; what it
 * does to the hash is what a prologue does (MixHash, section 5.2). */
void noise_bind(struct noise *n, struct bytes data);

/* Writes the next message, which must be this side's turn: message 1 for the initiator, message 2
 * for the responder. Takes 32 bytes from `rng` for the ephemeral secret, appends the message (the
 * borrowed payload and its overhead) to `out`. ERR_LIMIT when it does not fit: nothing has
 * changed. ERR_MALFORMED when a key of the peer is a point of low order: the object is poisoned
 * and every later call gives ERR_VERIFY. */
enum err noise_write(struct noise *n, struct rng *rng, struct bytes payload,
                     struct wr *out) MUST_USE;

/* Reads the peer's message (borrowed) and appends its payload to `payload`, which needs room for
 * message.n minus the overhead and must not overlap the message. On any failure the object is as
 * before the call and nothing was appended (though the space beyond may have changed), because
 * anybody can send a datagram that looks like a message: the true one, or the same message 2 with
 * another psk, can still succeed. ERR_MALFORMED: too short or too long, or a low-order point;
 * ERR_VERIFY: other keys, prologue or psk, changed bytes, or not the peer's turn; ERR_LIMIT: the
 * payload does not fit. */
enum err noise_read(struct noise *n, struct bytes message, struct wr *payload) MUST_USE;

/* The peer's static public key, borrowed, KEY_BYTES: for the responder after message 1. It belongs
 * to whoever wrote message 1, which may be a replay: only a valid transport packet proves that
 * the owner is there now. */
const uint8_t *noise_remote_static(const struct noise *n);

/* The handshake hash, borrowed, NOISE_HASH_BYTES: after message 2 it is the same at both ends and
 * unique to the session (a channel binding); not secret. */
const uint8_t *noise_hash(const struct noise *n);

/* After message 2, once: the transport keys of this side; nonces start at 0 in each direction.
 * `send` of one end is `receive` of the other. Wipes the handshake's secrets; the hash and the
 * remote static key stay. */
void noise_split(struct noise *n, struct seal_key *send, struct seal_key *receive);

/* Wipes everything. */
void noise_wipe(struct noise *n);

#endif
