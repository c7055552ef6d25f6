#include "core/peer/path_watch.h"

#include "core/base/num.h"
#include "core/peer/peer.h"

void path_watch_init(struct path_watch *w, const struct path_view *v)
{
    *w = (struct path_watch){.told = *v, .rate_since_us = UINT64_MAX};
}

void path_watch_moved(struct path_watch *w)
{
    w->moved = true;
}

/* Whether the rate has been more than a quarter off for long enough. */
static bool rate_differs(struct path_watch *w, uint64_t now_us, const struct path_view *v)
{
    uint64_t told = w->told.rate_bytes_s, now = v->rate_bytes_s;

    if (now >= told - told / 4 && now <= told + told / 4) {
        w->rate_since_us = UINT64_MAX;
        return false;
    }
    w->rate_since_us = num_min(w->rate_since_us, now_us);
    return now_us - w->rate_since_us >= num_max(PATH_WATCH_TRIPS * v->rtt_us, PATH_WATCH_LEAST_US);
}

uint32_t path_watch_look(struct path_watch *w, uint64_t now_us, const struct path_view *v)
{
    bool silent = now_us - v->heard_us >= PATH_WATCH_SILENT_US;
    uint32_t what = w->moved ? PEER_PATH_ADDRESS : 0;

    if (silent != w->silent)
        what |= silent ? PEER_PATH_SILENT : PEER_PATH_BACK;
    if (rate_differs(w, now_us, v))
        what |= PEER_PATH_RATE;
    if (v->mtu_bytes != w->told.mtu_bytes)
        what |= PEER_PATH_MTU;
    if (v->ecn != w->told.ecn)
        what |= PEER_PATH_ECN;
    w->held = what && now_us < w->next_us;
    if (!what || w->held)
        return 0;
    /* A rate that is a little off must not come nearer by being told beside something else. */
    uint64_t rate = what & PEER_PATH_RATE ? v->rate_bytes_s : w->told.rate_bytes_s;
    *w = (struct path_watch){.told = *v,
                             .silent = silent,
                             .rate_since_us = what & PEER_PATH_RATE ? UINT64_MAX : w->rate_since_us,
                             .next_us = now_us + PATH_WATCH_GAP_US};
    w->told.rate_bytes_s = rate;
    return what;
}

uint64_t path_watch_deadline_us(const struct path_watch *w, const struct path_view *v)
{
    if (w->held)
        return w->next_us;
    return w->silent ? UINT64_MAX : v->heard_us + PATH_WATCH_SILENT_US;
}
