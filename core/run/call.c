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
#include "core/run/reach.h"
#include "core/run/resolve.h"
#include "core/run/status_line.h"

struct call {
    struct loop *loop;
    struct run *run;
    struct call_owner owner;
    struct call_config config;
    struct ticket ticket; /* only its target when it was none */
    bool has_ticket;
    struct key_pair identity;
    struct peer *peer;
    struct reach *reach;
    struct loop_timer patience;
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

static void on_heard(void *ctx, uint64_t now_us)
{
    struct call *c = ctx;

    handle(c, now_us);
    c->filled = false;
}

static bool on_fill(void *ctx, uint64_t now_us)
{
    struct call *c = ctx;

    if (c->filled || !c->owner.fill || !c->connected || c->closed || c->parting)
        return false;
    c->owner.fill(c->owner.ctx, now_us);
    c->filled = true;
    return true;
}

static void on_sent(void *ctx, uint64_t now_us)
{
    struct call *c = ctx;

    (void)now_us;
    c->filled = false;
    loop_task_defer(&c->task);
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
                "no answer from %.80s over %s within %.1f s: is a server running there, and does a "
                "firewall let it through?%s",
                target, c->config.tcp ? "TCP" : "UDP or TCP", (double)c->run->timeout_us / 1e6,
                c->ticket.invited ? " And is the ticket, to its last letter, the one it gave?"
                                  : "");
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
    reach_kick(c->reach);
}

void call_part(struct call *c, enum err e, const char *reason)
{
    peer_close(c->peer, loop_refresh_us(c->loop), e, reason);
    c->parting = true;
    c->filled = true;
    loop_timer_set(&c->patience, LOOP_NEVER);
    reach_flush(c->reach);
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

static enum err find_server(struct call *c, struct addr list[RESOLVE_MAX], size_t *count)
{
    const struct target *t = &c->ticket.target;
    const char *why;
    int code;
    enum err e =
        resolve_wait(c->loop, t->host, t->port, c->run->timeout_us, list, count, &why, &code);

    if (e == ERR_AGAIN)
        return e;
    if (e)
        return reason_give(&c->run->reason, e, "cannot find the host %.80s: %s", t->host, why);
    return OK;
}

static enum err dial(struct call *c, const struct addr *to)
{
    struct rng rng = crypt_rng();
    uint8_t known[KEY_BYTES];
    struct peer_dial d = {.to = *to, .identity = &c->identity};
    enum err e = OK;

    d.to.via = c->config.tcp ? ADDR_TCP : ADDR_UDP;
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
    struct reach_owner owner = {
        .heard = on_heard, .fill = on_fill, .sent = on_sent, .broken = on_broken, .ctx = c};
    struct addr list[RESOLVE_MAX];
    size_t count;
    enum err e = read_target(c);

    if (!e)
        e = identity_load(c->run, &c->identity);
    if (!e)
        e = find_server(c, list, &count);
    if (!e)
        e = dial(c, &list[0]);
    if (!e)
        e = reach_new(c->loop, c->peer, list, count, c->config.tcp, &owner, &c->reach);
    if (e)
        return e;
    loop_timer_set(&c->patience, loop_now_us(c->loop) + c->run->timeout_us);
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
    loop_timer_release(&c->patience);
    loop_task_release(&c->task);
    reach_free(c->reach);
    peer_free(c->peer);
    ticket_wipe(&c->ticket);
    key_wipe(&c->identity);
    heap_free(c);
}
