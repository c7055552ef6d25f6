#include "core/run/channel_list.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/json.h"
#include "core/base/log.h"

enum err channel_list_add(struct channel_list *l, struct peer *p, struct channel_end *end,
                          struct channel_item **out)
{
    struct channel_item *c = l->n < LIMIT_CHANNELS ? heap_alloc(sizeof *c) : NULL;

    *out = c;
    if (!c) {
        channel_end_free(end);
        return l->n < LIMIT_CHANNELS ? ERR_MEMORY : ERR_LIMIT;
    }
    c->peer = p;
    c->number = ++l->last_number;
    channel_socket_init(&c->socket, end, l->kick, l->ctx);
    l->item[l->n++] = c;
    l->totals.channels++;
    return OK;
}

struct channel_item *channel_list_find(const struct channel_list *l, const struct peer *p,
                                       uint64_t stream)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->item[i]->peer == p && channel_end_stream(l->item[i]->socket.end) == stream)
            return l->item[i];
    return NULL;
}

void channel_list_fill(struct channel_list *l, uint64_t now_us)
{
    for (size_t i = 0; i < l->n; i++)
        channel_socket_fill(&l->item[i]->socket, now_us);
    /* Who was first has what there was room for: next time it is somebody else. */
    if (l->n < 2)
        return;
    struct channel_item *first = l->item[0];
    memmove(l->item, l->item + 1, (l->n - 1) * sizeof l->item[0]);
    l->item[l->n - 1] = first;
}

static struct json *event_of(const char *event, const struct channel_item *c)
{
    struct json *j = json_new();

    json_put_string(j, "event", event);
    json_put_int(j, "channel", (int64_t)c->number);
    json_put_string(j, "name", channel_end_name(c->socket.end));
    return j;
}

enum err channel_list_wake(struct channel_list *l, struct channel_item *c)
{
    channel_end_wake(c->socket.end);
    channel_socket_deliver(&c->socket);
    if (c->told || channel_end_stage(c->socket.end) != CHANNEL_OPEN || c->socket.fd < 0)
        return OK;
    c->told = true;
    log_info("channel %llu: %s is open", (unsigned long long)c->number,
             channel_end_name(c->socket.end));
    return run_event(l->run, event_of("channel", c));
}

/* How a channel ended, for people. */
static const char *ending(const struct channel_item *c, const char **more)
{
    *more = "";
    if (c->socket.broken)
        return "the local program has left in the middle";
    if (channel_end_stage(c->socket.end) != CHANNEL_OVER)
        return "done";
    enum err e = channel_end_why(c->socket.end, more);
    return e == ERR_NOT_FOUND     ? "refused by the other side"
           : e == ERR_UNREACHABLE ? "ended by the other side"
                                  : err_text(e);
}

static enum err let_go(struct channel_list *l, size_t i, const char *why)
{
    struct channel_item *c = l->item[i];
    struct channel_counters n = channel_end_counters(c->socket.end);
    const char *more = "", *end = why ? why : ending(c, &more);
    struct json *j = event_of("closed", c);

    json_put_string(j, "reason", end);
    if (*more)
        json_put_string(j, "said", more);
    json_put_int(j, "sent_bytes", (int64_t)n.given_bytes);
    json_put_int(j, "packed_bytes", (int64_t)n.packed_bytes);
    json_put_int(j, "received_bytes", (int64_t)n.taken_bytes);
    log_info("channel %llu: %s: %s%s%s; %llu bytes sent, %llu received",
             (unsigned long long)c->number, channel_end_name(c->socket.end), end, *more ? ": " : "",
             more, (unsigned long long)n.given_bytes, (unsigned long long)n.taken_bytes);
    l->totals.given_bytes += n.given_bytes;
    l->totals.packed_bytes += n.packed_bytes;
    l->totals.taken_bytes += n.taken_bytes;
    channel_socket_release(&c->socket);
    heap_free(c);
    l->item[i] = l->item[--l->n];
    return run_event(l->run, j);
}

enum err channel_list_sweep(struct channel_list *l)
{
    enum err e = OK;

    for (size_t i = 0; i < l->n && !e;)
        if (!l->item[i]->held && channel_socket_over(&l->item[i]->socket))
            e = let_go(l, i, NULL);
        else
            i++;
    return e;
}

enum err channel_list_drop(struct channel_list *l, const struct peer *p)
{
    enum err e = OK;

    for (size_t i = 0; i < l->n && !e;)
        if (l->item[i]->peer == p)
            e = let_go(l, i, channel_socket_over(&l->item[i]->socket) ? NULL : "the session ended");
        else
            i++;
    return e;
}

struct channel_totals channel_list_totals(const struct channel_list *l)
{
    struct channel_totals t = l->totals;

    for (size_t i = 0; i < l->n; i++) {
        struct channel_counters n = channel_end_counters(l->item[i]->socket.end);
        t.given_bytes += n.given_bytes;
        t.packed_bytes += n.packed_bytes;
        t.taken_bytes += n.taken_bytes;
    }
    return t;
}

void channel_list_release(struct channel_list *l)
{
    while (l->n) {
        struct channel_item *c = l->item[--l->n];
        channel_socket_release(&c->socket);
        heap_free(c);
    }
}
