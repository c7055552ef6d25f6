#include "core/run/run_relay.h"

#include <stdio.h>
#include <string.h>

#include "core/base/addr.h"
#include "core/base/num.h"
#include "core/crypt/ticket.h"
#include "core/run/loop.h"
#include "core/run/relay_tun.h"
#include "core/run/relay_udp.h"
#include "core/run/resolve.h"
#include "core/run/stop.h"
#include "core/run/given.h"
#include "core/wan/wan_link.h"
#include "core/wan/wan_schedule.h"

enum { TUN_MTU = 1500 };

/* One relay at work; what is NULL is not there. */
struct relay {
    const struct run_relay_config *config;
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct wan_link *up, *down;
    struct relay_udp *udp;
    struct relay_tun *tun;
    struct addr server;
    char to[GIVEN_CHARS]; /* the address or ticket as it was given */
    struct ticket ticket; /* only its target when it is no ticket */
    bool has_ticket;
};

/* ---- what the command line asks for ---- */

static enum err bad(struct run *run, const char *option, const char *text, enum err e)
{
    return reason_give(&run->reason, ERR_USAGE, "bench relay: %s %.80s: %s", option, text,
                       e == ERR_LIMIT ? "too large, or one too many" : "not understood");
}

/* The figures that are written as one text each. */
static enum err read_texts(const struct run_relay_config *c, struct run *run, struct wan_config *w)
{
    const struct {
        const char *option, *text;
        enum err (*read)(struct bytes, struct wan_config *);
    } texts[] = {{"--queue", c->queue, wan_schedule_queue},
                 {"--policer", c->policer, wan_schedule_policer},
                 {"--fade", c->fade, wan_schedule_fade}};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (!texts[i].text)
            continue;
        enum err e = texts[i].read(bytes_of_string(texts[i].text), w);
        if (e)
            return bad(run, texts[i].option, texts[i].text, e);
    }
    return OK;
}

static enum err read_schedule(const struct run_relay_config *c, struct run *run,
                              struct wan_config *w)
{
    enum err e = read_texts(c, run, w);

    if (e)
        return e;
    for (size_t i = 0; i < c->outages.n && !e; i++) {
        e = wan_schedule_outage(bytes_of_string(c->outages.item[i]), w);
        if (e)
            return bad(run, "--outage", c->outages.item[i], e);
    }
    for (size_t i = 0; i < c->changes.n && !e; i++) {
        e = wan_schedule_change(bytes_of_string(c->changes.item[i]), w);
        if (e)
            return bad(run, "--at", c->changes.item[i], e);
    }
    return OK;
}

static enum err read_link(const struct run_relay_config *c, struct run *run, struct wan_config *w)
{
    wan_config_init(w);
    w->rate_bps = c->rate_bps;
    w->delay_us = c->delay_us;
    w->jitter_us = c->jitter_us;
    w->loss = (uint32_t)c->loss;
    w->burst = (uint32_t)c->burst;
    w->reorder = (uint32_t)c->reorder;
    w->duplicate = (uint32_t)c->duplicate;
    w->corrupt = (uint32_t)c->corrupt;
    w->slot_us = c->slot_us;
    w->ecn_mark_us = c->ecn_us;
    if (c->tun)
        w->overhead_bytes = 0; /* packets come with their headers */
    else
        w->mtu_bytes = (uint32_t)c->mtu_bytes;
    enum err e = read_schedule(c, run, w);
    if (e)
        return e;
    e = wan_config_check(w);
    if (e)
        return reason_give(&run->reason, ERR_USAGE, "bench relay: %s",
                           e == ERR_LIMIT ? "a figure of the link is too large"
                                          : "a loss that bursts of that length cannot reach");
    return OK;
}

/* Finds the address of a host that was read: numeric, or this machine. */
static enum err numeric(const char *host, uint16_t port, struct addr *out)
{
    enum err e = addr_parse_ip(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, out);

    out->port = port;
    return e;
}

/* Looks the server's host up. ERR_AGAIN: a signal came first. */
static enum err find_server(struct relay *r)
{
    const struct target *t = &r->ticket.target;
    struct addr list[RESOLVE_MAX];
    const char *why;
    size_t count;
    int code;
    enum err e =
        resolve_wait(r->loop, t->host, t->port, r->run->timeout_us, list, &count, &why, &code);

    if (e == ERR_AGAIN)
        return e;
    if (e)
        return reason_give(&r->run->reason, e, "cannot find the host %.80s: %s", t->host, why);
    r->server = list[0];
    return OK;
}

/* Reads the server's address or ticket. */
static enum err read_server(struct relay *r)
{
    enum err e = given_text(r->config->to, r->to, &r->run->reason);
    struct bytes text = bytes_of_string(r->to);
    struct target_error why = {0};

    if (e)
        return e;
    r->has_ticket = ticket_is(text);
    if (r->has_ticket)
        e = ticket_parse(text, &r->ticket, &why);
    else
        e = target_parse(text, TARGET_REACH, &r->ticket.target, &why);
    if (e)
        return reason_give(&r->run->reason, ERR_USAGE, "bench relay: --to: %s at character %zu",
                           why.reason, why.at + 1);
    return find_server(r);
}

/* ---- what it says ---- */

/* Makes the ticket name the place where this relay listens, as clients see it. */
static enum err move_ticket(struct relay *r)
{
    struct addr at = *relay_udp_local(r->udp);
    const char *host = r->config->advertise.host;
    char text[ADDR_CHARS], whole[PARSE_HOST_CHARS + 16];
    struct target_error why;

    /* A wildcard is no place to go to; this machine is the best guess without --advertise. */
    if (addr_is_any(&at)) {
        at.ip[0] = at.family == ADDR_IP4 ? 127 : 0;
        at.ip[at.family == ADDR_IP4 ? 3 : 15] = 1;
    }
    snprintf(whole, sizeof whole, "%s", addr_print(&at, text));
    if (host[0])
        snprintf(whole, sizeof whole, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, at.port);
    enum err e = target_parse(bytes_of_string(whole), TARGET_REACH, &r->ticket.target, &why);
    return e ? reason_give(&r->run->reason, ERR_USAGE, "bench relay: --advertise %.80s: %s", host,
                           why.reason)
             : OK;
}

static enum err say_listening(struct relay *r)
{
    char at[ADDR_CHARS], ticket[TICKET_TEXT_CHARS], key[KEY_TEXT_CHARS + 1];
    struct json *j = json_new();

    json_put_string(j, "event", "listening");
    json_put_string(j, "address", addr_print(relay_udp_local(r->udp), at));
    if (r->has_ticket) {
        enum err e = move_ticket(r);
        if (e) {
            json_free(j);
            return e;
        }
        ticket_print(&r->ticket, ticket);
        key_to_text(r->ticket.key, key);
        json_put_string(j, "key", key);
        json_put_string(j, "ticket", ticket);
        run_say(r->run, "listening on %s, ticket %s", at, ticket);
    } else {
        run_say(r->run, "listening on %s", at);
    }
    return run_event(r->run, j);
}

static struct json *quantiles(const struct stat_hist *h)
{
    struct json *j = json_new();

    json_put_int(j, "p50", (int64_t)stat_quantile(h, 500));
    json_put_int(j, "p95", (int64_t)stat_quantile(h, 950));
    json_put_int(j, "p99", (int64_t)stat_quantile(h, 990));
    json_put_int(j, "max", (int64_t)h->max);
    return j;
}

/* One direction's result. `dropped` is everything that went in and will not come out. */
static struct json *direction(const struct relay *r, bool up)
{
    static const char *const names[WAN_DROP_COUNT] = {
        [WAN_DROP_QUEUE] = "queue",     [WAN_DROP_LOSS] = "loss", [WAN_DROP_OUTAGE] = "outage",
        [WAN_DROP_MTU] = "too_large",   [WAN_DROP_ECN] = "ecn",   [WAN_DROP_MEMORY] = "memory",
        [WAN_DROP_POLICER] = "policer",
    };
    const struct wan_counters *c = wan_link_counters(up ? r->up : r->down);
    struct relay_losses lost = r->udp ? relay_udp_count(r->udp, up) : relay_tun_count(r->tun, up);
    uint64_t dropped = lost.refused + lost.overflow + lost.no_place;
    struct json *j = json_new(), *why = json_new();

    for (int i = 0; i < WAN_DROP_COUNT; i++) {
        dropped += c->dropped[i];
        json_put_int(why, names[i], (int64_t)c->dropped[i]);
    }
    json_put_int(why, "refused", (int64_t)lost.refused);
    json_put_int(why, "overflow", (int64_t)lost.overflow);
    json_put_int(why, "no_place", (int64_t)lost.no_place);
    uint64_t out = num_sub0(c->out_count, lost.refused);
    json_put_int(j, "in", (int64_t)(c->in_count + lost.overflow));
    json_put_int(j, "out", (int64_t)out);
    json_put_int(j, "dropped", (int64_t)dropped);
    json_put_int(j, "bytes", (int64_t)c->out_bytes);
    json_put_int(j, "duplicated", (int64_t)c->duplicated);
    json_put_int(j, "reordered", (int64_t)c->reordered);
    json_put_int(j, "corrupted", (int64_t)c->corrupted);
    json_put_int(j, "marked", (int64_t)c->marked);
    json_put(j, "drops", why);
    json_put(j, "queue_us", quantiles(&c->queue_us));
    run_say(r->run, "%-4s %llu datagrams in, %llu out, %llu dropped, %llu bytes",
            up ? "up" : "down", (unsigned long long)(c->in_count + lost.overflow),
            (unsigned long long)out, (unsigned long long)dropped, (unsigned long long)c->out_bytes);
    return j;
}

static enum err say_result(struct relay *r)
{
    struct json *j = json_new();

    json_put_string(j, "event", "result");
    json_put(j, "up", direction(r, true));
    json_put(j, "down", direction(r, false));
    return run_event(r->run, j);
}

/* ---- life ---- */

static enum err make_loop(struct relay *r)
{
    static const struct stop_owner owner = {0};
    enum err e = loop_new(&r->loop);

    return e ? e : stop_new(r->loop, &owner, NULL, &r->stop);
}

static enum err make_links(struct relay *r, const struct wan_config *w)
{
    size_t ring_bytes = wan_config_ring_bytes(w);
    enum err e = wan_link_new(w, r->config->seed * 2, ring_bytes, &r->up);

    if (!e)
        e = wan_link_new(w, r->config->seed * 2 + 1, ring_bytes, &r->down);
    return e;
}

static enum err relay_datagrams(struct relay *r)
{
    struct addr listen;
    enum err e = read_server(r);

    if (e)
        return e;
    e = numeric(r->config->udp.host, r->config->udp.port, &listen);
    if (e)
        return bad(r->run, "--udp", r->config->udp.host, e);
    e = relay_udp_new(r->loop, &listen, &r->server, r->up, r->down, &r->udp);
    if (e)
        return reason_give(&r->run->reason, e, "cannot listen on %s port %u", r->config->udp.host,
                           r->config->udp.port);
    e = say_listening(r);
    if (!e)
        loop_run(r->loop);
    return e ? e : say_result(r);
}

/* Cuts "A,B" in two; false when there is not one comma with something on both sides. */
static bool split(const char *text, char a[ADDR_HOST_CHARS], char b[ADDR_HOST_CHARS])
{
    const char *comma = strchr(text, ',');

    if (!comma || comma == text || !comma[1] || strchr(comma + 1, ',') ||
        comma - text >= ADDR_HOST_CHARS || strlen(comma + 1) >= ADDR_HOST_CHARS)
        return false;
    snprintf(a, ADDR_HOST_CHARS, "%.*s", (int)(comma - text), text);
    snprintf(b, ADDR_HOST_CHARS, "%s", comma + 1);
    return true;
}

static enum err read_tun(const struct relay *r, struct tun_config *t)
{
    static const char *const preset[] = {"10.77.0.1,10.77.0.2"};
    struct parse_list list = r->config->tun_addresses;
    char a[ADDR_HOST_CHARS], b[ADDR_HOST_CHARS];

    if (!list.n)
        list = (struct parse_list){(const char **)(uintptr_t)preset, 1};
    uint64_t mtu_bytes = r->config->mtu_bytes ? r->config->mtu_bytes : TUN_MTU;
    *t = (struct tun_config){.mtu_bytes = (uint32_t)mtu_bytes, .queue_packets = RELAY_TUN_QUEUE};
    for (size_t i = 0; i < list.n; i++) {
        struct tun_address *at = &t->address[t->addresses++];
        if (i == TUN_ADDRESSES)
            return bad(r->run, "--tun-address", list.item[i], ERR_LIMIT);
        if (!split(list.item[i], a, b) || addr_parse_ip(a, &at->own) != OK ||
            addr_parse_ip(b, &at->peer) != OK || at->own.family != at->peer.family)
            return bad(r->run, "--tun-address", list.item[i], ERR_MALFORMED);
    }
    return OK;
}

static enum err say_joined(struct relay *r, const struct tun_config *t)
{
    char a[ADDR_CHARS], b[ADDR_CHARS];
    struct json *j = json_new();

    addr_print_ip(&t->address[0].own, a);
    addr_print_ip(&t->address[0].peer, b);
    json_put_string(j, "event", "listening");
    json_put_string(j, "address", a);
    json_put_string(j, "peer", b);
    json_put_string(j, "device", relay_tun_device(r->tun, 0)->name);
    json_put_string(j, "peer_device", relay_tun_device(r->tun, 1)->name);
    run_say(r->run, "%s is %s, the other end is %s", r->config->tun, a, b);
    return run_event(r->run, j);
}

static enum err relay_packets(struct relay *r)
{
    char a[ADDR_HOST_CHARS], b[ADDR_HOST_CHARS];
    const char *const ns[2] = {a, b};
    struct tun_config t;
    enum err e = read_tun(r, &t);

    if (e)
        return e;
    if (!split(r->config->tun, a, b))
        return bad(r->run, "--tun", r->config->tun, ERR_MALFORMED);
    e = relay_tun_new(r->loop, ns, &t, r->up, r->down, &r->tun);
    if (e == ERR_UNSUPPORTED)
        return reason_give(&r->run->reason, e, "--tun needs root, and tun in the kernel");
    if (e == ERR_NOT_FOUND)
        return reason_give(&r->run->reason, e, "no network namespaces %.80s (see: ip netns)",
                           r->config->tun);
    if (e)
        return reason_give(&r->run->reason, e, "cannot join %.80s", r->config->tun);
    e = say_joined(r, &t);
    if (!e)
        loop_run(r->loop);
    return e ? e : say_result(r);
}

/* What may not be given together, or is missing. */
static enum err check_mode(const struct run_relay_config *c, struct run *run,
                           const struct wan_config *w)
{
    if (!c->tun && !c->udp.host[0])
        return reason_give(&run->reason, ERR_USAGE,
                           "bench relay: --udp LISTEN or --tun NS1,NS2 is needed");
    if (c->tun && (c->udp.host[0] || c->to))
        return reason_give(&run->reason, ERR_USAGE,
                           "bench relay: --tun takes neither --udp nor --to");
    if (c->tun && c->ecn_us)
        return reason_give(&run->reason, ERR_USAGE,
                           "bench relay: --ecn is for --udp: --tun changes no packet");
    for (size_t i = 0; c->tun && i < w->changes; i++)
        if (w->change[i].kind == WAN_CHANGE_REBIND)
            return reason_give(&run->reason, ERR_USAGE,
                               "bench relay: rebind is for --udp: --tun changes no addresses");
    return OK;
}

enum err run_relay(const struct run_relay_config *config, struct run *run)
{
    struct relay r = {.config = config, .run = run};
    struct wan_config w;
    enum err e = read_link(config, run, &w);

    if (!e)
        e = check_mode(config, run, &w);
    if (!e)
        e = make_loop(&r);
    if (!e)
        e = make_links(&r, &w);
    if (!e)
        e = config->tun ? relay_packets(&r) : relay_datagrams(&r);
    if (e == ERR_AGAIN)
        e = OK; /* told to stop before it began */
    ticket_wipe(&r.ticket);
    relay_udp_free(r.udp);
    relay_tun_free(r.tun);
    wan_link_free(r.up);
    wan_link_free(r.down);
    stop_free(r.stop);
    loop_free(r.loop);
    return e;
}
