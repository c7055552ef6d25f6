#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/peer/session.h"

enum {
    FIRST_RETRY_US = 200000,
    RETRY_GAP_US = 500000,
    INIT_TRIES = 4,
    DEAF_TRIES = 2,   /* so often nothing was answered where the cookie came from */
    DOUBT_US = 150000 /* copies of one datagram do not come so far apart */
};

static uint8_t available_ciphers(void)
{
    return (uint8_t)((cipher_available(CIPHER_AESGCM) ? 1 << CIPHER_AESGCM : 0) |
                     (cipher_available(CIPHER_CHACHAPOLY) ? 1 << CIPHER_CHACHAPOLY : 0));
}

size_t dial_prologue(uint8_t to[64], const uint8_t server_key[KEY_BYTES], uint8_t server_ciphers,
                     uint8_t client_ciphers, uint8_t cipher,
                     const uint8_t client_cid[PACKET_CID_BYTES])
{
    struct wr w = wr_of(to, 64);

    wr_bytes(&w, bytes_of_string("farspan session"));
    wr_u8(&w, PACKET_VERSION);
    wr_bytes(&w, bytes_of(server_key, KEY_BYTES));
    wr_u8(&w, server_ciphers);
    wr_u8(&w, client_ciphers);
    wr_u8(&w, cipher);
    wr_bytes(&w, bytes_of(client_cid, PACKET_CID_BYTES));
    return w.n;
}

/* What is to be said next is said now, wherever the listener may be ... */
static void say_now(struct session_dial *d, uint64_t now_us)
{
    for (unsigned i = 0; i < d->ways; i++)
        d->way[i].next_us = now_us;
}

/* ... and it is something new. */
static void say_new(struct session_dial *d, uint64_t now_us)
{
    say_now(d, now_us);
    for (unsigned i = 0; i < d->ways; i++)
        d->way[i].tries = 0;
}

static struct session_way *find_way(struct session_dial *d, const struct addr *to)
{
    for (unsigned i = 0; i < d->ways; i++)
        if (addr_equal(&d->way[i].to, to))
            return &d->way[i];
    return NULL;
}

void dial_try(struct peer *p, uint64_t now_us, const struct addr *to)
{
    struct session_dial *d = p->dial;
    struct session_way *w = find_way(d, to);

    if (!w && d->ways == PEER_WAYS)
        return;
    if (!w)
        w = &d->way[d->ways++];
    *w = (struct session_way){.to = *to, .next_us = now_us};
}

/* The listener has answered from there. One with several addresses may answer from another than was
 * asked: then it is where it was asked, as far as that is known. */
static void found(struct peer *p, const struct addr *from)
{
    struct session_dial *d = p->dial;
    struct session_way *w = find_way(d, from);

    if (!w && d->ways == 1)
        w = &d->way[0];
    if (!w)
        return;
    d->answered = w;
    p->remote = w->to;
}

uint64_t dial_deadline_us(const struct peer *p)
{
    const struct session_dial *d = p->dial;
    uint64_t at = UINT64_MAX;

    if (d->answered)
        return d->answered->next_us;
    for (unsigned i = 0; i < d->ways; i++)
        at = num_min(at, d->way[i].next_us);
    return at;
}

/* The way on which something is to be said now, or NULL. */
static struct session_way *due_way(struct session_dial *d, uint64_t now_us)
{
    if (d->answered)
        return now_us >= d->answered->next_us ? d->answered : NULL;
    for (unsigned i = 0; i < d->ways; i++)
        if (now_us >= d->way[i].next_us)
            return &d->way[i];
    return NULL;
}

enum err dial_start(struct peer *p, const struct peer_dial *dial, uint64_t now_us)
{
    uint8_t here = available_ciphers();
    struct session_dial *d = heap_alloc(sizeof *d);

    if (!d)
        return ERR_MEMORY;
    crypt_lock(d, sizeof *d);
    p->dial = d;
    p->remote = dial->to;
    d->ciphers = dial->ciphers ? dial->ciphers & here : here;
    d->identity = *dial->identity;
    dial_try(p, now_us, &dial->to);
    rng_fill(&p->rng, d->nonce, sizeof d->nonce);
    if (dial->expected_key) {
        d->has_expected = true;
        memcpy(d->expected, dial->expected_key, sizeof d->expected);
    }
    if (dial->token_id && dial->token_secret) {
        d->has_token = true;
        memcpy(d->token_id, dial->token_id, sizeof d->token_id);
        memcpy(d->token_secret, dial->token_secret, sizeof d->token_secret);
    }
    if (d->has_expected && dial->known_ciphers && dial->address_token.n &&
        dial->address_token.n <= sizeof d->proof) {
        memcpy(d->server_key, d->expected, sizeof d->server_key);
        d->server_ciphers = dial->known_ciphers;
        memcpy(d->proof, dial->address_token.p, dial->address_token.n);
        d->proof_bytes = dial->address_token.n;
        d->proof_kind = PACKET_PROOF_TOKEN;
        p->state = SESSION_INIT;
    }
    return d->ciphers ? OK : ERR_UNSUPPORTED;
}

void dial_accept(struct peer *p, uint64_t now_us)
{
    if (p->state != SESSION_ASKING)
        return;
    p->state = SESSION_INIT;
    p->dial->message_ready = false;
    say_new(p->dial, now_us);
}

/* Makes message 1 for the key, ciphers and proof at hand. */
static enum err make_message(struct peer *p)
{
    struct session_dial *d = p->dial;
    uint8_t both = d->ciphers & d->server_ciphers, prologue[64], payload[128];
    enum cipher cipher = both & 1 << CIPHER_AESGCM ? CIPHER_AESGCM : CIPHER_CHACHAPOLY;

    if (!(both & 1 << cipher))
        return ERR_UNSUPPORTED;
    size_t n =
        dial_prologue(prologue, d->server_key, d->server_ciphers, d->ciphers, cipher, p->own_cid);
    enum err e =
        noise_init(&d->noise, cipher, true, &d->identity, d->server_key, bytes_of(prologue, n));
    if (e)
        return e;
    struct hello_client hello = {
        .params = {.max_data = p->config.session_window_bytes,
                   .max_stream_data = p->config.stream_window_bytes,
                   .max_ack_delay_us = SESSION_ACK_DELAY_US},
        .has_token = d->has_token,
    };
    memcpy(hello.token_id, d->token_id, sizeof hello.token_id);
    struct wr inside = wr_of(payload, sizeof payload);
    hello_put_client(&inside, &hello);
    struct wr w = wr_of(d->message, sizeof d->message);
    e = noise_write(&d->noise, &p->rng, wr_done(&inside), &w);
    d->message_bytes = w.n;
    d->message_ready = !e;
    return e;
}

enum err dial_output(struct peer *p, uint64_t now_us, uint8_t *space, size_t room, size_t *n,
                     struct addr *to)
{
    struct session_dial *d = p->dial;
    struct packet_long packet = {.type = PACKET_HELLO, .version = PACKET_VERSION};
    struct session_way *way = due_way(d, now_us);
    struct wr w = wr_of(space, room);

    if (!way)
        return ERR_AGAIN;
    if (p->state == SESSION_INIT && way->tries == INIT_TRIES) {
        /* Perhaps what the cookie packet said was damaged on its way, or that way is no more: ask
         * anew, and everywhere. */
        p->state = SESSION_HELLO;
        d->answered = NULL;
        say_new(d, now_us);
    }
    if (p->state == SESSION_INIT) {
        enum err e = d->message_ready ? OK : make_message(p);
        if (e) {
            session_fail(p, now_us, e,
                         e == ERR_UNSUPPORTED ? "the two sides have no cipher in common"
                                              : "the other side's key is not usable",
                         false);
            return ERR_AGAIN;
        }
        packet.type = PACKET_INIT;
        packet.ciphers = d->ciphers;
        packet.cipher = d->noise.cipher;
        packet.proof_kind = d->proof_kind;
        packet.proof = bytes_of(d->proof, d->proof_bytes);
        packet.noise = bytes_of(d->message, d->message_bytes);
    }
    memcpy(packet.cid, p->own_cid, sizeof packet.cid);
    memcpy(packet.nonce, d->nonce, sizeof packet.nonce);
    packet_encode_long(&packet, &w);
    way->sent_us = now_us;
    way->next_us =
        now_us + num_min((uint64_t)FIRST_RETRY_US << num_min(way->tries++, 4), RETRY_GAP_US);
    if (!session_with(p, PEER_WITHOUT_RESEND))
        way->next_us = UINT64_MAX;
    *n = w.n;
    *to = way->to;
    return OK;
}

/* Another way than the one that is being asked has answered as well: the first stays, unless it has
 * fallen silent since. */
static bool too_late(struct session_dial *d, const struct addr *from)
{
    const struct session_way *w = find_way(d, from);

    return d->answered && w && w != d->answered && d->answered->tries < DEAF_TRIES;
}

static void take_cookie(struct peer *p, uint64_t now_us, const struct addr *from,
                        const struct packet_long *packet)
{
    struct session_dial *d = p->dial;

    if ((p->state != SESSION_HELLO && p->state != SESSION_INIT) ||
        memcmp(packet->nonce, d->nonce, sizeof d->nonce) != 0 || packet->proof.n == 0)
        return;
    if (p->state == SESSION_INIT && d->proof_kind == PACKET_PROOF_COOKIE &&
        (bytes_equal(packet->proof, bytes_of(d->proof, d->proof_bytes)) || too_late(d, from)))
        return; /* a copy of the one we have, or one too many */
    if (d->has_expected && memcmp(packet->server_key, d->expected, KEY_BYTES) != 0) {
        /* Nothing protects this packet: one flipped bit must not look like another host. */
        if (!d->has_doubted || memcmp(packet->server_key, d->doubted, KEY_BYTES) != 0) {
            d->has_doubted = true;
            memcpy(d->doubted, packet->server_key, KEY_BYTES);
            rng_fill(&p->rng, d->nonce, sizeof d->nonce); /* a copy of this one is no second word */
            p->state = SESSION_HELLO;
            d->answered = NULL;
            say_now(d, now_us);
            return;
        }
        session_fail(p, now_us, ERR_REFUSED,
                     "the host's key is not the known one: somebody may be in between, or the "
                     "host was set up anew",
                     false);
        return;
    }
    found(p, from);
    memcpy(d->proof, packet->proof.p, packet->proof.n);
    d->proof_bytes = packet->proof.n;
    d->proof_kind = PACKET_PROOF_COOKIE;
    if (d->message_ready && memcmp(packet->server_key, d->server_key, KEY_BYTES) == 0 &&
        packet->ciphers == d->server_ciphers) {
        /* The same message 1 with a new proof. */
        if (p->state == SESSION_INIT)
            say_now(d, now_us);
        else
            say_new(d, now_us);
        p->state = SESSION_INIT;
        return;
    }
    memcpy(d->server_key, packet->server_key, KEY_BYTES);
    d->server_ciphers = packet->ciphers;
    d->message_ready = false;
    if (d->has_expected) {
        p->state = SESSION_INIT;
        say_new(d, now_us);
        return;
    }
    p->state = SESSION_ASKING;
    struct peer_event e = {.kind = PEER_EVENT_HOST_KEY};
    memcpy(e.key, d->server_key, sizeof e.key);
    session_event(p, &e, NULL);
}

/* Reads message 2 under the secret (NULL: none) and what is in it. */
static enum err read_under(struct noise *n, const uint8_t *secret, const struct packet_long *packet,
                           struct hello_server *hello)
{
    uint8_t space[PACKET_NOISE_BYTES];
    struct wr w = wr_of(space, sizeof space);

    noise_bind(n, bytes_of(packet->server_cid, sizeof packet->server_cid));
    noise_set_psk(n, secret);
    enum err e = noise_read(n, packet->noise, &w);
    return e ? e : hello_get_server(wr_done(&w), hello);
}

/* Reads message 2 under the invitation's secret, or under none: that is how a refusal comes. What
 * opens and makes no sense must not end the handshake either: the state from before it is kept. */
static enum err read_response(struct session_dial *d, const struct packet_long *packet,
                              struct hello_server *hello)
{
    struct noise before = d->noise;
    enum err e = read_under(&d->noise, d->has_token ? d->token_secret : NULL, packet, hello);

    if (e && d->has_token) {
        d->noise = before;
        e = read_under(&d->noise, NULL, packet, hello);
        if (!e && hello->verdict == HELLO_WELCOME)
            e = ERR_VERIFY;
    }
    if (e)
        d->noise = before;
    noise_wipe(&before);
    return e;
}

static void take_response(struct peer *p, uint64_t now_us, const struct addr *from,
                          const struct packet_long *packet)
{
    struct session_dial *d = p->dial;
    struct hello_server hello;

    if (p->state != SESSION_INIT || !d->message_ready)
        return;
    enum err e = read_response(d, packet, &hello);
    if (e) {
        p->counters.rejected_datagrams++;
        return;
    }
    if (hello.verdict != HELLO_WELCOME) {
        session_fail(p, now_us, hello.verdict == HELLO_BUSY ? ERR_BUSY : ERR_REFUSED, hello.reason,
                     false);
        return;
    }
    if (hello.params.incompatible) {
        session_fail(p, now_us, ERR_VERSION, "the other side needs features this build has not",
                     false);
        return;
    }
    found(p, from);
    memcpy(p->other_cid, packet->server_cid, sizeof p->other_cid);
    memcpy(p->other_key, d->server_key, sizeof p->other_key);
    p->server_ciphers = d->server_ciphers;
    p->roles = hello.roles;
    session_ready(p, &d->noise, &hello.params, now_us);
    if (d->answered && d->answered->tries == 1)
        session_hint(p, now_us - d->answered->sent_us);
    crypt_wipe(d, sizeof *d);
    heap_free(d);
    p->dial = NULL;
    p->confirmed = true;
    p->ping_wanted = true; /* the listener waits for a proof that we hold the keys */
    struct peer_event event = {.kind = PEER_EVENT_CONNECTED, .roles = p->roles, .path = p->remote};
    memcpy(event.key, p->other_key, sizeof event.key);
    session_event(p, &event, NULL);
}

/* Nothing protects the version either: it must be said twice, and not by copies. */
static void take_version(struct peer *p, uint64_t now_us, uint8_t version)
{
    struct session_dial *d = p->dial;
    char reason[LIMIT_REASON_CHARS];

    if (d->doubted_us == 0 || d->doubted_version != version) {
        d->doubted_version = version;
        d->doubted_us = now_us;
        return;
    }
    if (now_us - d->doubted_us < DOUBT_US)
        return;
    snprintf(reason, sizeof reason,
             "the other side speaks version %u of the session protocol, this build version %u",
             version, PACKET_VERSION);
    session_fail(p, now_us, ERR_VERSION, reason, false);
}

void dial_input(struct peer *p, uint64_t now_us, const struct addr *from, struct bytes datagram)
{
    struct packet_long packet;
    enum err e = packet_decode_long(datagram, &packet);

    if (!p->dial || memcmp(packet.cid, p->own_cid, sizeof packet.cid) != 0) {
        p->counters.rejected_datagrams += p->dial != NULL;
        return;
    }
    if (e == ERR_VERSION) {
        take_version(p, now_us, packet.version);
    } else if (e) {
        p->counters.rejected_datagrams++;
    } else if (packet.type == PACKET_COOKIE) {
        take_cookie(p, now_us, from, &packet);
    } else if (packet.type == PACKET_RESPONSE) {
        take_response(p, now_us, from, &packet);
    }
}
