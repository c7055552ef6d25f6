/* scenario_attack: what strangers send, however much and however well formed. */
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/cipher.h"
#include "core/wire/packet.h"
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_world.h"

enum { FLOOD = 20000, FLOOD_US = 5 * SECOND_US };

/* A stranger at 10.1.x.y, another one for each number. */
static struct addr stranger_addr(uint64_t n)
{
    return (struct addr){.ip = {10, 1, (uint8_t)(n >> 8), (uint8_t)n},
                         .port = (uint16_t)(1024 + n % 60000),
                         .family = ADDR_IP4};
}

/* What goes to strangers: all addresses 10.1.x.y together. */
struct unproven {
    uint64_t in_bytes, out_bytes, most_out;
};

static bool count_unproven(void *self, struct sim *s, const struct addr *from,
                           const struct addr *to, struct bytes data)
{
    struct unproven *u = self;

    (void)s, (void)from;
    if (to->ip[0] == 10 && to->ip[1] == 1) {
        u->out_bytes += data.n;
        u->most_out = num_max(u->most_out, data.n);
    }
    return true;
}

/* A session with bulk, and its goodput over FLOOD_US while `send` is called FLOOD times. */
struct flood {
    struct sim_world w;
    struct unproven count;
    void (*send)(struct flood *f, uint64_t n);
    uint64_t sent;
    struct rng rng;
};

static void flood_step(struct sim *s, void *arg)
{
    struct flood *f = arg;

    f->send(f, f->sent++);
    if (f->sent < FLOOD)
        sim_at(s, sim_now_us(s) + FLOOD_US / FLOOD, flood_step, f);
}

static void inject(struct flood *f, const struct addr *from, struct bytes data)
{
    f->count.in_bytes += data.n;
    sim_inject(f->w.sim, from, sim_address(f->w.sim, f->w.server->node), data);
}

static void begin_flood(struct flood *f, struct sim *s, uint32_t without,
                        void (*send)(struct flood *f, uint64_t n))
{
    struct wan_config link = sim_world_link(10000000, 20000);

    memset(f, 0, sizeof *f);
    f->send = send;
    rng_seed(&f->rng, 1);
    sim_world_make(&f->w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&f->w, SECOND_US);
    if (f->w.session == NULL)
        return;
    sim_app_write(&f->w.session->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(s, f->w.server->node);
    sim_world_pass(&f->w, 2 * SECOND_US);
    sim_tap(s, &(struct sim_tap){count_unproven, &f->count});
}

static void expect_flood_is_harmless(struct flood *f)
{
    struct sim *s = f->w.sim;
    uint64_t before = f->w.client->app.read_bytes, heap = sim_world_memory_bytes();

    sim_at(s, sim_now_us(s), flood_step, f);
    sim_world_pass(&f->w, FLOOD_US);
    uint64_t got = f->w.client->app.read_bytes - before;
    SIM_EXPECT(&f->w, f->sent == FLOOD);
    SIM_EXPECT(&f->w, got > 10000000 / 8 * (FLOOD_US / SECOND_US) * 8 / 10);
    SIM_EXPECT(&f->w, f->count.out_bytes <= f->count.in_bytes);
    SIM_EXPECT(&f->w, f->w.client->app.closed == 0);
    SIM_EXPECT(&f->w, sim_world_memory_bytes() < heap + (4 << 20));
    struct listener_counters n;
    listener_count(f->w.server->listener, &n);
    sim_note(s, "cookies %llu bad proofs %llu over budget %llu handshakes %llu refused %llu",
             (unsigned long long)n.cookies_sent, (unsigned long long)n.bad_proofs,
             (unsigned long long)n.over_budget, (unsigned long long)n.handshakes,
             (unsigned long long)n.refused);
}

/* ---- garbage ---- */

static void send_garbage(struct flood *f, uint64_t n)
{
    uint8_t data[1400];
    size_t length = rng_below(&f->rng, sizeof data + 1);
    struct addr from = stranger_addr(n);

    rng_fill(&f->rng, data, length);
    if (length && n % 2)
        data[0] = (uint8_t)(n % 4 == 1 ? PACKET_DATA : 1 + n % 7);
    inject(f, &from, bytes_of(data, length));
}

static void garbage(struct sim *s, uint32_t without)
{
    struct flood f;

    begin_flood(&f, s, without, send_garbage);
    if (f.w.session)
        expect_flood_is_harmless(&f);
    sim_world_end(&f.w);
}

/* Garbage that claims to come from the client's address and goes for both ends. */
static void send_spoofed(struct flood *f, uint64_t n)
{
    struct sim *s = f->w.sim;
    const struct addr *client = sim_address(s, f->w.client->node);
    const struct addr *server = sim_address(s, f->w.server->node);
    uint8_t data[1400];
    size_t length = rng_below(&f->rng, sizeof data + 1);

    rng_fill(&f->rng, data, length);
    if (length)
        data[0] = n % 2 ? PACKET_DATA : (uint8_t)(n % 8);
    if (n % 4 < 2)
        sim_inject(s, client, server, bytes_of(data, length));
    else
        sim_inject(s, server, client, bytes_of(data, length));
}

static void spoofed(struct sim *s, uint32_t without)
{
    struct flood f;

    begin_flood(&f, s, without, send_spoofed);
    if (f.w.session) {
        f.count.in_bytes = UINT64_MAX; /* the client's address is proven */
        expect_flood_is_harmless(&f);
        SIM_EXPECT(&f.w, f.w.session->app.moved == 0);
    }
    sim_world_end(&f.w);
}

/* ---- handshakes of unproven addresses ---- */

static void send_hello(struct flood *f, uint64_t n)
{
    uint8_t space[1500];
    struct wr w = wr_of(space, sizeof space);
    struct packet_long p = {.type = PACKET_HELLO, .version = PACKET_VERSION};
    struct addr from = stranger_addr(n);

    rng_fill(&f->rng, p.cid, sizeof p.cid);
    rng_fill(&f->rng, p.nonce, sizeof p.nonce);
    packet_encode_long(&p, &w);
    inject(f, &from, wr_done(&w));
}

static void hello_flood(struct sim *s, uint32_t without)
{
    struct flood f;

    begin_flood(&f, s, without, send_hello);
    if (f.w.session) {
        expect_flood_is_harmless(&f);
        SIM_EXPECT(&f.w, f.count.most_out > 0 && f.count.out_bytes * 4 < f.count.in_bytes);
    }
    sim_world_end(&f.w);
}

/* Message 1 made with the server's public key, under a cookie that was never given. */
static void send_init(struct flood *f, uint64_t n)
{
    uint8_t space[1500], noise[160], cookie[16];
    struct wr w = wr_of(space, sizeof space);
    struct packet_long p = {.type = PACKET_INIT,
                            .version = PACKET_VERSION,
                            .ciphers = 1 << CIPHER_CHACHAPOLY,
                            .cipher = CIPHER_CHACHAPOLY,
                            .proof_kind = PACKET_PROOF_COOKIE};
    struct addr from = stranger_addr(n);

    rng_fill(&f->rng, p.cid, sizeof p.cid);
    rng_fill(&f->rng, p.nonce, sizeof p.nonce);
    rng_fill(&f->rng, noise, sizeof noise);
    rng_fill(&f->rng, cookie, sizeof cookie);
    p.noise = bytes_of(noise, sizeof noise);
    p.proof = bytes_of(cookie, sizeof cookie);
    packet_encode_long(&p, &w);
    inject(f, &from, wr_done(&w));
}

static void init_flood(struct sim *s, uint32_t without)
{
    struct listener_counters before, after;
    struct flood f;

    begin_flood(&f, s, without, send_init);
    if (f.w.session) {
        listener_count(f.w.server->listener, &before);
        expect_flood_is_harmless(&f);
        listener_count(f.w.server->listener, &after);
        SIM_EXPECT(&f.w, after.handshakes == before.handshakes);
    }
    sim_world_end(&f.w);
}

/* ---- as many as a fast network brings ---- */

enum {
    DELUGE_PER_S = 200000,
    secondsTEP_US = 1000 /* of which each brings a thousandth of a second's */,
    secondsHAPES = 64
};

/* A flood of HELLOs and INITs, each from another of 16 million addresses; and what came back. */
struct deluge {
    struct sim_world w;
    struct rng rng;
    struct {
        uint8_t data[PACKET_LONG_FLOOR_BYTES];
        size_t n;
    } shape[secondsHAPES];
    uint64_t sent, in_bytes, out_bytes, out_datagrams, most_out, end_us;
};

static bool count_deluge(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                         struct bytes data)
{
    struct deluge *d = self;

    (void)s, (void)from;
    if (to->ip[0] == 127) {
        d->out_bytes += data.n;
        d->out_datagrams++;
        d->most_out = num_max(d->most_out, data.n);
    }
    return true;
}

static void make_shapes(struct deluge *d)
{
    for (size_t i = 0; i < secondsHAPES; i++) {
        uint8_t noise[160], cookie[16];
        struct wr w = wr_of(d->shape[i].data, sizeof d->shape[i].data);
        struct packet_long p = {.type = i % 2 ? PACKET_INIT : PACKET_HELLO,
                                .version = PACKET_VERSION,
                                .ciphers = 1 << CIPHER_CHACHAPOLY,
                                .cipher = CIPHER_CHACHAPOLY,
                                .proof = bytes_of(cookie, sizeof cookie),
                                .noise = bytes_of(noise, sizeof noise)};
        rng_fill(&d->rng, p.cid, sizeof p.cid);
        rng_fill(&d->rng, p.nonce, sizeof p.nonce);
        rng_fill(&d->rng, noise, sizeof noise);
        rng_fill(&d->rng, cookie, sizeof cookie);
        packet_encode_long(&p, &w);
        d->shape[i].n = w.n;
    }
}

static void pour(struct sim *s, void *arg)
{
    struct deluge *d = arg;

    for (int i = 0; i < DELUGE_PER_S / 1000; i++) {
        uint64_t where = d->sent * 0x9e3779b1;
        struct addr from = {
            .family = ADDR_IP4,
            .port = (uint16_t)(1024 + d->sent % 60000),
            .ip = {127, (uint8_t)(where >> 16), (uint8_t)(where >> 8), (uint8_t)where}};
        size_t shape = d->sent++ % secondsHAPES;
        d->in_bytes += d->shape[shape].n;
        sim_inject(s, &from, sim_address(s, d->w.server->node),
                   bytes_of(d->shape[shape].data, d->shape[shape].n));
    }
    if (sim_now_us(s) + secondsTEP_US < d->end_us)
        sim_at(s, sim_now_us(s) + secondsTEP_US, pour, d);
}

/* Counted, not timed: what the listener did for strangers, and what the session got meanwhile. With
 * a filter before the socket (core/os/dgram_sieve.c, here as sim_host models it) and without. */
static void deluge(struct sim *s, uint32_t without, bool sifts, unsigned seconds)
{
    struct wan_config link = sim_world_link(100000000, 20000);
    struct listener_counters before, after;
    struct deluge *d = heap_alloc(sizeof *d);

    rng_seed(&d->rng, 1);
    make_shapes(d);
    sim_world_make(&d->w, s, without, &(struct sim_world_plan){.up = &link});
    d->w.server->sifts = sifts;
    sim_world_connect(&d->w, SECOND_US);
    if (d->w.session == NULL)
        goto out;
    sim_app_write(&d->w.session->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(s, d->w.server->node);
    sim_world_pass(&d->w, 3 * SECOND_US);
    sim_tap(s, &(struct sim_tap){count_deluge, d});
    listener_count(d->w.server->listener, &before);
    uint64_t read = d->w.client->app.read_bytes, heap = sim_world_memory_bytes();
    d->end_us = sim_now_us(s) + seconds * SECOND_US;
    sim_at(s, sim_now_us(s), pour, d);
    sim_world_pass(&d->w, seconds * SECOND_US);
    listener_count(d->w.server->listener, &after);
    uint64_t seen = after.received - before.received, hashed = after.hashed - before.hashed;
    read = d->w.client->app.read_bytes - read;
    sim_note(s, "%llu sent, %llu seen, %llu shed, %llu hashed, %llu answers, %.1f Mbit/s",
             (unsigned long long)d->sent, (unsigned long long)seen,
             (unsigned long long)(after.shed - before.shed), (unsigned long long)hashed,
             (unsigned long long)d->out_datagrams, (double)read * 8 / 1e6 / seconds);
    SIM_EXPECT(&d->w, d->sent == (uint64_t)DELUGE_PER_S * seconds);
    SIM_EXPECT(&d->w, read > 100000000ull / 8 * seconds * 7 / 10);
    SIM_EXPECT(&d->w, d->w.client->app.closed == 0);
    SIM_EXPECT(&d->w, after.handshakes == before.handshakes);
    /* A HELLO costs one hash, an INIT two: its cookie is checked, and it gets another. */
    SIM_EXPECT(&d->w, hashed <= 3ull * LIMIT_STRANGERS_PER_S * (seconds + 1));
    SIM_EXPECT(&d->w, hashed >= LIMIT_STRANGERS_PER_S * seconds / 2);
    SIM_EXPECT(&d->w, d->out_datagrams <= 2ull * LIMIT_STRANGERS_PER_S * (seconds + 1));
    SIM_EXPECT(&d->w, d->most_out < PACKET_LONG_FLOOR_BYTES && d->out_bytes < d->in_bytes / 16);
    SIM_EXPECT(&d->w, sim_world_memory_bytes() < heap + (8 << 20));
    /* The filter leaves the listener a tenth to look at and throw away. */
    if (sifts)
        SIM_EXPECT(&d->w, after.shed - before.shed < d->sent / 20);
out:
    sim_world_end(&d->w);
    heap_free(d);
}

static void deluge_sifted(struct sim *s, uint32_t without)
{
    deluge(s, without, true, 30);
}

static void deluge_unsifted(struct sim *s, uint32_t without)
{
    deluge(s, without, false, 5);
}

/* ---- recorded handshakes ---- */

struct tape {
    uint8_t data[64][1500];
    size_t n[64], count;
};

static bool tape_inits(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                       struct bytes data)
{
    struct tape *t = self;

    (void)s, (void)from, (void)to;
    if (data.p[0] == PACKET_INIT && t->count < COUNT_OF(t->n)) {
        memcpy(t->data[t->count], data.p, data.n);
        t->n[t->count++] = data.n;
    }
    return true;
}

static void replayed_init(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct listener_counters before, now;
    struct tape *tape = heap_alloc(sizeof *tape);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_tap(s, &(struct sim_tap){tape_inits, tape});
    sim_world_connect(&w, SECOND_US);
    SIM_EXPECT(&w, tape->count == 1);
    /* While the session lives its message 1 is known; later only the cookie stands in the way. */
    for (int after = 0; after < 2; after++) {
        struct unproven u = {0};
        sim_tap(s, &(struct sim_tap){count_unproven, &u});
        listener_count(w.server->listener, &before);
        for (uint64_t n = 0; n < 1000; n++) {
            struct addr from = stranger_addr(n);
            sim_inject(s, &from, sim_address(s, w.server->node),
                       bytes_of(tape->data[0], tape->n[0]));
            u.in_bytes += tape->n[0];
        }
        listener_count(w.server->listener, &now);
        SIM_EXPECT(&w, now.handshakes == before.handshakes && now.half_open == 0);
        SIM_EXPECT(&w, u.out_bytes <= u.in_bytes && u.most_out > 0);
        SIM_EXPECT(&w, w.client->app.closed == (unsigned)after);
        peer_close(w.client->peer, sim_node_now_us(s, w.client->node), OK, "bye");
        sim_kick(s, w.client->node);
        sim_world_pass(&w, 10 * SECOND_US);
    }
    SIM_EXPECT(&w, w.server->sessions == 1 && w.server->dropped == 1);
    sim_world_end(&w);
    heap_free(tape);
}

/* ---- wrong keys with valid cookies ---- */

static void key_flood(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct wan_config near = sim_world_link(10000000, 1000);
    struct listener_counters before, after;
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, SECOND_US);
    if (w.session == NULL)
        return;
    sim_app_write(&w.session->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(s, w.server->node);
    struct sim_client *liar[8];
    for (uint8_t i = 0; i < COUNT_OF(liar); i++)
        liar[i] = sim_world_guest(&w, "liar", (uint8_t)(100 + i), &near, NULL);
    listener_count(w.server->listener, &before);
    uint64_t read = w.client->app.read_bytes, heap = sim_world_memory_bytes();
    /* Each of them dials anew as soon as it was refused: some 600 a second together. */
    for (int t = 0; t < 500; t++) {
        for (size_t i = 0; i < COUNT_OF(liar); i++)
            if (liar[i]->peer == NULL || liar[i]->app.closed || t % 20 == 0)
                sim_host_dial(liar[i]);
        sim_world_pass(&w, 10000);
    }
    listener_count(w.server->listener, &after);
    sim_note(s, "handshakes %llu, over budget %llu",
             (unsigned long long)(after.handshakes - before.handshakes),
             (unsigned long long)after.over_budget);
    SIM_EXPECT(&w, after.handshakes - before.handshakes <= 6 * LIMIT_HANDSHAKES_PER_S);
    SIM_EXPECT(&w, after.over_budget > 0);
    SIM_EXPECT(&w, w.client->app.read_bytes - read > 10000000 / 8 * 5 * 8 / 10);
    SIM_EXPECT(&w, sim_world_memory_bytes() < heap + (4 << 20));
    SIM_EXPECT(&w, w.server->sessions == 1);
    sim_world_end(&w);
}

/* ---- many that stop half way ---- */

static bool swallow_proofs(void *self, struct sim *s, const struct addr *from,
                           const struct addr *to, struct bytes data)
{
    (void)self, (void)s, (void)to;
    return !(from->ip[3] >= 100 && packet_is_data(data));
}

static void half_open(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct listener_counters n;
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_tap(s, &(struct sim_tap){swallow_proofs, NULL});
    struct sim_client *hanging[8];
    for (uint8_t i = 0; i < COUNT_OF(hanging); i++) {
        hanging[i] = sim_world_guest(&w, "hanging", (uint8_t)(100 + i), &link, NULL);
        sim_host_trust(w.server, hanging[i]->identity.public);
    }
    for (int t = 0; t < 100; t++) {
        for (size_t i = 0; i < COUNT_OF(hanging); i++)
            sim_host_dial(hanging[i]);
        sim_world_pass(&w, 200000);
    }
    listener_count(w.server->listener, &n);
    SIM_EXPECT(&w, n.half_open > 50 && n.half_open <= LIMIT_HALF_OPEN && n.peers == 0);
    sim_world_connect(&w, 2 * SECOND_US);
    sim_world_pass(&w, 20 * SECOND_US);
    for (size_t i = 0; i < COUNT_OF(hanging); i++)
        sim_host_hang_up(hanging[i]);
    sim_world_pass(&w, 20 * SECOND_US);
    listener_count(w.server->listener, &n);
    SIM_EXPECT(&w, n.half_open == 0 && n.peers == 1);
    sim_world_end(&w);
}

const struct sim_scenario scenario_attack_table[] = {
    {"garbage", "20,000 datagrams of garbage in 5 s cost the session nothing", NULL, garbage},
    {"spoofed", "garbage from the right addresses neither", NULL, spoofed},
    {"hello_flood", "strangers get a cookie, less than they sent", NULL, hello_flood},
    {"init_flood", "no key agreement for an address that is not proven", "cookies", init_flood},
    {"deluge", "200,000 handshake packets a second for 30 s: bounded work and answers", NULL,
     deluge_sifted},
    {"deluge_unsifted", "the same for 5 s where the kernel filters nothing", "budget",
     deluge_unsifted},
    {"replayed_init", "a recorded message 1 is good nowhere else", "cookies", replayed_init},
    {"key_flood", "wrong keys with valid cookies get a bounded number of key agreements", "budget",
     key_flood},
    {"half_open", "handshakes that stop half way keep nobody out, and are forgotten", NULL,
     half_open},
    {0},
};
