#include "core/run/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/os/clock.h"
#include "core/run/doors.h"
#include "core/run/identity.h"
#include "core/run/tcp.h"
#include "core/run/udp.h"
#include "core/wire/packet.h"

enum { PARTING_US = 3000000, PORTS = 8, FIRST_GIVEN_FD = 3 };

/* A session and who is behind it. */
struct guest {
    struct peer *peer; /* the listener's */
    uint8_t key[KEY_BYTES];
    bool over;
};

struct host {
    struct loop *loop;
    struct run *run;
    struct host_owner owner;
    struct host_config config;
    struct key_pair identity;
    struct gate gate;
    struct listener *listener;
    struct udp *udp;
    struct doors doors; /* an answer leaves from where its question came to */
    struct tcp *tcp;    /* on the same port; without connections where that is taken */
    struct loop_timer timer;
    struct loop_task task;
    struct guest guest[LIMIT_PEERS];
    size_t count;
    bool filled;  /* the owner was asked since the socket last had something */
    bool broken;  /* the socket: nothing is heard or said any more */
    bool parting; /* the loop runs only until the other sides know that it is over */
    struct parting {
        enum err e;
        const char *reason; /* borrowed */
    } word;                 /* for who comes meanwhile */
};

/* ---- sessions ---- */

static void take_new(struct host *h)
{
    struct peer *p;

    while ((p = listener_next_peer(h->listener)) != NULL) {
        CHECK(h->count < LIMIT_PEERS);
        h->guest[h->count++] = (struct guest){.peer = p};
    }
}

static void drain(struct host *h, struct guest *g)
{
    struct peer_event e;

    while (!g->over && peer_next_event(g->peer, &e)) {
        if (e.kind == PEER_EVENT_CONNECTED)
            memcpy(g->key, e.key, sizeof g->key);
        g->over = e.kind == PEER_EVENT_CLOSED;
        h->owner.event(h->owner.ctx, g->peer, &e);
    }
}

static void sweep(struct host *h, uint64_t now_us)
{
    for (size_t i = 0; i < h->count;) {
        if (!h->guest[i].over) {
            i++;
            continue;
        }
        listener_drop(h->listener, now_us, h->guest[i].peer);
        h->guest[i] = h->guest[--h->count];
    }
}

/* The same word for everybody, also for who comes only now. */
static void say_over(struct host *h, uint64_t now_us)
{
    take_new(h);
    for (size_t i = 0; i < h->count; i++)
        peer_close(h->guest[i].peer, now_us, h->word.e, h->word.reason);
    if (listener_over(h->listener))
        loop_leave(h->loop);
}

static void handle(struct host *h, uint64_t now_us)
{
    if (h->parting) {
        say_over(h, now_us);
        return;
    }
    take_new(h);
    for (size_t i = 0; i < h->count; i++)
        drain(h, &h->guest[i]);
    sweep(h, now_us);
}

/* ---- pump ---- */

/* While strangers send too much, the kernel drops most of it before the socket's queue, which the
 * sessions share with them. */
static void sift(struct host *h)
{
    struct listener_sieve seen;

    if (!listener_sieve(h->listener, &seen))
        return;
    struct dgram_sieve s = {
        .data = PACKET_DATA,
        .key = seen.key,
        .rare = {{PACKET_HELLO, seen.keep_hello}, {PACKET_INIT, seen.keep_init}},
        .rare_least_bytes = PACKET_LONG_FLOOR_BYTES};
    udp_sieve(h->udp, seen.on ? &s : NULL);
}

/* From either transport. */
static void on_in(void *ctx, uint64_t now_us, const struct udp_in *in, size_t count)
{
    struct host *h = ctx;

    for (size_t i = 0; i < count; i++) {
        struct addr from = in[i].peer;
        from.door = doors_number(&h->doors, &in[i].local);
        if (in[i].opened)
            listener_input_opened(h->listener, now_us, &from, in[i].data, in[i].ecn, in[i].opened,
                                  in[i].good);
        else
            listener_input(h->listener, now_us, &from, in[i].data, in[i].ecn);
    }
    sift(h);
    handle(h, now_us);
    h->filled = false;
}

static bool on_opening(void *ctx, struct bytes datagram, struct peer_sealing *out)
{
    const struct host *h = ctx;

    return listener_opening(h->listener, datagram, out);
}

static bool on_next(void *ctx, uint64_t now_us, uint8_t *space, size_t room, struct udp_out *out)
{
    struct host *h = ctx;

    for (;;) {
        if (listener_output_unsealed(h->listener, now_us, space, room, &out->n, &out->peer,
                                     &out->left) == OK) {
            out->ecn = listener_output_ecn(h->listener);
            out->local = doors_address(&h->doors, (uint8_t)out->peer.door);
            if (out->peer.via == ADDR_UDP)
                return true;
            if (out->left.key)
                peer_seal(out->left.key, out->left.number, space, out->n);
            tcp_send(h->tcp, &out->peer, bytes_of(space, out->n));
            continue;
        }
        if (h->filled || h->parting || !h->owner.fill)
            break;
        /* Sessions may have ended while packets were made: their owner must know before it fills.
         */
        handle(h, now_us);
        h->owner.fill(h->owner.ctx, now_us);
        h->filled = true;
    }
    h->filled = false;
    tcp_flush(h->tcp);
    sift(h);
    loop_timer_set(&h->timer, listener_deadline_us(h->listener, now_us));
    if (h->parting || listener_has_event(h->listener))
        loop_task_defer(&h->task);
    return false;
}

static void on_timer(void *ctx)
{
    struct host *h = ctx;

    udp_kick(h->udp);
}

/* Events that sending brought up (an idle session that has ended). */
static void on_task(void *ctx)
{
    struct host *h = ctx;

    handle(h, loop_now_us(h->loop));
}

static void on_broken(void *ctx)
{
    struct host *h = ctx;

    h->broken = true;
    reason_give(&h->run->reason, ERR_SYSTEM, "the UDP socket is broken");
    loop_stop(h->loop, ERR_SYSTEM);
}

static void on_tcp_in(void *ctx, uint64_t now_us, const struct udp_in *in, size_t count)
{
    struct host *h = ctx;

    on_in(h, now_us, in, count);
    udp_kick(h->udp);
}

static void on_full(void *ctx, const struct addr *peer, bool full)
{
    struct host *h = ctx;

    listener_block(h->listener, peer, full);
    if (!full)
        udp_kick(h->udp);
}

/* What was for that connection goes to nobody, until its session comes back from elsewhere. */
static void on_gone(void *ctx, const struct addr *peer)
{
    on_full(ctx, peer, false);
}

static bool on_used(void *ctx, const struct addr *peer)
{
    struct host *h = ctx;

    return listener_uses(h->listener, peer);
}

void host_kick(struct host *h)
{
    h->filled = false;
    udp_kick(h->udp);
}

void host_close_all(struct host *h, enum err e, const char *reason)
{
    for (size_t i = 0; i < h->count; i++)
        peer_close(h->guest[i].peer, loop_now_us(h->loop), e, reason);
    handle(h, loop_now_us(h->loop));
}

static void on_parted(void *ctx)
{
    struct host *h = ctx;

    loop_leave(h->loop);
}

void host_part(struct host *h, enum err e, const char *reason)
{
    struct loop_timer enough;

    loop_refresh_us(h->loop);
    h->word = (struct parting){e, reason};
    h->parting = true;
    udp_flush(h->udp);
    if (h->broken || listener_over(h->listener))
        return;
    /* Each session ends by itself in that time; those that come only now do not make it longer. */
    loop_timer_init(&enough, h->loop, on_parted, h);
    loop_timer_set(&enough, loop_now_us(h->loop) + PARTING_US);
    loop_run(h->loop);
    loop_timer_release(&enough);
}

void host_reload(struct host *h)
{
    gate_reload(&h->gate);
    for (size_t i = 0; i < h->count; i++)
        if (!gate_knows(&h->gate, h->guest[i].key))
            peer_close(h->guest[i].peer, loop_now_us(h->loop), ERR_REFUSED,
                       "this key is not authorized any more");
    handle(h, loop_now_us(h->loop));
    host_kick(h);
}

size_t host_count(const struct host *h)
{
    return h->count;
}

struct peer *host_peer(const struct host *h, size_t i)
{
    return h->guest[i].peer;
}

const struct addr *host_local(const struct host *h)
{
    return udp_local(h->udp);
}

void host_counters(const struct host *h, struct listener_counters *out)
{
    listener_count(h->listener, out);
}

/* ---- beginning ---- */

/* systemd gives sockets from 3 on: the one after ours, if there is one, is for TCP. */
static enum err adopt_sockets(struct host *h, const struct udp_owner *owner)
{
    unsigned fd = h->config.listen.port;
    const char *given = getenv("LISTEN_FDS");
    enum err e = udp_adopt(h->loop, (int)fd, owner, &h->udp);

    if (e == ERR_USAGE)
        return reason_give(&h->run->reason, e,
                           "--listen fd:%u: no UDP socket is open there (systemd gives the first "
                           "one as fd:3)",
                           fd);
    if (e || !given || strtoul(given, NULL, 10) < fd + 2 - FIRST_GIVEN_FD)
        return e;
    if (tcp_adopt(h->tcp, (int)fd + 1))
        log_warn("descriptor %u is no listening TCP socket: UDP only", fd + 1);
    return OK;
}

/* Both transports at `at`; a port that is to be chosen is one that both have free. */
static enum err open_both(struct host *h, const struct addr *at, const struct udp_owner *owner)
{
    enum err e = OK, t = ERR_BUSY;

    for (int i = 0; i < PORTS && !e && t == ERR_BUSY; i++) {
        udp_free(h->udp);
        h->udp = NULL;
        e = udp_new(h->loop, at, owner, &h->udp);
        if (e)
            return e;
        t = tcp_listen(h->tcp, udp_local(h->udp));
        if (at->port)
            break;
    }
    if (t)
        log_warn("no fallback for who cannot come over UDP: TCP port %u is not to be had",
                 udp_local(h->udp)->port);
    return OK;
}

static enum err open_sockets(struct host *h)
{
    const struct parse_address *a = &h->config.listen;
    struct udp_owner owner = {
        .in = on_in, .opening = on_opening, .next = on_next, .broken = on_broken, .ctx = h};
    struct tcp_owner tcp = {
        .in = on_tcp_in, .gone = on_gone, .full = on_full, .used = on_used, .ctx = h};
    struct addr at = {.family = ADDR_IP6, .port = PARSE_PORT};
    enum err e = tcp_new(h->loop, &tcp, &h->tcp);

    if (e)
        return e;
    if (strcmp(a->host, "fd") == 0)
        return adopt_sockets(h, &owner);
    if (a->host[0]) {
        e = addr_parse_ip(strcmp(a->host, "localhost") == 0 ? "127.0.0.1" : a->host, &at);
        if (e)
            return reason_give(&h->run->reason, ERR_USAGE,
                               "--listen %.80s: not a numeric address of this machine", a->host);
        at.port = a->port;
    }
    e = open_both(h, &at, &owner);
    if (e == ERR_SYSTEM && !a->host[0]) {
        at = (struct addr){.family = ADDR_IP4, .port = PARSE_PORT}; /* a kernel without IPv6 */
        e = open_both(h, &at, &owner);
    }
    if (e) {
        char text[ADDR_CHARS];
        return reason_give(&h->run->reason, e == ERR_BUSY ? ERR_SYSTEM : e,
                           "cannot listen on %s: %s", addr_print(&at, text),
                           e == ERR_BUSY ? "the address is taken, choose another with --listen"
                                         : err_text(e));
    }
    return OK;
}

static enum err open_all(struct host *h)
{
    struct rng rng = crypt_rng();
    enum err e = identity_load(h->run, &h->identity);

    if (!e)
        e = gate_open(&h->gate, &h->config.gate, loop_now_us(h->loop), h->run);
    if (!e)
        e = open_sockets(h);
    if (e)
        return e;
    struct listener_config lc = {
        .identity = &h->identity,
        .auth = gate_auth(&h->gate),
        .peer = h->config.peer,
        .strangers_per_s = h->config.strangers_per_s,
        .wall_offset_us = clock_real_us() - loop_now_us(h->loop),
    };
    return listener_new(&lc, &rng, loop_now_us(h->loop), &h->listener);
}

enum err host_new(struct loop *l, const struct host_config *config, const struct host_owner *owner,
                  struct run *run, struct host **out)
{
    struct host *h = heap_alloc(sizeof *h);

    *out = NULL;
    if (!h)
        return ERR_MEMORY;
    h->loop = l;
    h->run = run;
    h->owner = *owner;
    h->config = *config;
    loop_timer_init(&h->timer, l, on_timer, h);
    loop_task_init(&h->task, l, on_task, h);
    enum err e = open_all(h);
    if (e)
        host_free(h);
    else
        *out = h;
    return e;
}

void host_free(struct host *h)
{
    if (!h)
        return;
    loop_timer_release(&h->timer);
    loop_task_release(&h->task);
    udp_free(h->udp);
    tcp_free(h->tcp);
    listener_free(h->listener);
    gate_release(&h->gate);
    key_wipe(&h->identity);
    heap_free(h);
}

/* ---- the listening event ---- */

/* The place that the ticket names: what was advertised, else where it listens; a wildcard is no
 * place to go to, and then it is this machine. */
static enum err ticket_target(struct host *h, struct target *out)
{
    struct addr at = *udp_local(h->udp);
    const struct parse_address *ad = &h->config.advertise;
    char text[ADDR_CHARS], whole[PARSE_HOST_CHARS + 16];
    struct target_error why;

    if (addr_is_any(&at)) {
        at = (struct addr){.family = ADDR_IP4, .ip = {127, 0, 0, 1}, .port = at.port};
        if (!ad->host[0])
            log_info("listening on every address: the ticket is good on this machine; name the "
                     "host for others with --advertise");
    }
    snprintf(whole, sizeof whole, "%s", addr_print(&at, text));
    if (ad->host[0])
        snprintf(whole, sizeof whole, strchr(ad->host, ':') ? "[%s]:%u" : "%s:%u", ad->host,
                 ad->port == PARSE_PORT ? at.port : ad->port);
    return target_parse(bytes_of_string(whole), TARGET_REACH, out, &why)
               ? reason_give(&h->run->reason, ERR_USAGE, "--advertise %.80s: %s", ad->host,
                             why.reason)
               : OK;
}

enum err host_say_listening(struct host *h)
{
    char at[ADDR_CHARS], ticket[TICKET_TEXT_CHARS], key[KEY_TEXT_CHARS + 1];
    struct ticket t = {.invited = h->gate.invite != NULL};
    enum err e = ticket_target(h, &t.target);

    if (e)
        return e;
    memcpy(t.key, h->identity.public, sizeof t.key);
    if (t.invited) {
        memcpy(t.id, h->gate.invite->id, sizeof t.id);
        memcpy(t.secret, h->gate.invite->secret, sizeof t.secret);
    }
    ticket_print(&t, ticket);
    key_to_text(t.key, key);
    addr_print(udp_local(h->udp), at);
    struct json *j = json_new();
    json_put_string(j, "event", "listening");
    json_put_string(j, "address", at);
    json_put_string(j, "key", key);
    json_put_string(j, "ticket", ticket);
    run_say(h->run, "listening on %s", at);
    run_say(h->run, "%s", ticket);
    e = run_event(h->run, j);
    crypt_wipe(ticket, sizeof ticket);
    ticket_wipe(&t);
    return e;
}
