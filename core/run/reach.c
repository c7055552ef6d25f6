#include "core/run/reach.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/peer/race.h"
#include "core/run/tcp.h"

struct reach {
    struct loop *loop; /* borrowed, as is the session */
    struct peer *peer;
    struct reach_owner owner;
    struct race race;
    struct udp *udp; /* owned; NULL: over TCP alone */
    struct tcp *tcp; /* owned */
    struct loop_timer timer;
    struct loop_task pull; /* without UDP */
    struct addr carrier;   /* what carries the session, as was said last */
    bool connected, wished_tcp;
    uint8_t space[LIMIT_DATAGRAM_BYTES];
};

/* ---- the race ---- */

static struct race_session session_now(const struct reach *r, uint64_t now_us)
{
    struct peer_path path;

    peer_path(r->peer, now_us, &path);
    return (struct race_session){path.answered, path.connected, path.silent_us, path.remote};
}

/* Tells what people want to know: that it is TCP, and why. */
static void tell(struct reach *r, const struct race_session *s)
{
    char at[ADDR_CHARS];

    if (!s->connected || (r->connected && addr_equal(&s->remote, &r->carrier)))
        return;
    addr_print(&s->remote, at);
    if (s->remote.via == ADDR_TCP && !r->wished_tcp)
        log_info("UDP does not get through to %s: the session runs over TCP", at);
    else if (r->connected)
        log_info("the session runs over %s to %s now", addr_via_name(&s->remote), at);
    r->connected = true;
    r->carrier = s->remote;
}

static void act(struct reach *r, uint64_t now_us, enum race_act what, const struct addr *to)
{
    switch (what) {
    case RACE_TRY:
        peer_try(r->peer, now_us, to);
        break;
    case RACE_CONNECT:
        if (tcp_connect(r->tcp, to) != OK)
            race_gone(&r->race, now_us, to);
        break;
    case RACE_CLOSE:
        tcp_close(r->tcp, to);
        peer_block(r->peer, to, false);
        break;
    case RACE_NONE:
        break;
    }
}

/* Does what the race wants; gives whether the session may have something to say now. */
static bool run_race(struct reach *r, uint64_t now_us)
{
    struct race_session s = session_now(r, now_us);
    enum race_act what;
    struct addr to;
    bool any = false;

    if (peer_over(r->peer))
        return false;
    tell(r, &s);
    while ((what = race_next(&r->race, now_us, &s, &to)) != RACE_NONE) {
        act(r, now_us, what, &to);
        any |= what == RACE_TRY;
    }
    return any;
}

static void plan(struct reach *r, uint64_t now_us)
{
    struct race_session s = session_now(r, now_us);
    uint64_t at = peer_deadline_us(r->peer, now_us);

    if (!peer_over(r->peer))
        at = num_min(at, race_deadline_us(&r->race, now_us, &s));
    loop_timer_set(&r->timer, at);
}

/* ---- pump ---- */

static void on_in(void *ctx, uint64_t now_us, const struct udp_in *in, size_t count)
{
    struct reach *r = ctx;

    for (size_t i = 0; i < count; i++)
        if (in[i].opened)
            peer_input_opened(r->peer, now_us, &in[i].peer, in[i].data, in[i].ecn, in[i].opened,
                              in[i].good);
        else
            peer_input(r->peer, now_us, &in[i].peer, in[i].data, in[i].ecn);
    r->owner.heard(r->owner.ctx, now_us);
}

static bool on_opening(void *ctx, struct bytes datagram, struct peer_sealing *out)
{
    const struct reach *r = ctx;

    return peer_opening(r->peer, datagram, out);
}

/* The next datagram for UDP; what is for TCP goes there at once. */
static bool on_next(void *ctx, uint64_t now_us, uint8_t *space, size_t room, struct udp_out *out)
{
    struct reach *r = ctx;
    bool raced = false;

    out->ecn = 0;
    memset(&out->local, 0, sizeof out->local);
    for (;;) {
        if (peer_output_unsealed(r->peer, now_us, space, room, &out->n, &out->peer, &out->left) ==
            OK) {
            out->ecn = peer_output_ecn(r->peer);
            if (out->peer.via == ADDR_UDP)
                return true;
            if (out->left.key)
                peer_seal(out->left.key, out->left.number, space, out->n);
            tcp_send(r->tcp, &out->peer, bytes_of(space, out->n));
            continue;
        }
        if (r->owner.fill(r->owner.ctx, now_us))
            continue;
        if (raced || !run_race(r, now_us))
            break;
        raced = true;
    }
    tcp_flush(r->tcp);
    plan(r, now_us);
    r->owner.sent(r->owner.ctx, now_us);
    return false;
}

static void pull(void *ctx)
{
    struct reach *r = ctx;
    struct udp_out out = {0};

    /* Without a socket for it, what is for UDP has nowhere to go. */
    while (on_next(r, loop_now_us(r->loop), r->space, sizeof r->space, &out))
        ;
}

static void on_refused(void *ctx, const struct addr *to)
{
    struct reach *r = ctx;

    race_gone(&r->race, loop_now_us(r->loop), to);
    reach_kick(r);
}

static void on_broken(void *ctx)
{
    struct reach *r = ctx;

    r->owner.broken(r->owner.ctx);
}

static void on_timer(void *ctx)
{
    reach_kick(ctx);
}

static void on_tcp_in(void *ctx, uint64_t now_us, const struct udp_in *in, size_t count)
{
    on_in(ctx, now_us, in, count);
    reach_kick(ctx);
}

static void on_opened(void *ctx, const struct addr *to)
{
    struct reach *r = ctx;

    race_opened(&r->race, loop_now_us(r->loop), to);
    reach_kick(r);
}

static void on_gone(void *ctx, const struct addr *to)
{
    struct reach *r = ctx;

    peer_block(r->peer, to, false);
    race_gone(&r->race, loop_now_us(r->loop), to);
    reach_kick(r);
}

static void on_full(void *ctx, const struct addr *to, bool full)
{
    struct reach *r = ctx;

    peer_block(r->peer, to, full);
    if (!full)
        reach_kick(r);
}

void reach_kick(struct reach *r)
{
    if (r->udp)
        udp_kick(r->udp);
    else
        loop_task_defer(&r->pull);
}

void reach_flush(struct reach *r)
{
    if (r->udp)
        udp_flush(r->udp);
    else
        pull(r);
}

/* ---- life ---- */

/* One socket for both families where both are wanted: on Linux `::` sends to IPv4 as well. */
static enum err open_udp(struct reach *r, const struct addr *list, size_t count)
{
    struct udp_owner owner = {.in = on_in,
                              .opening = on_opening,
                              .next = on_next,
                              .refused = on_refused,
                              .broken = on_broken,
                              .ctx = r};
    struct addr from = {.family = ADDR_IP4};

    for (size_t i = 0; i < count; i++)
        if (list[i].family == ADDR_IP6)
            from.family = ADDR_IP6;
    enum err e = udp_new(r->loop, &from, &owner, &r->udp);
    if (e == ERR_SYSTEM && from.family == ADDR_IP6) {
        from.family = ADDR_IP4; /* a kernel without IPv6 */
        e = udp_new(r->loop, &from, &owner, &r->udp);
    }
    return e;
}

enum err reach_new(struct loop *l, struct peer *p, const struct addr *list, size_t count,
                   bool tcp_only, const struct reach_owner *owner, struct reach **out)
{
    struct reach *r = heap_alloc(sizeof *r);
    struct tcp_owner tcp = {.in = on_tcp_in, .opened = on_opened, .gone = on_gone, .full = on_full};

    *out = r;
    if (!r)
        return ERR_MEMORY;
    r->loop = l;
    r->peer = p;
    r->owner = *owner;
    r->wished_tcp = tcp_only;
    tcp.ctx = r;
    loop_timer_init(&r->timer, l, on_timer, r);
    loop_task_init(&r->pull, l, pull, r);
    race_init(&r->race, list, count, tcp_only, 0, loop_now_us(l));
    enum err e = tcp_new(l, &tcp, &r->tcp);
    if (!e && !tcp_only)
        e = open_udp(r, list, count);
    if (e) {
        reach_free(r);
        *out = NULL;
        return e;
    }
    reach_kick(r);
    return OK;
}

void reach_free(struct reach *r)
{
    if (!r)
        return;
    udp_free(r->udp);
    tcp_free(r->tcp);
    loop_timer_release(&r->timer);
    loop_task_release(&r->pull);
    heap_free(r);
}
