#include "core/run/call.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/crypt/crypt.h"
#include "core/crypt/known.h"
#include "core/crypt/ticket.h"
#include "core/os/file.h"
#include "core/os/folder.h"
#include "core/run/given.h"
#include "core/run/identity.h"
#include "core/run/resolve.h"
#include "core/run/status_line.h"
#include "core/run/udp.h"

struct call {
    struct loop *loop;
    struct run *run;
    struct call_owner owner;
    struct call_config config;
    struct ticket ticket; /* only its target when it was none */
    bool has_ticket;
    struct key_pair identity;
    struct peer *peer;
    struct udp *udp;
    struct loop_timer timer, patience;
    struct loop_task task;
    bool filled, connected, closed;
    bool broken;  /* the socket: nothing is heard or said any more */
    bool parting; /* the loop runs only until the other side knows that it is over */
};

/* ---- known hosts ---- */

static enum err known_path(char to[FOLDER_PATH_CHARS])
{
    struct folder_user user = folder_user_here();

    return folder_path(&user, FOLDER_CONFIG, "known_hosts", to);
}

/* Looks the server up among the hosts met before. ERR_NOT_FOUND: not among them. */
static enum err find_known(struct call *c, uint8_t key[KEY_BYTES])
{
    char path[FOLDER_PATH_CHARS];
    struct keyfile_error why = {0};
    struct known known = {0};
    struct buf text;

    if (known_path(path))
        return ERR_NOT_FOUND;
    buf_init(&text, LIMIT_KEYFILE_BYTES);
    enum err e = file_read(path, false, &text);
    if (!e)
        e = known_parse(&known, buf_bytes(&text), &why);
    if (e && e != ERR_NOT_FOUND)
        reason_give(&c->run->reason, e, "%.100s line %u: %.80s", path, why.line, why.reason);
    const struct known_host *host = e ? NULL : known_find(&known, &c->ticket.target);
    if (host)
        memcpy(key, host->key, KEY_BYTES);
    else if (!e)
        e = ERR_NOT_FOUND;
    known_release(&known);
    buf_release(&text);
    return e;
}

static void remember_host(const struct call *c, const uint8_t key[KEY_BYTES])
{
    char path[FOLDER_PATH_CHARS], line[KNOWN_LINE_CHARS];

    known_line(&c->ticket.target, key, line);
    if (known_path(path))
        return;
    char *slash = strrchr(path, '/');
    *slash = 0;
    enum err e = file_make_folder(path, 0700);
    *slash = '/';
    if (!e)
        e = file_append_line(path, bytes_of_string(line), 0600);
    if (e)
        log_warn("the key of this host could not be remembered in %s", path);
}

/* Asks on the terminal; false in a script. */
static bool ask(const struct call *c, const char *key)
{
    char target[TARGET_TEXT_CHARS], answer[16] = "";

    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    target_print(&c->ticket.target, target);
    status_line_clear();
    fprintf(stderr, "%s is not known here. Its key is %s. Trust it? [y/N] ", target, key);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static void on_host_key(struct call *c, const struct peer_event *e)
{
    char text[KEY_TEXT_CHARS + 1], target[TARGET_TEXT_CHARS];

    key_to_text(e->key, text);
    if (c->config.accept_new || ask(c, text)) {
        remember_host(c, e->key);
        peer_accept_key(c->peer, loop_refresh_us(c->loop));
        return;
    }
    target_print(&c->ticket.target, target);
    reason_give(&c->run->reason, ERR_REFUSED,
                "the key of %.60s is not known here (%s): give --accept-new or a ticket", target,
                text);
    peer_close(c->peer, loop_now_us(c->loop), ERR_REFUSED, "the host's key is not trusted");
}

/* ---- pump ---- */

static void handle(struct call *c, uint64_t now_us)
{
    struct peer_event e;
    bool any = false;

    if (c->parting) {
        if (c->broken || peer_over(c->peer))
            loop_leave(c->loop);
        return;
    }
    while (!c->closed && peer_next_event(c->peer, &e)) {
        any = true;
        if (e.kind == PEER_EVENT_HOST_KEY) {
            on_host_key(c, &e);
            continue;
        }
        if (e.kind == PEER_EVENT_CONNECTED) {
            c->connected = true;
            loop_timer_set(&c->patience, LOOP_NEVER);
        }
        if (e.kind == PEER_EVENT_CLOSED) {
            c->closed = true;
            loop_timer_set(&c->patience, LOOP_NEVER);
            if (e.error != OK)
                reason_give(&c->run->reason, e.error, "%s", e.reason);
        }
        c->owner.event(c->owner.ctx, c->peer, &e);
    }
    if (any && c->owner.batch)
        c->owner.batch(c->owner.ctx, now_us);
}

static void on_in(void *ctx, uint64_t now_us, const struct udp_in *in, size_t count)
{
    struct call *c = ctx;

    for (size_t i = 0; i < count; i++)
        if (in[i].opened)
            peer_input_opened(c->peer, now_us, &in[i].peer, in[i].data, in[i].ecn, in[i].opened,
                              in[i].good);
        else
            peer_input(c->peer, now_us, &in[i].peer, in[i].data, in[i].ecn);
    handle(c, now_us);
    c->filled = false;
}

static bool on_opening(void *ctx, struct bytes datagram, struct peer_sealing *out)
{
    const struct call *c = ctx;

    return peer_opening(c->peer, datagram, out);
}

static bool on_next(void *ctx, uint64_t now_us, uint8_t *space, size_t room, struct udp_out *out)
{
    struct call *c = ctx;

    memset(&out->local, 0, sizeof out->local);
    for (;;) {
        if (peer_output_unsealed(c->peer, now_us, space, room, &out->n, &out->peer, &out->left) ==
            OK) {
            out->ecn = peer_output_ecn(c->peer);
            return true;
        }
        if (c->filled || !c->owner.fill || !c->connected || c->closed || c->parting)
            break;
        c->owner.fill(c->owner.ctx, now_us);
        c->filled = true;
    }
    c->filled = false;
    loop_timer_set(&c->timer, peer_deadline_us(c->peer, now_us));
    if (c->parting || peer_has_event(c->peer))
        loop_task_defer(&c->task);
    return false;
}

static void on_timer(void *ctx)
{
    struct call *c = ctx;

    udp_kick(c->udp);
}

static void on_task(void *ctx)
{
    struct call *c = ctx;

    handle(c, loop_now_us(c->loop));
}

static void on_patience(void *ctx)
{
    struct call *c = ctx;
    char target[TARGET_TEXT_CHARS];

    target_print(&c->ticket.target, target);
    reason_give(&c->run->reason, ERR_UNREACHABLE,
                "no answer from %.80s within %.1f s: is a server running there, and does UDP get "
                "through (firewall, port forwarding)?",
                target, (double)c->run->timeout_us / 1e6);
    peer_close(c->peer, loop_now_us(c->loop), ERR_UNREACHABLE, "no answer in time");
    handle(c, loop_now_us(c->loop));
}

static void on_broken(void *ctx)
{
    struct call *c = ctx;

    reason_give(&c->run->reason, ERR_SYSTEM, "the UDP socket is broken");
    peer_close(c->peer, loop_now_us(c->loop), ERR_SYSTEM, "the UDP socket is broken");
    c->broken = true;
    loop_task_defer(&c->task);
}

struct peer *call_peer(const struct call *c)
{
    return c->peer;
}

void call_kick(struct call *c)
{
    c->filled = false;
    udp_kick(c->udp);
}

void call_part(struct call *c, enum err e, const char *reason)
{
    peer_close(c->peer, loop_refresh_us(c->loop), e, reason);
    c->parting = true;
    c->filled = true;
    loop_timer_set(&c->patience, LOOP_NEVER);
    udp_flush(c->udp);
    if (!c->broken && !peer_over(c->peer))
        loop_run(c->loop);
}

/* ---- beginning ---- */

static enum err read_target(struct call *c)
{
    char text[GIVEN_CHARS];
    struct target_error why = {0};
    enum err e = given_text(c->config.target, text, &c->run->reason);

    if (e)
        return e;
    struct bytes b = bytes_of_string(text);
    c->has_ticket = ticket_is(b);
    e = c->has_ticket ? ticket_parse(b, &c->ticket, &why)
                      : target_parse(b, TARGET_REACH, &c->ticket.target, &why);
    crypt_wipe(text, sizeof text);
    return e ? reason_give(&c->run->reason, ERR_USAGE,
                           "the %s is not understood: %s at character %zu",
                           c->has_ticket ? "ticket" : "target", why.reason, why.at + 1)
             : OK;
}

static enum err find_server(struct call *c, struct addr *out)
{
    const struct target *t = &c->ticket.target;
    struct addr list[RESOLVE_MAX];
    const char *why;
    size_t count;
    int code;
    enum err e =
        resolve_wait(c->loop, t->host, t->port, c->run->timeout_us, list, &count, &why, &code);

    if (e == ERR_AGAIN)
        return e;
    if (e)
        return reason_give(&c->run->reason, e, "cannot find the host %.80s: %s", t->host, why);
    *out = list[0];
    return OK;
}

static enum err dial(struct call *c, const struct addr *to)
{
    struct rng rng = crypt_rng();
    uint8_t known[KEY_BYTES];
    struct peer_dial d = {.to = *to, .identity = &c->identity};
    enum err e = OK;

    if (c->has_ticket) {
        d.expected_key = c->ticket.key;
        if (c->ticket.invited) {
            d.token_id = c->ticket.id;
            d.token_secret = c->ticket.secret;
        }
    } else {
        e = find_known(c, known);
        if (e && e != ERR_NOT_FOUND)
            return e;
        d.expected_key = e ? NULL : known;
    }
    return peer_new(&c->config.peer, &d, &rng, loop_now_us(c->loop), &c->peer);
}

static enum err begin(struct call *c)
{
    struct udp_owner owner = {
        .in = on_in, .opening = on_opening, .next = on_next, .broken = on_broken, .ctx = c};
    struct addr to, from = {0};
    enum err e = read_target(c);

    if (!e)
        e = identity_load(c->run, &c->identity);
    if (!e)
        e = find_server(c, &to);
    if (!e)
        e = dial(c, &to);
    if (e)
        return e;
    from.family = to.family;
    e = udp_new(c->loop, &from, &owner, &c->udp);
    if (e)
        return e;
    loop_timer_set(&c->patience, loop_now_us(c->loop) + c->run->timeout_us);
    udp_kick(c->udp);
    return OK;
}

enum err call_new(struct loop *l, const struct call_config *config, const struct call_owner *owner,
                  struct run *run, struct call **out)
{
    struct call *c = heap_alloc(sizeof *c);

    *out = NULL;
    if (!c)
        return ERR_MEMORY;
    c->loop = l;
    c->run = run;
    c->owner = *owner;
    c->config = *config;
    loop_timer_init(&c->timer, l, on_timer, c);
    loop_timer_init(&c->patience, l, on_patience, c);
    loop_task_init(&c->task, l, on_task, c);
    enum err e = begin(c);
    if (e)
        call_free(c);
    else
        *out = c;
    return e;
}

void call_free(struct call *c)
{
    if (!c)
        return;
    loop_timer_release(&c->timer);
    loop_timer_release(&c->patience);
    loop_task_release(&c->task);
    udp_free(c->udp);
    peer_free(c->peer);
    ticket_wipe(&c->ticket);
    key_wipe(&c->identity);
    heap_free(c);
}
