#include "tests/ref/capture_world.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/crypt/role.h"
#include "core/peer/listener.h"
#include "tests/sim/sim.h"

enum {
    CLIENT,
    SERVER,
    SIDES,
    SESSIONS = 4,
    SECRET_BYTES = 32,
    CLIENT_PORT = 40000,
    SERVER_PORT = 7470
};

#define TIMEOUT_US (60 * (uint64_t)1000000)

/* Chance that writes down which secrets it gave. */
struct witness {
    struct rng rng;
    struct capture_file *file; /* borrowed */
    uint8_t side;
    enum capture_what what;
};

struct world;

struct host {
    struct world *world;
    size_t node;
    struct key_pair identity;
    struct witness witness;
    struct capture_app app[SESSIONS];
    size_t sessions;
};

struct world {
    const struct capture_plan *plan;
    struct capture_file *file;
    struct sim *sim;
    struct host host[SIDES];
    struct peer *peer; /* the client's, owned */
    struct listener *listener;
    struct addr server; /* where the client finds the server */
    uint8_t invitation_id[8], invitation_secret[SECRET_BYTES];
};

/* ---- secrets ---- */

static void witness_fill(struct rng *r, void *to, size_t n)
{
    struct witness *w = (struct witness *)(uintptr_t)r->state[0];

    rng_fill(&w->rng, to, n);
    if (n == SECRET_BYTES)
        capture_file_given(w->file, w->side, w->what, bytes_of(to, n));
}

/* The generator that a session or listener copies; the witness stays with the host. */
static struct rng witnessed(struct host *h)
{
    return (struct rng){.fill = witness_fill, .state = {(uintptr_t)&h->witness}};
}

/* ---- nodes ---- */

static uint8_t side_of(const struct host *h)
{
    return h == &h->world->host[CLIENT] ? CLIENT : SERVER;
}

static void host_input(void *self, uint64_t now_us, const struct addr *from, const struct addr *to,
                       struct bytes data, uint8_t ecn)
{
    struct host *h = self;
    struct world *w = h->world;

    capture_file_arrived(w->file, side_of(h), now_us, from, to, ecn, data);
    if (side_of(h) == SERVER)
        listener_input(w->listener, now_us, from, data, ecn);
    else if (w->peer)
        peer_input(w->peer, now_us, from, data, ecn);
}

static size_t host_output(void *self, uint64_t now_us, uint8_t *space, size_t room, struct addr *to,
                          uint8_t *ecn)
{
    struct host *h = self;
    struct world *w = h->world;
    size_t n = 0;

    if (side_of(h) == SERVER) {
        if (listener_output(w->listener, now_us, space, room, &n, to) != OK)
            return 0;
        *ecn = listener_output_ecn(w->listener);
    } else {
        if (w->peer == NULL || peer_output(w->peer, now_us, space, room, &n, to) != OK)
            return 0;
        *ecn = peer_output_ecn(w->peer);
    }
    capture_file_sent(w->file, side_of(h), now_us, sim_address(w->sim, h->node), to, *ecn,
                      bytes_of(space, n));
    return n;
}

static uint64_t host_deadline(void *self, uint64_t now_us)
{
    struct host *h = self;
    struct world *w = h->world;
    uint64_t at_us = UINT64_MAX;

    if (side_of(h) == SERVER)
        at_us = listener_deadline_us(w->listener, now_us);
    else if (w->peer)
        at_us = peer_deadline_us(w->peer, now_us);
    for (size_t i = 0; i < h->sessions; i++)
        at_us = num_min(at_us, capture_app_deadline_us(&h->app[i], now_us));
    return at_us;
}

static void add_app(struct host *h, struct peer *p)
{
    const struct capture_plan *plan = h->world->plan;
    uint8_t side = side_of(h);

    CHECK(h->sessions < SESSIONS);
    capture_app_init(&h->app[h->sessions], h->world->file, side, (uint32_t)h->sessions, p,
                     &plan->deeds[side], &plan->deeds[1 - side]);
    h->sessions++;
}

static void host_work(void *self, uint64_t now_us)
{
    struct host *h = self;
    struct peer *p;

    while (side_of(h) == SERVER && (p = listener_next_peer(h->world->listener)) != NULL)
        add_app(h, p);
    for (size_t i = 0; i < h->sessions; i++)
        capture_app_work(&h->app[i], now_us);
}

static const struct sim_ops host_ops = {
    .input = host_input, .output = host_output, .deadline_us = host_deadline, .work = host_work};

/* ---- who may come in ---- */

static void judge(void *context, uint64_t now_us, const uint8_t *key, const uint8_t *token_id,
                  struct listener_verdict *out)
{
    struct world *w = context;

    (void)now_us;
    (void)key;
    *out = (struct listener_verdict){.welcome = !w->plan->stranger,
                                     .roles = w->plan->stranger ? 0 : ROLE_VIEW | ROLE_CONTROL,
                                     .reason = "nobody knows this key"};
    if (token_id)
        out->psk = w->invitation_secret;
}

static const char *enrol(void *context, uint64_t now_us, const uint8_t *key,
                         const uint8_t *token_id)
{
    (void)context;
    (void)now_us;
    (void)key;
    (void)token_id;
    return NULL;
}

/* ---- the story ---- */

static void make_host(struct world *w, uint8_t side, uint8_t number, uint16_t port)
{
    struct host *h = &w->host[side];
    struct addr address = sim_addr(number, port);
    uint8_t raw[19] = {address.family};
    uint64_t update_after = (side == CLIENT ? w->plan->client : w->plan->server).key_update_packets;
    uint8_t update[8];

    h->world = w;
    h->witness = (struct witness){.file = w->file, .side = side, .what = CAPTURE_EPHEMERAL};
    rng_seed(&h->witness.rng, w->plan->seed * 10 + side);
    key_generate(&h->identity, &h->witness.rng);
    h->node = sim_node(w->sim, side == CLIENT ? "client" : "server", &host_ops, h, &address);
    memcpy(raw + 1, address.ip, sizeof address.ip);
    num_put_le(raw + 17, 2, address.port);
    num_put_le(update, sizeof update, update_after);
    capture_file_given(w->file, side, CAPTURE_STATIC, bytes_of(h->identity.secret, SECRET_BYTES));
    capture_file_given(w->file, side, CAPTURE_ADDRESS, bytes_of(raw, sizeof raw));
    capture_file_given(w->file, side, CAPTURE_UPDATE_AFTER, bytes_of(update, sizeof update));
}

static void listen(struct world *w)
{
    struct host *h = &w->host[SERVER];
    struct rng rng = witnessed(h);
    struct listener_config config = {.identity = &h->identity,
                                     .auth = {.context = w, .judge = judge, .enrol = enrol},
                                     .peer = w->plan->server};
    uint8_t ciphers = (uint8_t)(1 << CIPHER_CHACHAPOLY | 1 << w->plan->cipher);

    config.ciphers = ciphers;
    capture_file_given(w->file, SERVER, CAPTURE_CIPHERS, bytes_of(&ciphers, 1));
    if (w->plan->invited)
        capture_file_given(w->file, SERVER, CAPTURE_INVITATION,
                           bytes_of(w->invitation_secret, SECRET_BYTES));
    h->witness.what = CAPTURE_COOKIE_SEED;
    CHECK(listener_new(&config, &rng, sim_now_us(w->sim), &w->listener) == OK);
    h->witness.what = CAPTURE_EPHEMERAL;
}

static void dial(struct world *w)
{
    struct host *h = &w->host[CLIENT];
    struct rng rng = witnessed(h);
    struct peer_dial d = {.to = w->server,
                          .identity = &h->identity,
                          .expected_key = w->host[SERVER].identity.public,
                          .ciphers = (uint8_t)(1 << w->plan->cipher)};

    if (w->plan->invited) {
        d.token_id = w->invitation_id;
        d.token_secret = w->invitation_secret;
    }
    if (h->sessions) {
        const struct capture_app *last = &h->app[h->sessions - 1];
        d.address_token = bytes_of(last->token, last->token_bytes);
        d.known_ciphers = last->token_ciphers;
        peer_free(w->peer);
        h->app[h->sessions - 1].peer = NULL;
    }
    CHECK(peer_new(&w->plan->client, &d, &rng, sim_now_us(w->sim), &w->peer) == OK);
    add_app(h, w->peer);
    sim_kick(w->sim, h->node);
}

struct moving {
    struct world *world;
    const struct capture_move *move;
};

static void do_move(struct sim *s, void *arg)
{
    struct moving *m = arg;
    struct addr address = sim_addr(m->move->host, m->move->port);

    sim_move(s, m->world->host[m->move->side].node, &address);
}

static bool is_done(void *arg)
{
    struct world *w = arg;

    if (w->plan->stranger)
        return w->host[CLIENT].app[0].closed;
    return w->host[CLIENT].sessions == w->host[SERVER].sessions &&
           capture_app_is_done(&w->host[CLIENT].app[w->host[CLIENT].sessions - 1]) &&
           capture_app_is_done(&w->host[SERVER].app[w->host[SERVER].sessions - 1]);
}

static bool is_over(void *arg)
{
    struct world *w = arg;

    return peer_over(w->peer) && listener_over(w->listener);
}

static void close_session(struct world *w)
{
    struct host *h = &w->host[w->plan->closer];

    capture_app_close(&h->app[h->sessions - 1], sim_now_us(w->sim), OK, "all is said");
    sim_kick(w->sim, h->node);
}

static const char *run(struct world *w)
{
    for (uint32_t i = 0; i < w->plan->sessions; i++) {
        dial(w);
        if (!sim_run(w->sim, sim_now_us(w->sim) + TIMEOUT_US, is_done, w))
            return "the traffic does not get through";
        if (w->plan->stranger)
            return NULL;
        close_session(w);
        if (!sim_run(w->sim, sim_now_us(w->sim) + TIMEOUT_US, is_over, w))
            return "a session does not end";
    }
    return NULL;
}

const char *capture_world_run(const struct capture_plan *plan, struct capture_file *file)
{
    struct world *w = heap_alloc(sizeof *w);
    struct moving moving[CAPTURE_MOVES];

    CHECK(w && crypt_init() == OK);
    w->plan = plan;
    w->file = file;
    w->sim = sim_new(plan->seed);
    w->server = sim_addr(2, SERVER_PORT);
    rng_fill(sim_rng(w->sim), w->invitation_id, sizeof w->invitation_id);
    rng_fill(sim_rng(w->sim), w->invitation_secret, sizeof w->invitation_secret);
    make_host(w, CLIENT, 1, CLIENT_PORT);
    make_host(w, SERVER, 2, SERVER_PORT);
    listen(w);
    sim_join(w->sim, w->host[CLIENT].node, w->host[SERVER].node, &plan->up, &plan->down);
    for (size_t i = 0; i < CAPTURE_MOVES && plan->move[i].at_us; i++) {
        moving[i] = (struct moving){w, &plan->move[i]};
        sim_at(w->sim, sim_now_us(w->sim) + plan->move[i].at_us, do_move, &moving[i]);
    }
    const char *trouble = run(w);
    if (sim_failure(w->sim))
        trouble = "the simulation failed";
    peer_free(w->peer);
    listener_free(w->listener);
    sim_free(w->sim);
    heap_free(w);
    return trouble;
}
