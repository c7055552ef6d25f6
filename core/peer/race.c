#include "core/peer/race.h"

#include <string.h>

#include "core/base/num.h"

enum {
    AGAIN_US = 250000, /* after a connection has failed, twice as long each time ... */
    AGAIN_MOST_US = 4000000,
    PATIENCE_US = 2500000,  /* a session that looks for a way gives each connection so long */
    TRIED_US = 4000000,     /* ... and what was said over it */
    UDP_AGAIN_US = 2000000, /* and asks so often over UDP */
    GRACE_US = 600000,      /* a probe over UDP comes first: a path that is back is not left */
    GRACE_MOST_US = 1200000,
    KEEP_US = 5000000
};

#define NEVER UINT64_MAX

static bool is_tcp(const struct race_way *w)
{
    return w->to.via == ADDR_TCP;
}

static void add_ways(struct race *r, const struct addr *list, size_t count, enum addr_via via)
{
    for (size_t i = 0; i < count; i++) {
        struct race_way *w = &r->way[r->ways++];
        *w = (struct race_way){.to = list[i], .due_us = NEVER};
        w->to.via = (uint8_t)via;
    }
}

/* Takes the next of that family (or, when none is left, of any) out of what is not taken yet. */
static size_t next_of(const struct addr *list, size_t count, const bool *taken, uint8_t family)
{
    size_t any = count;

    for (size_t i = count; i-- > 0;) {
        if (taken[i])
            continue;
        if (any == count || list[i].family == family || list[any].family != family)
            any = i;
    }
    return any;
}

static size_t alternate(const struct addr *list, size_t count, struct addr out[RACE_ADDRESSES])
{
    bool taken[RACE_ADDRESSES] = {false};
    uint8_t family = count ? list[0].family : ADDR_IP6;

    for (size_t n = 0; n < count; n++) {
        size_t i = next_of(list, count, taken, family);
        taken[i] = true;
        out[n] = list[i];
        family = list[i].family == ADDR_IP6 ? ADDR_IP4 : ADDR_IP6;
    }
    return count;
}

/* The first way of that kind that was not begun yet is due then. */
static void call_next(struct race *r, bool tcp, uint64_t at_us)
{
    if (tcp && r->without & RACE_WITHOUT_TCP)
        return;
    for (size_t i = 0; i < r->ways; i++)
        if (is_tcp(&r->way[i]) == tcp && !r->way[i].begun) {
            r->way[i].due_us = num_min(r->way[i].due_us, at_us);
            return;
        }
}

/* A way was begun: the next of its kind is due a while later, if it is wanted then. */
static void call_next_after(struct race *r, struct race_way *w, uint64_t now_us)
{
    w->begun = true;
    call_next(r, is_tcp(w), now_us + RACE_NEXT_US);
}

void race_init(struct race *r, const struct addr *list, size_t count, bool tcp_only,
               uint32_t without, uint64_t now_us)
{
    struct addr sorted[RACE_ADDRESSES];

    memset(r, 0, sizeof *r);
    r->without = without;
    count = num_min(count, without & RACE_WITHOUT_OTHERS ? 1 : RACE_ADDRESSES);
    count = alternate(list, count, sorted);
    if (!tcp_only)
        add_ways(r, sorted, count, ADDR_UDP);
    add_ways(r, sorted, count, ADDR_TCP);
    if (!tcp_only)
        call_next(r, false, now_us);
    call_next(r, true, tcp_only ? now_us : now_us + RACE_TCP_US);
}

/* The number of the way to that address; r->ways when there is none. */
static size_t number_of(const struct race *r, const struct addr *to)
{
    size_t i = 0;

    while (i < r->ways && !addr_equal(&r->way[i].to, to))
        i++;
    return i;
}

static struct race_way *find(struct race *r, const struct addr *to)
{
    size_t i = number_of(r, to);

    return i < r->ways ? &r->way[i] : NULL;
}

static uint64_t pause_us(const struct race_way *w)
{
    return num_min((uint64_t)AGAIN_US << num_min(w->failures, 8), AGAIN_MOST_US);
}

static bool all_udp_failed(const struct race *r)
{
    for (size_t i = 0; i < r->ways; i++)
        if (!is_tcp(&r->way[i]) && !r->way[i].failed)
            return false;
    return true;
}

void race_opened(struct race *r, uint64_t now_us, const struct addr *to)
{
    struct race_way *w = find(r, to);

    if (!w || !w->opening)
        return;
    /* A session that is carried by UDP gets the answer to its next probe in before it leaves. */
    uint64_t grace = GRACE_US + 2 * (now_us - w->begun_us);
    if (r->without & RACE_WITHOUT_GRACE)
        grace = 0;
    w->due_us = r->silent && r->by_udp ? now_us + num_min(grace, GRACE_MOST_US) : now_us;
    w->begun_us = now_us;
    w->opening = w->said = false;
    w->open = true;
}

void race_gone(struct race *r, uint64_t now_us, const struct addr *to)
{
    struct race_way *w = find(r, to);

    if (!w)
        return;
    if (is_tcp(w)) {
        if (w->open && now_us - w->begun_us > KEEP_US)
            w->failures = 0;
        w->open = w->opening = false;
        w->due_us = now_us + pause_us(w);
        w->failures++;
        call_next(r, true, now_us);
        return;
    }
    if (!w->failed)
        call_next(r, false, now_us);
    w->failed = true;
    if (all_udp_failed(r))
        call_next(r, true, now_us);
}

/* ---- steps ---- */

/* Whether something may be done about a way now. */
static bool counts(const struct race *r, const struct race_way *w, const struct race_session *s,
                   const struct race_way *carrier)
{
    if (s->connected)
        return !(r->without & RACE_WITHOUT_SEARCH) && (r->silent || w == carrier);
    return !s->answered || w == carrier || w->open;
}

/* A connection beside the one that carries the session. */
static bool is_surplus(const struct race *r, const struct race_way *w, const struct race_session *s,
                       const struct race_way *carrier)
{
    return s->connected && !r->silent && w != carrier && (w->open || w->opening);
}

/* The session has fallen silent: all ways have their turn. Or it has not, or no more. */
static void look(struct race *r, uint64_t now_us, const struct race_session *s,
                 const struct race_way *carrier)
{
    bool silent = s->connected && s->silent_us >= RACE_SILENT_US;

    if (silent)
        r->keep_until_us = now_us + KEEP_US;
    if (silent == r->silent)
        return;
    r->silent = silent;
    for (size_t i = 0; i < r->ways; i++) {
        struct race_way *w = &r->way[i];
        bool broken = w == carrier && is_tcp(w) && !(w->open && w->said);
        if (silent || !broken)
            w->due_us = silent ? now_us + i * RACE_NEXT_US : NEVER;
    }
}

static enum race_act step_udp(struct race *r, struct race_way *w, uint64_t now_us,
                              const struct race_way *carrier)
{
    w->due_us = r->silent ? now_us + UDP_AGAIN_US : NEVER;
    if (!w->begun)
        call_next_after(r, w, now_us);
    /* Where the session is, it asks by itself. */
    return r->silent && w == carrier ? RACE_NONE : RACE_TRY;
}

static enum race_act step_tcp(struct race *r, struct race_way *w, uint64_t now_us)
{
    if (w->open && !w->said) {
        w->said = true;
        w->due_us = r->silent ? now_us + TRIED_US : NEVER;
        return RACE_TRY;
    }
    if (w->open || w->opening) {
        w->open = w->opening = false;
        w->due_us = now_us;
        return RACE_CLOSE;
    }
    w->opening = true;
    w->begun_us = now_us;
    w->due_us = r->silent ? now_us + PATIENCE_US : NEVER;
    if (!w->begun)
        call_next_after(r, w, now_us);
    return RACE_CONNECT;
}

enum race_act race_next(struct race *r, uint64_t now_us, const struct race_session *s,
                        struct addr *to)
{
    const struct race_way *carrier = &r->way[number_of(r, &s->remote)];
    enum race_act act = RACE_NONE;

    r->by_udp = s->remote.via == ADDR_UDP;
    look(r, now_us, s, carrier);
    for (size_t i = 0; i < r->ways && !act; i++) {
        struct race_way *w = &r->way[i];
        *to = w->to;
        if (is_surplus(r, w, s, carrier) && now_us >= r->keep_until_us) {
            w->open = w->opening = false;
            w->due_us = NEVER;
            return RACE_CLOSE;
        }
        if (w->due_us <= now_us && counts(r, w, s, carrier))
            act = is_tcp(w) ? step_tcp(r, w, now_us) : step_udp(r, w, now_us, carrier);
    }
    return act;
}

uint64_t race_deadline_us(const struct race *r, uint64_t now_us, const struct race_session *s)
{
    const struct race_way *carrier = &r->way[number_of(r, &s->remote)];
    uint64_t at = NEVER;

    for (size_t i = 0; i < r->ways; i++) {
        const struct race_way *w = &r->way[i];
        if (is_surplus(r, w, s, carrier))
            at = num_min(at, r->keep_until_us);
        if (counts(r, w, s, carrier))
            at = num_min(at, w->due_us);
    }
    if (s->connected && !r->silent)
        at = num_min(at, now_us + num_sub0(RACE_SILENT_US, s->silent_us));
    return num_max(at, now_us);
}
