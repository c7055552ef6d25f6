#include "core/crypt/noise.h"

#include <stdio.h>

#include "core/base/check.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/crypt/hkdf.h"

_Static_assert((int)NOISE_HASH_BYTES == (int)HKDF_HASH_BYTES, "hash size");
_Static_assert((int)NOISE_PSK_BYTES == (int)KEY_BYTES, "psk size");
_Static_assert((int)SEAL_KEY_BYTES == (int)KEY_BYTES, "key size");

static const struct bytes nothing = {NULL, 0};

static void mix_hash(struct noise *n, struct bytes data)
{
    hkdf_hash(bytes_of(n->hash, sizeof n->hash), data, n->hash);
}

static void set_key(struct noise *n, const uint8_t *key)
{
    memcpy(n->key, key, sizeof n->key);
    n->keyed = true;
    n->nonce = 0;
}

static void mix_key(struct noise *n, struct bytes material)
{
    uint8_t out[2 * HKDF_HASH_BYTES];

    hkdf_expand(n->chaining_key, material, 2, out);
    memcpy(n->chaining_key, out, HKDF_HASH_BYTES);
    set_key(n, out + HKDF_HASH_BYTES);
    crypt_wipe(out, sizeof out);
}

static void mix_psk(struct noise *n)
{
    uint8_t out[3 * HKDF_HASH_BYTES];

    hkdf_expand(n->chaining_key, bytes_of(n->psk, sizeof n->psk), 3, out);
    memcpy(n->chaining_key, out, HKDF_HASH_BYTES);
    mix_hash(n, bytes_of(out + HKDF_HASH_BYTES, HKDF_HASH_BYTES));
    set_key(n, out + 2 * HKDF_HASH_BYTES);
    crypt_wipe(out, sizeof out);
}

/* In a handshake with psk an ephemeral key is mixed into the keys too (revision 34, 9.2). */
static void mix_ephemeral(struct noise *n, const uint8_t public[KEY_BYTES])
{
    mix_hash(n, bytes_of(public, KEY_BYTES));
    mix_key(n, bytes_of(public, KEY_BYTES));
}

static enum err mix_agreement(struct noise *n, const struct key_pair *own,
                              const uint8_t remote[KEY_BYTES])
{
    uint8_t shared[KEY_BYTES];
    enum err e = key_agree(own->secret, remote, shared);

    if (e == OK)
        mix_key(n, bytes_of(shared, sizeof shared));
    crypt_wipe(shared, sizeof shared);
    return e;
}

static void encrypt_and_hash(struct noise *n, struct bytes plain, struct wr *out)
{
    uint8_t *to = out->p + out->n;
    struct seal_key k;

    CHECK(n->keyed && wr_left(out) >= plain.n + SEAL_TAG_BYTES);
    seal_init(&k, n->cipher, n->key);
    seal_close(&k, n->nonce++, bytes_of(n->hash, sizeof n->hash), plain, to);
    out->n += plain.n + SEAL_TAG_BYTES;
    mix_hash(n, bytes_of(to, plain.n + SEAL_TAG_BYTES));
    seal_wipe(&k);
}

static enum err decrypt_and_hash(struct noise *n, struct bytes sealed, uint8_t *out)
{
    struct seal_key k;

    CHECK(n->keyed);
    seal_init(&k, n->cipher, n->key);
    enum err e = seal_open(&k, n->nonce++, bytes_of(n->hash, sizeof n->hash), sealed, out);
    if (e == OK)
        mix_hash(n, sealed);
    seal_wipe(&k);
    return e;
}

enum err noise_init(struct noise *n, enum cipher cipher, bool initiator, const struct key_pair *own,
                    const uint8_t *remote_static, struct bytes prologue)
{
    char name[NOISE_HASH_BYTES] = {0};

    CHECK(initiator == (remote_static != NULL));
    memset(n, 0, sizeof *n);
    if (!cipher_available(cipher))
        return ERR_UNSUPPORTED;
    n->cipher = cipher;
    n->initiator = initiator;
    n->own = *own;
    /* A name shorter than the hash is the first hash, padded with zeros (revision 34, 5.2). */
    snprintf(name, sizeof name, "Noise_IKpsk2_25519_%s_BLAKE2b", cipher_name(cipher));
    memcpy(n->hash, name, sizeof n->hash);
    memcpy(n->chaining_key, n->hash, sizeof n->chaining_key);
    mix_hash(n, prologue);
    if (initiator)
        memcpy(n->remote_static, remote_static, KEY_BYTES);
    mix_hash(n, bytes_of(initiator ? n->remote_static : n->own.public, KEY_BYTES));
    return OK;
}

void noise_set_psk(struct noise *n, const uint8_t *psk)
{
    CHECK(n->step < 2);
    if (psk)
        memcpy(n->psk, psk, sizeof n->psk);
    else
        memset(n->psk, 0, sizeof n->psk);
}

void noise_bind(struct noise *n, struct bytes data)
{
    CHECK(n->step < 2);
    mix_hash(n, data);
}

static enum err write_first(struct noise *n, struct bytes payload, struct wr *out)
{
    enum err e = mix_agreement(n, &n->ephemeral, n->remote_static);

    if (e != OK)
        return e;
    encrypt_and_hash(n, bytes_of(n->own.public, KEY_BYTES), out);
    e = mix_agreement(n, &n->own, n->remote_static);
    if (e != OK)
        return e;
    encrypt_and_hash(n, payload, out);
    return OK;
}

static enum err write_second(struct noise *n, struct bytes payload, struct wr *out)
{
    enum err e = mix_agreement(n, &n->ephemeral, n->remote_ephemeral);

    if (e == OK)
        e = mix_agreement(n, &n->ephemeral, n->remote_static);
    if (e != OK)
        return e;
    mix_psk(n);
    encrypt_and_hash(n, payload, out);
    return OK;
}

enum err noise_write(struct noise *n, struct rng *rng, struct bytes payload, struct wr *out)
{
    size_t overhead = n->initiator ? NOISE_FIRST_OVERHEAD : NOISE_SECOND_OVERHEAD, before = out->n;
    uint8_t secret[KEY_BYTES];

    if (n->poisoned)
        return ERR_VERIFY;
    CHECK(n->step == (n->initiator ? 0 : 1));
    if (payload.n > NOISE_MESSAGE_MAX - overhead || wr_left(out) < overhead + payload.n)
        return ERR_LIMIT;
    rng_fill(rng, secret, sizeof secret);
    key_from_secret(&n->ephemeral, secret);
    crypt_wipe(secret, sizeof secret);
    mix_ephemeral(n, n->ephemeral.public);
    wr_bytes(out, bytes_of(n->ephemeral.public, KEY_BYTES));
    enum err e = n->initiator ? write_first(n, payload, out) : write_second(n, payload, out);
    if (e == OK) {
        n->step++;
        return OK;
    }
    out->n = before;
    noise_wipe(n);
    n->poisoned = true;
    return e;
}

static enum err read_first(struct noise *n, struct bytes rest, uint8_t *payload)
{
    size_t sealed = KEY_BYTES + SEAL_TAG_BYTES;
    enum err e = mix_agreement(n, &n->own, n->remote_ephemeral);

    if (e == OK)
        e = decrypt_and_hash(n, bytes_of(rest.p, sealed), n->remote_static);
    if (e == OK)
        e = mix_agreement(n, &n->own, n->remote_static);
    if (e == OK)
        e = decrypt_and_hash(n, bytes_of(rest.p + sealed, rest.n - sealed), payload);
    return e;
}

static enum err read_second(struct noise *n, struct bytes rest, uint8_t *payload)
{
    enum err e = mix_agreement(n, &n->ephemeral, n->remote_ephemeral);

    if (e == OK)
        e = mix_agreement(n, &n->own, n->remote_ephemeral);
    if (e != OK)
        return e;
    mix_psk(n);
    return decrypt_and_hash(n, rest, payload);
}

enum err noise_read(struct noise *n, struct bytes message, struct wr *payload)
{
    size_t overhead = n->initiator ? NOISE_SECOND_OVERHEAD : NOISE_FIRST_OVERHEAD;
    struct noise next;

    if (n->poisoned || n->step != (n->initiator ? 1 : 0))
        return ERR_VERIFY;
    if (message.n < overhead || message.n > NOISE_MESSAGE_MAX)
        return ERR_MALFORMED;
    if (wr_left(payload) < message.n - overhead)
        return ERR_LIMIT;
    /* Works on a copy, so that a forged message leaves no trace. */
    next = *n;
    memcpy(next.remote_ephemeral, message.p, KEY_BYTES);
    mix_ephemeral(&next, next.remote_ephemeral);
    struct bytes rest = bytes_of(message.p + KEY_BYTES, message.n - KEY_BYTES);
    uint8_t *to = payload->p + payload->n;
    enum err e = n->initiator ? read_second(&next, rest, to) : read_first(&next, rest, to);
    if (e == OK) {
        next.step++;
        *n = next;
        payload->n += message.n - overhead;
    }
    noise_wipe(&next);
    return e;
}

const uint8_t *noise_remote_static(const struct noise *n)
{
    CHECK(n->initiator || n->step >= 1);
    return n->remote_static;
}

const uint8_t *noise_hash(const struct noise *n)
{
    return n->hash;
}

void noise_split(struct noise *n, struct seal_key *send, struct seal_key *receive)
{
    uint8_t out[2 * HKDF_HASH_BYTES];

    CHECK(n->step == 2 && !n->split && !n->poisoned);
    hkdf_expand(n->chaining_key, nothing, 2, out);
    seal_init(n->initiator ? send : receive, n->cipher, out);
    seal_init(n->initiator ? receive : send, n->cipher, out + HKDF_HASH_BYTES);
    crypt_wipe(out, sizeof out);
    crypt_wipe(n->key, sizeof n->key);
    crypt_wipe(n->chaining_key, sizeof n->chaining_key);
    crypt_wipe(n->psk, sizeof n->psk);
    key_wipe(&n->own);
    key_wipe(&n->ephemeral);
    n->split = true;
}

void noise_wipe(struct noise *n)
{
    crypt_wipe(n, sizeof *n);
}
