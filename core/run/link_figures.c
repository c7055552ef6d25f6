#include "core/run/link_figures.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"

enum { QUEUE_US = 50000, NOTICE_US = 1000000 };

static void put(struct link_figures *f, enum link_figure which, int64_t value)
{
    f->has[which] = value >= 0;
    f->value[which] = value >= 0 ? (uint64_t)value : 0;
}

static int64_t number(const struct json_value *v, const char *key)
{
    return json_int(json_member(v, key), -1);
}

void link_figures_of_log(const struct trial_log *l, uint64_t for_us, struct link_figures *out)
{
    uint64_t ramp_us;

    out->goodput_bps = trial_log_rate_bps(l, 0, for_us);
    if (for_us < TRIAL_LOG_STEADY_US + NOTICE_US)
        return;
    uint64_t steady_bps = trial_log_rate_bps(l, TRIAL_LOG_STEADY_US, for_us);
    put(out, LINK_STEADY_BPS, (int64_t)steady_bps);
    if (steady_bps && trial_log_held_us(l, 0, steady_bps / 10 * 9, for_us, &ramp_us))
        put(out, LINK_RAMP_US, (int64_t)ramp_us);
}

bool link_figures_queue_back_us(const struct link_lab_rtt *rtt, size_t n, uint64_t from_us,
                                uint64_t until_us, uint64_t bound_us, uint64_t *out)
{
    uint64_t least_us = UINT64_MAX;
    bool above = false;

    for (size_t i = 0; i < n; i++)
        if (rtt[i].rtt_us)
            least_us = num_min(least_us, rtt[i].rtt_us);
    for (size_t i = 0; i < n; i++) {
        bool full = num_sub0(rtt[i].rtt_us, least_us) >= bound_us;
        if (rtt[i].at_us < from_us)
            continue;
        if (rtt[i].at_us > until_us)
            return false;
        if (above && !full) {
            *out = rtt[i].at_us - from_us;
            return true;
        }
        if (!above && rtt[i].at_us > from_us + NOTICE_US) {
            *out = 0;
            return true;
        }
        above |= full;
    }
    return false;
}

/* What follows from what happened on the way. Times of the relay begin with the first datagram,
 * those of the log with the first payload, `since_us` later. */
static void read_happening(const struct link_lab_setup *s, const struct link_lab_seen *seen,
                           uint64_t since_us, struct link_figures *f)
{
    uint64_t first_us, last_us, us;

    link_lab_happens(s, &first_us, &last_us);
    first_us = num_sub0(first_us, since_us);
    last_us = num_sub0(last_us, since_us);
    if (s->row->happening == LINK_FALL) {
        if (link_figures_queue_back_us(seen->rtt, seen->rtts, first_us, last_us, QUEUE_US, &us))
            put(f, LINK_QUEUE_BACK_US, (int64_t)us);
        if (trial_log_held_us(&seen->log, last_us, s->row->rate_bps / 10 * 8, s->for_us, &us))
            put(f, LINK_REUSE_US, (int64_t)us);
    } else if (s->row->happening != LINK_CALM) {
        uint64_t before_bps = trial_log_rate_bps(&seen->log, first_us / 2, first_us);
        if (trial_log_held_us(&seen->log, last_us, before_bps / 10 * 9, s->for_us, &us))
            put(f, LINK_RECOVER_US, (int64_t)us);
    }
}

static void read_shares(const struct link_lab *lab, const struct link_lab_setup *s,
                        struct link_figures *f)
{
    uint64_t all = 0, least = UINT64_MAX, most = 0;

    for (unsigned i = 0; i < s->row->callers; i++) {
        int64_t bps = number(link_lab_seen(lab, i)->result, "steady_bps");
        if (bps < 0)
            return;
        all += (uint64_t)bps;
        least = num_min(least, (uint64_t)bps);
        most = num_max(most, (uint64_t)bps);
    }
    if (!all)
        return;
    put(f, LINK_SHARE_LEAST_PPM, (int64_t)num_mul_div(least, 1000000, all));
    put(f, LINK_SHARE_MOST_PPM, (int64_t)num_mul_div(most, 1000000, all));
}

void link_figures_read(const struct link_lab *lab, const struct link_lab_setup *s,
                       struct link_figures *out)
{
    const struct link_lab_seen *seen = link_lab_seen(lab, 0);
    const struct json_value *r = seen->result, *delay = json_member(r, "delay_us");

    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < s->row->callers; i++) {
        const struct json_value *one = link_lab_seen(lab, i)->result;
        out->goodput_bps += (uint64_t)json_int(json_member(one, "goodput_bps"), 0);
    }
    out->loss = json_decimal(json_member(r, "loss"), 0);
    out->cpu_s_per_gb = json_decimal(json_member(r, "cpu_s_per_gb"), 0);
    out->far_cpu_s_per_gb = json_decimal(json_member(r, "far_cpu_s_per_gb"), 0);
    put(out, LINK_STEADY_BPS, number(r, "steady_bps"));
    put(out, LINK_RAMP_US, number(r, "ramp_us"));
    put(out, LINK_QUEUE_P95_US, number(json_member(r, "queue_us"), "p95"));
    put(out, LINK_DELAY_P95_US, number(delay, "p95"));
    put(out, LINK_DELAY_P99_US, number(delay, "p99"));
    put(out, LINK_DELAY_MAX_US, number(delay, "max"));
    read_happening(s, seen, (uint64_t)json_int(json_member(r, "since_start_us"), 0), out);
    if (s->row->callers > 1)
        read_shares(lab, s, out);
}

/* The percentile of the round trips less the least of them. */
static int64_t queue_us(const struct link_lab_seen *seen, unsigned per_mille)
{
    static struct stat_hist h;
    uint64_t least_us = UINT64_MAX;

    memset(&h, 0, sizeof h);
    for (size_t i = 0; i < seen->rtts; i++) {
        stat_add(&h, seen->rtt[i].rtt_us);
        least_us = num_min(least_us, seen->rtt[i].rtt_us);
    }
    return seen->rtts ? (int64_t)num_sub0(stat_quantile(&h, per_mille), least_us) : -1;
}

void link_figures_read_plain(const struct link_plain *p, const struct link_lab_setup *s,
                             struct link_figures *out)
{
    const struct link_lab_seen *seen = link_plain_seen(p);
    const struct stat_hist *delay_us;
    struct link_plain_figures f;

    memset(out, 0, sizeof *out);
    link_plain_count(p, &f, &delay_us);
    out->loss = f.loss;
    if (f.delivered_bytes) {
        out->cpu_s_per_gb = (double)f.cpu_us / 1e6 / ((double)f.delivered_bytes / 1e9);
        link_figures_of_log(&seen->log, s->for_us, out);
    }
    put(out, LINK_QUEUE_P95_US, queue_us(seen, 950));
    if (delay_us->count) {
        put(out, LINK_DELAY_P95_US, (int64_t)stat_quantile(delay_us, 950));
        put(out, LINK_DELAY_P99_US, (int64_t)stat_quantile(delay_us, 990));
        put(out, LINK_DELAY_MAX_US, (int64_t)delay_us->max);
    }
    read_happening(s, seen, f.since_start_us, out);
}

void link_figures_share(const struct link_lab *lab, const struct link_plain *p,
                        const struct link_lab_setup *s, struct link_figures *out)
{
    int64_t ours = number(link_lab_seen(lab, 0)->result, "steady_bps");
    uint64_t other =
        trial_log_rate_bps(&link_plain_seen(p)->log, TRIAL_LOG_STEADY_US + NOTICE_US, s->for_us);

    if (ours < 0 || !((uint64_t)ours + other))
        return;
    int64_t share = (int64_t)num_mul_div((uint64_t)ours, 1000000, (uint64_t)ours + other);
    put(out, LINK_SHARE_OURS_PPM, share);
    put(out, LINK_SHARE_ITS_PPM, 1000000 - share);
}

bool link_figures_middle(const struct link_figures *f, unsigned n, enum link_figure which,
                         uint64_t *out)
{
    uint64_t sorted[LINK_FIGURES_RUNS];

    CHECK(n >= 1 && n <= LINK_FIGURES_RUNS);
    for (unsigned i = 0; i < n; i++) {
        unsigned at = i;
        if (!f[i].has[which])
            return false;
        for (; at > 0 && sorted[at - 1] > f[i].value[which]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = f[i].value[which];
    }
    *out = sorted[which == LINK_DELAY_MAX_US ? n - 1 : n / 2];
    return true;
}
