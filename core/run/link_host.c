#include "core/run/link_host.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/crypt/role.h"
#include "core/os/clock.h"
#include "core/run/host.h"
#include "core/run/link_mark.h"
#include "core/run/loop.h"
#include "core/run/stop.h"
#include "core/run/trial_end.h"

/* A caller. */
struct guest_trial {
    struct trial_end end;
    struct addr from;
};

struct link_host {
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct host *host;
    struct loop_timer timer;
    struct guest_trial *trial[LIMIT_PEERS]; /* owned */
    size_t count;
    enum err failure;
};

static struct guest_trial *trial_of(const struct link_host *h, const struct peer *p)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->trial[i]->end.peer == p)
            return h->trial[i];
    return NULL;
}

static void fail(struct link_host *h, enum err e)
{
    if (!h->failure)
        h->failure = reason_give(&h->run->reason, e, "%s", err_text(e));
    loop_stop(h->loop, 1);
}

/* Ends the session of a caller that cannot be served. */
static void refuse(struct link_host *h, struct guest_trial *t, enum err e)
{
    peer_close(t->end.peer, loop_now_us(h->loop), e,
               e == ERR_VERIFY   ? "the payload that came is not what was sent"
               : e == ERR_MEMORY ? "out of memory"
                                 : "this is not how a trial of a link goes");
}

static void settle(struct link_host *h)
{
    uint64_t due_us = UINT64_MAX;

    for (size_t i = 0; i < h->count; i++)
        due_us = num_min(due_us, trial_end_deadline_us(&h->trial[i]->end));
    loop_timer_set(&h->timer, due_us);
    host_kick(h->host);
}

static void on_timer(void *ctx)
{
    struct link_host *h = ctx;
    uint64_t now_us = loop_refresh_us(h->loop);

    for (size_t i = 0; i < h->count; i++) {
        enum err e = trial_end_work(&h->trial[i]->end, now_us, clock_cpu_us());
        if (e && e != ERR_END)
            refuse(h, h->trial[i], e);
    }
    settle(h);
}

/* ---- callers ---- */

static void add(struct link_host *h, struct peer *p, const struct peer_event *e)
{
    struct guest_trial *t = h->count < LIMIT_PEERS ? heap_alloc(sizeof *t) : NULL;
    char at[ADDR_CHARS];

    if (!t) {
        peer_close(p, loop_now_us(h->loop), ERR_MEMORY, "no room for one more trial");
        return;
    }
    trial_end_init(&t->end, p, NULL);
    link_mark(p, t->end.mark);
    t->from = e->path;
    h->trial[h->count++] = t;
    log_info("%s begins a trial", addr_print(&t->from, at));
}

static void drop(struct link_host *h, struct guest_trial *t)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->trial[i] == t)
            h->trial[i] = h->trial[--h->count];
    trial_end_release(&t->end);
    heap_free(t);
}

/* What a caller's trial was, when it is over. */
static void say_trial(struct link_host *h, const struct guest_trial *t)
{
    struct trial_report r;
    struct json *j = json_new();
    char at[ADDR_CHARS];

    trial_end_report(&t->end, loop_now_us(h->loop), clock_cpu_us(), &r);
    json_put_string(j, "event", "trial");
    json_put_string(j, "address", addr_print(&t->from, at));
    json_put_bool(j, "reverse", t->end.ask.reverse);
    json_put_int(j, "delivered_bytes", (int64_t)r.delivered_bytes);
    json_put_int(j, "messages_sent", (int64_t)r.probes_sent);
    json_put_int(j, "messages_received", (int64_t)r.probes_received);
    log_info("%s is done, %llu bytes came from it", at, (unsigned long long)r.delivered_bytes);
    enum err e = run_event(h->run, j);
    if (e)
        fail(h, e);
}

static void on_event(void *ctx, struct peer *p, const struct peer_event *e)
{
    struct link_host *h = ctx;
    struct guest_trial *t = trial_of(h, p);

    if (e->kind == PEER_EVENT_CONNECTED)
        add(h, p, e);
    if (!t)
        return;
    if (e->kind == PEER_EVENT_CLOSED) {
        say_trial(h, t);
        drop(h, t);
    } else {
        enum err err = trial_end_event(&t->end, loop_refresh_us(h->loop), clock_cpu_us(), e);
        if (err && err != ERR_END)
            refuse(h, t, err);
    }
    settle(h);
}

static void on_fill(void *ctx, uint64_t now_us)
{
    struct link_host *h = ctx;

    for (size_t i = 0; i < h->count; i++) {
        enum err e = trial_end_fill(&h->trial[i]->end, now_us);
        if (e && e != ERR_END)
            refuse(h, h->trial[i], e);
    }
}

/* ---- life ---- */

static enum err begin(struct link_host *h, const struct run_link_config *c)
{
    struct host_owner owner = {.event = on_event, .fill = on_fill, .ctx = h};
    struct host_config hc = {
        .listen = c->listen,
        .advertise = c->advertise,
        .gate = {.authorized = c->authorized, .invite_roles = ROLE_BENCH, .needed = ROLE_BENCH},
        .peer = trial_end_peer_config(),
    };
    enum err e = loop_new(&h->loop);

    if (!e)
        e = stop_new(h->loop, &(struct stop_owner){0}, NULL, &h->stop);
    if (e)
        return e;
    loop_timer_init(&h->timer, h->loop, on_timer, h);
    e = host_new(h->loop, &hc, &owner, h->run, &h->host);
    return e ? e : host_say_listening(h->host);
}

enum err link_host_run(const struct run_link_config *config, struct run *run)
{
    struct link_host *h = heap_alloc(sizeof *h);

    if (!h)
        return ERR_MEMORY;
    h->run = run;
    enum err e = begin(h, config);
    if (!e) {
        if (loop_run(h->loop) && !h->failure)
            h->failure = ERR_SYSTEM; /* the socket: the reason is given */
        e = h->failure;
        host_close_all(h->host, OK, "the listener has ended");
        loop_timer_release(&h->timer);
        host_part(h->host, OK, "the listener has ended");
    }
    while (h->count)
        drop(h, h->trial[0]);
    host_free(h->host);
    stop_free(h->stop);
    loop_free(h->loop);
    heap_free(h);
    return e;
}
