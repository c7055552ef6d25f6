#include "core/wire/packet.h"
#include "tests/sim/sim_host.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/role.h"
#include "tests/sim/sim_tcp.h"

/* ---- client ---- */

static void client_input(void *self, uint64_t now_us, const struct addr *from,
                         const struct addr *to, struct bytes data, uint8_t ecn)
{
    struct sim_client *c = self;

    (void)to;
    if (c->peer)
        peer_input(c->peer, now_us, from, data, ecn);
}

/* ---- the client's TCP connection ---- */

static void on_opened(struct sim *s, void *arg)
{
    struct sim_client *c = arg;
    uint64_t now_us = sim_node_now_us(s, c->node);
    struct addr own = *sim_address(s, c->node);

    /* One that was given up meanwhile is not waited for: there is one attempt at a time. */
    if (!c->peer || c->tcp_wanted.family == ADDR_NONE || now_us < c->tcp_due_us)
        return;
    if (!c->tcp_opens) {
        c->tcp_due_us = UINT64_MAX; /* nobody answers */
        return;
    }
    own.via = ADDR_TCP;
    own.port = (uint16_t)(20000 + ++c->tcp_made);
    sim_move_tcp(s, c->node, &own);
    c->tcp_to = c->tcp_wanted;
    c->tcp_wanted.family = ADDR_NONE;
    race_opened(&c->race, now_us, &c->tcp_to);
    sim_kick(s, c->node);
}

static void connect_tcp(struct sim_client *c, uint64_t now_us, const struct addr *to)
{
    c->tcp_asked++;
    /* An address where nobody is answers as little as a path that is blocked. */
    if (!addr_equal(to, sim_tcp_address(c->sim, c->server_node)))
        return;
    c->tcp_wanted = *to;
    c->tcp_due_us = now_us + c->tcp_trip_us;
    sim_at(c->sim, sim_now_us(c->sim) + c->tcp_trip_us, on_opened, c);
}

static void close_tcp(struct sim_client *c)
{
    struct addr none = {.family = ADDR_NONE};

    c->tcp_to = c->tcp_wanted = none;
    sim_move_tcp(c->sim, c->node, &none);
    peer_block(c->peer, sim_tcp_address(c->sim, c->server_node), false);
}

void sim_host_break_tcp(struct sim_client *c)
{
    struct addr to = c->tcp_to;

    close_tcp(c);
    race_gone(&c->race, sim_node_now_us(c->sim, c->node), &to);
    sim_kick(c->sim, c->node);
}

static struct race_session session_of(const struct sim_client *c, uint64_t now_us)
{
    struct peer_path path;

    peer_path(c->peer, now_us, &path);
    return (struct race_session){path.answered, path.connected, path.silent_us, path.remote};
}

static bool run_race(struct sim_client *c, uint64_t now_us)
{
    struct race_session s = session_of(c, now_us);
    enum race_act act;
    struct addr to;
    bool tried = false;

    if (!c->way_count || peer_over(c->peer))
        return false;
    while ((act = race_next(&c->race, now_us, &s, &to)) != RACE_NONE) {
        tried |= act == RACE_TRY;
        if (act == RACE_TRY)
            peer_try(c->peer, now_us, &to);
        else if (act == RACE_CONNECT)
            connect_tcp(c, now_us, &to);
        else if (addr_equal(&to, &c->tcp_to) || addr_equal(&to, &c->tcp_wanted))
            close_tcp(c);
    }
    return tried;
}

static size_t client_output(void *self, uint64_t now_us, uint8_t *space, size_t room,
                            struct addr *to, uint8_t *ecn)
{
    struct sim_client *c = self;
    bool raced = false;
    size_t n = 0;

    if (c->peer == NULL)
        return 0;
    for (;;) {
        if (c->tcp_to.family != ADDR_NONE && !(c->without & SIM_WITHOUT_BLOCK))
            peer_block(c->peer, &c->tcp_to, sim_tcp_is_full(c->sim, c->node, c->server_node));
        if (peer_output(c->peer, now_us, space, room, &n, to) == OK) {
            *ecn = peer_output_ecn(c->peer);
            if (to->via == ADDR_UDP || addr_equal(to, &c->tcp_to))
                return n;
            continue; /* there is no such connection */
        }
        if (raced || !run_race(c, now_us))
            return 0;
        raced = true;
    }
}

static uint64_t client_deadline(void *self, uint64_t now_us)
{
    struct sim_client *c = self;

    if (c->peer == NULL)
        return UINT64_MAX;
    uint64_t at = num_min(peer_deadline_us(c->peer, now_us), sim_app_deadline_us(&c->app, now_us));
    if (c->way_count && !peer_over(c->peer)) {
        struct race_session s = session_of(c, now_us);
        at = num_min(at, race_deadline_us(&c->race, now_us, &s));
    }
    if (c->tcp_to.family != ADDR_NONE && sim_tcp_is_full(c->sim, c->node, c->server_node))
        at = num_min(at, now_us + SIM_TCP_POLL_US);
    return at;
}

static void client_work(void *self, uint64_t now_us)
{
    struct sim_client *c = self;

    sim_app_work(&c->app, now_us);
}

static const struct sim_ops client_ops = {
    .input = client_input,
    .output = client_output,
    .deadline_us = client_deadline,
    .work = client_work,
};

struct sim_client *sim_host_client(struct sim *s, const char *name, const struct addr *address,
                                   const struct peer_config *config, uint32_t without)
{
    struct sim_client *c = heap_alloc(sizeof *c);

    CHECK(c);
    c->sim = s;
    c->without = without;
    if (config)
        c->config = *config;
    c->config.without = without & ~(uint32_t)SIM_WITHOUT_HOST;
    key_generate(&c->identity, sim_rng(s));
    sim_app_init(&c->app, s, name, NULL, true);
    c->node = sim_node(s, name, &client_ops, c, address);
    return c;
}

void sim_host_client_free(struct sim_client *c)
{
    if (c == NULL)
        return;
    peer_free(c->peer);
    sim_app_release(&c->app);
    heap_free(c);
}

void sim_host_hang_up(struct sim_client *c)
{
    peer_free(c->peer);
    c->peer = c->app.peer = NULL;
}

void sim_host_race(struct sim_client *c, size_t server_node, const struct addr *list, size_t count,
                   bool tcp_only)
{
    CHECK(count <= RACE_ADDRESSES);
    memcpy(c->ways, list, count * sizeof *list);
    c->way_count = count;
    c->tcp_only = tcp_only;
    c->server_node = server_node;
    c->tcp_opens = true;
}

static uint32_t race_without(const struct sim_client *c)
{
    return (c->without & SIM_WITHOUT_TCP ? RACE_WITHOUT_TCP : 0u) |
           (c->without & SIM_WITHOUT_GRACE ? RACE_WITHOUT_GRACE : 0u) |
           (c->without & SIM_WITHOUT_SEARCH ? RACE_WITHOUT_SEARCH : 0u) |
           (c->without & SIM_WITHOUT_OTHERS ? RACE_WITHOUT_OTHERS : 0u);
}

void sim_host_dial(struct sim_client *c)
{
    struct rng rng;

    sim_host_hang_up(c);
    c->app.other = NULL;
    sim_app_again(&c->app);
    rng_seed(&rng, rng_u64(sim_rng(c->sim)));
    c->dial.identity = &c->identity;
    struct peer_dial dial = c->dial;
    if (c->without & SIM_WITHOUT_PINNING)
        dial.expected_key = NULL;
    if (c->without & SIM_WITHOUT_TOKENS)
        dial.address_token = bytes_of(NULL, 0);
    uint64_t now_us = sim_node_now_us(c->sim, c->node);
    if (c->way_count) {
        dial.to = c->ways[0];
        dial.to.via = c->tcp_only ? ADDR_TCP : ADDR_UDP;
        race_init(&c->race, c->ways, c->way_count, c->tcp_only, race_without(c), now_us);
    }
    CHECK(peer_new(&c->config, &dial, &rng, now_us, &c->peer) == OK);
    c->app.peer = c->peer;
    sim_kick(c->sim, c->node);
}

/* ---- server ---- */

/* 0: it is not let in. */
static uint32_t roles_of(const struct sim_server *sv, const uint8_t *key)
{
    for (size_t i = 0; i < sv->keys; i++)
        if (memcmp(sv->key[i], key, KEY_BYTES) == 0)
            return sv->roles[i];
    return sv->without & SIM_WITHOUT_TRUST ? ROLE_VIEW | ROLE_CONTROL : 0;
}

static void server_judge(void *context, uint64_t now_us, const uint8_t *key,
                         const uint8_t *token_id, struct listener_verdict *out)
{
    struct sim_server *sv = context;

    *out = (struct listener_verdict){.reason = "this key is not authorised"};
    if (token_id == NULL) {
        out->roles = roles_of(sv, key);
        out->welcome = out->roles != 0;
        return;
    }
    const struct invite *invite;
    enum invite_verdict v = invite_find(sv->invites, token_id, key, now_us, &invite);
    out->welcome = v == INVITE_GOOD;
    out->reason = invite_reason(v);
    if (sv->without & SIM_WITHOUT_PROOF && v == INVITE_GOOD)
        v = invite_enrol(sv->invites, token_id, key, now_us);
    if (invite) {
        out->roles = invite->roles;
        out->psk = invite->secret;
    }
}

static const char *server_enrol(void *context, uint64_t now_us, const uint8_t *key,
                                const uint8_t *token_id)
{
    struct sim_server *sv = context;

    if (token_id == NULL || (sv->without & SIM_WITHOUT_ENROL))
        return NULL;
    enum invite_verdict v = invite_enrol(sv->invites, token_id, key, now_us);
    return v == INVITE_GOOD ? NULL : invite_reason(v);
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* What core/os/dgram_sieve.c has the kernel do. */
static bool passes(const struct sim_server *sv, struct bytes data)
{
    const struct listener_sieve *s = &sv->sieve;

    if (!s->on || !sv->sifts)
        return true;
    if (packet_is_data(data))
        return data.n >= PACKET_DATA_HEAD_BYTES &&
               mark_of(&s->key, big_endian(data.p + 1)) == big_endian(data.p + 5);
    if (data.n < PACKET_LONG_FLOOR_BYTES || (data.p[0] != PACKET_HELLO && data.p[0] != PACKET_INIT))
        return false;
    return (uint32_t)rng_u64(sim_rng(sv->sim)) <=
           (data.p[0] == PACKET_HELLO ? s->keep_hello : s->keep_init);
}

static void server_input(void *self, uint64_t now_us, const struct addr *from,
                         const struct addr *to, struct bytes data, uint8_t ecn)
{
    struct sim_server *sv = self;

    (void)to;
    if (!passes(sv, data))
        return;
    listener_input(sv->listener, now_us, from, data, ecn);
    listener_sieve(sv->listener, &sv->sieve);
}

/* Which of its sessions is at the other end of a connection that takes no more. */
static bool is_full(struct sim_server *sv, const struct sim_session *session, struct addr *at)
{
    struct peer_path path;

    if (!session->peer)
        return false;
    peer_path(session->peer, sim_node_now_us(sv->sim, sv->node), &path);
    *at = path.remote;
    size_t node = at->via == ADDR_TCP ? sim_node_at(sv->sim, at) : SIZE_MAX;
    return node != SIZE_MAX && sim_tcp_is_full(sv->sim, sv->node, node);
}

static void block_full(struct sim_server *sv)
{
    struct addr at;

    for (size_t i = 0; i < sv->sessions && !(sv->without & SIM_WITHOUT_BLOCK); i++) {
        bool full = is_full(sv, sv->session[i], &at);
        if (sv->session[i]->peer)
            listener_block(sv->listener, &at, full);
    }
}

static size_t server_output(void *self, uint64_t now_us, uint8_t *space, size_t room,
                            struct addr *to, uint8_t *ecn)
{
    struct sim_server *sv = self;
    size_t n = 0;

    block_full(sv);
    if (listener_output(sv->listener, now_us, space, room, &n, to) != OK) {
        listener_sieve(sv->listener, &sv->sieve);
        return 0;
    }
    *ecn = listener_output_ecn(sv->listener);
    return n;
}

static uint64_t server_deadline(void *self, uint64_t now_us)
{
    struct sim_server *sv = self;
    uint64_t at_us = listener_deadline_us(sv->listener, now_us);

    for (size_t i = 0; i < sv->sessions; i++) {
        struct addr at;
        if (sv->session[i]->peer)
            at_us = num_min(at_us, sim_app_deadline_us(&sv->session[i]->app, now_us));
        if (is_full(sv, sv->session[i], &at))
            at_us = num_min(at_us, now_us + SIM_TCP_POLL_US);
    }
    return at_us;
}

static void take_session(struct sim_server *sv, uint64_t now_us, struct peer *p)
{
    struct sim_session *session = heap_alloc(sizeof *session);

    CHECK(session && sv->sessions < SIM_SERVER_SESSIONS);
    session->peer = p;
    sim_app_init(&session->app, sv->sim, "server", p, false);
    sv->session[sv->sessions++] = session;
    sim_app_greet(&session->app, now_us);
    if (sv->welcome)
        sv->welcome(sv, session, sv->context);
}

static void server_work(void *self, uint64_t now_us)
{
    struct sim_server *sv = self;
    struct peer *p;

    while ((p = listener_next_peer(sv->listener)) != NULL)
        take_session(sv, now_us, p);
    for (size_t i = 0; i < sv->sessions; i++) {
        struct sim_session *session = sv->session[i];
        if (session->peer == NULL)
            continue;
        sim_app_work(&session->app, now_us);
        if (session->app.closed && !sv->keep) {
            listener_drop(sv->listener, now_us, session->peer);
            session->peer = session->app.peer = NULL;
            sv->dropped++;
        }
    }
}

static const struct sim_ops server_ops = {
    .input = server_input,
    .output = server_output,
    .deadline_us = server_deadline,
    .work = server_work,
};

static void listen(struct sim_server *sv)
{
    struct rng rng;

    rng_seed(&rng, rng_u64(sim_rng(sv->sim)));
    CHECK(listener_new(&sv->config, &rng, sim_node_now_us(sv->sim, sv->node), &sv->listener) == OK);
}

struct sim_server *sim_host_server(struct sim *s, const char *name, const struct addr *address,
                                   const struct listener_config *config, uint32_t without)
{
    struct sim_server *sv = heap_alloc(sizeof *sv);

    CHECK(sv);
    sv->sim = s;
    sv->without = without;
    sv->sifts = true;
    sv->invites = heap_alloc(sizeof *sv->invites);
    CHECK(sv->invites);
    invite_init(sv->invites);
    if (config)
        sv->config = *config;
    sv->config.peer.without = without & ~(uint32_t)SIM_WITHOUT_HOST;
    sv->config.without_cookies = without & SIM_WITHOUT_COOKIES;
    if (without & SIM_WITHOUT_BUDGET) {
        sv->config.max_peers = 0;
        sv->config.handshakes_per_s = sv->config.strangers_per_s = 1000000;
    }
    key_generate(&sv->identity, sim_rng(s));
    sv->config.identity = &sv->identity;
    sv->config.auth =
        (struct listener_auth){.context = sv, .judge = server_judge, .enrol = server_enrol};
    sv->node = sim_node(s, name, &server_ops, sv, address);
    listen(sv);
    return sv;
}

static void end_sessions(struct sim_server *sv)
{
    listener_free(sv->listener);
    sv->listener = NULL;
    sv->sieve.on = false;
    for (size_t i = 0; i < sv->sessions; i++)
        sv->session[i]->peer = sv->session[i]->app.peer = NULL;
}

void sim_host_restart(struct sim_server *sv)
{
    end_sessions(sv);
    listen(sv);
    sim_kick(sv->sim, sv->node);
}

void sim_host_server_free(struct sim_server *sv)
{
    if (sv == NULL)
        return;
    end_sessions(sv);
    for (size_t i = 0; i < sv->sessions; i++) {
        sim_app_release(&sv->session[i]->app);
        heap_free(sv->session[i]);
    }
    invite_release(sv->invites);
    heap_free(sv->invites);
    heap_free(sv);
}

const struct invite *sim_host_invite(struct sim_server *sv, struct sim_client *c, uint32_t uses,
                                     uint64_t for_us)
{
    uint64_t now_us = sim_node_now_us(sv->sim, sv->node);
    const struct invite *invite;

    CHECK(invite_add(sv->invites, sim_rng(sv->sim), now_us, ROLE_VIEW, uses,
                     for_us == INVITE_NEVER ? INVITE_NEVER : now_us + for_us, &invite) == OK);
    c->dial.token_id = invite->id;
    c->dial.token_secret = invite->secret;
    return invite;
}

void sim_host_trust(struct sim_server *sv, const uint8_t key[KEY_BYTES])
{
    sim_host_trust_as(sv, key, ROLE_VIEW | ROLE_CONTROL);
}

void sim_host_trust_as(struct sim_server *sv, const uint8_t key[KEY_BYTES], uint32_t roles)
{
    CHECK(sv->keys < SIM_SERVER_KEYS);
    sv->roles[sv->keys] = roles;
    memcpy(sv->key[sv->keys++], key, KEY_BYTES);
}
