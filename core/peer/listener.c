#include "core/peer/listener.h"

#include <stdio.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/peer/budget.h"
#include "core/peer/proof.h"
#include "core/peer/roster.h"
#include "core/peer/session.h"
#include "core/peer/sieve.h"

enum { REPLIES = 256, REPLY_BYTES = ROSTER_RESPONSE_BYTES, CID_RANDOM_BYTES = 4 };

/* A datagram that waits to leave. */
struct reply {
    struct addr to;
    uint16_t n;
    uint8_t data[REPLY_BYTES];
};

struct listener {
    struct listener_config config;
    struct rng rng;
    uint8_t ciphers;
    struct proof_keys proof;
    struct roster roster;
    uint32_t turn; /* whose it is to send, in the roster's order */
    struct reply reply[REPLIES];
    uint32_t reply_first, reply_count;
    uint8_t out_ecn; /* of the newest datagram */
    struct budget budget;
    struct sieve sieve;
    struct mark_key mark; /* of our connection ids */
    struct listener_counters counters;
};

enum err listener_new(const struct listener_config *config, const struct rng *rng, uint64_t now_us,
                      struct listener **out)
{
    struct listener *l = heap_aligned(sizeof *l);

    *out = NULL;
    if (!l)
        return ERR_MEMORY;
    l->config = *config;
    l->rng = *rng;
    if (!l->config.max_peers || l->config.max_peers > LIMIT_PEERS)
        l->config.max_peers = LIMIT_PEERS;
    if (!l->config.handshakes_per_s)
        l->config.handshakes_per_s = LIMIT_HANDSHAKES_PER_S;
    if (!l->config.strangers_per_s)
        l->config.strangers_per_s = LIMIT_STRANGERS_PER_S;
    for (enum cipher c = CIPHER_AESGCM; c <= CIPHER_CHACHAPOLY; c++)
        if (cipher_available(c) && (!config->ciphers || config->ciphers & 1 << c))
            l->ciphers |= (uint8_t)(1 << c);
    if (!l->ciphers) {
        heap_free(l);
        return ERR_UNSUPPORTED;
    }
    proof_init(&l->proof, config->identity, config->wall_offset_us, &l->rng);
    budget_init(&l->budget, l->config.handshakes_per_s, l->config.strangers_per_s, rng_u64(&l->rng),
                now_us);
    sieve_init(&l->sieve, l->config.strangers_per_s, now_us);
    rng_fill(&l->rng, &l->mark, sizeof l->mark);
    *out = l;
    return OK;
}

void listener_free(struct listener *l)
{
    if (!l)
        return;
    roster_release(&l->roster);
    proof_wipe(&l->proof);
    heap_free(l);
}

static struct reply *new_reply(struct listener *l, const struct addr *to)
{
    if (l->reply_count == REPLIES)
        return NULL;
    struct reply *r = &l->reply[(l->reply_first + l->reply_count++) % REPLIES];
    r->to = *to;
    return r;
}

static void send_cookie(struct listener *l, uint64_t now_us, const struct addr *from,
                        const struct packet_long *asked)
{
    uint8_t cookie[COOKIE_BYTES];
    struct packet_long packet = {.type = PACKET_COOKIE,
                                 .version = PACKET_VERSION,
                                 .ciphers = l->ciphers,
                                 .proof = bytes_of(cookie, sizeof cookie)};
    struct reply *r = new_reply(l, from);

    if (!r)
        return;
    l->counters.hashed++;
    proof_cookie(&l->proof, now_us, from, asked->nonce, cookie);
    memcpy(packet.cid, asked->cid, sizeof packet.cid);
    memcpy(packet.nonce, asked->nonce, sizeof packet.nonce);
    memcpy(packet.server_key, l->config.identity->public, KEY_BYTES);
    struct wr w = wr_of(r->data, sizeof r->data);
    packet_encode_long(&packet, &w);
    r->n = (uint16_t)w.n;
    l->counters.cookies_sent++;
}

static bool has_proof(struct listener *l, uint64_t now_us, const struct addr *from,
                      const struct packet_long *init)
{
    if (l->config.without_cookies)
        return true;
    l->counters.hashed++;
    /* Under load everybody shows a fresh cookie. */
    return proof_good(&l->proof, now_us, from, init, l->roster.half_open >= LIMIT_HALF_OPEN / 2);
}

static void resend_response(struct listener *l, const struct roster_entry *e,
                            const struct addr *from)
{
    struct reply *r = e->response_bytes ? new_reply(l, from) : NULL;

    if (!r)
        return;
    memcpy(r->data, e->response, e->response_bytes);
    r->n = e->response_bytes;
}

/* Writes message 2 into a RESPONSE at `to`. */
static enum err make_response(struct listener *l, struct noise *n, const struct packet_long *init,
                              const uint8_t *own_cid, const struct hello_server *hello,
                              struct wr *to)
{
    uint8_t inside[REPLY_BYTES], message[PACKET_NOISE_BYTES];
    struct wr payload = wr_of(inside, sizeof inside), w = wr_of(message, sizeof message);
    struct packet_long packet = {.type = PACKET_RESPONSE, .version = PACKET_VERSION};

    memcpy(packet.cid, init->cid, sizeof packet.cid);
    if (own_cid)
        memcpy(packet.server_cid, own_cid, sizeof packet.server_cid);
    hello_put_server(&payload, hello);
    noise_bind(n, bytes_of(packet.server_cid, sizeof packet.server_cid));
    enum err e = noise_write(n, &l->rng, wr_done(&payload), &w);
    if (e)
        return e;
    packet.noise = wr_done(&w);
    packet_encode_long(&packet, to);
    return to->full ? ERR_LIMIT : OK;
}

static void refuse(struct listener *l, struct noise *n, const struct packet_long *init,
                   const struct addr *from, const struct listener_verdict *v)
{
    struct hello_server hello = {.verdict = v->busy ? HELLO_BUSY : HELLO_REFUSED};
    struct reply *r = new_reply(l, from);

    l->counters.refused++;
    if (!r)
        return;
    snprintf(hello.reason, sizeof hello.reason, "%s", v->reason ? v->reason : "refused");
    noise_set_psk(n, NULL);
    struct wr w = wr_of(r->data, sizeof r->data);
    if (make_response(l, n, init, NULL, &hello, &w))
        l->reply_count--;
    else
        r->n = (uint16_t)w.n;
}

/* Ours, not what a copied generator gave, and marked so that a filter knows it: 4 random bytes and
 * their mark, big-endian both, as the kernel's filters read. */
static void draw_cid(struct listener *l, uint8_t *cid)
{
    rng_fill(&l->rng, cid, CID_RANDOM_BYTES);
    uint32_t n = 0;
    for (size_t i = 0; i < CID_RANDOM_BYTES; i++)
        n = n << 8 | cid[i];
    n = mark_of(&l->mark, n);
    for (size_t i = PACKET_CID_BYTES; i > CID_RANDOM_BYTES; n >>= 8)
        cid[--i] = (uint8_t)n;
}

static enum err admit(struct listener *l, uint64_t now_us, struct noise *n,
                      const struct packet_long *init, const struct addr *from,
                      const struct hello_client *client, const struct listener_verdict *v)
{
    struct roster_entry *e = heap_alloc(sizeof *e);
    struct peer *p = e ? session_new(&l->config.peer, &l->rng, false, now_us) : NULL;
    enum err result = ERR_MEMORY;

    if (!p)
        goto out;
    draw_cid(l, p->own_cid);
    if (roster_find(&l->roster, p->own_cid))
        goto out;
    /* A seeded generator copied by value would make all sessions draw the same numbers. */
    if (!p->rng.fill)
        rng_seed(&p->rng, rng_u64(&l->rng));
    struct hello_server hello = {
        .params = {.max_data = p->config.session_window_bytes,
                   .max_stream_data = p->config.stream_window_bytes,
                   .max_ack_delay_us = SESSION_ACK_DELAY_US},
        .verdict = HELLO_WELCOME,
        .roles = v->roles,
    };
    noise_set_psk(n, v->psk);
    struct wr w = wr_of(e->response, sizeof e->response);
    result = make_response(l, n, init, p->own_cid, &hello, &w);
    if (result)
        goto out;
    memcpy(p->other_cid, init->cid, sizeof p->other_cid);
    memcpy(p->other_key, noise_remote_static(n), sizeof p->other_key);
    p->roles = v->roles;
    p->remote = *from;
    session_ready(p, n, &client->params, now_us);
    memcpy(e->ephemeral, init->noise.p, sizeof e->ephemeral);
    memcpy(e->token_id, client->token_id, sizeof e->token_id);
    e->has_token = client->has_token;
    e->created_us = now_us;
    e->response_bytes = (uint16_t)w.n;
    e->peer = p;
    roster_add(&l->roster, e);
    resend_response(l, e, from);
    return OK;
out:
    peer_free(p);
    heap_free(e);
    return result;
}

static void handshake(struct listener *l, uint64_t now_us, const struct addr *from,
                      const struct packet_long *init)
{
    uint8_t prologue[64], space[PACKET_NOISE_BYTES];
    struct wr payload = wr_of(space, sizeof space);
    struct hello_client client;
    struct listener_verdict verdict = {0};
    struct noise n;

    if (!(l->ciphers & init->ciphers & (init->cipher < 8 ? 1u << init->cipher : 0)))
        return;
    size_t bytes = dial_prologue(prologue, l->config.identity->public, l->ciphers, init->ciphers,
                                 init->cipher, init->cid);
    if (noise_init(&n, (enum cipher)init->cipher, false, l->config.identity, NULL,
                   bytes_of(prologue, bytes)))
        return;
    l->counters.handshakes++;
    if (noise_read(&n, init->noise, &payload) || hello_get_client(wr_done(&payload), &client)) {
        l->counters.bad_messages++;
        goto out;
    }
    l->config.auth.judge(l->config.auth.context, now_us, noise_remote_static(&n),
                         client.has_token ? client.token_id : NULL, &verdict);
    if (verdict.welcome && client.params.incompatible) {
        verdict.welcome = false;
        verdict.reason = "you need features that this build has not";
    }
    if (verdict.welcome)
        roster_make_room(&l->roster);
    if (verdict.welcome && l->roster.count - l->roster.half_open >= l->config.max_peers) {
        verdict.welcome = false;
        verdict.busy = true;
        verdict.reason = "there are too many sessions already";
    }
    if (!verdict.welcome || l->roster.count == LIMIT_PEERS)
        refuse(l, &n, init, from, &verdict);
    else if (admit(l, now_us, &n, init, from, &client, &verdict))
        l->counters.over_budget++;
out:
    noise_wipe(&n);
}

static void take_long(struct listener *l, uint64_t now_us, const struct addr *from,
                      struct bytes datagram)
{
    struct packet_long p;
    enum packet_type type = datagram.n ? datagram.p[0] : 0;

    if ((type != PACKET_HELLO && type != PACKET_INIT) || datagram.n < PACKET_LONG_FLOOR_BYTES) {
        sieve_count(&l->sieve, now_us, SIEVE_OTHER);
        l->counters.malformed++;
        return;
    }
    enum sieve_kind kind = type == PACKET_HELLO ? SIEVE_HELLO : SIEVE_INIT;
    sieve_count(&l->sieve, now_us, kind);
    if (!budget_look(&l->budget, now_us, kind)) {
        l->counters.shed++;
        return;
    }
    enum err e = packet_decode_long(datagram, &p);
    if ((!e || e == ERR_VERSION) && p.type == PACKET_HELLO) {
        send_cookie(l, now_us, from, &p); /* in our version: it tells others which that is */
        return;
    }
    if (e || p.noise.n < KEY_BYTES) {
        l->counters.malformed++;
        return;
    }
    if (!has_proof(l, now_us, from, &p)) {
        l->counters.bad_proofs++;
        send_cookie(l, now_us, from, &p);
        return;
    }
    const struct roster_entry *before = roster_find_message(&l->roster, p.noise.p);
    if (before) {
        /* The same answer, wherever it comes from with a good proof: the client's address may have
         * changed meanwhile. */
        if (!before->peer->confirmed)
            resend_response(l, before, from);
        return;
    }
    if (!budget_agree(&l->budget, now_us, from)) {
        l->counters.over_budget++;
        return;
    }
    handshake(l, now_us, from, &p);
}

/* The caller has shown with its first packet that it holds the keys. */
static void confirmed(struct listener *l, uint64_t now_us, struct roster_entry *e)
{
    struct peer *p = e->peer;
    const struct listener_auth *auth = &l->config.auth;

    roster_confirm(&l->roster, e);
    const char *why_not =
        auth->enrol(auth->context, now_us, p->other_key, e->has_token ? e->token_id : NULL);
    if (why_not) {
        peer_close(p, now_us, ERR_REFUSED, why_not);
        e->dropped = e->known = true;
        l->counters.refused++;
        return;
    }
    proof_token(&l->proof, now_us, &p->remote, p->token);
    p->token_bytes = TOKEN_BYTES;
    p->token_wanted = true;
}

static struct roster_entry *find_session(const struct listener *l, struct bytes datagram)
{
    struct packet_data d;

    return packet_decode_data(datagram, &d) == OK ? roster_find(&l->roster, d.cid) : NULL;
}

void listener_input(struct listener *l, uint64_t now_us, const struct addr *from,
                    struct bytes datagram, uint8_t ecn)
{
    l->counters.received++;
    if (!packet_is_data(datagram)) {
        take_long(l, now_us, from, datagram);
        return;
    }
    struct roster_entry *e = find_session(l, datagram);
    if (!e) {
        sieve_count(&l->sieve, now_us, SIEVE_OTHER);
        l->counters.unknown_sessions++;
        return;
    }
    bool before = e->peer->confirmed;
    peer_input(e->peer, now_us, from, datagram, ecn);
    if (!before && e->peer->confirmed)
        confirmed(l, now_us, e);
}

bool listener_opening(const struct listener *l, struct bytes datagram, struct peer_sealing *out)
{
    const struct roster_entry *e = packet_is_data(datagram) ? find_session(l, datagram) : NULL;

    /* Who has not proven himself yet is no matter for a worker. */
    return e && e->peer->confirmed && peer_opening(e->peer, datagram, out);
}

void listener_input_opened(struct listener *l, uint64_t now_us, const struct addr *from,
                           struct bytes datagram, uint8_t ecn, const struct peer_sealing *how,
                           bool good)
{
    struct roster_entry *e = find_session(l, datagram);

    l->counters.received++;
    if (e)
        peer_input_opened(e->peer, now_us, from, datagram, ecn, how, good);
    else
        l->counters.unknown_sessions++;
}

enum err listener_output_unsealed(struct listener *l, uint64_t now_us, uint8_t *space, size_t room,
                                  size_t *n, struct addr *to, struct peer_sealing *left)
{
    *left = (struct peer_sealing){0};
    if (l->reply_count) {
        struct reply *r = &l->reply[l->reply_first];
        CHECK(r->n <= room);
        memcpy(space, r->data, r->n);
        *n = r->n;
        *to = r->to;
        l->out_ecn = 0;
        l->reply_first = (l->reply_first + 1) % REPLIES;
        l->reply_count--;
        return OK;
    }
    for (uint32_t i = 0; i < l->roster.count; i++) {
        struct roster_entry *e = l->roster.entry[(l->turn + i) % l->roster.count];
        if (peer_output_unsealed(e->peer, now_us, space, room, n, to, left) == OK) {
            l->turn = (l->turn + i) % l->roster.count;
            l->out_ecn = peer_output_ecn(e->peer);
            return OK;
        }
    }
    roster_sweep(&l->roster, now_us);
    l->turn = l->roster.count ? (l->turn + 1) % l->roster.count : 0;
    sieve_turn(&l->sieve, now_us);
    return ERR_AGAIN;
}

enum err listener_output(struct listener *l, uint64_t now_us, uint8_t *space, size_t room,
                         size_t *n, struct addr *to)
{
    struct peer_sealing left;
    enum err e = listener_output_unsealed(l, now_us, space, room, n, to, &left);

    if (!e && left.key)
        peer_seal(left.key, left.number, space, *n);
    return e;
}

uint8_t listener_output_ecn(const struct listener *l)
{
    return l->out_ecn;
}

void listener_block(struct listener *l, const struct addr *to, bool full)
{
    for (uint32_t i = 0; i < l->roster.count; i++) {
        struct peer *p = l->roster.entry[i]->peer;
        if (!full || addr_equal(&p->remote, to))
            peer_block(p, to, full);
    }
}

bool listener_uses(const struct listener *l, const struct addr *at)
{
    for (uint32_t i = 0; i < l->roster.count; i++) {
        const struct peer *p = l->roster.entry[i]->peer;
        if (p->confirmed && !peer_over(p) && addr_equal(&p->remote, at))
            return true;
    }
    return false;
}

uint64_t listener_deadline_us(const struct listener *l, uint64_t now_us)
{
    uint64_t at = l->reply_count ? now_us : sieve_deadline_us(&l->sieve);

    for (uint32_t i = 0; i < l->roster.count; i++) {
        const struct roster_entry *e = l->roster.entry[i];
        if (roster_over(e, now_us))
            return now_us;
        at = num_min(at, e->peer->confirmed ? peer_deadline_us(e->peer, now_us)
                                            : e->created_us + ROSTER_HALF_OPEN_US);
    }
    return at;
}

bool listener_sieve(struct listener *l, struct listener_sieve *out)
{
    const struct sieve *s = &l->sieve;

    if (!sieve_changed(&l->sieve))
        return false;
    *out = (struct listener_sieve){.on = s->on,
                                   .key = l->mark,
                                   .keep_hello = s->keep[SIEVE_HELLO],
                                   .keep_init = s->keep[SIEVE_INIT]};
    return true;
}

struct peer *listener_next_peer(struct listener *l)
{
    for (uint32_t i = 0; i < l->roster.count; i++) {
        struct roster_entry *e = l->roster.entry[i];
        if (e->peer->confirmed && !e->known) {
            e->known = true;
            return e->peer;
        }
    }
    return NULL;
}

bool listener_has_event(const struct listener *l)
{
    for (uint32_t i = 0; i < l->roster.count; i++) {
        const struct roster_entry *e = l->roster.entry[i];
        if (e->known && !e->dropped && peer_has_event(e->peer))
            return true;
    }
    return false;
}

void listener_drop(struct listener *l, uint64_t now_us, struct peer *p)
{
    struct roster_entry *e = roster_find(&l->roster, p->own_cid);

    CHECK(e && e->peer == p);
    peer_close(p, now_us, OK, "closed");
    e->dropped = true;
}

bool listener_over(const struct listener *l)
{
    for (uint32_t i = 0; i < l->roster.count; i++) {
        const struct peer *p = l->roster.entry[i]->peer;
        if (p->confirmed && !peer_over(p))
            return false;
    }
    return true;
}

void listener_count(const struct listener *l, struct listener_counters *out)
{
    *out = l->counters;
    out->half_open = l->roster.half_open;
    out->peers = l->roster.count - l->roster.half_open;
}
